"""Figures and axes: panels of languages, shared labels and legends, notes, and rows that have names.

Conventions: sizes are in inches, as Matplotlib has them; the width is that of :func:`style.width`.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.plots.style import LANGUAGE_COLORS, NULL, STYLE, is_narrow, width_in


def side_by_side(n: int, *, height_in: float, **options: object) -> tuple[Figure, list[Axes]]:
    """``n`` axes with one meaning of y beside each other, or one below the other where the figure is narrow."""
    shape = (n, 1) if is_narrow() else (1, n)
    figure, grid = plt.subplots(*shape, figsize=(width_in(), height_in * shape[0]), sharey=True, **options)
    return figure, list(np.ravel(grid))


def panels(languages: Sequence[str], *, height_in: float = 2.2, share_y: bool = True) -> tuple[Figure, dict[str, Axes]]:
    """A figure with one named panel per language, two in a row: (figure, language -> axis)."""
    n_columns = 1 if is_narrow() else min(2, len(languages))
    n_rows = -(-len(languages) // n_columns)
    with plt.style.context(STYLE):
        figure, grid = plt.subplots(
            n_rows, n_columns, figsize=(width_in(), height_in * n_rows), sharex=True, sharey=share_y, squeeze=False
        )
    for axis in grid.flat[len(languages) :]:
        axis.remove()
    axes = dict(zip(languages, grid.flat, strict=False))
    for position, (language, axis) in enumerate(axes.items()):
        axis.set_title(LANGUAGE_NAMES[language], color=LANGUAGE_COLORS[language], loc="left", fontweight="bold")
        if position + n_columns >= len(languages):  # the last panel of its column carries the time labels
            axis.tick_params(labelbottom=True)
    return figure, axes


def corner_note(axis: Axes, text: str, *, right: bool, top: bool = False) -> None:
    """A word in a corner of an axis, on what lies beyond it."""
    place = {"x": 0.98 if right else 0.02, "ha": "right" if right else "left"}
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}  # over lines that cross the corner
    wrapped = textwrap.fill(text, 40)  # a panel is about 60 letters wide
    axis.text(
        y=0.95 if top else 0.05,
        s=wrapped,
        va="top" if top else "bottom",
        transform=axis.transAxes,
        fontsize=7,
        color=NULL["color"],
        bbox=box,
        **place,
    )


def panel_count(axis: Axes, n: float, what: str = "tokens") -> None:
    """How many tokens a panel rests on, over its right corner."""
    axis.set_title(f"n = {n:,.0f} {what}", loc="right", fontsize=7, color="0.35", fontweight="normal")


def shared_legend(figure: Figure, axes: Iterable[Axes]) -> None:
    """One legend over the figure, every label once."""
    handles = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for n_columns in range(min(2 if is_narrow() else 5, len(handles)), 0, -1):
        where = {"loc": "outside upper center", "ncols": n_columns, "fontsize": 7.5}
        legend = figure.legend(handles.values(), handles.keys(), **where)
        if n_columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def label_axes(figure: Figure, *, x: str, y: str) -> Figure:
    """One label for all horizontal axes and one for all vertical ones."""
    figure.supxlabel(x, fontsize=8)
    figure.supylabel(y, fontsize=8)
    return figure


def named_rows(axis: Axes, names: Sequence[str]) -> None:
    """Row names on the y axis, the first on top, with a line between rows."""
    axis.set_yticks(np.arange(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    for edge in np.arange(len(names) - 1) + 0.5:
        axis.axhline(edge, color="0.9", linewidth=0.6, zorder=0)


def dodge(n: int) -> np.ndarray:
    """``n`` heights around 0 within one row of a figure with named rows."""
    return (np.arange(n) - (n - 1) / 2) * (0.55 / max(n - 1, 1))
