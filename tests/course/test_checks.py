"""The checks of the course: right answers pass, wrong ones are asked a question first and get the formula third."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
import torch

from tonespan_utils.course import (
    answers,
    checks,
    lesson_1_tone_and_f0,
    lesson_2_cue_width,
    lesson_3_layers,
    lesson_4_effective_span,
    lesson_5_fine_tuning,
    lesson_6_real_recordings,
)
from tonespan_utils.course.checks import EXERCISES
from tonespan_utils.course.exercises import NotYet, Tries
from tonespan_utils.instrument import gradient_energy
from tonespan_utils.params.profile import ROOT

LESSONS = [
    lesson_1_tone_and_f0,
    lesson_2_cue_width,
    lesson_3_layers,
    lesson_4_effective_span,
    lesson_5_fine_tuning,
    lesson_6_real_recordings,
]
FUNCTIONS = [name for name, exercise in EXERCISES.items() if callable(exercise.right)]
VALUES = [name for name in EXERCISES if name not in FUNCTIONS]
MISTAKES = [(name, question) for name, exercise in EXERCISES.items() for question in exercise.mistakes]


@pytest.fixture(autouse=True)
def fresh_kernel(monkeypatch):
    """Nobody has tried anything yet."""
    monkeypatch.setattr(checks, "TRIES", Tries())


def hint_to(name, answer):
    """What a check says to a wrong answer."""
    with pytest.raises(NotYet) as raised:
        checks.check(name, answer)
    return str(raised.value)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_answer_passes_and_none_does_not(name, capsys):
    checks.check(name, EXERCISES[name].right)
    assert capsys.readouterr().out == f"{name}: right\n"
    for nothing in (None, ...):
        with pytest.raises(NotYet, match="no answer yet"):
            checks.check(name, nothing)


@pytest.mark.parametrize(("name", "question"), MISTAKES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(MISTAKES)])
def test_a_typical_mistake_is_asked_its_own_question(name, question):
    assert hint_to(name, EXERCISES[name].mistakes[question]).endswith(f": {question}")


@pytest.mark.parametrize("name", EXERCISES)
def test_hints_ask_first_and_give_the_formula_at_the_third_try(name):
    exercise = EXERCISES[name]
    wrong = [1e6, 2e6, 3e6, 4e6] if name in VALUES else [lambda *_, n=n: f"nonsense {n}" for n in range(4)]
    wrong = [f"nonsense {n}" for n in range(4)] if isinstance(exercise.right, str) else wrong
    said = [hint_to(name, answer) for answer in wrong]
    hints = [exercise.hints.question, exercise.hints.pointer, exercise.hints.formula, exercise.hints.formula]
    assert [text.endswith(f": {hint}") for text, hint in zip(said, hints, strict=True)] == [True] * 4


@pytest.mark.parametrize(("name", "question"), MISTAKES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(MISTAKES)])
def test_a_mistake_made_again_after_others_gets_its_question_and_the_formula(name, question):
    exercise, wrong = EXERCISES[name], EXERCISES[name].mistakes[question]
    others = ["x", "y"] if isinstance(exercise.right, str) else [1e6, 2e6]
    for other in others:
        hint_to(name, other if name in VALUES else lambda *_, other=other: other)
    assert hint_to(name, wrong).endswith(f": {question} {exercise.hints.formula}")


@pytest.mark.parametrize("name", EXERCISES)
def test_no_formula_and_no_answer_before_the_third_try(name):
    exercise = EXERCISES[name]
    early = [*exercise.mistakes, exercise.hints.question, exercise.hints.pointer]
    assert all("?" in text for text in [*exercise.mistakes, exercise.hints.question])
    assert not any(exercise.hints.formula in text for text in early)
    if isinstance(exercise.right, float) and exercise.right not in (1.0, 2.0):  # which stand in any sum
        shown = {f"{exercise.right:.{digits}g}" for digits in (2, 3, 4)}
        assert not any(number in re.findall(r"[\d.]*\d", text) for number in shown for text in early)
    elif isinstance(exercise.right, str):
        assert not any(re.search(rf"\b{exercise.right}\b", text) for text in early)


def test_the_same_wrong_answer_again_is_no_new_try_and_a_right_one_begins_anew(capsys):
    question = EXERCISES["box_span_ms"].hints.question
    assert [hint_to("box_span_ms", 7.0).endswith(question) for _ in range(4)] == [True] * 4
    hint_to("box_span_ms", 8.0)
    checks.check("box_span_ms", 50)
    assert hint_to("box_span_ms", 9.0).endswith(question)


def test_what_is_no_answer_is_no_try():
    for no_answer in (None, ..., "fifty-ish", True, [50], "0.05 s"):
        hint_to("box_span_ms", no_answer)
    assert hint_to("box_span_ms", 7.0).endswith(EXERCISES["box_span_ms"].hints.question)


def test_a_function_s_right_value_is_not_shown_at_the_first_try():
    first, second = (hint_to("semitones", lambda f, r, n=n: float(n)) for n in (5, 6))
    assert first.startswith("semitones(200, 100) gives 5: ") and second.startswith(
        "semitones(200, 100) gives 6, not 12: "
    )


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


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("5 o'clock", "number in ms"), (True, "number in ms"), ([50], "number in ms"), ("0.05 s", "is in 's'")],
)
def test_a_number_has_to_be_one(wrong, says):
    assert says in hint_to("box_span_ms", wrong)


def test_not_a_number_is_a_wrong_one():
    assert hint_to("box_span_ms", np.nan).startswith("box_span_ms = nan: ")


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("125 Hz", "Hz", 125.0), ("125Hz", "Hz", 125.0), ("7,02", "st", 7.02), ("7/27", "", 7 / 27),
        (" -3.5e1 ", "", -35.0), ("30 %", "", 0.3), ("forty milliseconds", "ms", 40.0), ("twenty-seven", "", 27.0),
        ("ninety five ms", "ms", 95.0),
        ("one hundred and twenty-five Hz", "Hz", 125.0), ("1/0", "", None), ("tone", "ms", None), ("", "ms", None),
        ("and", "", None), ("about five", "", None),
    ],
)  # fmt: skip
def test_a_number_may_be_written_as_text(text, unit, value):
    assert answers.number(text, unit=unit) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(("text", "unit"), [("40 s", "ms"), ("40 %", "ms"), ("forty seconds", "ms"), ("3 ms", "")])
def test_a_number_in_another_unit_is_refused(text, unit):
    with pytest.raises(answers.OtherUnit):
        answers.number(text, unit=unit)


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
    said = hint_to(name, lambda *_: "nonsense")
    assert f"{name}(" in said and f"gives 'nonsense': {EXERCISES[name].hints.question}" in said


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
        ("Not_Supported", "not supported", True),
        (np.array(2.0), 2.0, True),
        (np.float32(2.0), 2.0, True),
        (torch.tensor(2.0, requires_grad=True), 2.0, True),
        ([torch.tensor(1.0), np.array(2.0)], np.array([1.0, 2.0]), True),
        (("A", np.array(1.0)), ("a", 1.0), True),
        (True, 1.0, False),
        (np.bool_(True), True, True),
    ],
)
def test_what_counts_as_the_same(answer, right, agree):
    assert answers.same(answer, right) is agree


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
