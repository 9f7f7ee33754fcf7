"""Exercises of lesson 5: paired intervals, verdicts, false alarms, and whether a task was learned.

Conventions: differences are after minus before; intervals are 95 % percentile intervals.

Notebook: notebooks/course/5_what_fine_tuning_changes
"""

from __future__ import annotations

import numpy as np

from tonespan_utils.course.exercises import Exercise

ROLES = ("supported", "not supported", "undecided")


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
            "an interval that contains 0 leaves the claim undecided, whatever its middle says": _verdict_by_middle,
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
            "its interval contains the null: it could as well have guessed": "shuffled_emotion",
            "look again: one of the two intervals contains its null": "both",
            "look again: one of the two intervals lies above its null": "neither",
        },
        "whose interval lies above its null as a whole? 'emotion', 'shuffled_emotion', 'both' or 'neither'",
    ),
}  # fmt: skip
