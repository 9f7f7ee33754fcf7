"""Plain words: names say what a thing is, and one word stands for one thing."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("tonespan_utils", "tests", "notebooks", "benchmarks", "pretraining", "tools")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
NO_NAMES = {"found", "own", "one", "known", "told", "asked", "heard", "dealt"}  # they say nothing of the thing

OLD_WORDS = {  # of prose, and what the field says instead
    "dealt": "shuffled, permuted or assigned",
    "signs of failure": "quality flags",
    "both-sided": "two-sided",
    "holds 0": "contains 0",
    "planted span": "planted width",
}
PAGES = ("*.md", "docs/*.md", "notebooks/**/*.md", "params/*.yaml", "tonespan_utils/**/*.html")
NAMING_OLD_WORDS = {Path(__file__), ROOT / "docs" / "numbers.md"}  # the list above, and the glossary
TEXTS = sorted({*FILES, *(path for pattern in PAGES for path in ROOT.glob(pattern))} - NAMING_OLD_WORDS)


def names(tree):
    """(line, name) of every variable, argument, function and class of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_empty_of_meaning(path):
    lines = [
        f"line {line}: {name}"
        for line, name in names(ast.parse(path.read_text(encoding="utf-8")))
        if name.strip("_") in NO_NAMES
    ]
    assert not lines, f"name the thing: {', '.join(lines)}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_has_the_words_of_the_field(path):
    text = " ".join(path.read_text(encoding="utf-8").lower().replace("#", " ").split())
    old = [f"{word}: {new}" for word, new in OLD_WORDS.items() if re.search(rf"\b{word}s?\b", text)]
    assert not old, f"use the word of the field instead of {'; '.join(old)}"
