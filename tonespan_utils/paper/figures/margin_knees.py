"""Figures: what a layer uses of the pitch around the centre: margins while pitch is taken away, and knees over layers.

From the tables ``margin_curves``, ``margin_knee`` and ``influence``. Conventions: a knee is a width in ms, like the cue
width, and the mean over seeds of training; influence is a share of what all pitch does to the margin.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import (
    DEPTH,
    Tables,
    condition_panels,
    first_condition,
    interval_text,
    of_encoder,
    role_and_label,
)
from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import knee_curves, layout
from tonespan_utils.plots.curves import cue_band
from tonespan_utils.plots.style import LANGUAGE_COLORS
from tonespan_utils.study.measured import relative_depth

SHOWN_MS = 90.0  # half-width of the influence in the caption: beyond a cue of 180 ms, the widest of the demo's


def _top(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """The rows of an encoder's first condition, its first seed and top layer (before a closing norm)."""
    rows = first_condition(table, backbone)
    rows = rows[(rows["layer"] != "final") & (rows["seed"] == rows["seed"].min())]
    return rows[rows["layer"] == rows["layer"].iloc[-1]]


def draw_margin_curves(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """The margin of the first condition's top layer with pitch kept, and flattened, within each half-width."""
    figure, axes = condition_panels(params)
    curves, knees = (_top(loaded[name], backbone) for name in ("margin_curves", "margin_knee"))
    for language, axis in axes.items():
        knee = select(knees, language=language).iloc[0]
        knee_curves.margin_curves(axis, select(curves, language=language), knee, color=LANGUAGE_COLORS[language])
        layout.panel_count(axis, knee["n_tokens"])
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="half-width around the tone centre (ms)", y="margin (logits)")


def caption_margin_curves(loaded: Tables, params: Params, *, backbone: str) -> str:
    knees = _top(loaded["margin_knee"], backbone)
    widths = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} none ({row.note})"
        if row.note
        else f"{LANGUAGE_NAMES[row.language]} {interval_text(row.knee_ms, row.ci_low_ms, row.ci_high_ms)} ms "
        f"(n = {row.n_tokens:.0f})"
        for row in knees.itertuples()
    )
    return (
        f"Margin (logit of the true tone minus the mean of the others) at layer {knees['layer'].iloc[0]} of "
        f"{knees['condition'].iloc[0]} with pitch kept only within a half-width of the tone centre (solid), and with "
        f"pitch flattened only there (dashed); bands: {params.bootstrap.level:.0%} bootstrap intervals over "
        "utterances. Two lines that meet are fitted to both curves; twice the half-width where they do (grey, with its "
        f"interval) is the margin knee: {widths}. Left out for a voice whose pitch cannot be taken away: "
        f"{len(loaded['knee_left_out'])} tokens."
    )


def draw_knees(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """The margin knee by relative depth against the cue width, a panel per language."""
    figure, axes = condition_panels(params)
    cues = select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    knees = of_encoder(loaded["margin_knee"], backbone)
    for language, axis in axes.items():
        for name, rows in select(knees, language=language).groupby("condition", sort=False):
            role, label = role_and_label(conditions.parse(name), language)
            knee_curves.knees_by_depth(axis, _over_seeds(rows), role=role, label=label)
        cue_band(axis, cues.loc[language])
    next(iter(axes.values())).set_ylim(bottom=0)
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x=DEPTH, y="margin knee (ms)")


def _over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean knee and mean bounds over seeds, by layer, bottom up, with its depth; nan where a seed has no knee."""
    columns = ["knee_ms", "ci_low_ms", "ci_high_ms"]
    means = rows.groupby("layer", sort=False)[columns].agg(lambda values: values.mean(skipna=False)).reset_index()
    return means.assign(depth=relative_depth(means["layer"].tolist()))


def caption_knees(loaded: Tables, params: Params, *, backbone: str) -> str:
    knees = of_encoder(loaded["margin_knee"], backbone)
    n_none = int(knees["knee_ms"].isna().sum())
    return (
        "Margin knee by relative depth: how wide around the tone centre the pitch is that the margin rests on; mean "
        f"over seeds, bands: mean bounds of {params.bootstrap.level:.0%} intervals over utterances. Dashed with its "
        f"band: the cue width in the signal. No knee, and no point, for {n_none} of {len(knees)} layers by condition, "
        "language and seed: F1 is not above chance there, or the curves do not bend (table margin_knee says which). A "
        "knee cannot lie beyond the cue; whether a layer listens further is what influence says: pitch beyond "
        f"±{_nearest_ms(loaded):g} ms moves a token's margin at the top layer by these shares of what all pitch does: "
        f"{_influence_text(loaded, backbone)}."
    )


def _nearest_ms(loaded: Tables) -> float:
    widths = loaded["influence"]["half_width_ms"].unique()
    return float(widths[np.argmin(np.abs(widths - SHOWN_MS))])


def _influence_text(loaded: Tables, backbone: str) -> str:
    """Of the first condition, by language."""
    rows = _top(loaded["influence"], backbone)
    rows = rows[rows["half_width_ms"] == _nearest_ms(loaded)]
    return "; ".join(
        f"{LANGUAGE_NAMES[row.language]} {interval_text(row.influence, row.ci_low, row.ci_high, '.2f')}"
        for row in rows.itertuples()
    )
