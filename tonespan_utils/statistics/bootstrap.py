"""The bootstrap: intervals from resamples, and how often each resample draws a cluster or a row.

Conventions: a resample draws whole clusters (utterances) with replacement and, crossed with them, whole seeds of
training. An interval is the middle ``level`` of the resampled values (percentile bootstrap); one rule holds wherever a
value is undefined: see :func:`percentile_interval`.

Sources: Field & Welsh (2007), the cluster bootstrap; Owen (2007), the pigeonhole bootstrap.

Notebook: notebooks/course/2_how_wide_is_the_cue
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


LEAST_TOKENS = 10  # for an interval: the bootstrap of fewer shows little but which tokens there happened to be


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its percentile bootstrap interval."""

    value: float
    low: float
    high: float


def percentile_interval(
    draws: ArrayLike, *, level: float, n_tokens: int | None = None, n_clusters: int | None = None
) -> tuple[float, float]:
    """The percentile interval of resampled values ``draws`` (resample,): low and high end of their middle ``level``.

    The value of the data itself is not among ``draws``. Values that are nan are left out; where more than half are nan,
    the others are a selection, and there is no interval (nan, nan). Infinite values count as the largest and smallest:
    an end that falls among them is infinite. There is no interval from fewer than LEAST_TOKENS tokens or from a single
    cluster, where ``n_tokens`` and ``n_clusters`` are given.
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


def data_first(weights: Floats) -> Floats:
    """The draws of ``weights`` (resample, unit) after the data as they are, in which each unit counts once:
    (1 + resample, unit).
    """
    return np.vstack([np.ones((1, weights.shape[1])), weights])


def resample_rows(clusters: ArrayLike, seeds: ArrayLike | None = None, *, n_resamples: int, seed: int) -> Floats:
    """How often each row counts in each bootstrap resample: (resample, row).

    ``clusters`` (row,) are drawn whole, with replacement. Where ``seeds`` (row,) of training are given, they are drawn
    too, crossed with the clusters: a row counts as often as its cluster times as often as its seed.
    Source: Field & Welsh (2007), the cluster bootstrap; Owen (2007), the pigeonhole bootstrap.
    """
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    weights = resample_clusters(names.size, n_resamples=n_resamples, seed=seed)[:, cluster]
    if seeds is None:
        return weights
    trained, which = np.unique(np.asarray(seeds), return_inverse=True)
    return weights * resample_clusters(trained.size, n_resamples=n_resamples, seed=seed + 1)[:, which]
