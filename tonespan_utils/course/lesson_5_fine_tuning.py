"""Exercises of lesson 5: paired intervals, verdicts, false alarms, and whether a task was learned.

Conventions: differences are after minus before; intervals are 95 % percentile intervals.

Notebook: notebooks/course/5_what_fine_tuning_changes
"""

from __future__ import annotations

import numpy as np

from tonespan_utils.course.exercises import Exercise, Hints

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
        Hints(
            "what changed in each token, and which tokens does a draw take from before and from after?",
            "one difference for each token comes first; a draw takes differences, and each draw has a mean",
            "np.quantile((after - before)[draws].mean(axis=1), [0.025, 0.975])",
        ),
        {
            "do both models get the same drawn tokens in one draw?": _unpaired_interval,
            "should a span that grew come out positive or negative?": _backwards_interval,
        },
        [_paired_case(1), _paired_case(2)],
        0.02,
    ),
    "verdict": Exercise(
        _verdict,
        Hints(
            "where does the whole interval lie: above 0, not above 0, or on both sides of it?",
            "three cases, and two numbers decide: first ask whether low is above 0, then whether high is not",
            "low > 0: supported; high <= 0: not supported; all else: undecided",
        ),
        {
            "what does an interval say that contains 0? Has its middle a say?": _verdict_by_middle,
            "what of an interval that reaches from below 0 to above 0? Do two verdicts suffice?": _verdict_two_ways,
        },
        [(2.0, 9.0), (-9.0, -2.0), (-1.0, 8.0), (-8.0, 1.0)],
    ),
    "false_alarm": Exercise(
        _false_alarm,
        Hints(
            "what is the chance that one test keeps quiet, and that all of them do?",
            "at least one alarm is everything but no alarm at all",
            "1 - 0.95**n_tests",
        ),
        {
            "what would this give for 40 tests? Can a chance be more than 1?": lambda n: 0.05 * n,
            "is that the chance of an alarm, or of none?": lambda n: 0.95**n,
            "is that at least one alarm, or an alarm in every test?": lambda n: 0.05**n,
        },
        [(1,), (5,), (20,)],
    ),
    "did_it_learn": Exercise(
        "emotion",
        Hints(
            "for each row: does the interval lie above its null as a whole?",
            "compare the lower end of each interval with the null of its own row",
            "learned: lower end above the null; name the row, or 'both', or 'neither'",
        ),
        {
            "where is the null of this row: outside of the interval or in it?": "shuffled_emotion",
            "does each of the two intervals lie above its own null?": "both",
            "does none of the two intervals lie above its null? Look again.": "neither",
        },
        words={
            "mini/emotion": "emotion", "mini/shuffled_emotion": "shuffled_emotion", "shuffled": "shuffled_emotion",
            "none": "neither", "both of them": "both",
        },
    ),
}  # fmt: skip
