"""The tiny study, undisturbed once a session, and anew for each test; everything here is marked ``faults``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from studies import end, new_study


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def study(tmp_path):
    made = new_study(tmp_path)
    yield made
    end(made)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The study after one run that nothing disturbed; it is not to be changed."""
    if sys.platform != "linux":
        pytest.skip("no /proc: processes cannot be watched")
    made = new_study(tmp_path_factory.mktemp("undisturbed"))
    made.finish()
    yield made
    end(made)
