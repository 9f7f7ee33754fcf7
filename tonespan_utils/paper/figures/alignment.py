"""Figures of ``make alignment``: how wrong aligned times are, and what wrong times would do to the answers.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.params import profile, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import center_errors, layout
from tonespan_utils.plots.style import LANGUAGE_COLORS
from tonespan_utils.statistics import findings

NOTEBOOK = "notebooks/07_alignment.ipynb"
Tables = Mapping[str, pd.DataFrame]


def recipes(layers: Sequence[str], *, times_known: bool) -> dict[str, Recipe]:
    """The two figures by name. ``jitter`` shows spans of two ``layers``; ``alignment`` shows errors where the reference
    times are known, and the aligner's scores where they are not.

    Tables: ``alignment``, ``errors`` (language, error_ms) of test tokens, ``tokens``, ``jitter``.
    """
    centers = (draw_errors, caption_errors) if times_known else (draw_scores, caption_scores)
    jitter = (partial(draw_jitter, layers=layers), partial(caption_jitter, layers=layers))
    return {
        "alignment": Recipe("Aligned tone centres", *centers),
        "jitter": Recipe("The answers under wrong tone centres", *jitter),
    }


def record(params: Params, name: str, recipe: Recipe, loaded: Tables, *, checkpoints: Mapping[str, str]) -> dict:
    """What made a figure of :func:`recipes`, with its title and caption, for ``store.save_recipe``."""
    made = provenance.describe(
        params,
        notebook=NOTEBOOK,
        call=f'recipes["{name}"]',
        figure=name,
        checkpoints=dict(checkpoints),
        data=profile.describe_speech(params),
    )
    texts = {"title": recipe.title, "caption": recipe.caption(loaded, params)}
    return made | {"command": f"make alignment PROFILE={params.profile}"} | texts


def draw_errors(loaded: Tables, params: Params) -> Figure:
    """Errors of the test split's tone centres (ms), a panel per language."""
    figure, axes = layout.panels(params.speech.tonal, share_y=False)
    for language, axis in axes.items():
        row, errors = _of_test(loaded["alignment"], language), tables.select(loaded["errors"], language=language)
        center_errors.error_histogram(axis, errors["error_ms"].to_numpy(), row, language=language)
    return layout.label_axes(figure, x="aligned minus known tone centre (ms), test split", y="tokens")


def caption_errors(loaded: Tables, params: Params) -> str:
    """How far aligned centres lie from the reference, median and 95th percentile per language."""
    scored = loaded["alignment"]
    medians = "; ".join(
        f"{LANGUAGE_NAMES[language]} "
        f"{findings.interval_text(row.median_ms, row.median_low_ms, row.median_high_ms, digits=1, unit=' ms')}, "
        "95 % within "
        f"{findings.interval_text(row.p95_ms, row.p95_low_ms, row.p95_high_ms, digits=1, unit=' ms')}"
        for language, row in ((language, _of_test(scored, language)) for language in params.speech.tonal)
    )
    return (
        f"Tone centres found from text alone by an aligner trained on the train split, against known ones. Median size "
        f"of the error with {params.bootstrap.level:.0%} interval over utterances, test split: {medians}."
    )


def draw_scores(loaded: Tables, params: Params) -> Figure:
    """Alignment scores where no times are known, a panel per language."""
    figure, axes = layout.panels(params.speech.tonal, share_y=False)
    for language, axis in axes.items():
        axis.hist(
            tables.select(loaded["tokens"], language=language)["align_score"], bins=20, color=LANGUAGE_COLORS[language]
        )
    return layout.label_axes(figure, x="alignment score (times are not known)", y="tokens")


def caption_scores(loaded: Tables, params: Params) -> str:
    """The median score of the aligner per language."""
    scores = {la: tables.select(loaded["tokens"], language=la)["align_score"] for la in params.speech.tonal}
    medians = ", ".join(f"{LANGUAGE_NAMES[la]} {of.median():.2f} of {len(of):,} tokens" for la, of in scores.items())
    return f"How probable the aligner found each token's labels; no times are known. Median: {medians}."


def _of_test(scored: pd.DataFrame, language: str) -> pd.Series:
    return tables.select(scored, language=language, split="test").iloc[0]


def draw_jitter(loaded: Tables, params: Params, *, layers: Sequence[str]) -> Figure:
    """Cue width, and 2 r_com of two ``layers``, against the errors put on tone centres; dotted: the flat null."""
    lines = {"baseline span": ("", "#000000", "o", 1)}
    for layer, color, marker in zip(layers, ("#D55E00", "#0072B2"), "s^", strict=True):
        lines[f"2 r_com, layer {layer}"] = (layer, color, marker, 2)
    milliseconds = ["value_ms", "ci_low_ms", "ci_high_ms", "null_ms"]
    figure, axes = layout.panels(params.speech.tonal)
    for language, axis in axes.items():
        for label, (layer, color, marker, factor) in lines.items():
            rows = tables.select(loaded["jitter"], language=language, layer=layer)
            rows = rows.assign(**(factor * rows[milliseconds]))
            center_errors.against_jitter(axis, rows, color=color, marker=marker, label=label)
        axis.set(xticks=params.jitter.sd_ms, ylim=(0, None))
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="standard deviation of errors put on tone centres (ms)", y="span (ms)")


def caption_jitter(loaded: Tables, params: Params, *, layers: Sequence[str]) -> str:
    """What the largest error does to cue width and r_com, per language."""
    jitter = loaded["jitter"]
    ends = (min(params.jitter.sd_ms), max(params.jitter.sd_ms))
    answers = []
    for language in params.speech.tonal:
        values = jitter[jitter["language"] == language].set_index(["layer", "jitter_ms"])["value_ms"]
        cue, radius = ([values[layer, sd_ms] for sd_ms in ends] for layer in ("", layers[-1]))
        widths = " to ".join("none" if pd.isna(width) else f"{width:.0f}" for width in cue)
        answers.append(f"{LANGUAGE_NAMES[language]} cue width {widths} ms, r_com {radius[0]:.0f} to {radius[1]:.0f} ms")
    return (
        f"Every tone centre moved by a normal error, and all done anew: the cue width in the signal and twice r_com of "
        f"layers {' and '.join(layers)}; bars: {params.bootstrap.level:.0%} intervals over utterances; dotted: a flat "
        f"map. As errors grow from {ends[0]:g} to {ends[1]:g} ms (r_com of layer {layers[-1]}): {'; '.join(answers)}."
    )
