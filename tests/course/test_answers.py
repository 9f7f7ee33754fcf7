"""Answers as students give them, by lesson in ``answers/``: right ones in several forms, wrong ones of three kinds.

``right`` passes. ``mistake`` is a typical one, and is asked its own question; ``form`` is no answer of the kind that
the exercise asks for, and is told so; ``wrong`` is wrong in another way, and is asked the exercise's question. Beside
a mistake and a form stands a part of what is said.
"""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tonespan_utils.course import checks
from tonespan_utils.course.checks import EXERCISES
from tonespan_utils.course.exercises import NotYet, Tries

FILES = sorted((Path(__file__).parent / "answers").glob("*.yaml"))
LESSONS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
ANSWERS = {exercise: kinds for lesson in LESSONS.values() for exercise, kinds in lesson.items()}
RIGHT = [(name, source) for name, kinds in ANSWERS.items() for source in kinds["right"]]
MISTAKES = [(name, *pair) for name, kinds in ANSWERS.items() for pair in kinds["mistake"].items()]
FORMS = [(name, *pair) for name, kinds in ANSWERS.items() for pair in kinds["form"].items()]
WRONG = [(name, source) for name, kinds in ANSWERS.items() for source in kinds["wrong"]]
AT_HAND = {  # in a student's notebook
    "np": np, "pd": pd, "torch": torch, "math": math, "itertools": itertools, "Fraction": Fraction, "Decimal": Decimal,
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_kernel(monkeypatch):
    """Nobody has tried anything yet."""
    monkeypatch.setattr(checks, "TRIES", Tries())


def ids(rows):
    return [f"{row[0]}-{number}" for number, row in enumerate(rows)]


def answer(name, source):
    """What a student wrote, as an expression or as a function of the exercise's name."""
    if not source.startswith("def "):
        return eval(source, dict(AT_HAND))
    defined = dict(AT_HAND)
    exec(source, defined)
    return defined[name]


def hint_to(name, source):
    with pytest.raises(NotYet) as raised:
        checks.check(name, answer(name, source))
    return str(raised.value)


def test_every_exercise_has_answers_of_every_kind():
    assert sorted(ANSWERS) == sorted(EXERCISES)
    assert len(RIGHT) + len(MISTAKES) + len(FORMS) + len(WRONG) > 130
    for name, kinds in ANSWERS.items():
        assert set(kinds) == {"right", "mistake", "form", "wrong"}, name
        assert len(kinds["right"]) > 1 and kinds["mistake"] and len(kinds["form"]) > 1 and len(kinds["wrong"]) > 1, name
        sources = [source for of_kind in kinds.values() for source in of_kind]
        assert len(sources) == len(set(sources)), name


def test_an_answer_s_file_is_that_of_its_lesson():
    for lesson, answers in LESSONS.items():
        assert list(answers) == [name for name in getattr(checks, lesson).EXERCISES if name in answers], lesson


@pytest.mark.parametrize(("name", "source"), RIGHT, ids=ids(RIGHT))
def test_right(name, source, capsys):
    checks.check(name, answer(name, source))
    assert capsys.readouterr().out == f"{name}: right\n"


@pytest.mark.parametrize(("name", "source", "asks"), MISTAKES, ids=ids(MISTAKES))
def test_a_mistake_is_asked_its_question(name, source, asks):
    said = hint_to(name, source)
    assert asks.lower() in said.lower()
    assert any(said.endswith(f": {question}") for question in EXERCISES[name].mistakes)


@pytest.mark.parametrize(("name", "source", "says"), FORMS, ids=ids(FORMS))
def test_no_answer_of_that_kind(name, source, says):
    said = hint_to(name, source)
    assert said.startswith(name) and says in said
    hints = EXERCISES[name].hints
    assert not any(hint in said for hint in (hints.question, hints.pointer, hints.formula))


@pytest.mark.parametrize(("name", "source"), WRONG, ids=ids(WRONG))
def test_wrong_in_another_way(name, source):
    assert hint_to(name, source).endswith(f": {EXERCISES[name].hints.question}")
