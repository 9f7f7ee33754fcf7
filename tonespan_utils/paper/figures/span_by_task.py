"""Figure: the span of the upper half of the layers by task and language, with the cue width and the span of an encoder
with random weights, from ``upper_spans``, ``baseline_spans`` and ``random_spans``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import Tables, condition_panels, interval_text, of_encoder, random_top
from tonespan_utils.params import conditions, roles
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout
from tonespan_utils.plots.style import LANGUAGE_COLORS, RANDOM, ROLE_STYLES

HEADROOM = 1.3  # over the highest interval, for the note on the flat null


def draw_span_by_task(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Span of the upper half by what a condition is to the language, a panel each; open where it is no finding."""
    figure, axes = condition_panels(params)
    cues = select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    stored = of_encoder(loaded["upper_spans"], backbone)
    order = role_labels(stored, params)
    for language, axis in axes.items():
        rows = select(stored, language=language)
        layout.panel_count(axis, rows["n_tokens"].max())
        for row in rows.itertuples():
            _draw_condition(axis, order.index(_label(row)), row)
        _draw_cue(axis, cues.loc[language], LANGUAGE_COLORS[language])
        _draw_random(axis, random_top(loaded, params, backbone, language))
        axis.set_xticks(range(len(order)), order, rotation=40, ha="right", fontsize=6.5)
        axis.set_xlim(-0.6, len(order) - 0.4)
    top = HEADROOM * max(np.nanmax(line.get_ydata()) for axis in axes.values() for line in axis.lines)
    for language, axis in axes.items():
        axis.set_ylim(0, top)
        flat = select(stored, language=language)["null_span_ms"].mean()
        layout.corner_note(axis, f"flat null: {flat:.0f} ms", right=True, top=True)
    layout.shared_legend(figure, axes.values())
    figure.supylabel("effective span 2 r_com, upper half (ms)", fontsize=8)
    return figure


def role_labels(rows: pd.DataFrame, params: Params) -> list[str]:
    """What the conditions are to their languages, each once, in the order of roles; controls at the end."""
    order = list(roles.ROLES)
    parsed = [(conditions.parse(row.condition), row.language) for row in rows.itertuples()]
    ordered = sorted(parsed, key=lambda pair: order.index(roles.role_of(*pair)))
    return list(dict.fromkeys(roles.label_of(*pair) for pair in ordered))


def _label(row) -> str:
    return roles.label_of(conditions.parse(row.condition), row.language)


def _draw_condition(axis: Axes, place: int, row) -> None:
    """One condition with its interval, open and grey where its span is no finding."""
    color, marker = ROLE_STYLES[roles.role_of(conditions.parse(row.condition), row.language)]
    color = "0.6" if row.note else color
    axis.plot([place, place], [row.span_low_ms, row.span_high_ms], color=color, linewidth=1.0)
    axis.plot(place, row.span_ms, marker, color=color, markersize=4.5, markerfacecolor="white" if row.note else color)


def _draw_cue(axis: Axes, cue: pd.Series, color: str) -> None:
    """The cue width in the signal with its interval; nothing where there is none."""
    if pd.notna(cue["span_ms"]):
        axis.axhline(cue["span_ms"], color=color, linestyle="--", linewidth=1.0, label="cue width")
        axis.axhspan(cue["span_low_ms"], cue["span_high_ms"], color=color, alpha=0.15, linewidth=0)


def _draw_random(axis: Axes, random: pd.Series) -> None:
    axis.axhline(random["span_ms"], label="random weights, top layer", **RANDOM)
    axis.axhspan(random["ci_low_ms"], random["ci_high_ms"], color=RANDOM["color"], alpha=0.12, linewidth=0)


def caption_span_by_task(loaded: Tables, params: Params, *, backbone: str) -> str:
    vanilla = of_encoder(loaded["upper_spans"], backbone)
    vanilla = vanilla[vanilla["condition"] == vanilla["condition"].iloc[0]]
    spans = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} "
        + (f"none ({row.note})" if row.note else f"{interval_text(row.span_ms, row.span_low_ms, row.span_high_ms)} ms")
        for row in vanilla.itertuples()
    )
    return (
        f"Effective span 2 r_com, mean over the blocks from relative depth {params.claims.from_depth:g} on, by what "
        f"the encoder was fine-tuned on, with {params.bootstrap.level:.0%} intervals over tokens and trainings (seed "
        "variance pooled); open and grey: no finding. Dashed with its band: the cue width in the signal; dash-dotted "
        "with its band: the same encoder with random weights. A map that is flat in time would have the span in the "
        f"corner. {vanilla['condition'].iloc[0]}: {spans}."
    )
