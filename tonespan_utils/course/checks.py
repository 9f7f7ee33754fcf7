"""The checks of the course: an answer to an exercise is right, or gets the hint that fits its mistake.

A lesson asks for a number (worked out by hand), a word, or a function; ``check("semitones", semitones)`` prints that it
is right or raises :class:`NotYet` with one line that says what to think about. The right answer of a function is an
independent one, mostly the package's own; a typical mistake is the number, or the function, that it leads to: an answer
that equals it is asked its question. The formula is given at the third wrong answer (:mod:`.exercises`); an answer that
is no answer, as a word where a number is asked for, is no try. The exercises are in one file a lesson,
``lesson_1_tone_and_f0.py`` and so on.

Whoever imports it, as every lesson does, calculates with one thread from then on (:mod:`.one_thread`).

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy

import numpy as np
import pandas as pd

from tonespan_utils.course import (
    lesson_1_tone_and_f0,
    lesson_2_cue_width,
    lesson_3_layers,
    lesson_4_effective_span,
    lesson_5_fine_tuning,
    lesson_6_real_recordings,
    one_thread,
)
from tonespan_utils.course.answers import OtherUnit, is_number, number, plain, same, word
from tonespan_utils.course.exercises import Exercise, NotYet, Tries
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import f0, gradient_energy, gradients, spans

one_thread.limit()  # every lesson imports this module, and has by then loaded all that calculates

EXERCISES: dict[str, Exercise] = {
    **lesson_1_tone_and_f0.EXERCISES,
    **lesson_2_cue_width.EXERCISES,
    **lesson_3_layers.EXERCISES,
    **lesson_4_effective_span.EXERCISES,
    **lesson_5_fine_tuning.EXERCISES,
    **lesson_6_real_recordings.EXERCISES,
}
TRIES = Tries()  # of this kernel


def check(name: str, answer: object) -> None:
    """Say that ``answer`` to an exercise is right, or raise :class:`NotYet` with a hint. KeyError: no such exercise.

    Notebook: notebooks/course/1_tone_and_f0
    """
    exercise = EXERCISES[name]
    if answer is None or answer is Ellipsis:
        raise NotYet(f"{name} has no answer yet")
    if callable(exercise.right):
        _check_function(name, answer, exercise)
    else:
        _check_value(name, answer, exercise)
    TRIES.forget(name)
    print(f"{name}: right")


def check_measured(measured: object, encoder: Encoder, probes: Mapping, samples: np.ndarray, center_s: float) -> None:
    """Check what a student says of a recording: ``f0_hz``, ``tone``, and ``span_ms`` of every layer of ``probes``.

    Raises :class:`NotYet` where something is missing, implausible, or not what the package measures at ``center_s``.
    Notebook: notebooks/course/5_what_fine_tuning_changes
    """
    wanted = {"f0_hz", "tone", "span_ms"}
    if not isinstance(measured, Mapping) or not wanted <= set(measured):
        raise NotYet(f"return a dictionary with {', '.join(sorted(wanted))}")
    times_s, hz = f0.track(samples, floor_hz=60, ceiling_hz=500, step_ms=10)
    near = hz[np.abs(times_s - center_s) <= 0.05]
    if np.isnan(near).all():
        raise NotYet(f"there is no voice within 50 ms of {center_s:.3f} s: set my_center_s to the middle of the vowel")
    if not same(measured["f0_hz"], float(np.nanmedian(near)), 0.1):
        raise NotYet(f"f0_hz = {_shown(measured['f0_hz'])}: take the median F0 of the voiced frames around the centre")
    top = list(probes)[-1]
    tone = str(probes[top].predict(encoder.hidden_at(samples, [center_s])[top])[0])
    if not same(measured["tone"], tone):
        raise NotYet(f"tone = {measured['tone']!r}: the probe of the layer {top} predicts another one at this centre")
    edges, offsets = spans.offset_bins(500, 10)
    maps = gradients.input_gradients(encoder, probes, samples, [center_s], [tone], target="true")
    right = {
        layer: float(
            spans.effective_span(gradient_energy.energy_over_offset(encoder, gradient, [center_s], edges)[0], offsets)
        )
        for layer, gradient in maps.items()
    }
    if not same(measured["span_ms"], right):
        raise NotYet("span_ms: a dictionary, layer -> 2 r_com in ms, from the energy in 10 ms bins over +-500 ms")
    print(f"measured: right; {tone} at {measured['f0_hz']:.0f} Hz, layer {top} looks {right[top]:.0f} ms wide")


def _check_value(name: str, answer: object, exercise: Exercise) -> None:
    given = _as_word(name, answer, exercise) if isinstance(exercise.right, str) else _as_number(name, answer, exercise)
    if same(given, exercise.right, exercise.tolerance):
        return
    made = [ask for ask, mistake in exercise.mistakes.items() if same(given, mistake, exercise.tolerance)]
    hint = exercise.says(TRIES.count(name, _shown(given)), made[0] if made else None)
    raise NotYet(f"{name} = {_shown(given)}: {hint}")


def _as_number(name: str, answer: object, exercise: Exercise) -> float:
    in_unit = f" in {exercise.unit}" if exercise.unit else ""
    answer = plain(answer)
    try:
        given = number(answer, unit=exercise.unit) if isinstance(answer, str) else answer
    except OtherUnit as unit:
        raise NotYet(f"{name} asks for a number{in_unit}; {answer!r} is in {str(unit)!r}") from None
    if not is_number(given):
        raise NotYet(f"{name} asks for a number{in_unit}, not {_shown(answer)}")
    return float(given)


def _as_word(name: str, answer: object, exercise: Exercise) -> str:
    given = plain(answer)
    if not isinstance(given, str):
        raise NotYet(f"{name} asks for a word in quotes, not {_shown(given)}")
    others = {word(other): meant for other, meant in exercise.words.items()}
    return others.get(word(given), given)


def _check_function(name: str, answer: object, exercise: Exercise) -> None:
    if not callable(answer):
        raise NotYet(f"{name} has to stay a function (def {name}...), not {_shown(answer)}")
    given = [_called(name, answer, case) for case in exercise.cases]
    right = [exercise.right(*deepcopy(case)) for case in exercise.cases]
    wrong = [i for i, pair in enumerate(zip(given, right, strict=True)) if not same(*pair, exercise.tolerance)]
    if not wrong:
        return
    made = [ask for ask, mistake in exercise.mistakes.items() if _gives(mistake, given, exercise)]
    attempt, first = TRIES.count(name, repr(given)), wrong[0]
    hint = exercise.says(attempt, made[0] if made else None)
    arguments = ", ".join(map(_shown, exercise.cases[first]))
    wanted = f", not {_shown(right[first])}" if attempt > 1 else ""
    raise NotYet(f"{name}({arguments}) gives {_shown(given[first])}{wanted}: {hint}")


def _gives(mistake: Callable, given: list[object], exercise: Exercise) -> bool:
    """Whether a mistake gives the same as a student's function in every case."""
    made = [mistake(*deepcopy(case)) for case in exercise.cases]
    return all(same(*pair, exercise.tolerance) for pair in zip(given, made, strict=True))


def _called(name: str, function: Callable, case: tuple) -> object:
    try:
        given = function(*deepcopy(case))
    except Exception as error:  # whatever a student's own lines raise
        raise NotYet(f"{name} stops with {type(error).__name__}: {error}") from None
    if given is None:
        raise NotYet(f"{name} gives nothing back: write its body, and end with return")
    return given


def _shown(value: object) -> str:
    """A value, short enough for one line."""
    value = plain(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, pd.DataFrame):
        return f"<table of {len(value)} rows>"
    if isinstance(value, np.ndarray):
        value = np.round(value, 4).tolist()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
