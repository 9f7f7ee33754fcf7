"""The house: every module has a floor, imports go down only, nothing goes in a circle, and files stay short.

Read with ``ast``, so that imports inside functions and over several lines count.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tonespan_utils"
MODULES = sorted(PACKAGE.rglob("*.py"))
FLOORS = (
    {"errors", "languages"},
    {"params", "statistics", "tone", "audio", "hub"},
    {"corpus", "encoders", "plots", "workflow"},
    {"alignment", "instrument"},
    {"finetune", "study", "course"},
    {"measure", "paper"},
    {"__main__"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LAZY = "__init__"  # of the package: it gives measure_span at its first use, and imports nothing before
PLUGIN = "snakemake_logger_plugin_"  # Snakemake takes a plugin from the __init__ of a folder of this name alone
LONGEST = 300  # lines
MAY_BE_LONGER: dict[str, str] = {}  # file: why


def dotted(path):
    """``tonespan_utils.corpus.fleurs``; a folder's ``__init__`` is the folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path) for path in MODULES}


def room(name):
    """The folder, or the file at the top, that a module belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else LAZY


def imports(path):
    """The modules of the package that a file imports, wherever in it."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names if alias.name.split(".")[0] == "tonespan_utils"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            if (node.module or "").split(".")[0] == "tonespan_utils":
                modules |= {
                    name if (name := f"{node.module}.{alias.name}") in NAMES else node.module for alias in node.names
                }
    return modules


GRAPH = {dotted(path): imports(path) for path in MODULES}


def test_every_module_has_a_floor_and_every_floor_its_modules():
    rooms = {room(name) for name in NAMES} - {LAZY}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("name", sorted(NAMES - {"tonespan_utils"}))
def test_imports_go_down_only(name):
    assert GRAPH[name] <= NAMES
    for other in GRAPH[name]:
        same = room(other) == room(name)
        assert same or FLOOR[room(other)] < FLOOR[room(name)], f"{name} imports {other}, which is not below it"


def test_no_imports_go_in_a_circle():
    done, path = set(), []

    def visit(name):
        if name in done:
            return
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        path.append(name)
        for other in sorted(GRAPH[name] - {name}):
            visit(other)
        path.pop()
        done.add(name)

    for name in sorted(NAMES - {"tonespan_utils"}):
        visit(name)


def test_nothing_imports_pretraining_or_tools():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in ("pretraining", "tools"), path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short(path):
    name = path.relative_to(PACKAGE).as_posix()
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= LONGEST or name in MAY_BE_LONGER, f"{name} has {n_lines} lines"


def test_few_files_are_longer_and_the_list_of_them_is_true():
    assert len(MAY_BE_LONGER) <= 5
    for name in MAY_BE_LONGER:
        assert len((PACKAGE / name).read_text(encoding="utf-8").splitlines()) > LONGEST, name


def test_a_folder_says_in_a_few_lines_what_it_holds():
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent != PACKAGE and not path.parent.name.startswith(PLUGIN):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert len(tree.body) == 1 and ast.get_docstring(tree), f"{path.parent}: a docstring and nothing else"
            assert len(ast.get_docstring(tree).splitlines()) <= 6


def test_the_top_holds_few_modules():
    assert len([path for path in PACKAGE.glob("*.py") if path.stem != "__init__"]) <= 6
    assert len([path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()]) == 14
