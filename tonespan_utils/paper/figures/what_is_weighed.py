"""Figure: what squared gradients weigh, and what is left once they are weighted by local power (``span_weights``).

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import Tables, by_language, first_condition, interval_text
from tonespan_utils.paper.weight_text import verdict_on_weights
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import curves, layout
from tonespan_utils.plots.style import LANGUAGE_COLORS, LANGUAGE_MARKERS, NULL, RANDOM, is_narrow, width_in

PANELS = {
    "span_ms": ("span 2 r_com (ms)", "ci_low_ms", "ci_high_ms"),
    "exponent": ("exponent on local power", "exponent_low", "exponent_high"),
    "duration_rho": ("rho with syllable duration", "duration_rho_low", "duration_rho_high"),
}
LINES = {"none": "-", "power": "--"}
NAMES = {"none": "squared gradient", "power": "times local power"}


def draw_weights(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Span, exponent on local power and correlation with duration of vanilla's layers, by weight and language."""
    shape = (len(PANELS), 1) if is_narrow() else (1, len(PANELS))
    figure, grid = plt.subplots(*shape, figsize=(width_in(), 2.9 * shape[0]))
    rows = first_condition(loaded["span_weights"], backbone)
    layers = list(dict.fromkeys(rows["layer"]))
    for axis, (column, (title, low, high)) in zip(grid, PANELS.items(), strict=True):
        for language in params.speech.tonal:
            for weight, line in LINES.items():
                of_weight = select(rows, language=language, weight=weight)
                _curve(axis, of_weight, (column, low, high), language=language, line=line)
        if column != "span_ms":
            axis.axhline(0, **NULL)
        axis.set(xlabel="layer", ylabel=title)
        curves.name_layers(axis, layers)
    _draw_random(grid[0], loaded["random_spans"], backbone, layers)
    grid[0].set_ylim(0, None)
    _legend(figure, grid[0], params)
    return figure


def _draw_random(axis: Axes, random: pd.DataFrame, backbone: str, layers: list[str]) -> None:
    """The spans of permuted weights under both weights of energy, means over languages."""
    of_encoder = random[random["encoder"] == backbone]
    for _, rows in of_encoder.groupby("weight", sort=False):
        mean = rows.groupby("layer")["span_ms"].mean().reindex(layers)
        axis.plot(np.arange(len(layers)), mean, label=curves.RANDOM_LABEL, **RANDOM)


def _curve(axis: Axes, rows: pd.DataFrame, columns: tuple[str, str, str], *, language: str, line: str) -> None:
    value, low, high = columns
    at, color = np.arange(len(rows)), LANGUAGE_COLORS[language]
    axis.fill_between(at, rows[low], rows[high], color=color, alpha=0.08, lw=0)
    axis.plot(
        at, rows[value], line, color=color, marker=LANGUAGE_MARKERS[language], markersize=3, linewidth=1.1,
        markerfacecolor=color if line == "-" else "white",
    )  # fmt: skip


def _legend(figure: Figure, axis: Axes, params: Params) -> None:
    """One entry per language and one per weight, over the figure."""
    for language in params.speech.tonal:
        style = {"color": LANGUAGE_COLORS[language], "marker": LANGUAGE_MARKERS[language], "markersize": 4}
        axis.plot([], [], linestyle="", label=LANGUAGE_NAMES[language], **style)
    for weight, line in LINES.items():
        axis.plot([], [], line, color="0.3", linewidth=1.1, label=NAMES[weight])
    layout.shared_legend(figure, [axis])


def caption_weights(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = first_condition(loaded["span_weights"], backbone)
    top = rows[rows["layer"] == rows.loc[rows["layer"].str.isdigit(), "layer"].iloc[-1]]
    plain, weighted = (top[top["weight"] == weight].set_index("language") for weight in LINES)
    nulls = weighted["null_span_ms"]
    spans = by_language(
        plain.reset_index(),
        lambda row: (
            f"{interval_text(row.span_ms, row.ci_low_ms, row.ci_high_ms)} and "
            f"{interval_text(*weighted.loc[row.language, ['span_ms', 'ci_low_ms', 'ci_high_ms']])} ms"
        ),
    )
    return (
        f"Layers of {rows['condition'].iloc[0]}, from one backward pass: squared gradients as they are (solid) and "
        f"times the local power of the input, a mean over {params.gradient.power_window_ms:g} ms (dashed). Left: the "
        f"span; a model that looks everywhere alike would have {plain['null_span_ms'].mean():.0f} ms unweighted and, "
        f"by where speech is loud, {nulls.min():.0f} to {nulls.max():.0f} weighted; dash-dotted: the same architecture "
        "with permuted weights, under both weights of energy, means over languages. Middle: b in energy ~ "
        f"power^b within ±{params.gradient.min_side_ms:g} ms, each token's and each offset's own mean taken out; 0: "
        "loudness plays no part. Right: Spearman's rho of a token's r_com and the duration of its syllable; 0: none. "
        f"Bands: {params.bootstrap.level:.0%} bootstrap intervals over utterances, n = {rows['n_tokens'].max()} tokens "
        f"a language. Top layer, unweighted and weighted: {spans}. {verdict_on_weights(loaded, backbone)}"
    )
