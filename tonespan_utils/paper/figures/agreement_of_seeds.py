"""Figure: do two trainings of one condition agree? Spearman's rho of r_com between seeds, from ``seed_agreement``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import Tables, interval_text, labels, language_rows, of_encoder
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import layout
from tonespan_utils.plots.style import NULL


def draw_seeds(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Spearman's rho of r_com between the trainings of each condition, over tokens and over layers, and where chance
    ends.
    """
    rows = between_seeds(loaded["seed_agreement"], backbone)
    names = list(dict.fromkeys(rows["label"]))
    figure, axes = layout.side_by_side(2, height_in=0.42 * len(names) + 0.9)
    for axis, over in zip(axes, ("tokens", "layers"), strict=True):
        shown = rows[rows["over"] == over]
        language_rows(axis, shown, names, params)
        ends = shown.groupby("label", sort=False)["null_high"].max().loc[names]
        heights = np.arange(len(names))
        axis.vlines(ends, heights - 0.42, heights + 0.42, color=NULL["color"], linewidth=1.0, label="end of chance")
        axis.set(xlim=(min(-0.1, shown["low"].min() - 0.05), 1.05), xlabel=f"rho over {over}")
    layout.shared_legend(figure, axes)
    return figure


def caption_seeds(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = between_seeds(loaded["seed_agreement"], backbone)
    sentences = []
    for over, ranked in rows.groupby("over", sort=False):
        least, above = ranked.loc[ranked["value"].idxmin()], (ranked["low"] > ranked["null_high"]).sum()
        sentences.append(
            f"over {over} above chance in {above} of {len(ranked)}, least in {LANGUAGE_NAMES[least.language]}, "
            f"{least.label} (n = {least.n:.0f}), {interval_text(least.value, least.low, least.high, '.2f')}"
        )
    return (
        "Spearman's rho of r_com between trainings of one condition with other seeds: of one token within a layer "
        f"(left, mean over layers) and of the layers' means (right), with {params.bootstrap.level:.0%} bootstrap "
        "intervals over utterances (open where they contain 0); grey: where shuffling one side ends, for the "
        f"language where that is furthest. They agree {'; '.join(sentences)}. Where trainings disagree about which "
        "tokens need a wide view, only the mean span is a finding."
    )


def between_seeds(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """An encoder's rows of ``seed_agreement``, the mean over its pairs of seeds: language, label, over, value, low,
    high, null_high.
    """
    rows = of_encoder(table, backbone).rename(columns={"rho": "value", "ci_low": "low", "ci_high": "high"})
    labelled = rows.assign(label=labels(rows["condition"], rows["language"]))
    by = labelled.groupby(["language", "label", "over"], sort=False)
    return by[["value", "low", "high", "null_high", "n"]].mean().reset_index()
