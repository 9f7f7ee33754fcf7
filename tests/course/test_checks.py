"""The checks of the course: right answers pass, empty and wrong ones do not, each typical mistake gets its own hint."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from tonespan_utils.course import (
    checks,
    exercises,
    lesson_1_tone_and_f0,
    lesson_2_cue_width,
    lesson_3_layers,
    lesson_4_effective_span,
    lesson_5_fine_tuning,
)
from tonespan_utils.course.checks import EXERCISES
from tonespan_utils.course.exercises import NotYet
from tonespan_utils.instrument import gradient_energy
from tonespan_utils.params.profile import ROOT

LESSONS = [
    lesson_1_tone_and_f0,
    lesson_2_cue_width,
    lesson_3_layers,
    lesson_4_effective_span,
    lesson_5_fine_tuning,
]
FUNCTIONS = [name for name, exercise in EXERCISES.items() if callable(exercise.right)]
VALUES = [name for name in EXERCISES if name not in FUNCTIONS]
MISTAKES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_answer_passes_and_none_does_not(name, capsys):
    checks.check(name, EXERCISES[name].right)
    assert capsys.readouterr().out == f"{name}: right\n"
    for nothing in (None, ...):
        with pytest.raises(NotYet, match="no answer yet"):
            checks.check(name, nothing)


@pytest.mark.parametrize(("name", "hint"), MISTAKES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(MISTAKES)])
def test_a_typical_mistake_gets_its_own_hint(name, hint):
    with pytest.raises(NotYet) as raised:
        checks.check(name, EXERCISES[name].mistakes[hint])
    assert str(raised.value).endswith(hint)


def test_an_exercise_belongs_to_one_lesson_which_checks_it():
    names = [name for lesson in LESSONS for name in lesson.EXERCISES]
    assert sorted(names) == sorted(EXERCISES) and len(set(names)) == len(names)
    for lesson in LESSONS:
        (notebook,) = re.findall(r"Notebook: (notebooks/[\w/]+)", lesson.__doc__)
        text = (ROOT / f"{notebook}.py").read_text()
        assert all(f'checks.check("{name}", {name})' in text for name in lesson.EXERCISES), notebook


def test_no_two_mistakes_of_an_exercise_share_a_hint_or_an_answer():
    assert not [pair for pair, n in Counter(MISTAKES).items() if n > 1]
    assert len({hint for _, hint in MISTAKES}) > 50


@pytest.mark.parametrize("name", VALUES)
def test_any_other_value_gets_the_general_hint(name):
    wrong = "something else" if isinstance(EXERCISES[name].right, str) else 12345.678
    with pytest.raises(NotYet) as raised:
        checks.check(name, wrong)
    assert str(raised.value).endswith(EXERCISES[name].hint)


@pytest.mark.parametrize(("wrong", "asks"), [("50", "number"), (True, "number"), ([50], "number"), (np.nan, "box")])
def test_a_number_has_to_be_one(wrong, asks):
    with pytest.raises(NotYet, match=asks):
        checks.check("box_span_ms", wrong)


def test_a_word_has_to_be_one():
    with pytest.raises(NotYet, match="word in quotes"):
        checks.check("tone_of_contour", 3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_gives_nothing_or_breaks_or_is_none_says_so(name):
    with pytest.raises(NotYet, match="gives nothing back"):
        checks.check(name, lambda *_: None)
    with pytest.raises(NotYet, match="stops with ZeroDivisionError"):
        checks.check(name, lambda *_: 1 / 0)
    with pytest.raises(NotYet, match="has to stay a function"):
        checks.check(name, 5.0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_is_wrong_in_its_own_way_is_shown_where(name):
    with pytest.raises(NotYet) as raised:
        checks.check(name, lambda *_: "nonsense")
    assert f"{name}(" in str(raised.value) and "gives 'nonsense', not" in str(raised.value)
    assert str(raised.value).endswith(EXERCISES[name].hint)


def test_a_function_cannot_spoil_the_cases_for_the_next(capsys):
    def greedy(energy, offsets_ms):
        energy[:] = 1.0
        return 0.0

    for _ in range(2):
        with pytest.raises(NotYet):
            checks.check("r_com_ms", greedy)
    checks.check("r_com_ms", EXERCISES["r_com_ms"].right)


def test_the_toys_have_their_closed_forms():
    right = {name: EXERCISES[name].right for name in VALUES}
    assert right["box_span_ms"] == 100 / 2
    assert right["gaussian_span_ms"] == pytest.approx(79.788, abs=0.001)
    assert right["cut_null_span_ms"] == pytest.approx(416.67, abs=0.01)
    assert right["always_mid_f1"] == pytest.approx(1 / 15)
    assert EXERCISES["codelength_bits"].right("HTHT") == pytest.approx(np.log2(30))  # 1/2 1/3 1/2 2/5
    assert EXERCISES["bootstrap_means"].right([1, 2, 3]).count(2.0) == 7
    assert EXERCISES["two_tap_r_com_ms"].right == EXERCISES["r_com_ms"].right(np.array([1.0, 9.0]), np.array([-10, 0]))


def test_rounding_by_hand_is_no_mistake():
    checks.check("fifth_st", 7.0)
    checks.check("gaussian_span_ms", 80)
    with pytest.raises(NotYet):
        checks.check("gaussian_span_ms", 82)


def test_a_hint_is_shown_without_a_stack_trace():
    assert NotYet("think")._render_traceback_() == ["Not yet: think"]


@pytest.mark.parametrize(
    ("answer", "right", "agree"),
    [
        (("a", 1.0), ("a", 1.001), True),
        (("b", 1.0), ("a", 1.0), False),
        ({"1": 2.0}, {"1": 2.0, "2": 3.0}, False),
        ([1.0, np.nan], np.array([1.0, np.nan]), True),
        ([1.0], [1.0, 1.0], False),
        (1.0, "a", False),
        ("a", 1.0, False),
    ],
)
def test_what_counts_as_the_same(answer, right, agree):
    assert exercises.same(answer, right) is agree


def test_a_measurement_is_checked_against_the_package():
    from tonespan_utils.encoders import checkpoints
    from tonespan_utils.instrument import gradients, spans
    from tonespan_utils.statistics.classifier import LinearClassifier

    encoder = checkpoints.load(ROOT / "models" / "tonespan-units")
    rng = np.random.default_rng(0)
    probes = {layer: LinearClassifier(("H", "L"), rng.normal(size=(2, 192)), np.zeros(2)) for layer in ("3", "final")}
    time_s = np.arange(16_000) / 16_000
    samples = (0.3 * np.sin(2 * np.pi * 200 * time_s) + rng.normal(0, 0.01, 16_000)).astype(np.float32)
    tone = str(probes["final"].predict(encoder.hidden_at(samples, [0.5])["final"])[0])
    edges, offsets = spans.offset_bins(500, 10)
    maps = gradients.input_gradients(encoder, probes, samples, [0.5], [tone])
    span_ms = {
        layer: float(spans.effective_span(gradient_energy.energy_over_offset(encoder, g, [0.5], edges)[0], offsets))
        for layer, g in maps.items()
    }
    good = {"f0_hz": 200.0, "tone": tone, "span_ms": span_ms}
    checks.check_measured(good, encoder, probes, samples, 0.5)
    wrong = {
        "dictionary": {"f0_hz": 200.0},
        "f0_hz": good | {"f0_hz": 100.0},
        "tone": good | {"tone": "x"},
        "span_ms": good | {"span_ms": {"3": 1.0, "final": 2.0}},
    }
    for what, measured in wrong.items():
        with pytest.raises(NotYet, match=what):
            checks.check_measured(measured, encoder, probes, samples, 0.5)
    with pytest.raises(NotYet, match="dictionary"):
        checks.check_measured(None, encoder, probes, samples, 0.5)
    with pytest.raises(NotYet, match="no voice within 50 ms"):
        checks.check_measured(good, encoder, probes, rng.normal(0, 0.01, 16_000).astype(np.float32), 0.5)
