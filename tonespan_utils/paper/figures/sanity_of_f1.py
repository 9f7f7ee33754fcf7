"""Figure: probe F1 and code length where the probe must know nothing, and where it must know, from ``sanity``.

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


def draw_f1_checks(loaded: Tables, params: Params) -> Figure:
    """F1 and code length by layer where the probe must know nothing, and where it must know."""
    sane = loaded["sanity"]
    checks = [
        ("shuffled labels", "f1", "shuffled labels: F1"),
        ("tone-free speech", "f1", "tone-free speech: F1"),
        ("selectivity", "f1 minus control f1", "selectivity"),
        ("description length", "bits per token", "description length (bits a token)"),
    ]
    figure, axes = plt.subplots(2, 2, figsize=(style.width_in(), 4.0), sharex=True)
    for axis, (check, statistic, title) in zip(axes.flat, checks, strict=True):
        shown = sane[(sane["check"] == check) & (sane["statistic"] == statistic)]
        for number, (condition, rows) in enumerate(shown[shown["layer"] != ""].groupby("condition", sort=False)):
            color, label = CONDITION_COLORS[condition], CONDITION_NAMES[condition]
            values_by_layer(axis, rows, color=color, shift=0.15 * (number * 2 - 1), label=label)
        axis.set_title(f"{title}\n{verdicts_text(shown)}", fontsize=8)
    for axis in axes.flat[:2]:
        axis.set_ylim(0, 1)
    layout.shared_legend(figure, axes.flat)
    return layout.label_axes(figure, x="layer", y="")


def values_by_layer(axis: Axes, rows: pd.DataFrame, *, color: str, shift: float, label: str) -> None:
    """Values with intervals over layers, the null as a short dotted line at each."""
    x = np.arange(len(rows)) + shift
    reach = np.abs(rows[["ci_low", "ci_high"]].sub(rows["value"], axis=0)).to_numpy().T
    axis.errorbar(x, rows["value"], reach, fmt="o", color=color, elinewidth=1.0, label=label)
    axis.plot(x, rows["null"], label="null", **NULL)
    axis.set_xticks(np.arange(len(rows)), rows["layer"])


def caption_f1_checks(loaded: Tables, params: Params) -> str:
    sane = loaded["sanity"]
    free = sane[(sane["check"] == "tone-free speech") & (sane["layer"] != "")]
    best = free.loc[free["value"].idxmax()]
    return (
        "The probe of each layer where it must be at chance (top: tones shuffled in training; the same "
        "speech without any tone contour) and where it must not (bottom: F1 minus that of a random tone per "
        "syllable type; bits to send a tone to someone who has the vectors, null: all tones alike). Each panel says "
        f"how many layers passed. Without a contour the best F1 of {len(free)} is "
        f"{findings.interval_text(*best[['value', 'ci_low', 'ci_high']], digits=2)}, "
        f"chance {best['null']:.2f}: at this level one of twenty "
        f"intervals misses chance by luck. Bars: {params.bootstrap.level:.0%} intervals over utterances."
    )
