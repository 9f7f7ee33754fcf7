"""What a notebook depends on, held against an independent reading of the sources with ``ast``."""

import ast
import re

import pytest

from tonespan_utils.params.profile import ROOT
from tonespan_utils.workflow import dependencies

PACKAGE = ROOT / "tonespan_utils"
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.py"))


def modules_by_ast(path):
    """The modules that a file imports, as ``ast`` sees them."""
    files = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tonespan_utils"):
            for alias in node.names:
                base = ROOT.joinpath(*node.module.split("."))
                candidates = [base / f"{alias.name}.py", base / alias.name / "__init__.py"]
                candidates += [base.with_suffix(".py"), base / "__init__.py"]
                files.add(next(candidate for candidate in candidates if candidate.is_file()))
    return files


def closure_by_ast(path):
    reached, waiting = set(), modules_by_ast(path)
    while waiting:
        module = waiting.pop()
        parts = module.relative_to(PACKAGE).parts
        if module in reached or (len(parts) > 1 and parts[0] in dependencies.LEFT_OUT):
            continue
        reached.add(module)
        waiting |= modules_by_ast(module)
    return reached


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_depends_on_all_it_imports_over_any_number_of_steps(name):
    files = dependencies.of_notebook(name)
    assert files[0] == ROOT / "notebooks" / f"{name}.ipynb"
    assert closure_by_ast(ROOT / "notebooks" / f"{name}.py") <= set(files)
    assert all(path.is_file() for path in files)


def test_an_edit_reaches_the_notebooks_that_use_it_and_no_other():
    files = {
        name: {path.relative_to(PACKAGE).as_posix() for path in dependencies.of_notebook(name)[1:]}
        for name in NOTEBOOKS
    }
    assert "instrument/spans.py" in files["04_gradient_energy"] and "instrument/spans.py" in files["06_sanity"]
    assert "instrument/gradients.py" not in files["00_corpus"] and "finetune/tasks.py" not in files["03_layer_probes"]
    assert {"corpus/fleurs.py", "corpus/synthetic/pitch.py"} <= files["00_corpus"]


def test_modules_imported_by_a_name_made_at_run_time_are_there():
    files = {path.relative_to(PACKAGE).as_posix() for path in dependencies.of_notebook("00_corpus")[1:]}
    assert {"tone/thai.py", "tone/burmese.py", "corpus/synthetic/spellers/lao.py"} <= files


def test_data_files_of_a_folder_come_with_its_modules():
    files = {path.name for path in dependencies.of_notebook("00_corpus")}
    assert {"burmese_reduction.npz", "thai_weights.npz"} <= files


def test_every_rule_of_the_snakefile_names_its_notebook_and_no_module():
    text = (ROOT / "Snakefile").read_text(encoding="utf-8")
    named = set(re.findall(r'code\("(\w+)"\)', text))
    assert named == {name for name in NOTEBOOKS}
    assert not re.search(r'"[\w/]+\.py"', text)
