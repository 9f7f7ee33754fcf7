"""The explorer's JavaScript and style, from small modules in ``js/`` to the one text that a page or a widget takes.

The modules import from each other by name; joined, all names live in one module, so no two files may define the same.

Notebook: notebooks/explorer
"""

from __future__ import annotations

import re
from importlib.resources import files

# What a module needs while it is read comes before it; what its functions need may come later.
MODULES = (
    "words", "bundle", "means", "view", "sound", "pixels", "chart", "signal", "maps", "curves", "scatter", "search",
    "address", "svg", "fonts", "numbers", "save", "markup", "measuring", "stage", "controls", "app", "hosts",
)  # fmt: skip
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def module() -> str:
    """All modules as one ES module, which exports ``render`` for anywidget. Notebook: notebooks/explorer"""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", source(f"js/{name}.js"))) for name in MODULES)


def style() -> str:
    """The style sheet."""
    return source("explorer.css")


def source(name: str) -> str:
    """The text of one file of the explorer."""
    return files("tonespan_utils.paper.explorer").joinpath(*name.split("/")).read_text(encoding="utf-8")
