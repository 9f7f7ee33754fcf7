"""Fine-tuning: the loss by update, and the scores of the tasks.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.plots.layout import dodge, named_rows
from tonespan_utils.plots.style import FULL_WIDTH_IN, STYLE


def loss_curve(curve: pd.DataFrame, *, title: str) -> Figure:
    """The training loss of one condition: rows of step and loss."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(FULL_WIDTH_IN / 2, 2.0))
    axis.plot(curve["step"], curve["loss"], color="#0072B2")
    axis.set(xlabel="update", ylabel="training loss", title=title, ylim=(0, None))
    return figure


def task_scores(axis: Axes, rows: pd.DataFrame) -> None:
    """Fine-tuned scores, a row per condition and a dot per seed with its interval; the null is an upright bar.

    Columns: name, seed, value, low, high, null, shuffled.
    """
    names = list(dict.fromkeys(rows["name"]))
    for y, name in enumerate(names):
        trainings = rows[rows["name"] == name]
        for height, row in zip(y + dodge(len(trainings)), trainings.itertuples(), strict=True):
            color = "0.6" if row.shuffled else "#0072B2"
            axis.plot([row.low, row.high], [height] * 2, color=color, linewidth=1.0)
            axis.plot(row.value, height, "o", color=color)
            axis.plot([row.null] * 2, [height - 0.2, height + 0.2], color="#D55E00", linewidth=1.2)
    named_rows(axis, names)
