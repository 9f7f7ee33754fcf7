"""Which files of the package a notebook's results depend on: the closure of its imports, read from the sources.

A rule of the Snakefile names its notebook and nothing else; an edited module makes the notebooks that import it, over
however many steps, run again, and no other.

Conventions: imports are absolute (``from tonespan_utils.corpus import fleurs``), anywhere in a file, also inside a
function. A module brings the data files of its folder (tables, weights, templates), and all modules of its folder and
of the folders in it where it imports by a name made at run time (``importlib``: a language's rules or speller). Left
out are ``params``, on whose *values* a rule depends (``Params.section``), and ``workflow``, which runs notebooks and
computes nothing of theirs.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tonespan_utils.params.profile import ROOT

PACKAGE = "tonespan_utils"
IMPORT = re.compile(rf"^\s*from ({PACKAGE}[.\w]*) import (\([^)]*\)|[^\n]+)", re.MULTILINE)
BY_NAME = "importlib.import_module("
LEFT_OUT = ("params", "workflow")  # folders: see the module


def of_notebook(name: str) -> list[Path]:
    """The notebook ``notebooks/<name>.ipynb`` and every file of the package that it depends on, in order of path."""
    source = ROOT / "notebooks" / f"{name}.py"
    return [source.with_suffix(".ipynb"), *sorted(closure(source))]


def closure(source: Path) -> set[Path]:
    """The modules that a Python file imports, directly and over other modules, and the data files beside them."""
    files: set[Path] = set()
    waiting = list(imported(source))
    while waiting:
        module = waiting.pop()
        if module in files:
            continue
        files.add(module)
        files.update(path for path in _beside(module.parent) if path.suffix != ".py")
        waiting.extend(imported(module))
    return files


@cache
def imported(source: Path) -> tuple[Path, ...]:
    """The files of the package that one Python file imports directly."""
    text = source.read_text(encoding="utf-8")
    imports_by_name = BY_NAME in text and source.is_relative_to(ROOT / PACKAGE)
    modules = sorted(source.parent.rglob("*.py")) if imports_by_name else []
    for package, names in IMPORT.findall(text):
        for name in re.findall(r"(\w+)(?: as \w+)?", re.sub(r"#.*", "", names)):
            modules.append(_file_of(f"{package}.{name}") or _file_of(package))
    kept = (module for module in modules if module and module != source and _folder(module) not in LEFT_OUT)
    return tuple(dict.fromkeys(kept))


def _file_of(dotted: str) -> Path | None:
    """The file of a module, its ``__init__`` where it is a folder; None where there is no such module."""
    base = ROOT.joinpath(*dotted.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _folder(module: Path) -> str:
    """The folder of the package that a module lies in; the empty string at the top."""
    parts = module.relative_to(ROOT / PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@cache
def _beside(folder: Path) -> tuple[Path, ...]:
    """The files of a folder, itself alone."""
    return tuple(sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".pyc"))
