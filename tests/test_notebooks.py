"""Notebooks: pairs in step, no outputs, no functions the package should own, and every docstring's notebook exists."""

import ast
import re
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "notebooks").rglob("*.py"))
LESSONS = [path for path in SOURCES if path.parent.name == "course"]
MODULES = sorted((ROOT / "tonespan_utils").rglob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_pair_is_in_step_and_without_outputs(source):
    text, notebook = jupytext.read(source), jupytext.read(source.with_suffix(".ipynb"))
    assert [(c.cell_type, c.source) for c in text.cells] == [(c.cell_type, c.source) for c in notebook.cells], (
        "run `make sync`"
    )
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_cells_are_short_and_explained(source):
    cells = jupytext.read(source).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    parameters = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == 1 and "params_path" in parameters[0].source
    # papermill cannot read a parameter whose line holds a second equals sign, or an annotated one
    assert all(re.fullmatch(r'\w+ = "[^"=]*"', line) for line in parameters[0].source.splitlines())
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert all(len(cell.source.splitlines()) <= 30 for cell in code)
    # of a lesson, students write the functions of its exercises
    sources = [cell.source for cell in code if not cell.metadata.get("nbgrader", {}).get("solution")]
    tree = ast.parse("\n".join(sources))
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))
    assert "sys.path" not in source.read_text()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_marks_of_its_exercises_in_both_files(lesson):
    text, notebook = jupytext.read(lesson), jupytext.read(lesson.with_suffix(".ipynb"))
    marks = [[cell.metadata.get("nbgrader") for cell in half.cells] for half in (text, notebook)]
    assert marks[0] == marks[1] and any(marks[0])


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_notebooks_named_in_docstrings_exist_and_use_the_package(module):
    for name in re.findall(r"Notebook: (notebooks/[\w/]+)", module.read_text()):
        notebook = ROOT / f"{name}.py"
        assert notebook.is_file(), name
        assert re.search(r"^from tonespan_utils[.\w]* import ", notebook.read_text(), re.MULTILINE)
