"""The browser in which pages are tried, one for each file of tests."""

import browsing
import pytest


@pytest.fixture(scope="module")
def browser():
    yield from browsing.launched()
