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

from tonespan_utils import languages
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures import encoder_figures, validity
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.params import conditions, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout, signal, style
from tonespan_utils.statistics import findings

NOTEBOOK = "notebooks/05_rcom_comparison.ipynb"


def load_tables(params: Params) -> dict[str, pd.DataFrame]:
    """All joined tables of a profile by name; those of `make validity` where it has run. Raises TonespanError naming
    the first that is missing.
    """
    wanted = [name for name in tables.COLUMNS if name not in tables.PARTS_ONLY | tables.VALIDITY | tables.ALIGNMENT]
    found = {name: tables.read(params.results, name) for name in wanted}
    return found | load_validity(params)


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
    found = {
        "f0_contours": Recipe("F0 by tone", draw_f0_contours, caption_f0_contours),
        "baseline_f1": Recipe("Tone in the signal: F1 against window", draw_baseline_f1, caption_baseline_f1),
    }
    backbones = list(dict.fromkeys(conditions.parse(name).backbone for name in params.conditions))
    for backbone in backbones:
        found |= encoder_figures.recipes(params, backbone, alone=len(backbones) == 1)
    return found


def save(params: Params, name: str, loaded: dict[str, pd.DataFrame], *, width_mm: float | None = None) -> Figure:
    """Draw one figure and write PDF, SVG and PNG with provenance inside, beside the others where it has a width of its
    own. Raises TonespanError for an unknown name.
    """
    known = recipes(params)
    if name not in known:
        raise TonespanError(f"no figure {name!r} in profile {params.profile}; there are: {', '.join(known)}")
    record = _record(params, name, loaded, known[name])
    if width_mm:
        record |= {"command": f"{record['command']} WIDTH={width_mm:g}"}
    with plt.style.context(style.STYLE), style.width(width_mm or style.PAGE_MM):
        figure = known[name].draw(loaded, params)
        provenance.save(figure, figure_stem(params, name, width_mm=width_mm), record)
    plt.close(figure)
    return figure


def _record(params: Params, name: str, loaded: dict[str, pd.DataFrame], recipe: Recipe) -> dict[str, object]:
    """What makes a figure; those of `make validity` need nothing of the paper, have speech of their own, and bring the
    report what it says of them.
    """
    call = "figures.save("
    if name not in validity.recipes(params):
        return provenance.describe_run(params, notebook=NOTEBOOK, call=call, figure=name)
    checkpoints = loaded["encoders"].drop_duplicates("encoder").set_index("encoder")["identity"].to_dict()
    data = f"synthetic speech with planted spans (seed {params.validity.seed})"
    told = {"title": recipe.title, "caption": recipe.caption(loaded, params)}
    made = {"notebook": validity.NOTEBOOK, "call": call, "checkpoints": checkpoints, "data": data}
    return provenance.describe(params, figure=name, **made) | told


def figure_stem(params: Params, name: str, *, width_mm: float | None = None) -> Path:
    """Where a figure lies, without its ending."""
    return params.figures / (f"{name}_{width_mm:g}mm" if width_mm else name)


def draw_f0_contours(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
    """F0 contour by tone, a panel per language."""
    figure, axes = layout.panels(params.speech.tonal)
    for language, axis in axes.items():
        rows = select(loaded["f0"], language=language)
        signal.f0_contours(axis, rows)
        layout.panel_count(axis, rows.groupby("tone")["n_tokens"].max().sum())
    return layout.label_axes(figure, x="time from tone centre (ms)", y="F0 (semitones over\nspeaker median)")


def caption_f0_contours(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    counts = loaded["tokens"].groupby("language").size()
    told = ", ".join(f"{languages.LANGUAGE_NAMES[lang]} {counts[lang]:,}" for lang in params.speech.tonal)
    return (
        f"Median F0 and quartile band by tone around the tone centre; up to {params.f0.n_tokens} tokens per language "
        f"are drawn. Tone tokens in all: {told}."
    )


def draw_baseline_f1(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
    """F1 against window with the span marked, a panel per language."""
    figure, axes = layout.panels(params.speech.tonal)
    windows = loaded["baseline_windows"]
    for language, axis in axes.items():
        spans = select(loaded["baseline_spans"], language=language)
        note = select(loaded["baseline_notes"], language=language, frontend=spans["frontend"].iloc[0]).iloc[0]
        rows = select(loaded["baseline_f1"], language=language)
        signal.f1_by_window(axis, rows, spans, language=language, reason=note["reason"])
        layout.panel_count(axis, note["n_tokens"])
        planted = select(windows, language=language)["planted_span_ms"].iloc[0]
        if pd.notna(planted):
            axis.axvline(planted, color="black", linestyle="--", linewidth=0.9, label="planted span")
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="window (ms)", y="macro-F1")


def caption_baseline_f1(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    main = (
        select(loaded["baseline_spans"], frontend=params.baseline.frontends[0])
        .set_index("language")
        .loc[params.speech.tonal]
    )
    notes = select(loaded["baseline_notes"], frontend=params.baseline.frontends[0]).set_index("language")
    told = "; ".join(
        f"{languages.LANGUAGE_NAMES[lang]} {findings.cue_text(row, notes.loc[lang, 'reason'])}, "
        f"peak F1 {row.peak_f1:.2f} (chance {row.chance_f1:.2f}, n = {notes.loc[lang, 'n_tokens']:.0f})"
        for lang, row in main.loc[params.speech.tonal].iterrows()
    )
    return (
        f"Macro-F1 of logistic regression on spectral windows around the tone centre, mean over "
        f"{_fold_counts(loaded['baseline_f1'])} folds with disjoint speakers or sentences (band: one standard error). "
        f"The solid vertical is the span: where two lines fitted to the curve meet, minus "
        f"half an analysis window of {params.baseline.analysis_window_ms:g} ms, shaded its "
        f"{params.bootstrap.level:.0%} bootstrap interval over utterances. Where F1 is not above chance, or the curve "
        f"does not bend, there is no cue width. {told}."
    )


def _fold_counts(baseline_f1: pd.DataFrame) -> str:
    """How many folds the languages have: as many as their speakers and sentences allow."""
    counts = sorted(set(baseline_f1.groupby("language")["fold"].nunique()))
    return " or ".join(map(str, counts))
