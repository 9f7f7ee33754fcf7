"""Exercises of lesson 1: F0 from a waveform, semitones, Praat's window, and the movement of a tone.

Conventions: F0 in Hz, intervals in semitones above a reference, contours over offsets from the tone centre in ms.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

import math

import numpy as np

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.course.exercises import Exercise, Hints

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
        Hints(
            "how often does the landmark come back, and in how much time?",
            "from one landmark to the next is one period: how many ms? How many of those fit in a second?",
            "F0 in Hz is the number of periods over the time they take, in seconds",
        ),
        {
            "is that a time or a frequency? Look at the axis below the trace.": 8.0,
            "how many periods come in one millisecond is what this counts; in one second?": 0.125,
            "how many periods do the 24 ms hold?": 1000 / 24,
        },
        unit="Hz",
    ),
    "fifth_st": Exercise(
        12 * math.log2(1.5),
        Hints(
            "what is the ratio of the two frequencies, and how many octaves is it?",
            "an octave, the ratio 2, must come out as 12. Which logarithm makes 1 of 2?",
            "12 log2(300 / 200)",
        ),
        {
            "that is the ratio; on which scale do equal ratios have equal steps?": 1.5,
            "with this logarithm, what would an octave, the ratio 2, come to?": 12 * math.log(1.5),
            "is that in octaves or in semitones?": math.log2(1.5),
            "this logarithm counts in tens; what does an octave count in?": 12 * math.log10(1.5),
        },
        unit="st",
    ),
    "semitones": Exercise(
        _semitones,
        Hints(
            "what should an octave up give, an octave down, and the reference itself?",
            "the ratio 2 must give 12, the ratio 1/2 must give -12, the ratio 1 must give 0",
            "12 * np.log2(f0_hz / reference_hz)",
        ),
        {
            "what does your function give for an octave, 100 and 200 Hz? Which logarithm did you take?":
                lambda f, r: 12 * math.log(f / r),
            "should a pitch above the reference come out positive or negative?": lambda f, r: -_semitones(f, r),
            "what does an octave give? How many semitones has it?": lambda f, r: math.log2(f / r),
        },
        [(200.0, 100.0), (100.0, 200.0), (150.0, 150.0), (300.0, 200.0)],
    ),
    "f0_by_autocorrelation": Exercise(
        _autocorrelation_f0,
        Hints(
            "which shift fits best, of those that are allowed, and how long is it in seconds?",
            "one sum of n products for each lag, shortest to longest; the lag with the largest sum is a period",
            "fits = [np.dot(samples[:n], samples[lag : lag + n]) for each lag]; F0 = SAMPLE_RATE / lag of the largest",
        ),
        {
            "which lag always fits best, and is it allowed? Where does the search begin?":
                lambda x, floor, ceiling: np.inf,
            "is that a lag in samples or a frequency?": lambda x, low, high: (
                SAMPLE_RATE / _autocorrelation_f0(x, low, high)),
        },
        [(_hum(200.0), 75.0, 500.0), (_hum(125.0), 75.0, 400.0), (_hum(320.0), 100.0, 500.0)],
        0.005,
    ),
    "praat_window_ms": Exercise(
        40.0,
        Hints(
            "how long is one period of the floor, and how many does Praat look at?",
            "75 periods a second: how many ms has each of them?",
            "3 * 1000 / 75",
        ),
        {
            "that is how long one period is; how many does Praat want to see?": 1000 / 75,
            "is that in ms?": 0.04,
        },
        unit="ms",
    ),
    "movement_st": Exercise(
        _movement,
        Hints(
            "where does the voice begin in this contour, where does it end, and how high is it there?",
            "keep the values that are numbers (np.isnan says which are not); then only the last and the first matter",
            "voiced = contour_st[~np.isnan(contour_st)]; voiced[-1] - voiced[0]",
        ),
        {
            "what if the first or the last value is unvoiced? What is nan minus a number?":
                lambda offsets, contour: float(contour[-1] - contour[0]),
            "should a rise come out positive or negative?": lambda o, c: -_movement(o, c),
            "what does a fall give? This is never negative.": lambda o, c: float(np.nanmax(c) - np.nanmin(c)),
        },
        [(_OFFSETS, _OFFSETS / 10), (_OFFSETS, _GAPPY), (_OFFSETS, -2 * _GAPPY), (_OFFSETS, np.abs(_GAPPY) - _GAPPY)],
    ),
    "tone_of_contour": Exercise(
        "R",
        Hints(
            "where in the left panel is 6 semitones under 0, and which contours pass there at offset 0?",
            "of the contours that are low at their centre, which is higher 50 ms later?",
            "low at its centre, and climbing: the contour that Chao's digits write 114",
        ),
        {
            "does this contour ever go so low?": "H",
            "it moves as much, but which way?": "F",
            "it is as low at its centre; what does it do afterwards?": "L",
        },
        words={
            "rising": "R", "rise": "R", "rising tone": "R", "high": "H", "high tone": "H", "falling": "F", "fall": "F",
            "falling tone": "F", "low": "L", "low tone": "L", "mid": "M", "middle": "M", "mid tone": "M",
        },
    ),
}  # fmt: skip
