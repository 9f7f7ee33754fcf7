"""Exercises of lesson 2: macro-F1, speakers in two splits, the peak of a curve, and the bootstrap by hand.

Conventions: a confusion matrix has true tones in rows and predicted tones in columns.

Notebook: notebooks/course/2_how_wide_is_the_cue
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tonespan_utils.course.exercises import Exercise, Hints
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
        Hints(
            "what is the F1 of each tone by itself, and what is done with them at the end?",
            "hits lie on the diagonal; the F1 of a tone needs its row sum and its column sum; each tone counts alike",
            "np.mean(2 * hits / (row sums + column sums))",
        ),
        {
            "does a frequent tone count more here than a rare one? Should it?": _micro_f1,
            "this looks at the rows alone; what about the tokens that were wrongly called so?": _recall,
            "this looks at the columns alone; what about the tokens that were missed?":
                lambda c: _recall(np.asarray(c).T),
        },
        [(np.array([[8, 2], [1, 1]]),), (np.array([[5, 0, 1], [2, 3, 0], [0, 4, 6]]),)],
    ),
    "guessing_f1": Exercise(
        0.2,
        Hints(
            "how often is a guess right, for one of the five tones?",
            "work out precision and recall of one tone; all five are alike",
            "precision 1/5 and recall 1/5, so F1 = 1/5, and so is the mean",
        ),
        {"how many tones are there?": 0.5},
    ),
    "always_mid_f1": Exercise(
        (2 * 0.2 / 1.2) / 5,
        Hints(
            "what are precision and recall of M here, and of a tone that is never named?",
            "four of the five tones are never named: what is their F1, and do they count in the mean?",
            "(2 * 0.2 * 1 / (0.2 + 1) + 0 + 0 + 0 + 0) / 5",
        ),
        {
            "that is the share of tokens that are right; is it the mean of five values of F1?": 0.2,
            "that is the F1 of M; how many tones does the mean go over?": 2 * 0.2 / 1.2,
        },
    ),
    "cue_from_peak_ms": Exercise(
        115.0,
        Hints(
            "where does the peak sit: on the edge of the cue, within it, or beyond it?",
            "a frame with its centre outside of the cue can still touch it: how far outside, on each side?",
            "the window at the peak minus one analysis window: 140 - 25",
        ),
        {
            "does a frame at the edge of the window see nothing beyond the window?": 140.0,
            "that is right for one side; how many sides has a window?": 127.5,
            "does the analysis window make the peak wider or narrower than the cue?": 165.0,
        },
        unit="ms",
    ),
    "shared_speakers": Exercise(
        _shared,
        Hints(
            "which speakers are in both tables, and how many different ones are they?",
            "a set keeps each speaker once; which operation keeps what is in two sets?",
            'len(set(train["speaker"]) & set(test["speaker"]))',
        ),
        {
            "does a speaker with three tokens count once or three times?": lambda train, test: int(
                test["speaker"].isin(train["speaker"]).sum()),
            "you looked at one table; who is in the other?": lambda train, test: train["speaker"].nunique(),
        },
        [tuple(map(_speakers, pair)) for pair in (("aabbc", "ccd"), ("ab", "cd"), ("abc", "bbbcc"))],
    ),
    "n_resamples_of_three": Exercise(
        27.0,
        Hints(
            "how many outcomes has the first draw, and how many has the second, when the drawn one was put back?",
            "each of the three draws has the same number of outcomes, whatever was drawn before",
            "3 * 3 * 3",
        ),
        {
            "can a number come twice in one of your draws?": 6.0,
            "how many draws are made, two or three?": 9.0,
            "are (1, 1, 2) and (1, 2, 1) one draw or two?": 10.0,
        },
    ),
    "share_of_middle_mean": Exercise(
        7 / 27,
        Hints(
            "what must three numbers add up to, if their mean is 2, and which draws do?",
            "write down the sets of three that add up to 6, and for each in how many orders it comes",
            "(1, 2, 3) in its six orders and (2, 2, 2), over all draws: (6 + 1) / 27",
        ),
        {
            "is (1, 2, 3) the only one? What if a number comes more than once?": 6 / 27,
            "in how many orders can (1, 2, 3) be drawn?": 2 / 27,
            "that many of them, yes; what share of all draws is it?": 7.0,
        },
    ),
    "bootstrap_means": Exercise(
        _bootstrap_means,
        Hints(
            "which draws are there, with putting back, and what is the mean of each?",
            "itertools.product with repeat lists the draws; each has as many numbers as there are values",
            "sorted(np.mean(drawn) for drawn in itertools.product(values, repeat=len(values)))",
        ),
        {
            "can a value come twice in one of your draws?":
                lambda v: [float(np.mean(drawn)) for drawn in itertools.permutations(v)],
            "are they in order? The smallest comes first.": lambda v: [
                float(np.mean(drawn)) for drawn in itertools.product(v, repeat=len(v))],
            "how many numbers has a draw, when there are four values?": lambda v: sorted(
                float(np.mean(drawn)) for drawn in itertools.product(v, repeat=2)),
        },
        [([1.0, 2.0, 3.0],), ([3.0, 0.0, 0.0, 1.0],)],
    ),
}  # fmt: skip
