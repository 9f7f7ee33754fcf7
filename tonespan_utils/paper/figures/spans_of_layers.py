"""Figure: how far each layer looks (effective span 2 r_com, ms), from ``layer_curves`` and ``comparison``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import (
    DEPTH,
    Tables,
    bands_text,
    condition_panels,
    draw_curves,
    first_condition,
    interval_text,
    of_encoder,
)
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout
from tonespan_utils.plots.curves import cue_band
from tonespan_utils.plots.style import NULL
from tonespan_utils.study import quality_flags


def draw_spans(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Effective span by relative depth against the cue width, a panel per language."""
    figure, axes = condition_panels(params)
    cues = select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    for language, axis in axes.items():
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
    spans = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} none ({row.top_note}, n = {row.n_span_tokens:.0f})"
        if row.top_note
        else f"{LANGUAGE_NAMES[row.language]} "
        f"{interval_text(row.top_span_ms, row.top_span_low_ms, row.top_span_high_ms)} ms "
        f"(null {row.null_span_ms:.0f}, n = {row.n_span_tokens:.0f})"
        for row in first.itertuples()
    )
    return (
        f"Effective span by relative depth, within ±{params.gradient.window_ms:.0f} ms of the tone centre; "
        f"{bands_text(params)} Dotted: the span of a flat map; dashed with its band: the cue width found in the "
        f"signal. Energy spread evenly over a width S has a span of S/2. {_hollow_layers(loaded, backbone)}"
        f"Top layer of {first['condition'].iloc[0]}: {spans}."
    )


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
