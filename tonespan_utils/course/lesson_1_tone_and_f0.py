"""Exercises of lesson 1: F0 from a waveform, semitones, Praat's window, and the movement of a tone.

Conventions: F0 in Hz, intervals in semitones above a reference, contours over offsets from the tone centre in ms.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

import math

import numpy as np

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.course.exercises import Exercise

_OFFSETS = np.arange(-50.0, 51.0, 10.0)
_GAPPY = np.where(np.abs(_OFFSETS) > 35, np.nan, _OFFSETS / 20)


def _semitones(f0_hz: float, reference_hz: float) -> float:
    return 12 * math.log2(f0_hz / reference_hz)


def _autocorrelation_f0(samples: np.ndarray, floor_hz: float, ceiling_hz: float) -> float:
    """F0 in Hz from the lag of the largest autocorrelation between two pitches, all lags over as many samples."""
    lags = np.arange(math.ceil(SAMPLE_RATE / ceiling_hz), math.floor(SAMPLE_RATE / floor_hz) + 1)
    n = samples.size - lags[-1]
    scores = [float(np.dot(samples[:n], samples[lag : lag + n])) for lag in lags]
    return SAMPLE_RATE / int(lags[int(np.argmax(scores))])


def _hum(f0_hz: float, *, seconds: float = 0.1) -> np.ndarray:
    """A dying voice: five harmonics that fall by 6 dB an octave. It fits one period later better than two later."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.exp(-time_s / 0.1) * sum(np.sin(2 * np.pi * k * f0_hz * time_s + k) / k for k in range(1, 6))


def _movement(offsets_ms: np.ndarray, contour_st: np.ndarray) -> float:
    voiced = contour_st[~np.isnan(contour_st)]
    return float(voiced[-1] - voiced[0])


EXERCISES: dict[str, Exercise] = {
    "f0_of_trace": Exercise(
        125.0,
        {
            "that is the length of one period in ms; F0 counts periods per second": 8.0,
            "a period of 8 ms is 0.008 s; F0 is 1 over that": 0.125,
            "three periods take 24 ms, so one takes 8": 1000 / 24,
        },
        "F0 in Hz is 1000 over the length of one period in ms",
    ),
    "fifth_st": Exercise(
        12 * math.log2(1.5),
        {
            "that is the ratio; now 12 times its logarithm to the base 2": 1.5,
            "semitones need the logarithm to the base 2: np.log2": 12 * math.log(1.5),
            "an octave has 12 semitones: 12 times the logarithm": math.log2(1.5),
            "the logarithm to the base 10 counts decades; octaves are doublings": 12 * math.log10(1.5),
        },
        "12 log2(300 / 200)",
    ),
    "semitones": Exercise(
        _semitones,
        {
            "np.log is the natural logarithm; an octave is a doubling: np.log2": lambda f, r: 12 * math.log(f / r),
            "upside down: a pitch above the reference should come out positive": lambda f, r: -_semitones(f, r),
            "the factor 12 is missing: an octave should give 12": lambda f, r: math.log2(f / r),
        },
        "check that an octave up gives 12, an octave down -12, and the reference itself 0",
        [(200.0, 100.0), (100.0, 200.0), (150.0, 150.0), (300.0, 200.0)],
    ),
    "f0_by_autocorrelation": Exercise(
        _autocorrelation_f0,
        {
            "lag 0 always wins: a sound resembles itself best unshifted; begin at the shortest period allowed":
                lambda x, floor, ceiling: np.inf,
            "that is the lag; F0 is the sample rate over the lag": lambda x, low, high: (
                SAMPLE_RATE / _autocorrelation_f0(x, low, high)),
        },
        "the best lag is the one, from the shortest to the longest period allowed, whose product sum is largest",
        [(_hum(200.0), 75.0, 500.0), (_hum(125.0), 75.0, 400.0), (_hum(320.0), 100.0, 500.0)],
        0.005,
    ),
    "praat_window_ms": Exercise(
        40.0,
        {
            "that is one period of 75 Hz; Praat looks at three": 1000 / 75,
            "in ms, please": 0.04,
        },
        "three periods of the floor, in ms",
    ),
    "movement_st": Exercise(
        _movement,
        {
            "the first or last value is unvoiced (nan): take those out first, with contour[~np.isnan(contour)]":
                lambda offsets, contour: float(contour[-1] - contour[0]),
            "end minus start, so that a rise is positive": lambda o, c: -_movement(o, c),
            "this is the range, which is never negative; a fall should be": lambda o, c: float(
                np.nanmax(c) - np.nanmin(c)),
        },
        "the last voiced value minus the first voiced value",
        [(_OFFSETS, _OFFSETS / 10), (_OFFSETS, _GAPPY), (_OFFSETS, -2 * _GAPPY), (_OFFSETS, np.abs(_GAPPY) - _GAPPY)],
    ),
    "tone_of_contour": Exercise(
        "R",
        {
            "H ends high too, but it never goes low": "H",
            "F moves as much, the other way": "F",
            "L is as low at its centre, but stays down": "L",
        },
        "one of the five letters of the figure: which contour is low at its centre and climbs?",
    ),
}  # fmt: skip
