"""Exercises of lesson 6: a calibration line and its inverse, the knee of a curve, and when a span is a finding.

Conventions: widths, knees and spans in ms; a knee is a width, twice the half-width at which the two lines meet.

Notebook: notebooks/course/6_real_recordings
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from tonespan_utils.course.exercises import Exercise, Hints
from tonespan_utils.statistics import findings
from tonespan_utils.statistics.bootstrap import Interval

VERDICTS = ("no finding", "finding")
_HALF_WIDTHS_MS = np.arange(0.0, 161.0, 20.0)
_CURVES = [np.minimum(_HALF_WIDTHS_MS, knee) / knee for knee in (60.0, 100.0)]
_CURVES += [2 * _CURVES[0] + 0.002 * _HALF_WIDTHS_MS - 1.0]  # which goes on rising, slowly


def _line(planted_ms: np.ndarray, measured_ms: np.ndarray) -> tuple[float, float]:
    fitted = stats.linregress(planted_ms, measured_ms)
    return float(fitted.slope), float(fitted.intercept)


def _through_zero(planted_ms: np.ndarray, measured_ms: np.ndarray) -> tuple[float, float]:
    return float(np.dot(planted_ms, measured_ms) / np.dot(planted_ms, planted_ms)), 0.0


def _through_ends(planted_ms: np.ndarray, measured_ms: np.ndarray) -> tuple[float, float]:
    slope = (measured_ms[-1] - measured_ms[0]) / (planted_ms[-1] - planted_ms[0])
    return float(slope), float(measured_ms[0] - slope * planted_ms[0])


def _meeting_ms(half_widths_ms: np.ndarray, gain: np.ndarray) -> float:
    """The half-width, of those inside, at which two lines that meet leave the smallest sum of squares."""
    left_over = {}
    for meeting in half_widths_ms[1:-1]:
        offsets = half_widths_ms - meeting
        lines = np.column_stack([np.ones_like(offsets), np.minimum(offsets, 0), np.maximum(offsets, 0)])
        fitted = lines @ np.linalg.pinv(lines) @ gain
        left_over[float(meeting)] = float(np.square(gain - fitted).sum())
    return min(left_over, key=left_over.__getitem__)


def _knee_ms(half_widths_ms: np.ndarray, gain: np.ndarray) -> float:
    return 2 * _meeting_ms(half_widths_ms, gain)


def _where_largest(half_widths_ms: np.ndarray, gain: np.ndarray) -> float:
    return 2 * float(half_widths_ms[int(np.argmax(gain))])


def _where_steepest(half_widths_ms: np.ndarray, gain: np.ndarray) -> float:
    return 2 * float(half_widths_ms[int(np.argmax(np.diff(gain)))])


def _believe(above_chance_low: float, high_ms: float, null_ms: float) -> str:
    reason = findings.why_no_span(Interval(high_ms, high_ms, high_ms), null_ms, above_chance_low=above_chance_low)
    return VERDICTS[not reason]


EXERCISES: dict[str, Exercise] = {
    "line_of_answers": Exercise(
        _line,
        Hints(
            "which of the two is known beforehand, and so lies on the axis across?",
            "least squares, of what was measured over what was planted: np.polyfit, degree 1",
            "slope, intercept = np.polyfit(planted_ms, measured_ms, 1)",
        ),
        {
            "did you fit what was measured over what was planted, or the other way round?":
                lambda planted, measured: _line(measured, planted),
            "must the line go through zero? What does an instrument with a width of its own say of a cue of 0 ms?":
                _through_zero,
            "you drew the line through the first and the last answer; have those between no say?": _through_ends,
            "which comes first, the slope or the intercept?": lambda planted, measured: _line(planted, measured)[::-1],
        },
        [
            (np.array([60.0, 120.0, 180.0]), np.array([52.0, 109.0, 181.0])),
            (np.array([40.0, 80.0, 120.0, 240.0]), np.array([75.0, 88.0, 110.0, 149.0])),
        ],
    ),
    "width_of_knee_ms": Exercise(
        110.0,
        Hints(
            "the line turns a planted width into an answer; which way do you have to go?",
            "first take off what the ruler adds to every width, then undo the slope",
            "(108 - 20) / 0.8",
        ),
        {
            "is the knee the width that was planted, or the answer to it?": 0.8 * 108 + 20,
            "the intercept is gone; what about the slope?": 88.0,
            "the slope is gone; what about the intercept?": 135.0,
            "does the ruler say too much by its intercept, or too little?": 160.0,
        },
        unit="ms",
    ),
    "knee_by_eye_ms": Exercise(
        120.0,
        Hints(
            "up to which half-width does the curve rise, and what is a half-width half of?",
            "the two lines meet at one half-width; the cue lies on both sides of the centre",
            "2 * 60",
        ),
        {
            "how far does the cue reach on the left of the centre, and how far on the right?": 60.0,
            "does the curve still rise there?": 320.0,
        },
        unit="ms",
    ),
    "knee_ms": Exercise(
        _knee_ms,
        Hints(
            "for each half-width inside: how well do two lines fit that meet there? Which fits best?",
            "the columns 1, min(h - m, 0) and max(h - m, 0) make every pair of lines that meet at m; np.linalg.lstsq "
            "fits them; keep the m with the smallest sum of squares",
            "2 * the m with the smallest np.square(gain - columns @ np.linalg.lstsq(columns, gain)[0]).sum()",
        ),
        {
            "is that a half-width or a width?": _meeting_ms,
            "what if the curve goes on rising a little, as it does in noise? The largest value is not the bend.":
                _where_largest,
            "where does the curve rise fastest? Is that where it bends?": _where_steepest,
        },
        [(_HALF_WIDTHS_MS, curve) for curve in _CURVES],
    ),
    "believe": Exercise(
        _believe,
        Hints(
            "does the probe know the tone at all, and is the span under that of a flat map for sure?",
            "two conditions, and both must hold: one for F1 minus chance, one for the upper end of the span's interval",
            "above_chance_low > 0 and high_ms < null_ms: finding; else: no finding",
        ),
        {
            "of what is the gradient, when the probe guesses?": lambda low, high, null: VERDICTS[high < null],
            "what would a model say that listens to nothing in particular?": lambda low, high, null: VERDICTS[low > 0],
            "is one of the two conditions enough?": lambda low, high, null: VERDICTS[low > 0 or high < null],
            "which of the two answers means that you believe it?": lambda low, high, null: VERDICTS[
                not (low > 0 and high < null)],
        },
        [(0.2, 180.0, 500.0), (-0.05, 180.0, 500.0), (0.2, 510.0, 500.0), (-0.1, 520.0, 500.0)],
    ),
}  # fmt: skip
