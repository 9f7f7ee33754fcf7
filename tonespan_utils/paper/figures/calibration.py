"""Figures: what an estimator answers when the cue width is known, and how its answer grows with that width.

Conventions: widths and answers in ms; the slope is that of a least-squares line through the answers, 1 for an answer
that grows with the width, 0.5 for 2 r_com of energy spread evenly over the cue.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils import languages
from tonespan_utils.paper.figures.validity_parts import (
    CONDITION_COLORS,
    CONDITION_NAMES,
    ESTIMATOR_NAMES,
    Tables,
    top_layer,
)
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import layout, style
from tonespan_utils.plots.style import NULL, RANDOM
from tonespan_utils.statistics import findings

# (estimator, condition, layer or "top") of the first panel: colour, marker, name
SHOWN = {
    ("acoustic", "signal"): ("#000000", "o", "acoustic baseline (log-Mel)"),
    ("gradient", "asr"): ("#0072B2", "s", "gradient 2 r_com, ASR"),
    ("gradient", "vanilla"): ("#56B4E9", "^", "gradient 2 r_com, vanilla"),
    ("gradient_power", "asr"): ("#CC79A7", "P", "gradient times power 2 r_com, ASR"),
    ("gradient_r90", "asr"): ("#D55E00", "D", "gradient 2 r90, ASR"),
    ("margin_knee", "asr"): ("#CC79A7", "P", "margin knee, ASR"),
    ("pitch_flattening", "asr"): ("#009E73", "v", "pitch flattening, ASR"),
}


LAYER_MARKERS = {"gradient": "o", "margin_knee": "P"}  # estimators whose slopes are drawn at every layer


def _answers(loaded: Tables, estimator: str, condition: str) -> pd.DataFrame:
    table = loaded["calibration"]
    rows = table[(table["estimator"] == estimator) & (table["condition"] == condition)]
    return rows[rows["layer"].isin(["", top_layer(table)])].sort_values("true_span_ms")


def _line(loaded: Tables, estimator: str, condition: str) -> pd.Series | None:
    table = loaded["calibration_lines"]
    rows = table[(table["estimator"] == estimator) & (table["condition"] == condition)]
    rows = rows[rows["layer"].isin(["", top_layer(loaded["calibration"])])]
    return rows.iloc[0] if len(rows) else None


def draw_calibration(loaded: Tables, params: Params) -> Figure:
    """Answers against planted widths with their lines."""
    figure, axis = plt.subplots(figsize=(style.width_in(), 3.6))
    true = np.array(params.validity.planted_span_ms)
    axis.plot(true, true, color="0.45", linestyle=":", linewidth=1.2, label="answer = planted width")
    axis.plot(true, true / 2, color="0.45", linestyle="--", linewidth=0.9, label="2 r_com of a box of that width")
    for number, ((estimator, condition), (color, marker, name)) in enumerate(SHOWN.items()):
        rows, line = _answers(loaded, estimator, condition), _line(loaded, estimator, condition)
        if rows.empty or line is None:
            continue
        at = rows["true_span_ms"] + 1.5 * (number - (len(SHOWN) - 1) / 2)  # side by side, not over one another
        reach = np.abs(rows[["ci_low_ms", "ci_high_ms"]].sub(rows["estimated_span_ms"], axis=0)).to_numpy().T
        axis.errorbar(
            at, rows["estimated_span_ms"], np.where(np.isfinite(reach), reach, 0), fmt=marker, color=color,
            elinewidth=0.9, markersize=5, label=f"{name}: slope {line['slope']:.2f}",
        )  # fmt: skip
        axis.plot(true, line["intercept_ms"] + line["slope"] * true, color=color, linewidth=0.9)
    axis.axhline(random_span_ms(loaded), label="gradient 2 r_com, ASR, random weights", **RANDOM)
    axis.set(xlabel="planted width of the tone cue (ms)", ylabel="answer (ms)", xticks=true, ylim=(0, None))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def random_span_ms(loaded: Tables) -> float:
    """The span of the ASR-tuned encoder's architecture with all its weights permuted: mean over draws."""
    rows = loaded["sanity"]
    rows = rows[(rows["check"] == "randomised weights") & (rows["condition"] == "asr")]
    return float(rows[rows["statistic"].str.contains(r"^span_ms, .* seed")]["value"].mean())


def caption_calibration(loaded: Tables, params: Params) -> str:
    acoustic, gradient = (_line(loaded, *key) for key in (("acoustic", "signal"), ("gradient", "asr")))
    worth = ""
    if gradient["slope"] > 0:
        worth = (
            " Here a gradient span s of this encoder, read from the line, stands for a cue of (s - "
            f"{gradient['intercept_ms']:.0f}) / {gradient['slope']:.2f} ms."
        )
    level = f"{params.bootstrap.level:.0%}"
    return (
        f"What is answered when the tone is planted within a known width: {len(params.validity.planted_span_ms)} "
        f"synthetic corpora ({languages.LANGUAGE_NAMES[params.validity.language]} script, {params.validity.minutes:g} "
        f"minutes each) that differ in that width alone; top layer. Bars: {level} bootstrap intervals over "
        f"utterances; lines: least squares. The acoustic baseline misses by {acoustic['bias_ms']:.0f} ms on average "
        f"and by {acoustic['worst_error_ms']:.0f} ms at worst. The gradient span after ASR has slope "
        f"{_slope(gradient)}.{worth} With its weights permuted, and a probe that then knows nothing, this "
        f"architecture has a span of {random_span_ms(loaded):.0f} ms (dash-dotted): a span near that says little."
    )


def _slope(line: pd.Series) -> str:
    return (
        f"{findings.interval_text(*line[['slope', 'slope_low', 'slope_high']], digits=2)} over utterances and "
        f"[{line['slope_t_low']:.2f}, {line['slope_t_high']:.2f}] over corpora ({line['verdict']})"
    )


def draw_slopes(loaded: Tables, params: Params) -> Figure:
    """Slopes of every estimator at the top layer, and of the gradient and the margin knee at every layer."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.width_in(), 3.4), width_ratios=(1.25, 1))
    lines, top = loaded["calibration_lines"], top_layer(loaded["calibration"])
    shown = lines[lines["layer"].isin(["", top]) & lines["estimator"].isin(ESTIMATOR_NAMES)]
    shown = shown.sort_values("estimator", key=lambda names: names.map(list(ESTIMATOR_NAMES).index), kind="stable")
    names = [f"{ESTIMATOR_NAMES[row.estimator]} ({CONDITION_NAMES[row.condition]})" for row in shown.itertuples()]
    for height, row in enumerate(shown.itertuples()):
        _slope_interval(left, height, row, vertical=False)
        if np.isnan(row.slope):
            left.annotate("some widths not reached", (0, height), fontsize=6.5, va="center", xytext=(4, 0),
                          textcoords="offset points")  # fmt: skip
    layout.named_rows(left, names)
    left.set(xlabel="slope of answer over planted width", title="top layer")
    layers = [layer for layer in dict.fromkeys(lines["layer"]) if layer]
    by_layer = [(name, condition) for name in LAYER_MARKERS for condition in ("vanilla", "asr")]
    for (name, condition), offset in zip(by_layer, layout.dodge(len(by_layer)), strict=True):
        rows = lines[(lines["estimator"] == name) & (lines["condition"] == condition)]
        marker, label = LAYER_MARKERS[name], f"{ESTIMATOR_NAMES[name]}, {CONDITION_NAMES[condition]}"
        for row in rows.itertuples():
            _slope_interval(right, layers.index(row.layer) + offset, row, vertical=True, marker=marker)
        right.plot([], [], marker, linestyle="", color=CONDITION_COLORS[condition], label=label)
    right.set_xticks(np.arange(len(layers)), layers)
    right.set(xlabel="layer", ylabel="slope", title="every layer")
    right.legend()
    for axis, draw in ((left, "axvline"), (right, "axhline")):
        getattr(axis, draw)(0, **NULL)
        getattr(axis, draw)(0.5, color="0.45", linestyle="--", linewidth=0.9)
        getattr(axis, draw)(1, color="0.45", linestyle=":", linewidth=0.9)
    return figure


def _slope_interval(axis: Axes, at: float, row, *, vertical: bool, marker: str = "o") -> None:
    color = CONDITION_COLORS[row.condition]
    for low, high, width in ((row.slope_t_low, row.slope_t_high, 0.7), (row.slope_low, row.slope_high, 2.2)):
        ends, place = [low, high], [at, at]
        axis.plot(*((place, ends) if vertical else (ends, place)), color=color, linewidth=width)
    axis.plot(*((at, row.slope) if vertical else (row.slope, at)), marker, color=color)


def caption_slopes(loaded: Tables, params: Params) -> str:
    verdicts = loaded["calibration_lines"]["verdict"].value_counts()
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return (
        "Slope of the answer over the planted width: 0 (dotted) knows nothing of the width, 1 grows with it, 0.5 "
        f"(dashed) is 2 r_com of energy spread evenly over the cue. Thick bars: {params.bootstrap.level:.0%} "
        "intervals over utterances; thin: Student's t over the residuals of the "
        f"{len(params.validity.planted_span_ms)} corpora. A verdict needs both. Of all lines: {counts}."
    )
