"""Exercises of lesson 4: ``r_com``, spans of closed forms and their null, and a gradient by finite differences.

Conventions: energy is the squared gradient; offsets and spans in ms; the effective span is 2 ``r_com``.

Notebook: notebooks/course/4_how_far_a_model_listens
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tonespan_utils.course.exercises import Exercise, Hints
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
        Hints(
            "how much energy lies at 0 ms, how much at -10 ms, and how far is each from the centre?",
            "energies are 9 and 1, distances 0 and 10 ms; which mean do they make?",
            "(9 * 0 + 1 * 10) / (9 + 1)",
        ),
        {
            "did you weigh with the gradient or with its square?": 2.5,
            "is that the radius, or the span, which is twice as wide?": 2.0,
            "a mean is a sum over what?": 10.0,
        },
        unit="ms",
    ),
    "r_com_ms": Exercise(
        _r_com,
        Hints(
            "how far is each bin from the centre, and how much does it count?",
            "a mean of distances, without their sign, weighted by energy",
            "np.sum(np.abs(offsets_ms) * energy) / np.sum(energy)",
        ),
        {
            "what do energies at -10 and at +10 ms give together? Is that their distance?":
                lambda e, t: float((e * t).sum() / e.sum()),
            "what happens when all energies are doubled? Should it?": lambda e, t: float((e * np.abs(t)).sum()),
            "is that the radius or the span?": lambda e, t: 2 * _r_com(e, t),
            "you squared the distances; does the formula above?": lambda e, t: float(
                np.sqrt((e * t**2).sum() / e.sum())),
        },
        _PROFILES,
    ),
    "box_span_ms": Exercise(
        50.0,
        Hints(
            "between which two values does the distance run, and what is the mean of all between?",
            "in this box every distance from 0 to half of its width comes equally often; the span is twice the mean",
            "2 * (0 + 50) / 2",
        ),
        {
            "is the mean distance in the box as large as its width?": 100.0,
            "is that r_com or the span?": 25.0,
        },
        unit="ms",
    ),
    "exponential_span_ms": Exercise(
        60.0,
        Hints(
            "what is the mean distance here, and how does the span follow from it?",
            "the mean of |tau| is the constant itself, r_com; the span is twice r_com",
            "2 * 30",
        ),
        {
            "is that r_com or the span?": 30.0,
            "that halves it as in the box; does the same hold here?": 15.0,
        },
        unit="ms",
    ),
    "gaussian_span_ms": Exercise(
        2 * 50 * math.sqrt(2 / math.pi),
        Hints(
            "what is the mean distance of a bell, and how does the span follow from it?",
            "the mean of |tau| is s times the root of 2 / pi, a bit less than s; the span is twice that",
            "2 * 50 * sqrt(2 / pi)",
        ),
        {
            "is the mean of |tau| as large as s?": 100.0,
            "is that r_com or the span?": 50 * math.sqrt(2 / math.pi),
        },
        unit="ms",
    ),
    "floor_span_ms": Exercise(
        95.0,
        Hints(
            "what is the span of each part by itself, and how much of the energy does each hold?",
            "r_com is a mean over energy: each part counts with its share",
            "0.9 * 50 + 0.1 * 500",
        ),
        {
            "that is the span of the floor alone; how much of the energy is in it?": 500.0,
            "how much does the floor count, as a tenth of the energy?": 550.0,
            "how much of the energy would each part hold, if you took the plain mean of the two?": 275.0,
            "where did the floor go?": 50.0,
        },
        unit="ms",
    ),
    "cut_null_span_ms": Exercise(
        2 * (250**2 / 2 + 500**2 / 2) / 750,
        Hints(
            "what is the sum of all distances on the left, on the right, and how many ms are there in all?",
            "the area of |tau| on one side is a triangle; add both triangles and divide by the whole length",
            "2 * (250^2 / 2 + 500^2 / 2) / 750",
        ),
        {
            "is there audio on both sides of the whole window?": 500.0,
            "do both sides hold as much of the energy?": 375.0,
            "is that r_com or the span?": (250**2 / 2 + 500**2 / 2) / 750,
        },
        unit="ms",
    ),
    "finite_difference": Exercise(
        _finite_difference,
        Hints(
            "by how much did f change, and how far apart are the two places where you asked it?",
            "for each number of x by itself: one copy a step up, one copy a step down, all others as they are",
            "(f(up) - f(down)) / (2 * step)",
        ),
        {
            "did you nudge both ways? What does the curvature of f do to a nudge one way?": _one_sided,
            "how far apart are up and down: one step or more?": lambda f, x, s: 2 * _finite_difference(f, x, s),
            "is that a difference or a slope? What is it divided by?": lambda f, x, s: (
                2 * s * _finite_difference(f, x, s)),
        },
        [(_two_taps, np.array([0.3, -1.0, 2.0]), 0.5), (_bent, np.array([1.0, 2.0, -1.0]), 0.1)],
        0.003,
    ),
}  # fmt: skip
