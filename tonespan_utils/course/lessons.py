"""The exercises of the course: what is right, which mistakes are typical, and the hint for each.

A lesson asks for a number (worked out by hand), a word, or a function; ``check("semitones", semitones)`` is silent
agreement or one line that says what to think about. The right answer of a function is an independent one, mostly the
package's own; a typical mistake is the number, or the function, that it leads to: whoever answers the same made it.

Conventions: numbers are right within 1 % of the answer, unless the exercise says otherwise; arrays element by element;
times in ms. A wrong answer raises :class:`NotYet`, an AssertionError, as nbgrader's autograder expects.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders.checkpoints import Encoder
from tonespan_utils.instrument import f0, gradient_energy, gradients, spans
from tonespan_utils.statistics import classifier

TOLERANCE = 0.01  # of the right number: rounding by hand is no mistake
HOP, RECEPTIVE = 320, 400  # samples: the frames of a wav2vec 2.0 style encoder
ROLES = ("supported", "not supported", "undecided")


class NotYet(AssertionError):
    """An answer that is not right yet; the message is the hint. Jupyter shows it without a stack trace."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


@dataclass(frozen=True)
class Exercise:
    """What is right: a number, a word, or a function with ``cases`` (arguments) to try it on; hint -> mistake."""

    right: object
    mistakes: Mapping[str, object] = field(default_factory=dict)
    hint: str = "work through the text above once more"
    cases: Sequence[tuple] = ()
    tolerance: float = TOLERANCE


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
    print(f"{name}: right")


def _check_value(name: str, answer: object, exercise: Exercise) -> None:
    wants_number = isinstance(exercise.right, Real)
    if wants_number and not (isinstance(answer, Real) and not isinstance(answer, bool)):
        raise NotYet(f"{name} asks for a number, not {answer!r}")
    if not wants_number and not isinstance(answer, str):
        raise NotYet(f"{name} asks for a word in quotes, not {answer!r}")
    if same(answer, exercise.right, exercise.tolerance):
        return
    for hint, mistake in exercise.mistakes.items():
        if same(answer, mistake, exercise.tolerance):
            raise NotYet(f"{name} = {_shown(answer)}: {hint}")
    raise NotYet(f"{name} = {_shown(answer)}: {exercise.hint}")


def _check_function(name: str, answer: object, exercise: Exercise) -> None:
    if not callable(answer):
        raise NotYet(f"{name} has to stay a function (def {name}...), not {_shown(answer)}")
    given = [_called(name, answer, case) for case in exercise.cases]
    right = [exercise.right(*deepcopy(case)) for case in exercise.cases]
    wrong = [i for i, pair in enumerate(zip(given, right, strict=True)) if not same(*pair, exercise.tolerance)]
    if not wrong:
        return
    for hint, mistake in exercise.mistakes.items():
        made = [mistake(*deepcopy(case)) for case in exercise.cases]
        if all(same(*pair, exercise.tolerance) for pair in zip(given, made, strict=True)):
            raise NotYet(f"{name}: {hint}")
    first = wrong[0]
    asked = ", ".join(map(_shown, exercise.cases[first]))
    raise NotYet(f"{name}({asked}) gives {_shown(given[first])}, not {_shown(right[first])}; {exercise.hint}")


def _called(name: str, function: Callable, case: tuple) -> object:
    try:
        given = function(*deepcopy(case))
    except Exception as error:  # whatever a student's own lines raise
        raise NotYet(f"{name} stops with {type(error).__name__}: {error}") from None
    if given is None:
        raise NotYet(f"{name} gives nothing back: write its body, and end with return")
    return given


def same(answer: object, right: object, tolerance: float = TOLERANCE) -> bool:
    """Whether two answers agree: words and truth values exactly, numbers and arrays of one shape within tolerance."""
    if isinstance(right, str | bool | np.bool_):
        return isinstance(answer, str | bool | np.bool_) and answer == right
    if isinstance(right, Mapping):
        is_alike = isinstance(answer, Mapping) and set(answer) == set(right)
        return is_alike and all(same(answer[key], right[key], tolerance) for key in right)
    if isinstance(right, tuple) and isinstance(right[0], str):
        is_alike = isinstance(answer, tuple | list) and len(answer) == len(right)
        return is_alike and all(same(*pair, tolerance) for pair in zip(answer, right, strict=True))
    try:
        given, wanted = np.asarray(answer, dtype=float), np.asarray(right, dtype=float)
    except (TypeError, ValueError):
        return False
    return given.shape == wanted.shape and np.allclose(given, wanted, rtol=tolerance, atol=1e-9, equal_nan=True)


def _shown(value: object) -> str:
    """A value, short enough for one line."""
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, pd.DataFrame):
        return f"<table of {len(value)} rows>"
    if isinstance(value, np.ndarray):
        value = np.round(value, 4).tolist()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# 1. Tone and F0


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


_OFFSETS = np.arange(-50.0, 51.0, 10.0)
_GAPPY = np.where(np.abs(_OFFSETS) > 35, np.nan, _OFFSETS / 20)

# 2. How wide is the cue?


def _macro_f1(counts: np.ndarray) -> float:
    return float(classifier.macro_f1(np.asarray(counts, dtype=float)))


def _micro_f1(counts: np.ndarray) -> float:
    return float(np.trace(counts) / np.sum(counts))


def _recall(counts: np.ndarray) -> float:
    return float(np.mean(np.diag(counts) / np.sum(counts, axis=1)))


def _shared(train: pd.DataFrame, test: pd.DataFrame) -> int:
    return len(set(train["speaker"]) & set(test["speaker"]))


def _bootstrap_means(values: Sequence[float]) -> list[float]:
    return sorted(float(np.mean(drawn)) for drawn in itertools.product(values, repeat=len(values)))


def _speakers(names: str) -> pd.DataFrame:
    return pd.DataFrame({"speaker": list(names)})


# 3. What layers know


def _frame_at(time_ms: float) -> int:
    return max(0, round((time_ms * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP))


def _codelength_bits(labels: str) -> float:
    """Bits of a sequence of two labels, each coded with what Laplace's rule expects from those before it."""
    bits, seen = 0.0, {"H": 1, "T": 1}
    for label in labels:
        bits -= math.log2(seen[label] / sum(seen.values()))
        seen[label] += 1
    return bits


def _fair_bits(labels: str) -> float:
    return float(len(labels))


def _hindsight_bits(labels: str) -> float:
    """The mistake: as if the share of heads had been known before the first toss."""
    shares = [labels.count(side) / len(labels) for side in "HT"]
    return -len(labels) * sum(share * math.log2(share) for share in shares if share)


def _honest_best(choose_on: Mapping[str, float], report_on: Mapping[str, float]) -> tuple[str, float]:
    best = max(choose_on, key=choose_on.__getitem__)
    return best, report_on[best]


_HALVES = [
    ({"1": 0.80, "2": 0.90, "3": 0.85}, {"1": 0.82, "2": 0.84, "3": 0.88}),
    ({"cnn": 0.31, "0": 0.52, "1": 0.50}, {"cnn": 0.35, "0": 0.47, "1": 0.55}),
]

# 4. How far does a model listen?


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


_PROFILES = [
    (np.array([0.0, 1.0, 2.0, 1.0, 0.0]), np.array([-20.0, -10.0, 0.0, 10.0, 20.0])),
    (np.array([0.0, 0.0, 5.0, 0.0, 15.0]), np.array([-20.0, -10.0, 0.0, 10.0, 20.0])),
    (np.exp(-np.abs(_OFFSETS) / 20), _OFFSETS),
]

# 5. What does fine-tuning change?


def _paired_interval(before: np.ndarray, after: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """95 % interval of the mean difference over ``draws`` (resample, token), the same tokens for both."""
    means = (np.asarray(after) - np.asarray(before))[draws].mean(axis=1)
    return np.quantile(means, [0.025, 0.975])


def _unpaired_interval(before: np.ndarray, after: np.ndarray, draws: np.ndarray) -> np.ndarray:
    means = np.asarray(after)[draws].mean(axis=1) - np.asarray(before)[draws[::-1]].mean(axis=1)
    return np.quantile(means, [0.025, 0.975])


def _backwards_interval(before: np.ndarray, after: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return _paired_interval(after, before, draws)


def _verdict(low: float, high: float) -> str:
    """Of the claim that a difference is greater than zero, from its interval."""
    return ROLES[0] if low > 0 else ROLES[1] if high <= 0 else ROLES[2]


def _verdict_by_middle(low: float, high: float) -> str:
    return ROLES[0] if (low + high) / 2 > 0 else ROLES[1]


def _verdict_two_ways(low: float, high: float) -> str:
    return ROLES[0] if low > 0 else ROLES[1]


def _false_alarm(n_tests: int) -> float:
    return 1 - 0.95**n_tests


def _paired_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    before = rng.normal(200, 80, 30)
    return before, before + rng.normal(15, 10, 30), rng.integers(30, size=(500, 30))


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
    "macro_f1": Exercise(
        _macro_f1,
        {
            "that is accuracy: tones with many tokens count more; macro-F1 is the plain mean of each tone's own F1":
                _micro_f1,
            "that is mean recall; F1 also pays for false alarms, the column sums": _recall,
            "that is mean precision; F1 also pays for misses, the row sums": lambda c: _recall(np.asarray(c).T),
        },
        "per class 2 * hits / (row sum + column sum), then the plain mean",
        [(np.array([[8, 2], [1, 1]]),), (np.array([[5, 0, 1], [2, 3, 0], [0, 4, 6]]),)],
    ),
    "guessing_f1": Exercise(
        0.2,
        {"that holds for two tones; here there are five": 0.5},
        "each tone has precision 1/5 and recall 1/5",
    ),
    "always_mid_f1": Exercise(
        (2 * 0.2 / 1.2) / 5,
        {
            "that is the accuracy; four of the five tones have an F1 of 0, and the mean is over all five": 0.2,
            "that is the F1 of the tone M; four others score 0 and count as well": 2 * 0.2 / 1.2,
        },
        "M: precision 0.2, recall 1, so F1 = 2 * 0.2 * 1 / 1.2; the others: 0; then the mean over five",
    ),
    "cue_from_peak_ms": Exercise(
        115.0,
        {
            "the frames at the edge add something: one analysis window in all": 140.0,
            "half an analysis window on each side makes a whole one": 127.5,
            "the analysis window makes the peak wider than the cue: take it away": 165.0,
        },
        "140 minus one analysis window",
    ),
    "shared_speakers": Exercise(
        _shared,
        {
            "count different speakers, not tokens: a set keeps each once": lambda train, test: int(
                test["speaker"].isin(train["speaker"]).sum()),
            "both tables have to be looked at: speakers that are in train and in test": lambda train, test: (
                train["speaker"].nunique()),
        },
        "set(a) & set(b) is what two sets share; len() counts it",
        [tuple(map(_speakers, pair)) for pair in (("aabbc", "ccd"), ("ab", "cd"), ("abc", "bbbcc"))],
    ),
    "n_resamples_of_three": Exercise(
        27.0,
        {
            "that counts orders of three different ones; the bootstrap puts each back before the next draw": 6.0,
            "three draws, each with three outcomes: 3 * 3 * 3": 9.0,
            "that ignores the order; count (1, 1, 2) and (1, 2, 1) apart, since each is drawn as often": 10.0,
        },
        "three draws with replacement, each with three outcomes",
    ),
    "share_of_middle_mean": Exercise(
        7 / 27,
        {
            "(1, 2, 3) in its six orders, but (2, 2, 2) has the mean 2 as well": 6 / 27,
            "count the orders: (1, 2, 3) comes in six": 2 / 27,
            "as a share of all 27": 7.0,
        },
        "which of the 27 draws sum to 6?",
    ),
    "bootstrap_means": Exercise(
        _bootstrap_means,
        {
            "without replacement each draw is the same three numbers: itertools.product(values, repeat=n), not "
            "permutations": lambda v: [float(np.mean(drawn)) for drawn in itertools.permutations(v)],
            "sort them, please: sorted(...)": lambda v: [
                float(np.mean(drawn)) for drawn in itertools.product(v, repeat=len(v))],
            "as many draws as there are values: repeat=len(values)": lambda v: sorted(
                float(np.mean(drawn)) for drawn in itertools.product(v, repeat=2)),
        },
        "the mean of every tuple in itertools.product(values, repeat=len(values)), sorted",
        [([1.0, 2.0, 3.0],), ([3.0, 0.0, 0.0, 1.0],)],
    ),
    "frame_at": Exercise(
        _frame_at,
        {
            "frames start at 320 f, but their centres lie 199.5 samples later": lambda t: round(t / 20),
            "round to the nearest frame, do not cut off": lambda t: max(
                0, int((t * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP)),
            "that gives a fraction of a frame; round it": lambda t: max(
                0.0, (t * SAMPLE_RATE / 1000 - (RECEPTIVE - 1) / 2) / HOP),
        },
        "solve 320 f + 199.5 = 16 t for f, round, and never go below 0",
        [(12.46875,), (100.0,), (111.0,), (503.0,), (0.0,)],
    ),
    "selectivity": Exercise(
        0.30,
        {
            "probe minus chance tells whether anything was learned; selectivity takes the control task": 0.50,
            "the probe's own F1 says nothing about what it memorised": 0.70,
            "the other way round": -0.30,
        },
        "probe F1 minus control F1",
    ),
    "three_heads_bits": Exercise(
        2.0,
        {
            "one bit each is the price of a coin known to be fair; this code learns: 1/2, then 2/3, then 3/4": 3.0,
            "the first toss costs a bit: nobody knew the coin yet": 0.0,
            "that is the probability; bits are minus its logarithm to the base 2": 0.25,
        },
        "multiply 1/2 * 2/3 * 3/4 and take -log2",
    ),
    "codelength_bits": Exercise(
        _codelength_bits,
        {
            "each toss at one bit: this code never learns": _fair_bits,
            "that uses the share of heads in the whole sequence, which nobody knew at the first toss": _hindsight_bits,
            "natural logarithm: that counts nats; bits need np.log2": lambda s: _codelength_bits(s) * math.log(2),
        },
        "before each toss p(side) = (how often it came so far + 1) / (tosses so far + 2); add up -log2 p",
        [("HHH",), ("HTHT",), ("HHHHHHHT",), ("T",)],
    ),
    "honest_best": Exercise(
        _honest_best,
        {
            "chosen and reported on the same half: the winner's luck is reported too": lambda a, b: _honest_best(a, a),
            "the reported half must not choose": lambda a, b: _honest_best(b, b),
        },
        "the layer with the highest score in the first dictionary, and that layer's score in the second",
        _HALVES,
    ),
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
    "paired_interval": Exercise(
        _paired_interval,
        {
            "before and after were resampled apart: use the same drawn tokens for both": _unpaired_interval,
            "after minus before, so that longer spans come out positive": _backwards_interval,
        },
        "difference per token first, then its mean in each draw, then np.quantile(means, [0.025, 0.975])",
        [_paired_case(1), _paired_case(2)],
        0.02,
    ),
    "verdict": Exercise(
        _verdict,
        {
            "an interval that holds 0 leaves the claim undecided, whatever its middle says": _verdict_by_middle,
            "'not supported' needs the whole interval at or below 0; else it is 'undecided'": _verdict_two_ways,
        },
        "above 0 as a whole: supported; at or below 0 as a whole: not supported; else undecided",
        [(2.0, 9.0), (-9.0, -2.0), (-1.0, 8.0), (-8.0, 1.0)],
    ),
    "false_alarm": Exercise(
        _false_alarm,
        {
            "that adds up chances; with 20 or more it would reach certainty": lambda n: 0.05 * n,
            "that is the chance that all 20 keep quiet": lambda n: 0.95**n,
            "the chance that all of them are false alarms": lambda n: 0.05**n,
        },
        "1 minus the chance that none of them gives a false alarm",
        [(1,), (5,), (20,)],
    ),
    "did_it_learn": Exercise(
        "emotion",
        {
            "its interval holds the null: it could as well have guessed": "shuffled_emotion",
            "look again: one of the two intervals holds its null": "both",
            "look again: one of the two intervals lies above its null": "neither",
        },
        "whose interval lies above its null as a whole? 'emotion', 'shuffled_emotion', 'both' or 'neither'",
    ),
}  # fmt: skip


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
    heard = str(probes[top].predict(encoder.hidden_at(samples, [center_s])[top])[0])
    if measured["tone"] != heard:
        raise NotYet(f"tone = {measured['tone']!r}: the probe of the layer {top} says otherwise at this centre")
    edges, offsets = spans.offset_bins(500, 10)
    found = gradients.input_gradients(encoder, probes, samples, [center_s], [heard], target="true")
    right = {
        layer: float(
            spans.effective_span(gradient_energy.energy_over_offset(encoder, g, [center_s], edges)[0], offsets)
        )
        for layer, g in found.items()
    }
    if not same(measured["span_ms"], right):
        raise NotYet("span_ms: a dictionary, layer -> 2 r_com in ms, from the energy in 10 ms bins over +-500 ms")
    print(f"measured: right; {heard} at {measured['f0_hz']:.0f} Hz, layer {top} looks {right[top]:.0f} ms wide")
