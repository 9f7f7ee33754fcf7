"""Figures: F0 by tone, and how wide the tone cue in the signal is (macro-F1 against window, ms).

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils import languages
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout, signal
from tonespan_utils.statistics import findings


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
    n_tokens = ", ".join(f"{languages.LANGUAGE_NAMES[lang]} {counts[lang]:,}" for lang in params.speech.tonal)
    return (
        f"Median F0 and quartile band by tone around the tone centre; up to {params.f0.n_tokens} tokens per language "
        f"are drawn. Tone tokens in all: {n_tokens}."
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
            axis.axvline(planted, color="black", linestyle="--", linewidth=0.9, label="planted width")
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="window (ms)", y="macro-F1")


def caption_baseline_f1(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    main = (
        select(loaded["baseline_spans"], frontend=params.baseline.frontends[0])
        .set_index("language")
        .loc[params.speech.tonal]
    )
    notes = select(loaded["baseline_notes"], frontend=params.baseline.frontends[0]).set_index("language")
    widths = "; ".join(
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
        f"does not bend, there is no cue width. {widths}."
    )


def _fold_counts(baseline_f1: pd.DataFrame) -> str:
    """How many folds the languages have: as many as their speakers and sentences allow."""
    counts = sorted(set(baseline_f1.groupby("language")["fold"].nunique()))
    return " or ".join(map(str, counts))
