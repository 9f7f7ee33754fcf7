"""Addresses of the explorer's page: what a figure of the report shows, token by token.

An address names what is shown after ``#``, as ``js/address.js`` reads it: ``explorer.html#language=th&condition=...``.

Notebook: notebooks/05_explorer_page
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from tonespan_utils.languages import LANGUAGE_NAMES

PAGE = "explorer.html"
# What a figure leads to: the mean of its tokens, and single ones, by the order in which the explorer then steps.
VIEWS = {
    "mean": {"show": "all"},
    "widest token": {"order": "widest"},
    "hardest token": {"order": "hardest"},
}


def address(**shown: str) -> str:
    """A link to the page that shows ``language``, ``condition``, ``layer``, ``token`` and so on.

    Notebook: notebooks/05_explorer_page
    """
    return f"{PAGE}#{urlencode(shown)}"


def of_conditions(condition_of: Mapping[str, str]) -> list[dict[str, object]]:
    """Per language of ``condition_of`` (language -> condition): its name, and links by what each of them shows."""
    return [
        {
            "name": LANGUAGE_NAMES[language],
            "views": {name: address(language=language, condition=condition, **view) for name, view in VIEWS.items()},
        }
        for language, condition in condition_of.items()
    ]
