"""Resampling with replacement: an estimate with its interval, and how often each cluster and row is drawn.

Conventions: what is drawn are whole clusters (utterances) and, crossed with them, whole seeds of training. An interval
is the middle ``level`` of the draws (percentile bootstrap), by one rule wherever a draw is undefined: see
:func:`percentile_interval`.

Sources: Field & Welsh (2007), the cluster bootstrap; Owen (2007), the pigeonhole bootstrap.

Notebook: notebooks/course/2_how_wide_is_the_cue
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


LEAST_TOKENS = 10  # for an interval: the bootstrap of fewer says little but which tokens there happened to be


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its percentile bootstrap interval."""

    value: float
    low: float
    high: float


def percentile_interval(
    draws: ArrayLike, *, level: float, n_tokens: int | None = None, n_clusters: int | None = None
) -> tuple[float, float]:
    """The middle ``level`` of resampled values ``draws`` (resample,), without the value of the data itself: low, high.

    Draws that are nan are left out; where more than half are, what is left is a selection, and there is no interval
    (nan, nan). Infinite draws count as the largest and smallest: a bound that falls among them is infinite. No interval
    either from under LEAST_TOKENS tokens or from a single cluster, where their numbers are given.
    Notebook: notebooks/course/2_how_wide_is_the_cue
    """
    values = np.asarray(draws, dtype=np.float64)
    defined = values[~np.isnan(values)]
    too_few = (n_tokens is not None and n_tokens < LEAST_TOKENS) or (n_clusters is not None and n_clusters < 2)
    if too_few or defined.size < max(1, values.size / 2):
        return np.nan, np.nan
    method = "linear" if np.isfinite(defined).all() else "inverted_cdf"  # between a number and infinity lies nothing
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2], method=method)
    return float(low), float(high)


def resample_clusters(n_clusters: int, *, n_resamples: int, seed: int) -> Floats:
    """How often each cluster is drawn in each bootstrap resample: (resample, cluster)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_resamples).astype(float)


def resample_rows(clusters: ArrayLike, seeds: ArrayLike | None = None, *, n_resamples: int, seed: int) -> Floats:
    """How often each row counts in each bootstrap resample: (resample, row).

    Whole clusters (utterances) are drawn with replacement and, crossed with them, whole ``seeds`` (row,) of training,
    where they are given: a row counts as often as its cluster times as often as its seed.
    Source: Field & Welsh (2007), the cluster bootstrap; Owen (2007), the pigeonhole bootstrap.
    """
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    weights = resample_clusters(names.size, n_resamples=n_resamples, seed=seed)[:, cluster]
    if seeds is None:
        return weights
    trained, which = np.unique(np.asarray(seeds), return_inverse=True)
    return weights * resample_clusters(trained.size, n_resamples=n_resamples, seed=seed + 1)[:, which]
