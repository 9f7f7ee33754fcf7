"""Conditions compared: rows with intervals, pairs of scores, and one score against another.

Conventions: an interval that contains 0 is drawn with an open marker; what is no finding is a grey cross.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tonespan_utils.plots.style import NULL, ROLE_STYLES

NOT_COMPARED = "not compared: no finding"  # what a grey cross stands for


def intervals(axis: Axes, y: np.ndarray, rows: pd.DataFrame, *, color: str, marker: str, label: str) -> None:
    """Horizontal intervals (columns value, low, high) at heights ``y``; open where the interval contains 0. What is no
    finding (nan) is a grey cross at 0.
    """
    for height, row in zip(y, rows.itertuples(), strict=True):
        if pd.isna(row.value):
            axis.plot(0, height, "x", color="0.6", markersize=3.8, label=NOT_COMPARED)
            continue
        hollow = not (row.low > 0 or row.high < 0)
        axis.plot([row.low, row.high], [height, height], color=color, linewidth=1.0)
        axis.plot(
            row.value, height, marker, color=color, markersize=3.8, markeredgewidth=0.9,
            markerfacecolor="white" if hollow else color,
        )  # fmt: skip
    axis.plot([], [], marker, color=color, label=label)


def from_to(axis: Axes, y: np.ndarray, rows: pd.DataFrame, *, color: str) -> None:
    """Chance (bar), probe (open) and fine-tuned (filled) F1 at heights ``y``, joined."""
    axis.hlines(y, rows["probe_f1"], rows["finetuned_f1"], color=color, linewidth=1.0)
    axis.plot(rows["probe_f1"], y, "o", color=color, markerfacecolor="white")
    axis.plot(rows["finetuned_f1"], y, "o", color=color)
    axis.plot(rows["chance_f1"], y, "|", color=NULL["color"], markersize=5)


def scatter_with_intervals(axis: Axes, row: pd.Series, *, role: str, label: str) -> None:
    """One condition: F1 against the distance of its span to the cue width, with both intervals."""
    color, marker = ROLE_STYLES[role]
    across = [[row["distance_ms"] - row["distance_low_ms"]], [row["distance_high_ms"] - row["distance_ms"]]]
    upright = [[row["f1"] - row["f1_low"]], [row["f1_high"] - row["f1"]]]
    axis.errorbar(
        row["distance_ms"], row["f1"], np.maximum(upright, 0), np.maximum(across, 0),
        fmt=marker, color=color, ecolor=color, elinewidth=0.7, markersize=5, label=label,
    )  # fmt: skip
