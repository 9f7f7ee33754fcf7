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


def energy_map(
    axis: Axes, rows: pd.DataFrame, null: pd.DataFrame, spans: pd.DataFrame, *, hollow: Collection[str] = (),
    random: pd.DataFrame | None = None,
) -> QuadMesh:  # fmt: skip
    """Energy over layer and offset, in multiples of the flat null (log colour); white ticks at +-r_com of each
    layer, but of those in ``hollow``, whose names are grey. ``random``: rows of ``random_spans``, the same layers with
    permuted weights, whose +-r_com are dotted lines.
    """
    layers = list(dict.fromkeys(rows["layer"]))
    table = rows.pivot(index="layer", columns="offset_ms", values="energy").loc[layers]
    flat = null.set_index("offset_ms")["energy"].loc[table.columns]
    ratio = np.log2(np.maximum((table / flat).to_numpy(), 2.0**-6))
    mesh = axis.pcolormesh(
        table.columns, np.arange(len(layers)), ratio, cmap="magma", vmin=-4, vmax=4, shading="nearest", rasterized=True
    )
    radius = spans.set_index("layer")["r_com_ms"].loc[layers].where(~pd.Index(layers).isin(list(hollow)))
    size = min(9, 90 / len(layers))  # ticks of neighbouring layers stay apart
    for side in (-1, 1):
        axis.plot(side * radius, np.arange(len(layers)), "|", color="white", markersize=size, markeredgewidth=1.6)
    if random is not None:
        beside = random.set_index("layer")["span_ms"].reindex(layers) / 2
        for side in (-1, 1):
            axis.plot(side * beside, np.arange(len(layers)), ":", color="white", linewidth=1.0)
    named = slice(None, None, -(-len(layers) // MAX_LAYER_LABELS))
    axis.set_yticks(np.arange(len(layers))[named], layers[named])
    for label in axis.get_yticklabels():
        label.set_color("0.6" if label.get_text() in hollow else "black")
    axis.grid(False)
    return mesh


def null_colorbar(figure: Figure, mesh: QuadMesh, axes: Axes | Sequence[Axes], **where: float) -> None:
    """The scale of :func:`energy_map`."""
    bar = figure.colorbar(mesh, ax=axes, **where)
    bar.set_ticks([-4, -2, 0, 2, 4], labels=["1/16", "1/4", "1", "4", "16"])
    bar.set_label("energy, times flat null")
