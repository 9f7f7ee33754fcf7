"""What opens the repository in a browser elsewhere: Binder's files, Colab's notebook, the badges that lead there."""

import ast
import os
import re
import subprocess
import tomllib

import nbformat
import pytest
import yaml
from conftest import ROOT

from tools import badges

BINDER = ROOT / "binder"


def test_binder_has_a_python_that_the_package_runs_on_and_torch_without_cuda():
    tree = yaml.safe_load((BINDER / "environment.yml").read_text())
    assert set(tree) == {"name", "channels", "dependencies"} and "http" not in (BINDER / "environment.yml").read_text()
    named = dict(re.match(r"([\w-]+)([>=]*[\d.]*)", each).groups() for each in tree["dependencies"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert named["python"] == "=3.11" and project["requires-python"] == ">=3.11"
    for conda, pip in {"pytorch-cpu": "torch", "torchaudio": "torchaudio"}.items():
        assert f"{pip}{named[conda]}" in project["dependencies"], "the same bound as in pyproject.toml"


def test_what_binder_calls_installs_all_but_torch_as_locked_and_makes_the_lessons(tmp_path):
    """With a Python that writes down what it is called with, and the file of constraints that it is given."""
    script = BINDER / "postBuild"
    assert os.access(script, os.X_OK) and script.read_text().startswith("#!/bin/bash\n")
    python = tmp_path / "python"
    python.write_text('#!/bin/bash\nprintf "%s\\n" "$*" >> calls\n[ "$2" = pip ] && cp "$7" constraints || true\n')
    python.chmod(0o755)
    (tmp_path / "requirements.lock").write_text((ROOT / "requirements.lock").read_text())
    paths = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([script], cwd=tmp_path, env=paths, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    installed, lessons = (tmp_path / "calls").read_text().splitlines()
    assert re.fullmatch(r"-m pip install --quiet --no-cache-dir --constraint \S+ --editable \.", installed)
    assert lessons == "-m tonespan_utils course --no-execute"
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    kept = (tmp_path / "constraints").read_text().splitlines()
    assert set(kept) < set(locked) and any(line.startswith("transformers==") for line in kept)
    left_out = {line.partition("==")[0] for line in set(locked) - set(kept)}
    assert {"torch", "torchaudio"} <= left_out
    assert all(re.match("torch|cuda|nvidia|triton", name) for name in left_out)


def test_colab_s_notebook_is_whole_and_calls_what_there_is():
    notebook = nbformat.read(BINDER / "colab.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in cells)
    for cell in cells:  # without lines for the shell, Python
        ast.parse("\n".join(re.sub(r"^(\s*)[!%].*", r"\1pass", line) for line in cell.source.splitlines()))
    text = "\n".join(cell.source for cell in cells)
    for path in ("figures/demo/explorer.html", "models/tonespan-units"):
        assert path in text and (ROOT / path).exists()


def test_badges_lead_to_what_is_in_the_repository(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{badges.BEGIN}\nold\n{badges.END}\nafter\n")
    for _ in range(2):  # written again, the same
        badges.write(page, "someone/tonespan")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    links = re.findall(r"\]\((https://[^)]+)\)", text)
    assert len(links) == 6 and all("someone/tonespan" in link for link in links[1::2])
    assert (ROOT / badges.OPENED["explorer"].removeprefix("files/")).is_file()
    assert badges.OPENED["lessons"].removeprefix("lab/tree/") == "runs/course/student"
    assert (ROOT / links[-1].partition("/blob/HEAD/")[2]).is_file()


def test_a_page_without_a_place_for_badges_is_refused_and_the_readme_has_one(tmp_path):
    (tmp_path / "page.md").write_text("nothing")
    with pytest.raises(ValueError, match="between which the badges go"):
        badges.write(tmp_path / "page.md", "a/b")
    readme = (ROOT / "README.md").read_text()
    assert readme.count(badges.BEGIN) == readme.count(badges.END) == 1


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("git@github.com:a/b.git", "a/b"),
        ("https://github.com/a/b-c/", "a/b-c"),
        ("https://elsewhere.org/a/b", None),
        ("", None),
    ],
)
def test_the_address_of_the_remote_names_the_repository(address, name, monkeypatch):
    monkeypatch.setattr(badges.subprocess, "run", lambda *_, **__: type("Done", (), {"stdout": f"{address}\n"}))
    assert badges.origin() == name
