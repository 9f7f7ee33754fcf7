"""Figures over the layers of an encoder: where it keeps tone (probe macro-F1) and how far it looks (2 r_com, ms).

Both draw every condition over relative depth, a panel per language, from ``layer_curves`` and ``comparison``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from tonespan_utils.paper.figures.parts import (
    DEPTH,
    Tables,
    bands_text,
    by_language,
    condition_panels,
    draw_curves,
    first_condition,
    interval_text,
    of_encoder,
    random_spans,
    random_text,
)
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout
from tonespan_utils.plots.curves import cue_band, random_curve
from tonespan_utils.plots.style import NULL
from tonespan_utils.study import quality_flags


def draw_probe_f1(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Probe F1 by relative depth, a panel per language."""
    figure, axes = condition_panels(params)
    for language, axis in axes.items():
        draw_curves(axis, loaded, ("f1", "f1_low", "f1_high"), backbone=backbone, language=language)
        curves = of_encoder(select(loaded["layer_curves"], language=language), backbone)
        depth = curves.drop_duplicates("layer").set_index("layer")["depth"]
        nulls = {
            "control task": ("probe_f1", "control_f1", NULL | {"linestyle": "--"}),
            "chance": ("probe_chance", "chance_f1", NULL),
        }
        for label, (table, column, style) in nulls.items():
            rows = of_encoder(select(loaded[table], language=language), backbone)
            mean = rows[rows["layer"] != "final"].groupby("layer", sort=False)[column].mean()
            axis.plot(depth.loc[mean.index], mean, label=label, **style)
        axis.set_ylim(0, 1)
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x=DEPTH, y="macro-F1")


def caption_probe_f1(loaded: Tables, params: Params, *, backbone: str) -> str:
    first = first_condition(loaded["comparison"], backbone)
    return (
        f"Macro-F1 of a linear probe on the hidden vector at the tone centre, by relative depth; {bands_text(params)} "
        "Dashed: the control task, a random tone per syllable type; dotted: chance; both are means over conditions. "
        f"Best layer of {first['condition'].iloc[0]}, chosen on the other half of the test utterances: "
        f"{by_language(first, _best)}."
    )


def _best(row: Any) -> str:
    at = f"at layer {row.best_layer}" if row.best_layer else "and no layer above chance"
    f1 = interval_text(row.f1, row.f1_low, row.f1_high, ".2f")
    return f"{f1} {at} (chance {row.chance_f1:.2f}, n = {row.n_tokens:.0f})"


def draw_spans(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Effective span by relative depth against the cue width and both nulls, a panel per language."""
    figure, axes = condition_panels(params)
    cues = select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    for language, axis in axes.items():
        random = random_spans(loaded, params, backbone, language)
        random_curve(axis, random[random["layer"] != "final"])
        columns = ("span_ms", "span_low_ms", "span_high_ms")
        draw_curves(axis, loaded, columns, backbone=backbone, language=language, hollow=True)
        null_ms = first_condition(select(loaded["comparison"], language=language), backbone)["null_span_ms"].iloc[0]
        axis.axhline(null_ms, label="flat null", **NULL)
        cue_band(axis, cues.loc[language])
    next(iter(axes.values())).set_ylim(bottom=0)  # panels share it; set once all is drawn, or the top would stay
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x=DEPTH, y="effective span 2 r_com (ms)")


def caption_spans(loaded: Tables, params: Params, *, backbone: str) -> str:
    first = first_condition(loaded["comparison"], backbone)
    return (
        f"Effective span by relative depth, within ±{params.gradient.window_ms:.0f} ms of the tone centre; "
        f"{bands_text(params)} Dotted: the span of a flat map; dashed with its band: the cue width found in the "
        f"signal. {random_text(loaded, params, backbone)} Energy spread evenly over a width S has a span of S/2. "
        f"{_hollow_layers(loaded, backbone)}"
        f"Top layer of {first['condition'].iloc[0]}: {by_language(first, _top_span)}."
    )


def _top_span(row: Any) -> str:
    if row.top_note:
        return f"none ({row.top_note}, n = {row.n_span_tokens:.0f})"
    span = interval_text(row.top_span_ms, row.top_span_low_ms, row.top_span_high_ms)
    return f"{span} ms (null {row.null_span_ms:.0f}, n = {row.n_span_tokens:.0f})"


def _hollow_layers(loaded: Tables, backbone: str) -> str:
    """Why some points are open, with their number; nothing where there are none."""
    signs = of_encoder(loaded["signatures"], backbone)
    drawn = of_encoder(loaded["layer_curves"], backbone)
    n_drawn = int((drawn["layer"] != "final").sum())
    signs = signs[signs["signature"].isin(quality_flags.NO_FINDING) & (signs["layer"] != "final")]
    n_open = len(signs.drop_duplicates(["condition", "language", "layer"]))
    if not n_open:
        return ""
    return (
        "Open, on grey: no finding, for F1 is not above chance, the span not below its null, or the tokens too few for "
        f"an interval ({n_open} of {n_drawn} points). "
    )
