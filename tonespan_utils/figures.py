"""Every figure of the paper by name, from stored tables alone: no model, no audio, seconds.

A figure is a function of the tables and a caption whose numbers come from the same tables.
``make figure NAME=...`` draws one.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils import plots, provenance, tables
from tonespan_utils.corpus import sources
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import Params

NOTEBOOK = "notebooks/05_rcom_comparison.ipynb"


@dataclass(frozen=True)
class Recipe:
    """How one figure is made and told: ``draw(tables, params)`` and ``caption(tables, params)``."""

    title: str
    draw: Callable[[dict[str, pd.DataFrame], Params], Figure]
    caption: Callable[[dict[str, pd.DataFrame], Params], str]


def load_tables(params: Params) -> dict[str, pd.DataFrame]:
    """All stored tables of a profile by name. Raises TonespanError naming the first that is missing."""
    return {name: tables.read(params.results, name) for name in tables.COLUMNS}


def recipes(params: Params) -> dict[str, Recipe]:
    """The figures of a profile, in the order of the paper; the energy map comes once per condition."""
    maps = {f"energy_map_{_slug(condition)}": _energy_recipe(condition) for condition in params.conditions}
    return {
        "f0_contours": Recipe("F0 by tone", draw_f0_contours, caption_f0_contours),
        "baseline_f1": Recipe("Tone in the signal: F1 against window", draw_baseline_f1, caption_baseline_f1),
        "probe_f1": Recipe("Tone in the layers: probe F1", draw_probe_f1, caption_probe_f1),
        **maps,
        "spans_by_layer": Recipe("How far each layer looks", draw_spans_by_layer, caption_spans_by_layer),
    }


def save(params: Params, name: str, loaded: dict[str, pd.DataFrame]) -> Figure:
    """Draw one figure and write PDF, SVG and PNG with provenance inside. Raises TonespanError for an unknown name."""
    known = recipes(params)
    if name not in known:
        raise TonespanError(f"no figure {name!r} in profile {params.profile}; there are: {', '.join(known)}")
    encoders = loaded["encoders"].drop_duplicates("encoder").set_index("encoder")["identity"].to_dict()
    record = provenance.describe(
        params, notebook=NOTEBOOK, figure=name, checkpoints=encoders, data=sources.describe(params)
    )
    with plt.style.context(plots.STYLE):
        figure = known[name].draw(loaded, params)
        provenance.save(figure, figure_stem(params, name), record)
    plt.close(figure)
    return figure


def redraw(params: Params, name: str | None = None) -> list[Path]:
    """One figure, or all of them and the report, from stored tables alone; returns their paths without ending."""
    from tonespan_utils import report  # the report is made of figures, not the other way round

    loaded = load_tables(params)
    names = [name] if name else list(recipes(params))
    for each in names:
        save(params, each, loaded)
    if name is None:
        report.write(params, loaded)
    return [figure_stem(params, each) for each in names]


def figure_stem(params: Params, name: str) -> Path:
    """Where a figure lies, without its ending."""
    return params.figures / name


def draw_f0_contours(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
    """F0 contour by tone, a panel per language."""
    figure, axes = plots.panels(params.speech.tonal)
    for language, axis in axes.items():
        plots.f0_contours(axis, _of(loaded["f0"], language=language))
    return _label(figure, x="time from tone centre (ms)", y="F0 (semitones over\nspeaker median)")


def caption_f0_contours(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    counts = loaded["tokens"].groupby("language").size()
    told = ", ".join(f"{plots.LANGUAGE_NAMES[lang]} {counts[lang]:,}" for lang in params.speech.tonal)
    return (
        f"Median F0 and quartile band by tone around the tone centre; up to {params.f0.n_tokens} tokens per language "
        f"are drawn. Tone tokens in all: {told}."
    )


def draw_baseline_f1(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
    """F1 against window with the span marked, a panel per language."""
    figure, axes = plots.panels(params.speech.tonal)
    windows = loaded["baseline_windows"]
    for language, axis in axes.items():
        spans = _of(loaded["baseline_spans"], language=language)
        plots.f1_by_window(axis, _of(loaded["baseline_f1"], language=language), spans, language=language)
        planted = _of(windows, language=language)["planted_span_ms"].iloc[0]
        if pd.notna(planted):
            axis.axvline(planted, color="black", linestyle="--", linewidth=0.9, label="planted span")
    _shared_legend(figure, axes)
    return _label(figure, x="window (ms)", y="macro-F1")


def caption_baseline_f1(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    spans = loaded["baseline_spans"]
    main = spans[spans["frontend"] == params.baseline.frontends[0]].set_index("language").loc[params.speech.tonal]
    told = "; ".join(
        f"{plots.LANGUAGE_NAMES[lang]} {row.span_ms:.0f} ms [{row.span_low_ms:.0f}, {row.span_high_ms:.0f}], "
        f"peak F1 {row.peak_f1:.2f} (chance {row.chance_f1:.2f})"
        for lang, row in main.iterrows()
    )
    return (
        f"Macro-F1 of logistic regression on spectral windows around the tone centre, mean over "
        f"{params.baseline.n_folds} folds with disjoint speakers or sentences (band: one standard error). The "
        f"solid vertical is the span: the "
        f"peak window minus the {params.baseline.analysis_window_ms:.0f} ms that the analysis window adds, shaded its "
        f"{params.bootstrap.level:.0%} bootstrap interval over utterances. {told}."
    )


def draw_probe_f1(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
    """F1 by layer with control and interval, a panel per language."""
    figure, axes = plots.panels(params.speech.tonal)
    for language, axis in axes.items():
        for condition, color in _condition_colors(params, language).items():
            rows = _of(loaded["probe_f1"], language=language, condition=condition)
            chance = _of(loaded["probe_chance"], language=language, condition=condition)
            plots.f1_by_layer(axis, rows, chance, color=color, label=condition)
        axis.set_ylim(0, 1)
    _shared_legend(figure, axes)
    return _label(figure, x="layer", y="macro-F1")


def caption_probe_f1(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    best = loaded["probe_f1"].sort_values("macro_f1").groupby(["condition", "language"]).last()
    told = "; ".join(
        f"{plots.LANGUAGE_NAMES[lang]} {best.loc[(params.conditions[0], lang)].macro_f1:.2f} at layer "
        f"{best.loc[(params.conditions[0], lang)].layer}"
        for lang in params.speech.tonal
    )
    return (
        f"Macro-F1 of a linear probe on the hidden vector at the tone centre, by layer (band: "
        f"{params.bootstrap.level:.0%} bootstrap interval over test utterances); dashed: the control task, a "
        f"random tone per syllable type; dotted: "
        f"chance. Best layer of {params.conditions[0]}: {told}."
    )


def _energy_recipe(condition: str) -> Recipe:
    def draw(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
        figure, axes = plots.panels(params.speech.tonal, share_y=False)
        for language, axis in axes.items():
            select = {"language": language, "condition": condition}
            mesh = plots.energy_map(axis, *(_of(loaded[name], **select) for name in ("energy", "energy_null", "spans")))
        bar = figure.colorbar(mesh, ax=list(axes.values()), shrink=0.7, pad=0.02)
        bar.set_ticks([-4, -2, 0, 2, 4], labels=["1/16", "1/4", "1", "4", "16"])
        bar.set_label("energy, times flat null")
        return _label(figure, x="time from tone centre (ms)", y="layer")

    def caption(loaded: dict[str, pd.DataFrame], params: Params) -> str:
        spans = _of(loaded["spans"], condition=condition)
        n_tokens = spans.groupby("language")["n_tokens"].max().loc[params.speech.tonal]
        return (
            f"{condition}: energy of the gradient of the {params.gradient.target} tone's logit with respect to the "
            f"{params.gradient.wrt}, by layer and time from the tone centre, over what a model that looks everywhere "
            f"alike would show; white ticks at +-r_com. {n_tokens.min()} to {n_tokens.max()} tokens per language."
        )

    return Recipe(f"Where the layers of {condition} look", draw, caption)


def draw_spans_by_layer(loaded: dict[str, pd.DataFrame], params: Params) -> Figure:
    """Effective span by layer against the baseline span, a panel per language."""
    figure, axes = plots.panels(params.speech.tonal)
    spans = loaded["baseline_spans"]
    main = spans[spans["frontend"] == params.baseline.frontends[0]].set_index("language")
    for language, axis in axes.items():
        for condition, color in _condition_colors(params, language).items():
            rows = _of(loaded["spans"], language=language, condition=condition)
            plots.spans_by_layer(axis, rows, main.loc[language], color=color, label=condition)
        axis.set_ylim(bottom=0)
    _shared_legend(figure, axes)
    return _label(figure, x="layer", y="effective span 2 r_com (ms)")


def caption_spans_by_layer(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    top = _of(loaded["spans"], condition=params.conditions[0]).groupby("language").last().loc[params.speech.tonal]
    told = "; ".join(
        f"{plots.LANGUAGE_NAMES[lang]} {row.span_ms:.0f} ms [{row.ci_low_ms:.0f}, {row.ci_high_ms:.0f}] "
        f"(null {row.null_span_ms:.0f})"
        for lang, row in top.iterrows()
    )
    return (
        f"Effective span by layer with its {params.bootstrap.level:.0%} bootstrap interval over utterances, within "
        f"+-{params.gradient.window_ms:.0f} ms; dotted: the span of a flat map; dashed with band: the cue width "
        f"found in "
        f"the signal. An energy box of width S has a span of S/2. Top layer of {params.conditions[0]}: {told}."
    )


def draw_energy_profile(loaded: dict[str, pd.DataFrame], *, condition: str, language: str, layer: str) -> Figure:
    """How far one layer looks in one language: what the explorer shows. Notebook: notebooks/explorer"""
    select = {"condition": condition, "language": language}
    span = _of(loaded["spans"], layer=layer, **select).iloc[0]
    with plt.style.context(plots.STYLE):
        figure, axis = plt.subplots(figsize=(plots.FULL_WIDTH_IN, 2.6))
        rows, null = _of(loaded["energy"], layer=layer, **select), _of(loaded["energy_null"], **select)
        plots.energy_profile(axis, rows, null, span, color=plots.LANGUAGE_COLORS[language])
        axis.set_title(
            f"{plots.LANGUAGE_NAMES[language]}, {condition}: span {span['span_ms']:.0f} ms "
            f"[{span['ci_low_ms']:.0f}, {span['ci_high_ms']:.0f}], null {span['null_span_ms']:.0f} ms"
        )
    return figure


def best_layer_spans(loaded: dict[str, pd.DataFrame], params: Params) -> pd.DataFrame:
    """Per condition and language: the layer of best F1, its span, and the cue width in the signal."""
    best = (
        loaded["probe_f1"]
        .sort_values("macro_f1", kind="stable")
        .groupby(["condition", "language"], as_index=False)
        .last()
    )
    spans = loaded["baseline_spans"]
    cue = spans[spans["frontend"] == params.baseline.frontends[0]][["language", "span_ms"]]
    cue = cue.rename(columns={"span_ms": "cue_width_ms"})
    chosen = best[["condition", "language", "layer", "macro_f1"]].merge(
        loaded["spans"][["condition", "language", "layer", "span_ms", "null_span_ms", "r50_ms", "r90_ms"]]
    )
    return chosen.merge(cue)


def _of(table: pd.DataFrame, **select: str) -> pd.DataFrame:
    for column, value in select.items():
        table = table[table[column] == value]
    if table.empty:
        raise TonespanError(f"no rows for {select} in the stored tables; run `make paper` again")
    return table


def _condition_colors(params: Params, language: str) -> dict[str, str]:
    if len(params.conditions) == 1:
        return {params.conditions[0]: plots.LANGUAGE_COLORS[language]}
    palette = plots.sns.color_palette("colorblind", len(params.conditions)).as_hex()
    return dict(zip(params.conditions, palette, strict=True))


def _shared_legend(figure: Figure, axes: dict) -> None:
    handles = {}
    for axis in axes.values():
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        handles.values(), handles.keys(), loc="outside upper center", ncols=min(5, len(handles)), fontsize=7.5
    )


def _label(figure: Figure, *, x: str, y: str) -> Figure:
    figure.supxlabel(x, fontsize=8)
    figure.supylabel(y, fontsize=8)
    return figure


def _slug(condition: str) -> str:
    return condition.replace("/", "-")
