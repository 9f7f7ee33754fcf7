"""Draws: arrays whose first entry comes from the data as they are, and whose others come from bootstrap resamples.

Conventions: a draw array is (1 + resample,), so that statistics are plain arithmetic on draws; what cannot be computed
in a resample is nan, never 0. Draws of one ``key`` are the same wherever they are asked for, so that differences
between conditions are paired.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from tonespan_utils.statistics import bootstrap

Floats = NDArray[np.float64]


def draw_weights(n: int, *, n_resamples: int, seed: int, key: str) -> Floats:
    """How often each of ``n`` units counts: (1 + resample, n), the first row once each. Same ``key``, same draws.

    A single unit can only be drawn again: every row is then 1, and adds nothing to an interval.
    """
    seed_of_key = seed + (zlib.crc32(key.encode()) << 32)  # both, side by side in one number
    return bootstrap.data_first(bootstrap.resample_clusters(n, n_resamples=n_resamples, seed=seed_of_key))


def interval(draws: Floats, *, level: float) -> bootstrap.Interval:
    """The value of the data, the first of ``draws`` (draw,), with the percentile interval of the others; no bounds
    where the value itself is nan.
    """
    value = float(draws[0])
    low, high = (np.nan, np.nan) if np.isnan(value) else bootstrap.percentile_interval(draws[1:], level=level)
    return bootstrap.Interval(value, low, high)


def with_bounds(name: str, draws: Floats, level: float) -> dict[str, float]:
    """A measure as three columns: ``span_ms``, ``span_low_ms``, ``span_high_ms``."""
    stem, unit = (name.removesuffix("_ms"), "_ms") if name.endswith("_ms") else (name, "")
    bounded = interval(draws, level=level)
    return {name: bounded.value, f"{stem}_low{unit}": bounded.low, f"{stem}_high{unit}": bounded.high}
