"""What squared gradients weigh, and what is left of a span once they are weighted by the local power of the input.

Squared gradients are largest where the input is quiet (:mod:`tonespan_utils.instrument.local_power`), so a span may
tell where the speech is loud instead of where the model looks. Per condition, language, layer and weight (``none``, as
in the paper, or ``power``):

- the **span** 2 r_com with its interval and its null (what a model that looks everywhere alike gives under the weight);
- the **exponent** b of ``E ~ P^b``, energy over local power: 0 where energy does not depend on how loud a stretch is,
  -1 where the encoder levels its input wholly. The slope of log energy on log power over tokens and bins, once every
  token's own mean and every offset's own mean are taken out of both: that energy and speech both lie near the centre
  does not count. nan where energy lies in fewer than LEAST_BINS bins;
- the **duration confound**: Spearman's rho of a token's r_com and the duration of its syllable. A span of what the
  model does around the tone centre has no reason to follow it.

Conventions: ms, s; tokens in the order of ``Measured``; bins within +-``reach_ms``, where every token has audio; rows
are tokens under one seed of training, and intervals resample utterances, and seeds where there are several. The means
of the offsets are taken out once, not anew in every resample.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.instrument import gradient_energy, pooling, spans
from tonespan_utils.instrument.gradient_energy import Measured
from tonespan_utils.params import tables
from tonespan_utils.statistics import bootstrap, ranks
from tonespan_utils.statistics.bootstrap import Interval

Floats = NDArray[np.float64]

LEAST_BINS = 10  # of 10 ms: with fewer, what is left after the means of tokens and offsets is rounding
ROUNDS = 30  # of taking out both means in turns; the bins are nearly balanced, and a handful suffices
NO_INTERVAL = Interval(np.nan, np.nan, np.nan)


def table(
    measured_by_language: Mapping[str, Sequence[Measured]],
    durations_s: Mapping[str, NDArray],
    seeds: Sequence[int],
    edges_ms: NDArray,
    *,
    condition: str,
    reach_ms: float,
    n_resamples: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """The table ``span_weights`` of one condition: a row per language, layer and weight.

    ``measured_by_language`` holds, per language, what ``gradient_energy.measure`` gave under each of ``seeds``;
    ``durations_s`` the syllables' durations (token,), nan where unknown. Notebook: notebooks/04_gradient_energy
    """
    resampling = {"n_resamples": n_resamples, "level": level, "seed": seed}
    settings = {"seeds": seeds, "edges_ms": edges_ms, "reach_ms": reach_ms, "resampling": resampling}
    parts = [
        _of_language(measured, durations_s[language], **settings).assign(condition=condition, language=language)
        for language, measured in measured_by_language.items()
    ]
    return pd.concat(parts, ignore_index=True)[tables.COLUMNS["span_weights"]]


def _of_language(
    measured: Sequence[Measured],
    durations_s: NDArray,
    *,
    seeds: Sequence[int],
    edges_ms: NDArray,
    reach_ms: float,
    resampling: Mapping[str, float],
) -> pd.DataFrame:
    trained = np.repeat(seeds, [len(of_seed.null) for of_seed in measured])
    utterances = np.concatenate([of_seed.utterances for of_seed in measured])
    power = np.concatenate([mean_power(of_seed) for of_seed in measured])
    rows, radii_ms = [], []
    for layer in measured[0].energy:
        for weight in gradient_energy.WEIGHTS:
            of_weight = [of_seed.weighted_by(weight) for of_seed in measured]
            energy = np.concatenate([of_seed.energy[layer] for of_seed in of_weight])
            null = np.concatenate([of_seed.null for of_seed in of_weight])
            span = pooling.pooled_span(energy, null, utterances, edges_ms, seeds=trained, **resampling)
            b = power_exponent(energy, power, utterances, edges_ms, reach_ms=reach_ms, seeds=trained, **resampling)
            rows.append({"layer": layer, "weight": weight} | _span_columns(span) | _bounds("exponent", b))
            radii_ms.append(_mean_over_seeds(energy, edges_ms, len(measured)))
    confounds = ranks.correlation_intervals(
        np.stack(radii_ms, axis=1), durations_s, measured[0].utterances, **resampling
    )
    return pd.DataFrame([row | _bounds("duration_rho", rho) for row, rho in zip(rows, confounds, strict=True)])


def _span_columns(span: pooling.Span) -> dict[str, float]:
    return {name: getattr(span, name) for name in ("span_ms", "ci_low_ms", "ci_high_ms", "null_span_ms", "n_tokens")}


def _bounds(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def mean_power(measured: Measured) -> Floats:
    """Mean local power per bin (token, bins); nan where there is no audio."""
    flat = measured.weighted_by("none").null
    return np.divide(measured.power, flat, out=np.full_like(measured.power, np.nan), where=flat > 0)


def _mean_over_seeds(energy: Floats, edges_ms: NDArray, n_seeds: int) -> Floats:
    """r_com (token,) in ms, of a token the mean over seeds of training."""
    radii = spans.center_of_mass_radius(energy, (edges_ms[:-1] + edges_ms[1:]) / 2)
    return radii.reshape(n_seeds, -1).mean(axis=0)


def power_exponent(
    energy: Floats,
    power: Floats,
    clusters: NDArray,
    edges_ms: NDArray,
    *,
    reach_ms: float,
    seeds: NDArray | None = None,
    n_resamples: int,
    level: float,
    seed: int,
) -> Interval:
    """The exponent b of ``energy`` ~ ``power`` ** b, both (row, bins), with its interval; see the module.

    ``clusters`` and ``seeds`` (row,) are resampled. nan where fewer than LEAST_BINS bins within +-``reach_ms`` hold
    energy and power in at least half of the rows, or where power does not vary. Notebook: notebooks/04_gradient_energy
    """
    near = np.abs(edges_ms[:-1] + edges_ms[1:]) / 2 <= reach_ms
    there = (energy > 0) & (power > 0) & near  # a nan is not above 0
    there &= there.mean(axis=0) >= 0.5
    there &= (there.sum(axis=1) >= LEAST_BINS)[:, None]
    if not there.any():
        return NO_INTERVAL
    x, y = (_without_means(np.log(np.where(there, values, 1)), there) for values in (power, energy))
    of_rows = np.stack([(x * y).sum(axis=1), np.square(x).sum(axis=1)])  # (2, row)
    if of_rows[1].sum() <= there.sum() * 1e-12:
        return NO_INTERVAL
    weights = bootstrap.resample_rows(clusters, seeds, n_resamples=n_resamples, seed=seed)
    products, squares = of_rows @ weights.T
    drawn = np.divide(products, squares, out=np.full_like(squares, np.nan), where=squares > 0)
    n_tokens = there.any(axis=1).sum() / (1 if seeds is None else np.unique(seeds).size)
    low, high = bootstrap.percentile_interval(
        drawn, level=level, n_tokens=round(n_tokens), n_clusters=np.unique(clusters).size
    )
    return Interval(float(of_rows[0].sum() / of_rows[1].sum()), low, high)


def _without_means(values: Floats, there: NDArray[np.bool_]) -> Floats:
    """``values`` (row, bins) where they are ``there``, less the mean of each row and of each bin; 0 elsewhere."""
    values = np.where(there, values, 0)
    for _ in range(ROUNDS):
        for axis in (1, 0):
            count = np.maximum(there.sum(axis=axis, keepdims=True), 1)
            values = np.where(there, values - values.sum(axis=axis, keepdims=True) / count, 0)
    return values
