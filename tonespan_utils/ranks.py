"""Spearman's rank correlation, and whole clusters of rows drawn anew for its interval.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


def correlation(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Spearman's rho of ``a`` and ``b`` (n, ...) along the first axis: (...); nan where one is constant."""
    ranks = [rankdata(x, axis=0) for x in (a, b)]
    left, right = (x - x.mean(axis=0) for x in ranks)
    size = np.sqrt(np.square(left).sum(axis=0) * np.square(right).sum(axis=0))
    return np.divide((left * right).sum(axis=0), size, out=np.full(np.shape(size), np.nan), where=size > 0)


def drawn_rows(clusters: ArrayLike, *, n_resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The rows of each bootstrap resample: as many whole ``clusters`` (row,) as there are, with replacement."""
    names, which = np.unique(np.asarray(clusters), return_inverse=True)
    members = [np.flatnonzero(which == one) for one in range(names.size)]
    for _ in range(n_resamples if names.size else 0):
        yield np.concatenate([members[one] for one in rng.integers(names.size, size=names.size)])
