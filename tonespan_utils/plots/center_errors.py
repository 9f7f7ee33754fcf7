"""Errors of tone centres: how large they are, and what they do to the answers.

Conventions: errors are aligned minus reference centre, in ms, late is positive.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tonespan_utils.plots.style import LANGUAGE_COLORS, NULL


def error_histogram(axis: Axes, errors_ms: np.ndarray, row: pd.Series, *, language: str) -> None:
    """Errors of aligned tone centres of one language, with bias and the 95th percentile of their size."""
    bins = np.arange(-62.5, 65, 5)
    axis.hist(np.clip(errors_ms, -60, 60), bins=bins, color=LANGUAGE_COLORS[language], alpha=0.8)
    axis.axvline(0, color="black", linewidth=0.8)
    for side in (-1, 1):
        axis.axvline(side * row["p95_ms"], **NULL)
    axis.annotate(
        f"bias {row['bias_ms']:+.1f} ms\nmedian |error| {row['median_ms']:.1f} ms\n95 % within {row['p95_ms']:.0f} ms",
        (0.98, 0.95), xycoords="axes fraction", ha="right", va="top", fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )  # fmt: skip


def against_jitter(axis: Axes, rows: pd.DataFrame, *, color: str, marker: str, label: str) -> Line2D:
    """One measure of one language against the deviation of the errors put on its centres, with its interval."""
    rows = rows.sort_values("jitter_ms")
    errors = np.abs(rows[["ci_low_ms", "ci_high_ms"]].to_numpy().T - rows["value_ms"].to_numpy())
    bars = axis.errorbar(
        rows["jitter_ms"], rows["value_ms"], yerr=errors, color=color, marker=marker, markersize=3.5, linewidth=1.2,
        elinewidth=0.7, capsize=1.5, label=label,
    )  # fmt: skip
    if rows["null_ms"].notna().all():
        axis.plot(rows["jitter_ms"], rows["null_ms"], label="flat null", **NULL)
    return bars.lines[0]
