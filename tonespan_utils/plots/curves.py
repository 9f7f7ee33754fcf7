"""Curves over the layers of an encoder: probe F1 and effective span, each with its null.

Conventions: layers come bottom up, by number or by relative depth (0 to 1); F1 lies between 0 and 1, spans are in ms;
layers whose span is no finding are ``hollow``: open markers on a thin grey line.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tonespan_utils.plots.layout import corner_note
from tonespan_utils.plots.style import BANDED, MAX_LAYER_LABELS, NULL, RANDOM, ROLE_STYLES
from tonespan_utils.statistics import findings

RANDOM_LABEL = "random weights"


def f1_by_layer(axis: Axes, rows: pd.DataFrame, chance: pd.DataFrame, *, color: str, label: str) -> Line2D:
    """Probe F1 per layer with interval; control task dashed, chance dotted. Rows come bottom layer first."""
    x = np.arange(len(rows))
    (line,) = axis.plot(x, rows["macro_f1"], marker="o", color=color, label=label)
    axis.fill_between(x, rows["ci_low"], rows["ci_high"], color=color, alpha=0.15, lw=0)
    axis.plot(x, rows["control_f1"], color=color, linestyle="--", linewidth=1.0, label="control task")
    axis.plot(x, chance["chance_f1"], label="chance", **NULL)
    axis.set_xticks(x, rows["layer"])
    return line


def f1_with_chance(axis: Axes, rows: pd.DataFrame, *, color: str = "#0072B2") -> Line2D:
    """Probe F1 per layer with interval (macro_f1, f1_low, f1_high); chance dotted. Rows come bottom layer first."""
    x = np.arange(len(rows))
    (line,) = axis.plot(x, rows["macro_f1"], marker="o", color=color, label="probe")
    axis.fill_between(x, rows["f1_low"], rows["f1_high"], color=color, alpha=0.15, lw=0)
    axis.plot(x, rows["chance_f1"], label="chance", **NULL)
    axis.set(xlabel="layer", ylabel="macro-F1", ylim=(0, 1.03))
    name_layers(axis, rows["layer"])
    axis.legend()
    return line


def spans_by_layer(
    axis: Axes, rows: pd.DataFrame, *, color: str, hollow: Collection[str] = (), random: pd.DataFrame | None = None
) -> Line2D:
    """Effective span per layer with interval, the flat null dotted; open on grey in ``hollow``: no findings.

    ``random``: rows of the table ``random_spans``, the same layers with permuted weights, dash-dotted.
    """
    rows = rows.assign(depth=np.arange(len(rows)))
    if random is not None:
        place = dict(zip(rows["layer"], rows["depth"], strict=True))
        random_curve(axis, random.assign(depth=random["layer"].map(place)))
    axis.plot(rows["depth"], rows["null_span_ms"], label="flat null", **NULL)
    columns = ("span_ms", "ci_low_ms", "ci_high_ms")
    if rows["layer"].isin(hollow).any():
        rows = _hollow(axis, rows, columns, set(hollow), color=color, marker="o")
    (line,) = axis.plot(rows["depth"], rows["span_ms"], marker="o", color=color, label="span")
    axis.fill_between(rows["depth"], rows["ci_low_ms"], rows["ci_high_ms"], color=color, alpha=0.15, lw=0)
    axis.set_ylim(0, None)
    name_layers(axis, rows["layer"])
    return line


def random_curve(axis: Axes, rows: pd.DataFrame) -> Line2D:
    """The span of permuted weights over ``depth`` with its interval: dash-dotted, with a band."""
    axis.fill_between(rows["depth"], rows["ci_low_ms"], rows["ci_high_ms"], color=RANDOM["color"], alpha=0.12, lw=0)
    (line,) = axis.plot(rows["depth"], rows["span_ms"], label=RANDOM_LABEL, **RANDOM)
    return line


def name_layers(axis: Axes, layers: Sequence[str]) -> None:
    """Layer names under the x axis of a narrow panel: half of MAX_LAYER_LABELS at most."""
    named = slice(None, None, -(-len(layers) // (MAX_LAYER_LABELS // 2)))
    axis.set_xticks(np.arange(len(layers))[named], list(layers)[named])


def curve_by_depth(
    axis: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str, str],
    *,
    role: str,
    label: str,
    hollow: Collection[str] = (),
) -> Line2D:
    """One condition over relative depth: value line, and for BANDED roles the interval; ``columns`` name the value
    and its bounds. Controls are thin and grey. The closing norm (``final``) has no depth of its own and is left out.
    At layers in ``hollow`` the line is thin and grey, the marker open, and there is no band.
    """
    color, marker = ROLE_STYLES[role]
    rows = rows[rows["layer"] != "final"]
    if rows["layer"].isin(hollow).any():
        rows = _hollow(axis, rows, columns, set(hollow), color=color, marker=marker)
    marked = {"marker": marker, "markevery": -(-len(rows) // MAX_LAYER_LABELS), "linewidth": 1.2}
    style = {"linewidth": 0.7, "zorder": 1} if role == "control" else marked
    value, low, high = columns
    (line,) = axis.plot(rows["depth"], rows[value], color=color, label=label, **style)
    if role in BANDED:
        axis.fill_between(rows["depth"], rows[low], rows[high], color=color, alpha=0.15, lw=0)
    # "cnn" takes the tick of 0, from which it lies less than a label away in deep encoders.
    front = [("cnn", rows["depth"].min())] if (rows["layer"] == "cnn").any() else [("0", 0.0)]
    ticks = front + [(f"{depth:g}", depth) for depth in (0.25, 0.5, 0.75, 1.0)]
    axis.set_xticks([at for _, at in ticks], [name for name, _ in ticks])
    return line


def _hollow(
    axis: Axes, rows: pd.DataFrame, columns: tuple[str, str, str], hollow: set[str], *, color: str, marker: str
) -> pd.DataFrame:
    """Draw all ``rows`` in grey and those in ``hollow`` with open markers; the rows with nan in their place."""
    open_rows = rows[rows["layer"].isin(hollow)]
    axis.plot([], [], "o", color="0.6", markersize=3.5, markerfacecolor="white", label=findings.AT_NULL)
    axis.plot(rows["depth"], rows[columns[0]], color="0.75", linewidth=0.6, zorder=1)
    axis.plot(
        open_rows["depth"], open_rows[columns[0]], marker, color=color, markersize=3.5, markerfacecolor="white",
        markeredgewidth=0.6, alpha=0.7, zorder=1.5,
    )  # fmt: skip
    left = rows.copy()
    left.loc[open_rows.index, list(columns)] = np.nan
    return left


def cue_band(axis: Axes, cue: pd.Series) -> None:
    """The cue width in the signal as a horizontal line with its interval as a band; a note where there is none."""
    if pd.isna(cue["span_ms"]):
        return corner_note(axis, f"{findings.NO_CUE} in the signal", right=True)
    axis.axhspan(cue["span_low_ms"], cue["span_high_ms"], color="0.85", alpha=0.7, lw=0, zorder=0)
    axis.axhline(cue["span_ms"], color="0.3", linewidth=1.0, linestyle="--", label="cue width in the signal")
