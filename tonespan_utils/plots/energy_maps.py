"""Gradient energy over layer and time from the tone centre (ms), in multiples of the flat null.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from tonespan_utils.plots.style import MAX_LAYER_LABELS

WIDE_MS = 40.0  # bins of a map of differences
DIFFERENCE = 1.5  # of log2 energy at the ends of the scale of differences


def energy_map(
    axis: Axes, rows: pd.DataFrame, null: pd.DataFrame, spans: pd.DataFrame, *, hollow: Collection[str] = (),
    random: pd.DataFrame | None = None, max_names: int = MAX_LAYER_LABELS,
) -> QuadMesh:  # fmt: skip
    """Energy over layer and offset, in multiples of the flat null (log colour); white ticks at +-r_com of each
    layer, but of those in ``hollow``, whose names are grey. ``random``: rows of ``random_spans``, the same layers with
    permuted weights, whose +-r_com are dotted lines; ``max_names``: of layers on the axis.
    """
    layers = list(dict.fromkeys(rows["layer"]))
    table = rows.pivot(index="layer", columns="offset_ms", values="energy").loc[layers]
    flat = null.set_index("offset_ms")["energy"].loc[table.columns]
    ratio = np.log2(np.maximum((table / flat).to_numpy(), 2.0**-6))
    mesh = axis.pcolormesh(
        table.columns, np.arange(len(layers)), ratio, cmap="magma", vmin=-4, vmax=4, shading="nearest", rasterized=True
    )
    _marks(axis, spans, layers, hollow=hollow, color="white")
    if random is not None:
        beside = random.set_index("layer")["span_ms"].reindex(layers) / 2
        for side in (-1, 1):
            axis.plot(side * beside, np.arange(len(layers)), ":", color="white", linewidth=1.0)
    _name_layers(axis, layers, hollow, max_names)
    return mesh


def difference_map(
    axis: Axes, rows: pd.DataFrame, before: pd.DataFrame, spans: pd.DataFrame, *, hollow: Collection[str] = (),
    max_names: int = MAX_LAYER_LABELS,
) -> QuadMesh:  # fmt: skip
    """Energy over layer and offset as a multiple of that of another condition, ``before`` (log colour: 1 is white);
    black ticks at +-r_com of each layer, but of those in ``hollow``, whose names are grey.
    """
    layers = list(dict.fromkeys(rows["layer"]))
    after, reference = (_by_offset(table, layers) for table in (rows, before))
    least = after.to_numpy().max() * 2.0**-12  # below it there is nothing to compare
    ratio = np.log2((after + least) / (reference + least))
    mesh = axis.pcolormesh(
        after.columns, np.arange(len(layers)), ratio, cmap="RdBu_r", vmin=-DIFFERENCE, vmax=DIFFERENCE,
        shading="nearest", rasterized=True,
    )  # fmt: skip
    _marks(axis, spans, layers, hollow=hollow, color="black")
    _name_layers(axis, layers, hollow, max_names)
    return mesh


def _by_offset(rows: pd.DataFrame, layers: Sequence[str]) -> pd.DataFrame:
    """Energy by layer and offset, in bins of WIDE_MS: single ones of 10 ms are mostly noise far from the centre."""
    centers = ((rows["offset_ms"] / WIDE_MS).round() * WIDE_MS).rename("offset_ms")
    return rows.groupby(["layer", centers], sort=False)["energy"].sum().unstack()[sorted(centers.unique())].loc[layers]


def _marks(axis: Axes, spans: pd.DataFrame, layers: Sequence[str], *, hollow: Collection[str], color: str) -> None:
    """Ticks at +-r_com of each layer that is not in ``hollow``."""
    radius = spans.set_index("layer")["r_com_ms"].loc[layers].where(~pd.Index(layers).isin(list(hollow)))
    size = min(9, 90 / len(layers))  # ticks of neighbouring layers stay apart
    for side in (-1, 1):
        axis.plot(side * radius, np.arange(len(layers)), "|", color=color, markersize=size, markeredgewidth=1.6)


def _name_layers(axis: Axes, layers: Sequence[str], hollow: Collection[str], max_names: int) -> None:
    named = slice(None, None, -(-len(layers) // max_names))
    axis.set_yticks(np.arange(len(layers))[named], layers[named])
    for label in axis.get_yticklabels():
        label.set_color("0.6" if label.get_text() in hollow else "black")
    axis.grid(False)


def null_colorbar(
    figure: Figure, mesh: QuadMesh, axes: Axes | Sequence[Axes], *, label: str = "energy, times flat null",
    **where: float,
) -> None:  # fmt: skip
    """The scale of :func:`energy_map`."""
    bar = figure.colorbar(mesh, ax=axes, **where)
    bar.set_ticks([-4, -2, 0, 2, 4], labels=["1/16", "1/4", "1", "4", "16"])
    bar.set_label(label)


def difference_colorbar(figure: Figure, mesh: QuadMesh, axes: Axes | Sequence[Axes], **where: float) -> None:
    """The scale of :func:`difference_map`."""
    bar = figure.colorbar(mesh, ax=axes, **where)
    bar.set_ticks([-1, 0, 1], labels=["1/2", "1", "2"])
    bar.set_label("times vanilla's energy")
