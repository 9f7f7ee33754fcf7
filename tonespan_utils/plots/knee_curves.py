"""Curves of the margin over the half-width within which pitch is kept, or flattened, and knees over layers.

Conventions: half-widths and knees in ms; a knee is a width, twice the half-width at which the lines meet; margins in
logits, or as a share. Layers without a knee are not drawn.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tonespan_utils.plots.layout import corner_note
from tonespan_utils.plots.style import BANDED, MAX_LAYER_LABELS, ROLE_STYLES

LINE_STYLES = {"keep": ("-", "pitch kept only within"), "flatten": ("--", "pitch flattened only within")}


def margin_curves(axis: Axes, rows: pd.DataFrame, knee: pd.Series, *, color: str) -> None:
    """The two curves of one layer (rows of ``margin_curves``) with bands, and the knee as a vertical line with its own.

    Where there is no knee, a note says why.
    """
    for name, of_curve in rows.groupby("curve", sort=False):
        line, label = LINE_STYLES[name]
        axis.plot(
            of_curve["half_width_ms"], of_curve["margin"], line, marker="o", markersize=2.5, color=color, label=label
        )
        axis.fill_between(
            of_curve["half_width_ms"], of_curve["ci_low"], of_curve["ci_high"], color=color, alpha=0.12, lw=0
        )
    if pd.isna(knee["knee_ms"]):
        corner_note(axis, f"no knee: {knee['note']}", right=True)
        return
    if pd.notna(knee["ci_low_ms"]):
        axis.axvspan(knee["ci_low_ms"] / 2, knee["ci_high_ms"] / 2, color="0.85", alpha=0.7, lw=0, zorder=0)
    axis.axvline(knee["knee_ms"] / 2, color="0.3", linewidth=1.0, label="half the knee")


def knees_by_depth(axis: Axes, rows: pd.DataFrame, *, role: str, label: str) -> None:
    """One condition's knees over relative depth (``depth, knee_ms, ci_low_ms, ci_high_ms``), bands for BANDED roles.

    The closing norm (``final``) has no depth of its own and is left out.
    """
    color, marker = ROLE_STYLES[role]
    rows = rows[rows["layer"] != "final"]
    marked = {"marker": marker, "markevery": -(-len(rows) // MAX_LAYER_LABELS), "linewidth": 1.2}
    shown = {"linewidth": 0.7, "zorder": 1} if role == "control" else marked
    axis.plot(rows["depth"], rows["knee_ms"], color=color, label=label, **shown)
    if role in BANDED:
        axis.fill_between(
            np.asarray(rows["depth"]), rows["ci_low_ms"], rows["ci_high_ms"], color=color, alpha=0.15, lw=0
        )


def knees_by_layer(axis: Axes, rows: pd.DataFrame, *, color: str = "#CC79A7") -> None:
    """The margin knee per layer with its interval (``knee_ms, ci_low_ms, ci_high_ms``); empty where there is none."""
    x = np.arange(len(rows))
    axis.plot(x, rows["knee_ms"], marker="P", markersize=4, color=color, label="margin knee")
    axis.fill_between(x, rows["ci_low_ms"], rows["ci_high_ms"], color=color, alpha=0.15, lw=0)
