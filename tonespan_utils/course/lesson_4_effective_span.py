"""Exercises of lesson 4: ``r_com``, spans of closed forms and their null, and a gradient by finite differences.

Conventions: energy is the squared gradient; offsets and spans in ms; the effective span is 2 ``r_com``.

Notebook: notebooks/course/4_how_far_a_model_listens
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tonespan_utils.course.exercises import Exercise
from tonespan_utils.instrument import spans

_OFFSETS = np.arange(-50.0, 51.0, 10.0)
_PROFILES = [
    (np.array([0.0, 1.0, 2.0, 1.0, 0.0]), np.array([-20.0, -10.0, 0.0, 10.0, 20.0])),
    (np.array([0.0, 0.0, 5.0, 0.0, 15.0]), np.array([-20.0, -10.0, 0.0, 10.0, 20.0])),
    (np.exp(-np.abs(_OFFSETS) / 20), _OFFSETS),
]


def _r_com(energy: np.ndarray, offsets_ms: np.ndarray) -> float:
    return float(spans.center_of_mass_radius(energy, offsets_ms))


def _finite_difference(function: Callable, x: np.ndarray, step: float) -> np.ndarray:
    """The gradient of ``function`` at ``x``, one nudge up and one down for each number in it."""
    nudges = step * np.eye(x.size)
    return np.array([(function(x + nudge) - function(x - nudge)) / (2 * step) for nudge in nudges])


def _one_sided(function: Callable, x: np.ndarray, step: float) -> np.ndarray:
    return np.array([(function(x + nudge) - function(x)) / step for nudge in step * np.eye(x.size)])


def _bent(x: np.ndarray) -> float:
    return float(x[0] ** 2 + 3 * x[0] * x[1] - x[-1] ** 3)


def _two_taps(x: np.ndarray) -> float:
    return float(0.8 * x[-1] - 0.6 * x[-2])


EXERCISES: dict[str, Exercise] = {
    "two_tap_r_com_ms": Exercise(
        1.0,
        {
            "energy is the square of the gradient: 9 and 1, not 3 and 1": 2.5,
            "that is the span; r_com is half of it": 2.0,
            "the weighted mean needs dividing by the sum of the energy": 10.0,
        },
        "energies 9 at 0 ms and 1 at -10 ms: (9 * 0 + 1 * 10) / 10",
    ),
    "r_com_ms": Exercise(
        _r_com,
        {
            "tau with its sign: left and right cancel; take np.abs": lambda e, t: float((e * t).sum() / e.sum()),
            "divide by the sum of the energy": lambda e, t: float((e * np.abs(t)).sum()),
            "that is 2 r_com; the radius is half of it": lambda e, t: 2 * _r_com(e, t),
            "that is the root of the mean square; the paper weighs |tau|": lambda e, t: float(
                np.sqrt((e * t**2).sum() / e.sum())),
        },
        "sum of |tau| E over sum of E",
        _PROFILES,
    ),
    "box_span_ms": Exercise(
        50.0,
        {
            "the mean of |tau| over the box is a quarter of its width; twice that is half of it": 100.0,
            "that is r_com; the span is twice that": 25.0,
        },
        "|tau| runs evenly from 0 to 50 ms; its mean, times two",
    ),
    "exponential_span_ms": Exercise(
        60.0,
        {
            "that is the mean of |tau|, r_com; the span is twice that": 30.0,
            "that would be the width of a box": 15.0,
        },
        "the mean of an exponential with constant a is a",
    ),
    "gaussian_span_ms": Exercise(
        2 * 50 * math.sqrt(2 / math.pi),
        {
            "the mean of |tau| is s sqrt(2 / pi), a little less than s": 100.0,
            "that is r_com; the span is twice that": 50 * math.sqrt(2 / math.pi),
        },
        "2 * 50 * sqrt(2 / pi)",
    ),
    "floor_span_ms": Exercise(
        95.0,
        {
            "the flat map alone has a span of 500; nine tenths of the energy are in the box": 500.0,
            "the floor counts with its share, a tenth": 550.0,
            "the mean of the two would need half of the energy in each": 275.0,
            "the floor is there too: 0.9 of one span plus 0.1 of the other": 50.0,
        },
        "r_com is a mean over energy, so spans mix like energies: 0.9 * 50 + 0.1 * 500",
    ),
    "cut_null_span_ms": Exercise(
        2 * (250**2 / 2 + 500**2 / 2) / 750,
        {
            "500 is the null where audio lies on both sides of the whole window": 500.0,
            "that is the mean of the two sides; the longer side holds more of the energy": 375.0,
            "that is r_com; the span is twice that": (250**2 / 2 + 500**2 / 2) / 750,
        },
        "r_com = (250^2 / 2 + 500^2 / 2) / 750, and twice that",
    ),
    "finite_difference": Exercise(
        _finite_difference,
        {
            "one-sided: nudge up and down and divide by two steps; the curvature then cancels": _one_sided,
            "two steps lie between up and down: divide by 2 * step": lambda f, x, s: 2 * _finite_difference(f, x, s),
            "divide by the distance, 2 * step": lambda f, x, s: 2 * s * _finite_difference(f, x, s),
        },
        "(f(x + nudge) - f(x - nudge)) / (2 step), one number of x at a time, all others left as they are",
        [(_two_taps, np.array([0.3, -1.0, 2.0]), 0.5), (_bent, np.array([1.0, 2.0, -1.0]), 0.1)],
        0.003,
    ),
}  # fmt: skip
