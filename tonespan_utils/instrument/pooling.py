"""The span of many tokens: energy pooled over tokens and seeds of training, with bootstrap interval and null.

Conventions: a row is a token under one seed of training; utterances, and crossed with them seeds, are resampled; every
row is normalised first, so that all tokens count alike; times in ms.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tonespan_utils.instrument.spans import (
    Floats,
    center_of_mass_radius,
    centroid,
    corrected_radius,
    effective_span,
    energy_radius,
    normalise,
)
from tonespan_utils.statistics.bootstrap import percentile_interval, resample_rows


@dataclass(frozen=True, slots=True)
class Span:
    """One effective span with everything needed to read it: radii, interval, null, number of tokens (ms)."""

    r_com_ms: float
    span_ms: float
    ci_low_ms: float
    ci_high_ms: float
    r50_ms: float
    r90_ms: float
    null_span_ms: float
    n_tokens: int


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows that have energy: ``share`` and ``null`` (row, bins), each of which sums to 1, ``clusters`` and
    ``seeds`` (row,), and the edges of their bins.
    """

    share: Floats
    null: Floats
    clusters: NDArray
    seeds: NDArray
    edges_ms: Floats

    def weights(self, *, n_resamples: int, seed: int) -> Floats:
        """How often each row counts in each resample: (resample, row)."""
        return resample_rows(self.clusters, self.seeds, n_resamples=n_resamples, seed=seed)

    def interval(self, drawn: Floats, *, level: float) -> tuple[float, float]:
        """The percentile interval of a value in each resample, none where the rows are too few for one."""
        n_clusters = np.unique(self.clusters).size
        return percentile_interval(drawn, level=level, n_tokens=self.n_tokens, n_clusters=n_clusters)

    @property
    def n_tokens(self) -> int:
        """Of rows that are tokens under one seed each: how many tokens, whatever the number of seeds."""
        return round(self.seeds.size / np.unique(self.seeds).size)


def pool(
    energy: ArrayLike, null_energy: ArrayLike, clusters: ArrayLike, edges_ms: ArrayLike, *,
    seeds: ArrayLike | None = None,
) -> Pool:  # fmt: skip
    """Rows of ``energy`` and ``null_energy`` (row, bins) as one pool, those without energy left out; ``seeds`` may be
    left out where there is one.
    """
    share, null = normalise(energy), normalise(null_energy)
    with_energy = ~np.isnan(share).any(axis=-1)
    seeds = np.zeros(len(share), dtype=int) if seeds is None else np.asarray(seeds)
    kept = [each[with_energy] for each in (share, null, np.asarray(clusters), seeds)]
    return Pool(*kept, edges_ms=np.asarray(edges_ms, dtype=np.float64))


def pooled_span(
    energy: ArrayLike,
    null_energy: ArrayLike,
    clusters: ArrayLike,
    edges_ms: ArrayLike,
    *,
    seeds: ArrayLike | None = None,
    n_resamples: int,
    level: float,
    seed: int,
) -> Span:
    """The span of many tokens: ``energy`` and ``null_energy`` (row, bins), ``clusters`` and ``seeds`` (row,).

    A row is a token under one seed of training; ``seeds`` may be left out where there is one. Each row is normalised
    first, so that a loud one does not outweigh the others; then the pooled r_com is the mean of the rows' own. Rows
    without energy are left out and not counted; none left gives nan. One cluster, or fewer than LEAST_TOKENS tokens,
    have no interval (nan).
    """
    pooled = pool(energy, null_energy, clusters, edges_ms, seeds=seeds)
    if not len(pooled.share):
        return Span(*(np.nan,) * 7, n_tokens=0)
    edges = pooled.edges_ms
    offsets = (edges[:-1] + edges[1:]) / 2
    spans = effective_span(pooled.share, offsets)
    weights = pooled.weights(n_resamples=n_resamples, seed=seed)
    low, high = pooled.interval(weights @ spans / weights.sum(axis=1), level=level)
    profile = pooled.share.mean(axis=0)
    return Span(
        r_com_ms=float(spans.mean()) / 2,
        span_ms=float(spans.mean()),
        ci_low_ms=low,
        ci_high_ms=high,
        r50_ms=float(energy_radius(profile, edges, fraction=0.5)),
        r90_ms=float(energy_radius(profile, edges, fraction=0.9)),
        null_span_ms=float(effective_span(pooled.null.mean(axis=0), offsets)),
        n_tokens=pooled.n_tokens,
    )


RADIUS_COLUMNS = ("measure", "value_ms", "ci_low_ms", "ci_high_ms", "null_ms")


def radius_table(pooled: Pool, *, n_resamples: int, level: float, seed: int) -> list[dict[str, float | str]]:
    """Every measure of the pooled energy with its interval and its null, as rows of the table ``radii``.

    Measures: ``r_com``, ``span``, ``r50``, ``r90``, ``r_com_corrected``, ``centroid``, all in ms; the radii are those
    of the resampled pool. No energy gives no rows; a flat map is all floor, so the null of ``r_com_corrected`` is nan.
    Notebook: notebooks/04_gradient_energy
    """
    share, null, edges = pooled.share, pooled.null, pooled.edges_ms
    if not len(share):
        return []
    weights = pooled.weights(n_resamples=n_resamples, seed=seed)
    flat = null.mean(axis=0)
    pools = {"value": (share.mean(axis=0), flat), "resampled": (weights @ share, weights @ null), "null": (flat, flat)}
    measured = {kind: _measures(*profiles, edges) for kind, profiles in pools.items()}
    rows = []
    for measure, value in measured["value"].items():
        low, high = pooled.interval(measured["resampled"][measure], level=level)
        numbers = {"value_ms": value, "ci_low_ms": low, "ci_high_ms": high, "null_ms": measured["null"][measure]}
        rows.append({"measure": measure} | {name: float(number) for name, number in numbers.items()})
    return rows


def _measures(energy: Floats, null_energy: Floats, edges_ms: Floats) -> dict[str, Floats]:
    offsets = (edges_ms[:-1] + edges_ms[1:]) / 2
    r_com = center_of_mass_radius(energy, offsets)
    r50, r90 = (energy_radius(energy, edges_ms, fraction=fraction) for fraction in (0.5, 0.9))
    corrected = corrected_radius(energy, null_energy, edges_ms)
    return {
        "r_com": r_com,
        "span": 2 * r_com,
        "r50": r50,
        "r90": r90,
        "r_com_corrected": corrected,
        "centroid": centroid(energy, offsets),
    }


def as_row(span: Span) -> dict[str, float | int]:
    """A span as the columns of the table ``spans``."""
    return asdict(span)


def mean_energy(energy: ArrayLike) -> Floats:
    """The pooled profile (bins,) of ``energy`` (tokens, bins): mean of the normalised tokens; sums to 1, or nan."""
    share = normalise(energy)
    with_energy = ~np.isnan(share).any(axis=-1)
    return share[with_energy].mean(axis=0) if with_energy.any() else np.full(share.shape[-1], np.nan)
