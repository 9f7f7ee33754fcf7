"""Figure: in which layers an encoder keeps tone (probe macro-F1), from the table ``layer_curves``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import (
    DEPTH,
    Tables,
    bands_text,
    condition_panels,
    draw_curves,
    first_condition,
    interval_text,
    of_encoder,
)
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout
from tonespan_utils.plots.style import NULL


def draw_probe_f1(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Probe F1 by relative depth, a panel per language."""
    figure, axes = condition_panels(params)
    for language, axis in axes.items():
        draw_curves(axis, loaded, ("f1", "f1_low", "f1_high"), backbone=backbone, language=language)
        curves = of_encoder(select(loaded["layer_curves"], language=language), backbone)
        depth = curves.drop_duplicates("layer").set_index("layer")["depth"]
        nulls = {
            "control task": ("probe_f1", "control_f1", NULL | {"linestyle": "--"}),
            "chance": ("probe_chance", "chance_f1", NULL),
        }
        for label, (table, column, style) in nulls.items():
            rows = of_encoder(select(loaded[table], language=language), backbone)
            mean = rows[rows["layer"] != "final"].groupby("layer", sort=False)[column].mean()
            axis.plot(depth.loc[mean.index], mean, label=label, **style)
        axis.set_ylim(0, 1)
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x=DEPTH, y="macro-F1")


def caption_probe_f1(loaded: Tables, params: Params, *, backbone: str) -> str:
    first = first_condition(loaded["comparison"], backbone)
    best = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} {interval_text(row.f1, row.f1_low, row.f1_high, '.2f')} "
        f"{f'at layer {row.best_layer}' if row.best_layer else 'and no layer above chance'} "
        f"(chance {row.chance_f1:.2f}, n = {row.n_tokens:.0f})"
        for row in first.itertuples()
    )
    return (
        f"Macro-F1 of a linear probe on the hidden vector at the tone centre, by relative depth; {bands_text(params)} "
        "Dashed: the control task, a random tone per syllable type; dotted: chance; both are means over conditions. "
        f"Best layer of {first['condition'].iloc[0]}, chosen on the other half of the test utterances: {best}."
    )
