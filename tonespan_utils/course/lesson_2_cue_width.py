"""Exercises of lesson 2: macro-F1, speakers in two splits, the peak of a curve, and the bootstrap by hand.

Conventions: a confusion matrix has true tones in rows and predicted tones in columns.

Notebook: notebooks/course/2_how_wide_is_the_cue
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tonespan_utils.course.exercises import Exercise
from tonespan_utils.statistics import classifier


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


EXERCISES: dict[str, Exercise] = {
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
}  # fmt: skip
