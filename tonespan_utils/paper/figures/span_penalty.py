"""Figure: what a penalty on looking far does to recognition, tone and span.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.paper.figures.calibration import random_span_ms
from tonespan_utils.paper.figures.validity_parts import CONDITION_COLORS, CONDITION_NAMES, Tables, top_layer
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout, style
from tonespan_utils.plots.style import RANDOM
from tonespan_utils.statistics import findings


def draw_penalty(loaded: Tables, params: Params) -> Figure:
    """CER, probe F1 and span of plain and span-penalised ASR."""
    figure, axes = plt.subplots(1, 3, figsize=(style.width_in(), 1.9), sharey=True)
    numbers = penalty_numbers(loaded, params)
    order = ["vanilla", "asr", "narrow_asr"]
    for axis, (name, rows) in zip(axes, numbers.items(), strict=True):
        for row in rows.itertuples():
            height = order.index(row.condition)
            axis.plot([row.low, row.high], [height, height], color=CONDITION_COLORS[row.condition], linewidth=1.4)
            axis.plot(row.value, height, "o", color=CONDITION_COLORS[row.condition])
        axis.set(xlabel=name, xlim=(0, 1.1 * rows[["value", "high"]].max(axis=None)))
        layout.named_rows(axis, [CONDITION_NAMES[condition] for condition in order])
    axes[2].axvline(params.finetune.span_penalty.span_ms, color="black", linestyle="--", linewidth=0.9)
    axes[2].axvline(random_span_ms(loaded), **RANDOM)
    return figure


def penalty_numbers(loaded: Tables, params: Params) -> dict[str, pd.DataFrame]:
    """What the penalty is judged by: rows of condition, value, low, high (and null) under each axis label."""
    span_ms, top = params.validity.sanity_span_ms, top_layer(loaded["calibration"])
    scores = select(loaded["calibration_scores"], true_span_ms=span_ms)
    answers = select(loaded["calibration"], true_span_ms=span_ms, estimator="gradient", layer=top)
    names = {"ci_low": "low", "ci_high": "high"}
    widths = {"estimated_span_ms": "value", "ci_low_ms": "low", "ci_high_ms": "high"}
    return {
        "character error rate": scores[scores["metric"] == "cer"].rename(columns=names),
        "tone F1, top layer": scores[(scores["metric"] == "f1_probe") & (scores["layer"] == top)].rename(columns=names),
        "span 2 r_com, top layer (ms)": answers.rename(columns=widths),
    }


def caption_penalty(loaded: Tables, params: Params) -> str:
    sentences = []
    for name, rows in penalty_numbers(loaded, params).items():
        digits = 0 if "ms" in name else 2
        each = rows.set_index("condition")
        numbers = [
            f"{CONDITION_NAMES[condition]} "
            + findings.interval_text(*each.loc[condition, ["value", "low", "high"]], digits=digits)
            for condition in ("asr", "narrow_asr")
        ]
        sentences.append(f"{name}: {', '.join(numbers)}")
    paid = params.finetune.span_penalty
    return (
        f"Speech recognition with and without a price on looking far: {paid.weight:g} times the share of the logits' "
        f"input-gradient energy beyond ±{paid.span_ms / 2:g} ms, at random frames; planted width "
        f"{params.validity.sanity_span_ms:g} ms, one training each. {'; '.join(sentences)}. Bars: "
        f"{params.bootstrap.level:.0%} intervals over utterances; dashed: the width beyond which is paid for; "
        f"dash-dotted: the span of this architecture with permuted weights, {random_span_ms(loaded):.0f} ms."
    )
