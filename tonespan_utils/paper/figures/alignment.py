"""Figures of ``make alignment``: how wrong aligned times are, and what wrong times would do to the answers.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures.store import figure_stem
from tonespan_utils.params import profile, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import center_errors, layout, style
from tonespan_utils.plots.style import LANGUAGE_COLORS

NOTEBOOK = "notebooks/07_alignment.ipynb"
TITLES = {"alignment": "Aligned tone centres", "jitter": "The answers under wrong tone centres"}
IN_STYLE = plt.style.context(style.STYLE)  # while drawing, and while saving: the resolution is part of it


@IN_STYLE
def save(params: Params, name: str, figure: Figure, caption: str, *, checkpoints: Mapping[str, str]) -> None:
    """Keep one of TITLES as PDF, SVG and PNG, with what made it and what it says."""
    call = f'alignment_figures.save(p, "{name}"'
    record = provenance.describe(
        params,
        notebook=NOTEBOOK,
        call=call,
        figure=name,
        checkpoints=dict(checkpoints),
        data=profile.describe_speech(params),
    )
    told = {"command": f"make alignment PROFILE={params.profile}", "title": TITLES[name], "caption": caption}
    provenance.save(figure, figure_stem(params, name), record | told)


@IN_STYLE
def draw_errors(scored: pd.DataFrame, errors: Mapping[str, pd.DataFrame], params: Params) -> Figure:
    """Errors of the test split's tone centres, a panel per language; ``scored`` is the table ``alignment``."""
    figure, axes = layout.panels(params.speech.tonal, share_y=False)
    for language, axis in axes.items():
        row = _of_test(scored, language)
        center_errors.error_histogram(axis, errors[language]["error_ms"].to_numpy(), row, language=language)
    return layout.label_axes(figure, x="aligned minus known tone centre (ms), test split", y="tokens")


def caption_errors(scored: pd.DataFrame, params: Params) -> str:
    medians = "; ".join(
        f"{LANGUAGE_NAMES[language]} {row.median_ms:.1f} ms [{row.median_low_ms:.1f}, {row.median_high_ms:.1f}], "
        f"95 % within {row.p95_ms:.1f} ms [{row.p95_low_ms:.1f}, {row.p95_high_ms:.1f}]"
        for language, row in ((language, _of_test(scored, language)) for language in params.speech.tonal)
    )
    return (
        f"Tone centres found from text alone by an aligner trained on the train split, against known ones. Median size "
        f"of the error with {params.bootstrap.level:.0%} interval over utterances, test split: {medians}."
    )


@IN_STYLE
def draw_scores(tokens: Mapping[str, pd.DataFrame], params: Params) -> Figure:
    """Alignment scores where no times are known, a panel per language."""
    figure, axes = layout.panels(params.speech.tonal, share_y=False)
    for language, axis in axes.items():
        axis.hist(tokens[language]["align_score"], bins=20, color=LANGUAGE_COLORS[language])
    return layout.label_axes(figure, x="alignment score (times are not known)", y="tokens")


def caption_scores(tokens: Mapping[str, pd.DataFrame], params: Params) -> str:
    medians = ", ".join(
        f"{LANGUAGE_NAMES[language]} {tokens[language]['align_score'].median():.2f} of {len(tokens[language]):,} tokens"
        for language in params.speech.tonal
    )
    return f"How probable the aligner found each token's labels; no times are known. Median: {medians}."


def _of_test(scored: pd.DataFrame, language: str) -> pd.Series:
    return tables.select(scored, language=language, split="test").iloc[0]


@IN_STYLE
def draw_jitter(jitter: pd.DataFrame, layers: Sequence[str], params: Params) -> Figure:
    """Cue width, and 2 r_com of two ``layers``, against the errors put on tone centres; dotted: the flat null."""
    lines = {"baseline span": ("", "#000000", "o", 1)}
    for layer, color, marker in zip(layers, ("#D55E00", "#0072B2"), "s^", strict=True):
        lines[f"2 r_com, layer {layer}"] = (layer, color, marker, 2)
    milliseconds = ["value_ms", "ci_low_ms", "ci_high_ms", "null_ms"]
    figure, axes = layout.panels(params.speech.tonal)
    for language, axis in axes.items():
        for label, (layer, color, marker, factor) in lines.items():
            rows = tables.select(jitter, language=language, layer=layer)
            rows = rows.assign(**(factor * rows[milliseconds]))
            center_errors.against_jitter(axis, rows, color=color, marker=marker, label=label)
        axis.set(xticks=params.jitter.sd_ms, ylim=(0, None))
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="standard deviation of errors put on tone centres (ms)", y="span (ms)")


def caption_jitter(jitter: pd.DataFrame, layers: Sequence[str], params: Params) -> str:
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
