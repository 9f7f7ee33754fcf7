"""The README: its commands exist, its Python runs as printed, and its drawing is a picture that says what it shows."""

import ast
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", README, re.MULTILINE))
    assert {"tour", "paper", "test", "help", "gallery"} <= named <= targets
    assert targets - {"help", "mini"} <= named | {"alignment", "sync", "lock"}, "the table of commands is whole"


def test_its_python_needs_nothing_that_is_not_printed():
    (program,) = PROGRAM.findall(README)
    tree = ast.parse(program)
    bound = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    bound |= {alias.asname or alias.name for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)
              for alias in node.names}  # fmt: skip
    used = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
    assert used - bound <= {"range", "print"} and "measure_span" in used


@pytest.mark.slow
def test_its_python_runs_as_printed():
    (program,) = PROGRAM.findall(README)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^ *(cnn|\d|final) .*?(\d+) \[\d+, \d+\]", done.stdout, re.MULTILINE)
    assert [layer for layer, _ in rows] == ["cnn", "0", "1", "2", "3", "4", "5", "6", "final"], done.stdout
    assert 20 <= int(rows[1][1]) <= 120, "a box of the planted 120 ms gives 60; a layer may use less of it"


def test_the_drawing_of_the_method_says_in_words_what_it_shows():
    tree = ElementTree.parse(ROOT / "docs" / "method.svg").getroot()
    space = {"s": "http://www.w3.org/2000/svg"}
    assert tree.find("s:title", space).text and len(tree.find("s:desc", space).text) > 200
    assert "docs/method.svg" in README and "http" not in re.sub(
        r"xmlns=\S+", "", (ROOT / "docs/method.svg").read_text()
    )
