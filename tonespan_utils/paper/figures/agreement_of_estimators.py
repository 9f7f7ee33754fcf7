"""Figure: do two estimators rank tokens, or layers, alike? Spearman's rho, from the table ``sanity``.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.paper.figures.validity_parts import ESTIMATOR_NAMES, VERDICT_COLORS, Tables, verdicts_text
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import layout, style
from tonespan_utils.plots.style import NULL


def _agreement(loaded: Tables) -> pd.DataFrame:
    """The rows of the check ``agreement`` with what was ranked (``over``) and the two estimators (``pair``)."""
    sane = loaded["sanity"]
    rows = sane[sane["check"] == "agreement"]
    parts = rows["statistic"].str.extract(r"rho over (\w+), (\w+) and (\w+)")
    names = [parts[column].map(lambda name: ESTIMATOR_NAMES[name].partition(",")[0]) for column in (1, 2)]
    return rows.assign(over=parts[0], pair=names[0] + " | " + names[1])


def draw_agreement(loaded: Tables, params: Params) -> Figure:
    """Spearman's rho of every two estimators over tokens and over layers, and where chance ends."""
    agreement = _agreement(loaded)
    pairs = list(dict.fromkeys(agreement["pair"]))
    figure, axes = plt.subplots(1, 2, figsize=(style.width_in(), 0.9 + 0.3 * len(pairs)), sharey=True)
    for axis, over in zip(axes, ("tokens", "layers"), strict=True):
        rows = agreement[agreement["over"] == over]
        for y, row in enumerate(rows.itertuples()):
            axis.hlines(y, row.ci_low, row.ci_high, color=VERDICT_COLORS[row.verdict], linewidth=1.0)
            axis.plot(row.value, y, "o", color=VERDICT_COLORS[row.verdict], label=row.verdict)
            axis.plot(row.null, y, "|", color=NULL["color"], markersize=10, label="end of chance")
        layout.named_rows(axis, pairs)
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.set(xlim=(-1.05, 1.05), xlabel=f"rho over {over}")
    layout.shared_legend(figure, axes)
    return figure


def caption_agreement(loaded: Tables, params: Params) -> str:
    ranges = [
        f"over {over} {rows['value'].min():.2f} to {rows['value'].max():.2f} ({verdicts_text(rows)})"
        for over, rows in _agreement(loaded).groupby("over", sort=False)
    ]
    return (
        "Do estimators rank alike? Spearman's rho of r_com by every two estimators after ASR, of the same "
        f"{params.validity.n_agreement_tokens} tokens within a layer (left, mean over layers) and of the layers' means "
        f"(right): {'; '.join(ranges)}. Passed: the whole {params.bootstrap.level:.0%} interval over utterances lies "
        "above what shuffling one side gives (grey dash). Estimators that agree need not be right together; "
        "what each answers to a planted width is in the calibration."
    )
