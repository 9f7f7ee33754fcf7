"""Spearman's rank correlation, its interval from resampled clusters, and the agreement of several rankings.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from tonespan_utils.statistics.bootstrap import Interval, percentile_interval

Floats = NDArray[np.float64]
AGREEMENT_COLUMNS = ["a", "b", "over", "rho", "ci_low", "ci_high", "null_low", "null_high", "n"]


def correlation(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Spearman's rho of ``a`` and ``b`` (n, ...) along the first axis: (...); nan where one is constant."""
    ranks = [rankdata(x, axis=0) for x in (a, b)]
    left, right = (x - x.mean(axis=0) for x in ranks)
    size = np.sqrt(np.square(left).sum(axis=0) * np.square(right).sum(axis=0))
    return np.divide((left * right).sum(axis=0), size, out=np.full(np.shape(size), np.nan), where=size > 0)


def drawn_rows(clusters: ArrayLike, *, n_resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The rows of each bootstrap resample: as many whole ``clusters`` (row,) as there are, with replacement."""
    names, which = np.unique(np.asarray(clusters), return_inverse=True)
    members = [np.flatnonzero(which == number) for number in range(names.size)]
    for _ in range(n_resamples if names.size else 0):
        yield np.concatenate([members[number] for number in rng.integers(names.size, size=names.size)])


def correlation_intervals(
    values: ArrayLike, other: ArrayLike, clusters: ArrayLike, *, n_resamples: int, level: float, seed: int
) -> list[Interval]:
    """Spearman's rho of each column of ``values`` (n, column) and ``other`` (n,), with its percentile interval from
    resampling ``clusters`` (n,); all columns over the same draws.

    Rows with a nan are left out, but a column of nothing else leaves out none: its rho is nan, as is that of fewer than
    three rows or of a constant side. No interval from under LEAST_TOKENS rows or from one cluster.
    Notebook: notebooks/04_gradient_energy
    """
    values, other, clusters = np.asarray(values, dtype=float), np.asarray(other, dtype=float), np.asarray(clusters)
    defined = ~np.isnan(values).all(axis=0)
    whole = ~(np.isnan(values[:, defined]).any(axis=1) | np.isnan(other))
    intervals = [Interval(np.nan, np.nan, np.nan)] * values.shape[1]
    if whole.sum() < 3 or not defined.any():
        return intervals
    left, right, clusters = values[np.ix_(whole, defined)], other[whole], clusters[whole]
    drawn = list(drawn_rows(clusters, n_resamples=n_resamples, rng=np.random.default_rng(seed)))
    right = np.broadcast_to(right[:, None], left.shape)
    rho, resampled = correlation(left, right), each_draw(correlation, left, right, drawn)
    counts = {"n_tokens": len(left), "n_clusters": np.unique(clusters).size}
    for number, column in enumerate(np.flatnonzero(defined)):
        if not np.isnan(rho[number]):
            low, high = percentile_interval(resampled[:, number], level=level, **counts)
            intervals[column] = Interval(float(rho[number]), low, high)
    return intervals


def agreement(radii: pd.DataFrame, *, by: str = "estimator", n_resamples: int, level: float, seed: int) -> pd.DataFrame:
    """Spearman's rank correlation between every two estimators (or seeds: ``by="seed"``).

    ``radii`` has one row per ``by``, ``layer`` and ``token_id`` with ``utterance_id`` and ``r_com_ms``. Columns of the
    result: ``a, b, over, rho, ci_low, ci_high, null_low, null_high, n``. ``over`` is ``tokens`` (ranks of tokens within
    a layer, mean over layers) or ``layers`` (ranks of the layers' mean radii). Intervals resample utterances; the null
    shuffles the tokens (the layers) of one side. Tokens without a radius in some layer of some ranking are left out.
    Values are nan where fewer than three tokens (layers) are left to rank; there is no interval from fewer than
    LEAST_TOKENS tokens. Notebooks: 06_sanity (estimators), 05_rcom_comparison (seeds)
    """
    wide = radii.pivot(index=["token_id", "utterance_id"], columns=[by, "layer"], values="r_com_ms").dropna()
    layers, names = list(dict.fromkeys(radii["layer"])), list(dict.fromkeys(radii[by]))
    values = {name: wide[name][layers].to_numpy() for name in names}  # (token, layer)
    utterances, rng = wide.index.get_level_values("utterance_id"), np.random.default_rng(seed)
    drawn = [np.arange(len(wide)), *drawn_rows(utterances, n_resamples=n_resamples, rng=rng)]
    rows = []
    for a, b in combinations(names, 2):
        for over, correlate in (("tokens", _over_tokens), ("layers", _over_layers)):
            n = len(wide) if over == "tokens" else len(layers)
            row = {"a": a, "b": b, "over": over, "n": n}
            if n < 3 or len(wide) < 2:
                rows.append(row | dict.fromkeys(AGREEMENT_COLUMNS[3:-1], np.nan))
                continue
            rho = each_draw(correlate, values[a], values[b], drawn)
            shuffled = np.stack([_shuffled(values[b], over, rng) for _ in range(n_resamples)], axis=-1)
            null = correlate(np.broadcast_to(values[a][..., None], shuffled.shape), shuffled)
            low, high = percentile_interval(rho[1:], level=level, n_tokens=len(wide), n_clusters=utterances.nunique())
            null_low, null_high = percentile_interval(null, level=level)
            row |= {"rho": rho[0], "ci_low": low, "ci_high": high, "null_low": null_low, "null_high": null_high}
            rows.append(row)
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)


def _shuffled(values: Floats, over: str, rng: np.random.Generator) -> Floats:
    return rng.permutation(values, axis=0 if over == "tokens" else 1)


def each_draw(correlate: Callable, a: Floats, b: Floats, drawn: Sequence[NDArray[np.int64]]) -> Floats:
    """``correlate`` of ``a`` and ``b`` (token, ...) at each draw's tokens, both (token, ..., draw): (draw, ...).

    Draws of one size go together, which is many times as fast as one after the other.
    """
    results: dict[int, Floats] = {}
    sizes = np.array([len(rows) for rows in drawn])
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        rows = np.stack([drawn[i] for i in which])  # (draw, token)
        at_rows = (np.moveaxis(values[rows], 0, -1) for values in (a, b))
        results |= dict(zip(which.tolist(), np.moveaxis(correlate(*at_rows), -1, 0), strict=True))
    return np.array([results[number] for number in range(len(drawn))])


def _over_tokens(a: Floats, b: Floats) -> Floats:
    """The mean over layers of the correlation over tokens: (token, layer, draw) -> (draw,)."""
    by_layer = correlation(a, b)
    defined = ~np.isnan(by_layer)
    total, count = np.where(defined, by_layer, 0).sum(axis=0), defined.sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _over_layers(a: Floats, b: Floats) -> Floats:
    """The correlation over layers of the mean over tokens: (token, layer, draw) -> (draw,)."""
    return correlation(a.mean(axis=0), b.mean(axis=0))
