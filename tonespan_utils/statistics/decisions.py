"""What an interval decides: an effect, none that matters, or nothing yet; for many questions at once, and how much
data it takes.

Three one-sided questions are asked of an estimate and a bound, each with a p value of Student's t:

- ``above``, ``below``: is it above, or below, the bound? Each at half of 1 - level: the interval lies on one side.
- ``small``: is its size below the smallest that matters? Two one-sided tests (Schuirmann 1987), each at 1 - level: the
  interval of 2 * level - 1 lies within plus and minus that size.

Conventions: p values of what has no standard error are 1: nothing is decided.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tonespan_utils.statistics.estimates import Estimate, Seeds, variance

Floats = NDArray[np.float64]
MOST_TOKENS = 1_000_000  # more is as good as never
MOST_SEEDS = 1_000


def p_above(estimate: Estimate, seeds: Seeds, bound: float) -> float:
    """One-sided p of the estimate being above ``bound``."""
    return _p(estimate.value - bound, *variance(estimate, seeds))


def p_below(estimate: Estimate, seeds: Seeds, bound: float) -> float:
    """One-sided p of the estimate being below ``bound``."""
    return _p(bound - estimate.value, *variance(estimate, seeds))


def p_small(estimate: Estimate, seeds: Seeds, size: float) -> float:
    """p of the estimate lying between ``-size`` and ``size``: the larger of two one-sided p values."""
    return max(p_above(estimate, seeds, -size), p_below(estimate, seeds, size))


def _p(distance: float, of_value: float, df: float) -> float:
    if not np.isfinite([distance, of_value]).all():
        return 1.0
    if of_value == 0:
        return float(distance <= 0)
    return float(stats.t.sf(distance / np.sqrt(of_value), df))


def holm(p_values: ArrayLike) -> Floats:
    """P values (question,) corrected for their number (Holm 1979): each below 1 - level keeps the chance of any false
    one below it. nan is no question, and stays nan.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    corrected = np.full_like(p_values, np.nan)
    defined = np.flatnonzero(~np.isnan(p_values))
    order = defined[np.argsort(p_values[defined], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return corrected


def power(size: float, of_tokens: float, of_seeds: float, *, df: float, level: float) -> float:
    """The chance that an interval at ``level`` leaves 0 out where the effect is ``size``: both variances are of the
    estimate, and ``df`` its degrees of freedom (noncentral t, the far side left out).
    """
    of_value = of_tokens + of_seeds
    if not of_value > 0:
        return 1.0 if of_value == 0 else np.nan
    return float(stats.nct.sf(stats.t.ppf((1 + level) / 2, df), df, size / np.sqrt(of_value)))


def tokens_needed(estimate: Estimate, seeds: Seeds, size: float, *, level: float, wanted: float) -> float:
    """How many tokens, of utterances like these and with the same trainings, give power ``wanted`` for an effect of
    ``size``; inf where trainings vary so much that no number does.
    """
    of_value, _ = variance(estimate, seeds)
    of_seeds = of_value - estimate.cluster_variance
    per_token = estimate.cluster_variance * estimate.n_tokens
    df_seeds = seeds.df if of_seeds > 0 else np.inf

    def reached(n: int) -> bool:
        joined = _satterthwaite(per_token / n, max(n - 1, 1), of_seeds, df_seeds)
        return power(size, per_token / n, of_seeds, df=joined, level=level) >= wanted

    return _least(reached, MOST_TOKENS) if np.isfinite(of_value) else np.nan


def seeds_needed(estimate: Estimate, seeds: Seeds, size: float, *, level: float, wanted: float) -> float:
    """How many trainings of each condition, measured on the same tokens, give power ``wanted`` for an effect of
    ``size``; inf where the tokens are too few for any number.
    """
    of_value, _ = variance(estimate, seeds)
    of_tokens, df_tokens = estimate.cluster_variance, max(len(estimate.clusters) - 1, 1)
    of_training = (of_value - of_tokens) * estimate.n_seeds

    def reached(n: int) -> bool:
        joined = _satterthwaite(of_tokens, df_tokens, of_training / n, max(seeds.df, 2 * (n - 1), 1))
        return power(size, of_tokens, of_training / n, df=joined, level=level) >= wanted

    return _least(reached, MOST_SEEDS) if np.isfinite(of_value) else np.nan


def _satterthwaite(first: float, df_first: float, second: float, df_second: float) -> float:
    spread = first**2 / df_first + second**2 / df_second
    return (first + second) ** 2 / spread if spread > 0 else df_first


def _least(reached, most: int) -> float:
    """The smallest whole number from 2 on for which ``reached`` holds, which it does for all above; inf beyond
    ``most``.
    """
    if not reached(most):
        return np.inf
    low, high = 1, 2
    while not reached(high):
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return float(high)
