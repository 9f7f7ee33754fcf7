"""Does a span mean what it says? Checks that could have failed, each with its null and a verdict.

- **Randomised weights** (:mod:`encoders.randomised`): with all weights permuted the probe must be at chance; its
  map tells how wide this architecture looks when it knows nothing, a null of its own beside the flat map, and a span
  that says something about learning must differ from it.
- **Shuffled labels**: a probe of shuffled tones must be at chance.
- **Description length** (Voita & Titov 2020): bits a token to send the tones to someone who has the vectors, coded
  online in growing blocks by the study's own probe. It counts how hard the tone is to read, not only whether.
- **Tone-free speech**: the same sentences and voices without a tone contour must leave every probe at chance.
- **Confounds**: the rank correlation of a token's r_com with its distance to the edge of the recording and with the
  syllable's duration.
- **Agreement** (:func:`statistics.ranks.agreement`): other estimators should rank tokens and layers as the gradient
  does.

Conventions: a row is one of the table ``sanity``: check, condition, layer, statistic, value, ci_low, ci_high, null,
verdict. Verdicts: PASSED, FAILED, UNDECIDED, or SHOWN where nothing is asked of the value.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics import bootstrap, classifier, ranks, splits
from tonespan_utils.statistics.bootstrap import Interval

Floats = NDArray[np.float64]
PASSED, FAILED, UNDECIDED, SHOWN = "passed", "failed", "undecided", "shown"
PORTIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0)  # of the tokens, about as Voita & Titov cut them


def row(check: str, condition: str, layer: str, statistic: str, interval: Interval, null: float, verdict: str) -> dict:
    """One row of the table ``sanity``."""
    about = {"check": check, "condition": condition, "layer": layer, "statistic": statistic}
    return about | {
        "value": interval.value, "ci_low": interval.low, "ci_high": interval.high, "null": null, "verdict": verdict,
    }  # fmt: skip


def at_most(interval: Interval, null: float) -> str:
    """Whether a value is no more than its null: FAILED where its whole interval is above."""
    return FAILED if interval.low > null else PASSED


def above(interval: Interval, null: float) -> str:
    """Whether a value is more than its null: UNDECIDED where its interval contains the null."""
    return PASSED if interval.low > null else FAILED if interval.high < null else UNDECIDED


def apart(interval: Interval, null: float) -> str:
    """Whether a value is another than its null, on either side: UNDECIDED where its interval contains the null."""
    return PASSED if interval.low > null or interval.high < null else UNDECIDED


def reaches(interval: Interval, null: float) -> str:
    """Whether a value is at least its null: FAILED where its whole interval is below."""
    return FAILED if interval.high < null else PASSED


# Labels


def shuffled_training(tokens: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """The tokens with the tones of the training split shuffled; test tones stay."""
    train, _ = splits.train_test(tokens)
    tone = tokens["tone"].to_numpy(copy=True)
    tone[train] = np.random.default_rng(seed).permutation(tone[train])
    return tokens.assign(tone=tone)


@dataclass(frozen=True)
class Codelength:
    """``bits`` (token,) that each token of ``order`` cost, and what each costs when all classes are alike."""

    bits: Floats
    order: NDArray[np.int64]
    uniform: float

    @property
    def compression(self) -> float:
        """Uniform code over online code: 1 where nothing was learned, the more the easier."""
        return float(self.uniform / self.bits.mean())


def online_codelength(
    vectors: ArrayLike, labels: ArrayLike, groups: ArrayLike, *, regularisation_c: float, seed: int
) -> Codelength:
    """Voita & Titov's online code of ``labels`` (token,) given ``vectors`` (token, feature).

    Tokens come in random order, whole ``groups`` (token,) together. The first block is sent uniformly; each further one
    with the probe's probabilities after all before it, mixed with one imaginary token of every class, (n p + 1) / (n +
    K), so that a class that was not met yet can be sent. Raises TonespanError for fewer than two classes.
    """
    vectors, labels = np.asarray(vectors), np.asarray(labels, dtype=str)
    classes, codes = np.unique(labels, return_inverse=True)
    if classes.size < 2:
        raise TonespanError(f"a code needs two or more classes; there is only {classes.tolist()}")
    order = _grouped_order(groups, seed)
    n, uniform = len(order), float(np.log2(classes.size))
    ends = np.unique(np.round(np.array(PORTIONS) * n).astype(int))
    ends = ends[ends > 0]
    bits = np.full(n, uniform)
    for start, end in pairwise(ends):
        sent, block = order[:start], order[start:end]
        if np.unique(labels[sent]).size < 2:
            continue  # nothing to learn from yet: sent uniformly
        model = classifier.fit(vectors[sent], labels[sent], regularisation_c=regularisation_c)
        chances = np.zeros((len(block), classes.size))
        chances[:, np.searchsorted(classes, model.classes)] = softmax(model.logits(vectors[block]), axis=1)
        mixed = (start * chances + 1) / (start + classes.size)
        bits[start:end] = -np.log2(mixed[np.arange(len(block)), codes[block]])
    return Codelength(bits, order, uniform)


def _grouped_order(groups: ArrayLike, seed: int) -> NDArray[np.int64]:
    _, which = np.unique(np.asarray(groups), return_inverse=True)
    place = np.random.default_rng(seed).permutation(which.max() + 1)
    return np.argsort(place[which], kind="stable")


def mean_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    seeds: ArrayLike | None = None,
    *,
    n_resamples: int,
    level: float,
    seed: int,
) -> Interval:
    """The mean of ``values`` (n,) and its percentile interval from resampling ``clusters`` and ``seeds`` (n,).

    Values that are nan are left out; none left gives nan; no interval from under ``bootstrap.LEAST_TOKENS`` tokens or
    from one cluster.
    """
    values = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(values)
    if not defined.any():
        return Interval(np.nan, np.nan, np.nan)
    values, clusters = values[defined], np.asarray(clusters)[defined]
    seeds = None if seeds is None else np.asarray(seeds)[defined]
    weights = bootstrap.resample_rows(clusters, seeds, n_resamples=n_resamples, seed=seed)
    drawn = weights @ values / weights.sum(axis=1)
    low, high = bootstrap.percentile_interval(
        drawn, level=level, n_tokens=_n_tokens(values, seeds), n_clusters=np.unique(clusters).size
    )
    return Interval(float(values.mean()), low, high)


def _n_tokens(values: NDArray, seeds: NDArray | None) -> int:
    """Of values that are tokens under one seed each: how many tokens."""
    return values.size if seeds is None else round(values.size / np.unique(seeds).size)


# Confounds


def rank_correlation(
    x: ArrayLike, y: ArrayLike, clusters: ArrayLike, *, n_resamples: int, level: float, seed: int
) -> Interval:
    """Spearman's rho of ``x`` and ``y`` (n,) and its percentile interval from resampling ``clusters`` (n,).

    Pairs with a nan are left out; fewer than three, or one side constant, give nan; no interval from under
    ``bootstrap.LEAST_TOKENS`` tokens or from one cluster.
    """
    values = np.asarray(x, dtype=np.float64)[:, None]
    return ranks.correlation_intervals(values, y, clusters, n_resamples=n_resamples, level=level, seed=seed)[0]


def contains_zero(interval: Interval) -> str:
    """PASSED where the interval of a correlation contains 0: no confound was seen."""
    return PASSED if interval.low <= 0 <= interval.high else FAILED
