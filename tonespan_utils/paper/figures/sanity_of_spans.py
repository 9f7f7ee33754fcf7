"""Figure: checks of the span, from the table ``sanity``: randomised weights, attention distance, confounds.

Conventions: spans and distances in ms, rank correlations between -1 and 1.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.paper.figures.validity_parts import CONDITION_COLORS, CONDITION_NAMES, Tables, verdicts_text
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import layout, style
from tonespan_utils.plots.style import NULL
from tonespan_utils.statistics import findings


def draw_span_checks(loaded: Tables, params: Params) -> Figure:
    """Spans while weights are shuffled; attention distance beside r_com; confounds."""
    sane = loaded["sanity"]
    figure, axes = plt.subplots(1, 3, figsize=(style.width_in(), 3.0), width_ratios=(1.1, 1.1, 1))
    weights = sane[(sane["check"] == "randomised weights") & sane["statistic"].str.startswith("span_ms")]
    for number, (condition, rows) in enumerate(weights.groupby("condition", sort=False)):
        steps = rows["statistic"].str.extract(r"(\d+) of")[0].to_numpy(dtype=float)
        x = steps + 0.12 * (number * 2 - 1)
        reach = np.abs(rows[["ci_low", "ci_high"]].sub(rows["value"], axis=0)).to_numpy().T
        axes[0].errorbar(
            x, rows["value"], reach, fmt="o", color=CONDITION_COLORS[condition], label=CONDITION_NAMES[condition]
        )
        axes[0].plot(x, rows["null"], label="null", **NULL)
    axes[0].set(xlabel="parts shuffled, top down", ylabel="span 2 r_com (ms)", ylim=(0, None))
    axes[0].set_title("randomised weights", fontsize=8)
    _draw_attention(axes[1], sane)
    _draw_confounds(axes[2], sane)
    layout.shared_legend(figure, axes)
    return figure


def _draw_attention(axis: Axes, sane: pd.DataFrame) -> None:
    rows = sane[(sane["check"] == "attention") & (sane["condition"] == "asr")]
    distance = rows[rows["statistic"].str.startswith("distance_ms")]
    layers = [layer for layer in dict.fromkeys(rows["layer"]) if layer.isdigit() and layer != "0"]
    for number, layer in enumerate(layers):
        heads = distance[(distance["layer"] == layer) & ~distance["statistic"].str.endswith("mean")]
        axis.plot([number] * len(heads), heads["value"], ".", color="0.65", label="attention, each head")
        mean = distance[(distance["layer"] == layer) & distance["statistic"].str.endswith("mean")]
        radius = rows[(rows["layer"] == layer) & (rows["statistic"] == "r_com_ms")]
        axis.plot(number, mean["value"], "s", color="#D55E00", label="attention, mean of heads")
        axis.plot(number, radius["value"], "o", color=CONDITION_COLORS["asr"], label="gradient r_com")
        axis.plot(number, mean["null"], "_", color=NULL["color"], label="even attention")
    axis.set_xticks(np.arange(len(layers)), layers)
    axis.set(xlabel="layer (ASR)", ylabel="mean distance (ms)", ylim=(0, None))
    axis.set_title("attention and gradient", fontsize=8)


def _draw_confounds(axis: Axes, sane: pd.DataFrame) -> None:
    rows = sane[(sane["check"] == "confounds") & (sane["layer"] != "") & (sane["condition"] == "asr")]
    layers = list(dict.fromkeys(rows["layer"]))
    colors = dict(zip(dict.fromkeys(rows["statistic"]), ("#009E73", "#CC79A7"), strict=True))
    for number, (statistic, correlations) in enumerate(rows.groupby("statistic", sort=False)):
        y = np.arange(len(correlations)) + 0.2 * (number * 2 - 1)
        axis.hlines(y, correlations["ci_low"], correlations["ci_high"], color=colors[statistic], linewidth=1.0)
        axis.plot(
            correlations["value"], y, "o", color=colors[statistic], label="rho: " + statistic.partition(" and ")[2]
        )
    layout.named_rows(axis, layers)
    axis.axvline(0, **NULL)
    axis.set(xlabel="rho with r_com (ASR)", xlim=(-1, 1))
    axis.set_title(f"confounds\n{verdicts_text(rows)}", fontsize=8)


def caption_span_checks(loaded: Tables, params: Params) -> str:
    sane = loaded["sanity"]
    weights = sane[(sane["check"] == "randomised weights") & sane["statistic"].str.startswith("span_ms")]
    asr = weights[weights["condition"] == "asr"]
    first, last = asr.iloc[0], asr[asr["statistic"].str.contains("seed")]
    duration = sane[sane["statistic"] == "f1 from duration alone"].iloc[0]
    difference = sane[sane["statistic"].str.startswith("difference in span") & (sane["condition"] == "asr")].iloc[0]
    return (
        "Left: span of the top layer while the values of each tensor change places, from the top block down, with "
        f"probes fitted anew: after ASR from {first['value']:.0f} ms to {last['value'].min():.0f} to "
        f"{last['value'].max():.0f} ms over {len(last)} draws, flat null {first['null']:.0f} ms. With everything "
        "shuffled the probe is at chance, but the map is not flat: a random encoder too sees its own frame best. "
        f"That, not the flat map, is what a span has to differ from; intact minus shuffled is "
        f"{findings.interval_text(*difference[['value', 'ci_low', 'ci_high']], unit=' ms')} "
        f"({difference['verdict']}). Middle: mean distance of attention from the tone centre, beside the gradient's "
        "r_com; the dash is attention even over the window. Right: rank correlation of a token's r_com with its "
        f"distance to the edge and its syllable's duration. Duration alone gives the tone away "
        f"with F1 {duration['value']:.2f} (chance "
        f"{duration['null']:.2f}). Bars: {params.bootstrap.level:.0%} intervals over utterances."
    )
