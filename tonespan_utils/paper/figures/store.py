"""Every figure of the paper by name, from stored tables alone: no model, no audio, seconds.

A figure is a function of the tables and a caption whose numbers come from the same tables.
``make figure NAME=...`` draws one.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures import encoder, validity
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.paper.figures.tone_in_signal import (
    caption_baseline_f1,
    caption_f0_contours,
    draw_baseline_f1,
    draw_f0_contours,
)
from tonespan_utils.params import conditions, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import style

NOTEBOOK = "notebooks/05_rcom_comparison.ipynb"


OPTIONAL = tables.PARTS_ONLY | tables.BY_TOKEN | tables.VALIDITY | tables.ALIGNMENT | tables.CONFIRMED | tables.READERS


def load_tables(params: Params) -> dict[str, pd.DataFrame]:
    """All joined tables of a profile by name, without those of single tokens; those of `make validity` where it has
    run. Raises TonespanError naming the first that is missing.
    """
    wanted = [name for name in tables.COLUMNS if name not in OPTIONAL]
    loaded = {name: tables.read(params.results, name) for name in wanted}
    there = [name for name in tables.CONFIRMED if (params.results / f"{name}.csv").is_file()]
    return loaded | load_validity(params) | {name: tables.read(params.results, name) for name in there}


def load_validity(params: Params) -> dict[str, pd.DataFrame]:
    """The tables of `make validity` by name: all of them, or none where it has not run."""
    wanted = tables.VALIDITY if validity_stored(params) else set()
    return {name: tables.read(params.results, name) for name in tables.COLUMNS if name in wanted}


def validity_stored(params: Params) -> bool:
    """Whether `make validity` has left its tables."""
    return all((params.results / f"{name}.csv").is_file() for name in tables.VALIDITY)


def recipes(params: Params) -> dict[str, Recipe]:
    """The figures of a profile: those of the paper, and those of `make validity` where it has run."""
    return paper_recipes(params) | (validity.recipes(params) if validity_stored(params) else {})


def paper_recipes(params: Params) -> dict[str, Recipe]:
    """The figures of the paper in order. Those that compare conditions come once per encoder, and only where there is
    something to compare.
    """
    paper = {
        "f0_contours": Recipe("F0 by tone", draw_f0_contours, caption_f0_contours),
        "baseline_f1": Recipe("Tone in the signal: F1 against window", draw_baseline_f1, caption_baseline_f1),
    }
    backbones = list(dict.fromkeys(conditions.parse(name).backbone for name in params.conditions))
    for backbone in backbones:
        paper |= encoder.recipes(params, backbone, alone=len(backbones) == 1)
    first = [name for name in paper if name.startswith("span_by_task")]  # the study's answer in one picture
    return {name: paper[name] for name in (*first, *(each for each in paper if each not in first))}


def save(params: Params, name: str, loaded: dict[str, pd.DataFrame], *, width_mm: float | None = None) -> Figure:
    """Draw one figure and write PDF, SVG and PNG with provenance inside, beside the others where it has a width of its
    own. Raises TonespanError for an unknown name.
    """
    there = recipes(params)
    if name not in there:
        raise TonespanError(f"no figure {name!r} in profile {params.profile}; there are: {', '.join(there)}")
    record = _record(params, name, loaded, there[name])
    if width_mm:
        record |= {"command": f"{record['command']} WIDTH={width_mm:g}"}
    return save_recipe(params, name, there[name], loaded, record, width_mm=width_mm)


def save_recipe(
    params: Params,
    name: str,
    recipe: Recipe,
    loaded: dict[str, pd.DataFrame],
    record: dict[str, object],
    *,
    width_mm: float | None = None,
) -> Figure:
    """Draw a recipe and write it under ``name`` with ``record``, what made it, inside."""
    with plt.style.context(style.STYLE), style.width(width_mm or style.PAGE_MM):
        figure = recipe.draw(loaded, params)
        provenance.save(figure, figure_stem(params, name, width_mm=width_mm), record)
    plt.close(figure)
    return figure


def _record(params: Params, name: str, loaded: dict[str, pd.DataFrame], recipe: Recipe) -> dict[str, object]:
    """What makes a figure; those of `make validity` need nothing of the paper, have speech of their own, and bring the
    report what it says of them.
    """
    call = "store.save("
    if name not in validity.recipes(params):
        return provenance.describe_run(params, notebook=NOTEBOOK, call=call, figure=name)
    checkpoints = loaded["encoders"].drop_duplicates("encoder").set_index("encoder")["identity"].to_dict()
    data = f"synthetic speech with planted cue widths (seed {params.validity.seed})"
    texts = {"title": recipe.title, "caption": recipe.caption(loaded, params)}
    made = {"notebook": validity.NOTEBOOK, "call": call, "checkpoints": checkpoints, "data": data}
    return provenance.describe(params, figure=name, **made) | texts


def figure_stem(params: Params, name: str, *, width_mm: float | None = None) -> Path:
    """Where a figure lies, without its ending."""
    return params.figures / (f"{name}_{width_mm:g}mm" if width_mm else name)
