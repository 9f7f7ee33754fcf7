"""Figure: the span of the upper half of the layers by task and language, with the cue width and the span of an encoder
with random weights, from ``upper_spans``, ``baseline_spans`` and ``random_spans``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import Tables, condition_panels, interval_text, of_encoder, role_and_label
from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout
from tonespan_utils.plots.style import LANGUAGE_COLORS, NULL, ROLE_STYLES

RANDOM = {"color": "0.25", "linestyle": "-.", "linewidth": 1.2}


def draw_span_by_task(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Span of the upper half by condition, a panel per language; open where it is no finding."""
    figure, axes = condition_panels(params)
    cues = select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    for language, axis in axes.items():
        rows = of_encoder(select(loaded["upper_spans"], language=language), backbone)
        layout.panel_count(axis, rows["n_tokens"].max())
        names = [_draw_condition(axis, place, row) for place, row in enumerate(rows.itertuples())]
        axis.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=6.5)
        axis.tick_params(labelbottom=True)
        axis.set_xlim(-0.6, len(names) - 0.4)
        _draw_cue(axis, cues.loc[language], LANGUAGE_COLORS[language])
        axis.axhline(rows["null_span_ms"].mean(), label="flat null", **NULL)
        random = random_rows(loaded, backbone, language)
        if len(random):
            axis.axhline(random["span_ms"].iloc[-1], label="random encoder, top layer", **RANDOM)
    next(iter(axes.values())).set_ylim(bottom=0)
    layout.shared_legend(figure, axes.values())
    figure.supylabel("effective span 2 r_com, upper half (ms)", fontsize=8)
    return figure


def _draw_condition(axis: Axes, place: int, row) -> str:
    """One condition with its interval, open and grey where its span is no finding; returns its name."""
    role, _ = role_and_label(conditions.parse(row.condition), row.language)
    color, marker = ROLE_STYLES[role]
    color = "0.6" if row.note else color
    axis.plot([place, place], [row.span_low_ms, row.span_high_ms], color=color, linewidth=1.0)
    axis.plot(place, row.span_ms, marker, color=color, markersize=4.5, markerfacecolor="white" if row.note else color)
    return conditions.parse(row.condition).name.partition("/")[2].replace("_", " ")


def _draw_cue(axis: Axes, cue: pd.Series, color: str) -> None:
    """The cue width in the signal with its interval; nothing where there is none."""
    if pd.notna(cue["span_ms"]):
        axis.axhline(cue["span_ms"], color=color, linestyle="--", linewidth=1.0, label="cue width")
        axis.axhspan(cue["span_low_ms"], cue["span_high_ms"], color=color, alpha=0.15, linewidth=0)


def random_rows(loaded: Tables, backbone: str, language: str) -> pd.DataFrame:
    """The encoder with random weights in a language, layers from the bottom up; no rows where it was not measured."""
    stored = loaded.get("random_spans")
    if stored is None:
        return pd.DataFrame()
    there = (stored["encoder"] == backbone) & (stored["language"] == language) & (stored["weight"] == "none")
    return stored[there]


def caption_span_by_task(loaded: Tables, params: Params, *, backbone: str) -> str:
    vanilla = of_encoder(loaded["upper_spans"], backbone)
    vanilla = vanilla[vanilla["condition"] == vanilla["condition"].iloc[0]]
    spans = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} "
        + (f"none ({row.note})" if row.note else f"{interval_text(row.span_ms, row.span_low_ms, row.span_high_ms)} ms")
        for row in vanilla.itertuples()
    )
    return (
        f"Effective span 2 r_com, mean over the blocks from relative depth {params.claims.from_depth:g} on, by "
        f"condition, with {params.bootstrap.level:.0%} intervals over tokens and trainings (seed variance pooled); "
        "open and grey: no finding. Dashed with its band: the cue width in the signal; dotted: the span of a flat map; "
        "dash-dotted: the same encoder with random weights, where it was measured. "
        f"{vanilla['condition'].iloc[0]}: {spans}."
    )
