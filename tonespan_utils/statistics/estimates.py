"""Means over tokens and trainings that can be added, subtracted and averaged, with their standard errors.

What is estimated is a mean over **tokens** (paired: two conditions are measured on the same ones), which come in
clusters (utterances), and over **trainings** of one condition with different seeds, a random effect. An
:class:`Estimate` keeps what each cluster contributes and how much each training counts; a difference of two estimates
subtracts both, so that what they share drops out, and a mean over languages keeps that they share their trainings.

Variance = clusters + trainings
-------------------------------
- clusters: the squares of their contributions, G / (G - 1) for G of them (the cluster-robust variance; Liang & Zeger
  1986), of means over seeds.
- trainings: between-seed variance of a condition over its number of seeds, less what the tokens' own disagreement
  between seeds adds to it (it is in the clusters' part already). Where seeds are few, a condition's own variance is
  next to unknown, so that it is **pooled** over all conditions of the measure; a condition that varies more than the
  pool keeps its own. A condition with one seed has the pool's; one that was not trained has none.

Degrees of freedom: those of both parts joined (Satterthwaite 1946), G - 1 for the clusters and, for the trainings, the
number of seeds less one, summed over conditions. A training measured in four languages counts once. With no condition
trained twice, nothing is known of seeds, and all is said of these trainings only.

Of a nominal 95 %, intervals from two seeds cover 0.93 to 0.98 where conditions vary alike (the test simulates it), and
about 0.8 in a condition whose seeds vary four times as much as the others'. A percentile bootstrap over two seeds
covers 0.5 where seeds dominate.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from tonespan_utils.statistics.bootstrap import Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean and what it is made of.

    ``clusters`` (cluster,), by name: what each adds to the mean's error, of sum 0. ``trainings``: how much the effect
    of each condition's trainings counts, by the condition's name. ``floor``: variance that is there whatever the
    tokens say. ``n_tokens`` and ``n_seeds``: the smallest that it rests on; 0 seeds where nothing was trained.
    """

    value: float
    clusters: pd.Series
    trainings: Mapping[str, float]
    n_tokens: int
    n_seeds: int
    floor: float = 0.0

    def __sub__(self, other: Estimate) -> Estimate:
        """The paired difference; the floor of a difference is that of its less certain side."""
        weights = dict(self.trainings)
        for name, weight in other.trainings.items():
            weights[name] = weights.get(name, 0.0) - weight
        return Estimate(
            self.value - other.value,
            _minus(self.clusters, other.clusters),
            weights,
            min(self.n_tokens, other.n_tokens),
            _fewest_seeds([self, other]),
            max(self.floor, other.floor),
        )

    @property
    def cluster_variance(self) -> float:
        """Variance from the tokens; nan from a single cluster."""
        n = len(self.clusters)
        return self.floor + float(np.square(self.clusters.to_numpy()).sum()) * n / (n - 1) if n > 1 else np.nan


def _minus(first: pd.Series, second: pd.Series) -> pd.Series:
    """The difference by name, 0 where there is none; most often the names are the same."""
    if np.array_equal(first.index, second.index):
        return pd.Series(first.to_numpy() - second.to_numpy(), index=first.index)
    return first.sub(second, fill_value=0.0)


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of estimates, of several languages say: clusters of one name are the same, and so are trainings."""
    n = len(estimates)
    clusters = pd.concat([each.clusters / n for each in estimates])
    weights: dict[str, float] = {}
    for each in estimates:
        for name, weight in each.trainings.items():
            weights[name] = weights.get(name, 0.0) + weight / n
    return Estimate(
        float(np.mean([each.value for each in estimates])),
        clusters.groupby(level=0).sum(),
        weights,
        min(each.n_tokens for each in estimates),
        _fewest_seeds(estimates),
        sum(each.floor for each in estimates) / n**2,
    )


def _fewest_seeds(estimates: Sequence[Estimate]) -> int:
    return min((each.n_seeds for each in estimates if each.n_seeds), default=0)


@dataclass(frozen=True)
class Sample:
    """One condition's estimate in one language, and its seeds: ``between``, the variance of their means (nan with one
    seed), of which ``within`` is from tokens that disagree between seeds.
    """

    estimate: Estimate
    condition: str
    between: float
    within: float


def of_tokens(
    values: Floats, clusters: NDArray[np.str_], *, condition: str, is_trained: bool, floor: float = 0.0
) -> Sample | None:
    """A condition's mean in one language; None without tokens.

    ``values`` (token, seed) of tokens that lie in ``clusters`` (token,); only tokens with a value from every seed
    count.
    """
    matrix = np.asarray(values, dtype=np.float64)
    complete = ~np.isnan(matrix).any(axis=1)
    matrix, (n_tokens, n_seeds) = matrix[complete], (int(complete.sum()), matrix.shape[1])
    if not n_tokens:
        return None
    names, cluster = np.unique(np.asarray(clusters)[complete], return_inverse=True)
    means, n_clusters = matrix.mean(axis=0), names.size
    errors = np.zeros((n_clusters, n_seeds))
    np.add.at(errors, cluster, (matrix - means) / n_tokens)
    by_cluster = pd.Series(errors.mean(axis=1), index=names)
    trainings, counted = ({condition: 1.0}, n_seeds) if is_trained else ({}, 0)
    estimate = Estimate(float(means.mean()), by_cluster, trainings, n_tokens, counted, floor)
    between = float(means.var(ddof=1)) if n_seeds > 1 else np.nan
    apart = np.square(errors - errors.mean(axis=1, keepdims=True)).sum()
    within = apart / (n_seeds - 1) * n_clusters / (n_clusters - 1) if n_seeds > 1 and n_clusters > 1 else np.nan
    return Sample(estimate, condition, between, within)


@dataclass(frozen=True)
class Seeds:
    """The variance of a mean over each condition's trainings, by condition: ``total`` as their means vary, and
    ``effect`` of it from the trainings alone. ``df``: degrees of freedom of the pool; 0 where nothing is known.
    """

    total: Mapping[str, float] = field(default_factory=dict)
    effect: Mapping[str, float] = field(default_factory=dict)
    df: int = 0


def pool(samples: Sequence[Sample]) -> Seeds:
    """Seed variance of one measure, pooled over the conditions of ``samples`` (one each per condition and language)."""
    trained = [each for each in samples if each.estimate.trainings]
    rows = pd.DataFrame(
        [(each.condition, each.between, each.within, each.estimate.n_seeds) for each in trained],
        columns=["condition", "between", "within", "n_seeds"],
    )
    by_condition = rows.groupby("condition").mean()
    repeated = by_condition.dropna()
    if repeated.empty:
        return Seeds()
    df = repeated["n_seeds"] - 1
    pooled, within = (float(np.average(repeated[name], weights=df)) for name in ("between", "within"))
    between = by_condition["between"].fillna(0.0).clip(lower=pooled)
    effect = (between - by_condition["within"].fillna(within)).clip(lower=0.0)
    n_seeds = by_condition["n_seeds"]
    return Seeds((between / n_seeds).to_dict(), (effect / n_seeds).to_dict(), int(df.sum()))


def variance(estimate: Estimate, seeds: Seeds) -> tuple[float, float]:
    """The variance of an estimate and its degrees of freedom."""
    of_tokens = estimate.cluster_variance
    squares = {name: weight**2 for name, weight in estimate.trainings.items()}
    effect = sum(square * seeds.effect.get(name, 0.0) for name, square in squares.items())
    total = sum(square * seeds.total.get(name, 0.0) for name, square in squares.items())
    df_tokens = max(len(estimate.clusters) - 1, 1)
    if not seeds.df or not total:
        return of_tokens, df_tokens
    spread = of_tokens**2 / df_tokens + total**2 / seeds.df
    joined = (of_tokens + effect) ** 2 / spread
    return of_tokens + effect, float(np.clip(joined, min(df_tokens, seeds.df), df_tokens + seeds.df))


def interval(estimate: Estimate, seeds: Seeds, *, level: float) -> Interval:
    """The t interval of an estimate; without bounds from a single cluster. Notebook: notebooks/05_rcom_comparison"""
    of_value, df = variance(estimate, seeds)
    half = float(stats.t.ppf((1 + level) / 2, df) * np.sqrt(of_value))
    return Interval(estimate.value, estimate.value - half, estimate.value + half)


def band_factor(
    estimates: Sequence[Estimate], seeds: Sequence[Seeds], *, level: float, n_draws: int, seed: int
) -> float:
    """How many standard errors a simultaneous band takes so that it holds all of ``estimates`` (layers, say) at once.

    The distribution of the largest error: contributions of clusters times normal numbers (the multiplier bootstrap;
    Chernozhukov, Chetverikov & Kato 2013), with trainings added independently per estimate, over the chi of the
    smallest degrees of freedom. nan where an estimate has no standard error.
    """
    clusters = pd.concat([each.clusters for each in estimates], axis=1).fillna(0.0).to_numpy()  # (cluster, estimate)
    with_df = [variance(each, of_measure) for each, of_measure in zip(estimates, seeds, strict=True)]
    of_values, df = np.array([each for each, _ in with_df]), min(each for _, each in with_df)
    if not np.isfinite(of_values).all():
        return np.nan
    rng, scale = np.random.default_rng(seed), np.sqrt(len(clusters) / (len(clusters) - 1))
    errors = scale * rng.standard_normal((n_draws, len(clusters))) @ clusters  # (draw, estimate)
    rest = np.sqrt(np.maximum(of_values - scale**2 * np.square(clusters).sum(axis=0), 0))
    errors += rest * rng.standard_normal((n_draws, len(estimates)))
    size = np.divide(np.abs(errors), np.sqrt(of_values), out=np.zeros_like(errors), where=of_values > 0)
    return float(np.quantile(size.max(axis=1) / np.sqrt(rng.chisquare(df, n_draws) / df), level))
