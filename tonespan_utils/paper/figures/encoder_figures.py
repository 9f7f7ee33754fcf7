"""Figures that compare the conditions of one encoder, from stored tables alone.

Conditions are drawn by what they are to a language (``comparison.role``): one colour and one marker for vanilla,
target ASR, Mandarin ASR and so on in every figure, so that 18 conditions need no more than nine of each. Every
function takes ``(tables, params)`` and the name of the encoder; captions take their numbers from the same tables.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.params import conditions, roles
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import comparisons, energy_maps, layout, training
from tonespan_utils.plots.curves import cue_band, curve_by_depth
from tonespan_utils.plots.style import BANDED, LANGUAGE_COLORS, LANGUAGE_MARKERS, NULL, is_narrow, width_in
from tonespan_utils.statistics import findings
from tonespan_utils.study import quality_flags

Tables = dict[str, pd.DataFrame]

TASK_METRICS = {
    ("asr", "cer"): "character error rate (lower is better)",
    ("emotion", "macro_f1"): "macro-F1",
    ("gender", "accuracy"): "accuracy",
    ("speaker", "eer"): "equal error rate (lower is better)",
    ("tone", "macro_f1"): "macro-F1",
}
LOWER_IS_BETTER = ("cer", "eer")
DIFFERENCES = {"f1": "probe F1", "span_ms": "span 2 r_com (ms)", "distance_ms": "distance to the cue width (ms)"}
DEPTH = "relative depth (layer over number of layers)"


def recipes(params: Params, backbone: str, *, alone: bool) -> dict[str, Recipe]:
    """The figures of one encoder, in the order of the paper; those without anything to compare are left out. Names
    and titles say which encoder unless it is ``alone``.
    """
    own = [condition for condition in map(conditions.parse, params.conditions) if condition.backbone == backbone]
    measured = [condition for condition in own if condition.is_measured]
    trained = any(condition.is_trained for condition in own)
    probed = {condition.name for condition in measured}
    taught = any(condition.starts_from in probed for condition in own if not condition.is_measured)
    repeated = any(len(params.seeds(condition.name)) > 1 for condition in measured)
    compared = len(measured) > 1 and not all(condition.is_trained for condition in measured)
    made = {
        "finetune": ("What the fine-tuned encoders learned", draw_finetune, caption_finetune, trained),
        "probe_f1": ("Tone in the layers: probe F1", draw_probe_f1, caption_probe_f1, True),
        "spans_by_layer": ("How far each layer looks", draw_spans, caption_spans, True),
        "differences": ("What fine-tuning changes", draw_differences, caption_differences, compared),
        "f1_against_distance": ("Tone kept against span matched", draw_scatter, caption_scatter, True),
        "seed_agreement": ("Do two trainings agree?", draw_seeds, caption_seeds, repeated),
        "probe_vs_finetuned": ("Probe against fine-tuning on tone", draw_tuned, caption_tuned, taught),
    }
    suffix, of = ("", "") if alone else (f"_{backbone}", f", {backbone}")
    found = {
        name + suffix: Recipe(title + of, partial(draw, backbone=backbone), partial(caption, backbone=backbone))
        for name, (title, draw, caption, wanted) in made.items()
        if wanted
    }
    names = list(found)
    after = names.index(f"probe_f1{suffix}") + 1
    ordered = names[:after], energy_recipes(measured, params), names[after:]
    return {n: found[n] for n in ordered[0]} | ordered[1] | {n: found[n] for n in ordered[2]}


def _own(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    return table[table["condition"].str.startswith(f"{backbone}/")]


def _first_condition(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """The rows of an encoder's first condition: vanilla, in every profile of ours."""
    own = _own(table, backbone)
    return own[own["condition"] == own["condition"].iloc[0]]


def _kind(condition: Condition, language: str) -> tuple[str, str]:
    """Role and legend entry; all controls share one entry."""
    role = roles.role_of(condition, language)
    return role, roles.ROLES[role] if role == "control" else roles.label_of(condition, language)


def _labels(names: pd.Series, languages: pd.Series) -> list[str]:
    """What each condition, by its name, is to its language."""
    return [roles.label_of(conditions.parse(name), la) for name, la in zip(names, languages, strict=True)]


def _condition_panels(params: Params) -> tuple[Figure, dict[str, Axes]]:
    """Panels whose colours mean conditions: the languages' names are black there."""
    figure, axes = layout.panels(params.speech.tonal)
    for language, axis in axes.items():
        axis.set_title(LANGUAGE_NAMES[language], loc="left", color="black", fontweight="bold")
    return figure, axes


def _curves(
    axis: Axes, loaded: Tables, columns: tuple[str, str, str], *, backbone: str, language: str, hollow: bool = False
) -> None:
    """Every condition of one encoder and language over relative depth; ``hollow`` where its probe knows nothing."""
    own = _own(select(loaded["layer_curves"], language=language), backbone)
    layout.panel_count(axis, own["n_tokens" if columns[0] == "f1" else "n_span_tokens"].max())
    for name, rows in own.groupby("condition", sort=False):
        role, label = _kind(conditions.parse(name), language)
        unknown = quality_flags.unknown_layers(loaded["signatures"], name, language) if hollow else ()
        curve_by_depth(axis, rows, columns, role=role, label=label, hollow=unknown)


def _bands(params: Params) -> str:
    shown = " and ".join(roles.ROLES[role] for role in BANDED)
    return (
        f"bands ({shown}): {params.bootstrap.level:.0%} bootstrap intervals over utterances and seeds; those of the "
        "other conditions are in the table layer_curves."
    )


def _interval(value: float, low: float, high: float, digits: str = ".0f") -> str:
    if pd.isna(value):
        return "none"
    bounds = "no interval" if pd.isna([low, high]).any() else f"{low:{digits}}, {high:{digits}}"
    return f"{value:{digits}} [{bounds}]"


def draw_finetune(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Scores of the fine-tuned encoders on their own tasks, one panel per task, a row per condition."""
    scores = task_scores(loaded["finetune"], backbone)
    by_task = {key: rows for key, rows in scores.groupby(["objective", "metric"]) if key in TASK_METRICS}
    n_rows = {key: by_task[key]["name"].nunique() for key in TASK_METRICS if key in by_task}
    height = 0.17 * sum(n_rows.values()) + 0.45 * len(n_rows) + 0.4
    figure, axes = plt.subplots(
        len(n_rows), figsize=(width_in(), height), height_ratios=list(n_rows.values()), sharex=True,
        squeeze=False,
    )  # fmt: skip
    for (objective, metric), axis in zip(n_rows, axes.flat, strict=True):
        training.task_scores(axis, by_task[objective, metric])
        title = f"{objective.replace('asr', 'ASR')}: {TASK_METRICS[objective, metric]}"
        axis.set_title(title.replace(" (", "\n(") if is_narrow() else title)
        axis.set_xlim(left=0)
    return figure


def caption_finetune(loaded: Tables, params: Params, *, backbone: str) -> str:
    scores = task_scores(loaded["finetune"], backbone)
    falls = scores["metric"].isin(LOWER_IS_BETTER)
    scores = scores.assign(beats=scores["low"].gt(scores["null"]).where(~falls, scores["high"].lt(scores["null"])))
    told = "; ".join(
        f"{objective.replace('asr', 'ASR')}{' shuffled' if shuffled else ''} {rows['beats'].sum()} of {len(rows)}"
        for (objective, shuffled), rows in scores.groupby(["objective", "shuffled"], sort=False)
    )
    return (
        f"Fine-tuned {backbone} on the test split of its own tasks: a dot per seed with its "
        f"{params.bootstrap.level:.0%} interval; the upright bar is the null, the same outputs dealt at random; grey: "
        f"controls trained on shuffled labels. Trainings whose whole interval is better than the null: {told}."
    )


def task_scores(finetune: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """The table ``finetune`` as one row per condition, metric and seed: name, objective, metric, seed, value, low,
    high, null, shuffled. Training losses are left out.
    """
    rows = finetune[(finetune["backbone"] == backbone) & (finetune["metric"] != "train_loss")]
    parts = rows["metric"].str.extract(r"^(?P<metric>.+?)(?:_(?:ci_)?(?P<part>low|high|null))?$").fillna("value")
    keys = ["condition", "metric", "seed"]
    wide = rows.assign(**parts).pivot(index=keys, columns="part", values="value")
    order = rows.assign(**parts)[keys].drop_duplicates()
    wide = wide.loc[pd.MultiIndex.from_frame(order)].reindex(columns=["value", "low", "high", "null"]).reset_index()
    parsed = [conditions.parse(name) for name in wide["condition"]]
    return wide.assign(
        name=[condition.name.partition("/")[2] for condition in parsed],
        objective=[condition.objective for condition in parsed],
        shuffled=[condition.is_shuffled for condition in parsed],
    )


def draw_probe_f1(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Probe F1 by relative depth, a panel per language."""
    figure, axes = _condition_panels(params)
    for language, axis in axes.items():
        _curves(axis, loaded, ("f1", "f1_low", "f1_high"), backbone=backbone, language=language)
        curves = _own(select(loaded["layer_curves"], language=language), backbone)
        depth = curves.drop_duplicates("layer").set_index("layer")["depth"]
        nulls = {
            "control task": ("probe_f1", "control_f1", NULL | {"linestyle": "--"}),
            "chance": ("probe_chance", "chance_f1", NULL),
        }
        for label, (table, column, style) in nulls.items():
            rows = _own(select(loaded[table], language=language), backbone)
            mean = rows[rows["layer"] != "final"].groupby("layer", sort=False)[column].mean()
            axis.plot(depth.loc[mean.index], mean, label=label, **style)
        axis.set_ylim(0, 1)
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x=DEPTH, y="macro-F1")


def caption_probe_f1(loaded: Tables, params: Params, *, backbone: str) -> str:
    first = _first_condition(loaded["comparison"], backbone)
    told = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} {_interval(row.f1, row.f1_low, row.f1_high, '.2f')} "
        f"{f'at layer {row.best_layer}' if row.best_layer else 'and no layer above chance'} "
        f"(chance {row.chance_f1:.2f}, n = {row.n_tokens:.0f})"
        for row in first.itertuples()
    )
    return (
        f"Macro-F1 of a linear probe on the hidden vector at the tone centre, by relative depth; {_bands(params)} "
        "Dashed: the control task, a random tone per syllable type; dotted: chance; both are means over conditions. "
        f"Best layer of {first['condition'].iloc[0]}, chosen on the other half of the test utterances: {told}."
    )


def energy_recipes(measured: Sequence[Condition], params: Params) -> dict[str, Recipe]:
    """A map per condition that is no control; each language's own ASR, which no other language has, share one."""
    targets, found = {}, {}
    for condition in measured:
        if condition.is_shuffled:
            continue
        if condition.task == "asr" and condition.language in params.speech.tonal:
            targets[condition.language] = condition.name
            found[f"{condition.backbone}-target_asr"] = (f"{condition.backbone} after ASR in the language", targets)
        else:
            own = dict.fromkeys(conditions.measured_languages(condition, params.speech.tonal), condition.name)
            found[condition.name.replace("/", "-")] = (condition.name, own)
    return {
        f"energy_map_{name}": Recipe(
            f"Where the layers of {title} look",
            partial(draw_energy_maps, condition_of=of),
            partial(caption_energy_maps, title=title, condition_of=of),
        )
        for name, (title, of) in found.items()
    }


def draw_energy_maps(loaded: Tables, params: Params, *, condition_of: Mapping[str, str]) -> Figure:
    """Energy over layer and offset, a panel per language of ``condition_of`` (language -> condition)."""
    figure, axes = layout.panels(list(condition_of), share_y=False)
    for language, axis in axes.items():
        where = {"language": language, "condition": condition_of[language]}
        own = [select(loaded[name], **where) for name in ("energy", "energy_null", "spans")]
        layout.panel_count(axis, own[-1]["n_tokens"].max())
        mesh = energy_maps.energy_map(axis, *own, hollow=quality_flags.unknown_layers(loaded["signatures"], **where))
    energy_maps.null_colorbar(figure, mesh, list(axes.values()), shrink=0.7, pad=0.02)
    return layout.label_axes(figure, x="time from tone centre (ms)", y="layer")


def caption_energy_maps(loaded: Tables, params: Params, *, title: str, condition_of: Mapping[str, str]) -> str:
    own = {select(loaded["spans"], language=la, condition=name)["n_tokens"].max() for la, name in condition_of.items()}
    counts = " to ".join(str(count) for count in sorted({min(own), max(own)}))
    return (
        f"{title}: energy of the gradient of the {params.gradient.target} tone's logit with respect to the "
        f"{params.gradient.wrt}, by layer and time from the tone centre, over what a model that looks everywhere "
        f"alike would show; white ticks at ±r_com. {counts} tokens per language."
        f"{_untold(loaded, condition_of)}"
    )


def _untold(loaded: Tables, condition_of: Mapping[str, str]) -> str:
    """Which layers' r_com is left out of the maps, and why; nothing where there are none."""
    unknown = {la: quality_flags.unknown_layers(loaded["signatures"], name, la) for la, name in condition_of.items()}
    order = list(dict.fromkeys(loaded["spans"]["layer"]))
    told = "; ".join(
        f"{LANGUAGE_NAMES[la]} {', '.join(sorted(own, key=order.index))}" for la, own in unknown.items() if own
    )
    if not told:
        return ""
    return (
        " No ticks, name in grey: F1 not above chance, the span at its null, or too few tokens for an interval, so "
        f"r_com is no finding ({told})."
    )


def draw_spans(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Effective span by relative depth against the cue width, a panel per language."""
    figure, axes = _condition_panels(params)
    cues = select(loaded["baseline_spans"], frontend=params.baseline.frontends[0]).set_index("language")
    for language, axis in axes.items():
        columns = ("span_ms", "span_low_ms", "span_high_ms")
        _curves(axis, loaded, columns, backbone=backbone, language=language, hollow=True)
        null_ms = _first_condition(select(loaded["comparison"], language=language), backbone)["null_span_ms"].iloc[0]
        axis.axhline(null_ms, label="flat null", **NULL)
        cue_band(axis, cues.loc[language])
    next(iter(axes.values())).set_ylim(bottom=0)  # panels share it; set once all is drawn, or the top would stay
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x=DEPTH, y="effective span 2 r_com (ms)")


def caption_spans(loaded: Tables, params: Params, *, backbone: str) -> str:
    first = _first_condition(loaded["comparison"], backbone)
    told = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} none ({row.top_note}, n = {row.n_span_tokens:.0f})"
        if row.top_note
        else f"{LANGUAGE_NAMES[row.language]} "
        f"{_interval(row.top_span_ms, row.top_span_low_ms, row.top_span_high_ms)} ms "
        f"(null {row.null_span_ms:.0f}, n = {row.n_span_tokens:.0f})"
        for row in first.itertuples()
    )
    return (
        f"Effective span by relative depth, within ±{params.gradient.window_ms:.0f} ms of the tone centre; "
        f"{_bands(params)} Dotted: the span of a flat map; dashed with its band: the cue width found in the signal. "
        f"Energy spread evenly over a width S has a span of S/2. {_hollow_layers(loaded, backbone)}"
        f"Top layer of {first['condition'].iloc[0]}: {told}."
    )


def _hollow_layers(loaded: Tables, backbone: str) -> str:
    """Why some points are open, with their number; nothing where there are none."""
    signs = _own(loaded["signatures"], backbone)
    drawn = _own(loaded["layer_curves"], backbone)
    n_drawn = int((drawn["layer"] != "final").sum())
    signs = signs[signs["signature"].isin(quality_flags.NO_FINDING) & (signs["layer"] != "final")]
    n_open = len(signs.drop_duplicates(["condition", "language", "layer"]))
    if not n_open:
        return ""
    return (
        "Open, on grey: no finding, for F1 is not above chance, the span not below its null, or the tokens too few for "
        f"an interval ({n_open} of {n_drawn} points). "
    )


def draw_differences(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Forest plot: every condition minus vanilla, a column per measure, a row per condition, languages in colours."""
    rows = differences_to_vanilla(loaded["contrasts"], backbone)
    names = sorted(dict.fromkeys(rows["label"]), key=lambda name: name.startswith("shuffled"))
    figure, axes = layout.side_by_side(len(DIFFERENCES), height_in=0.42 * len(names) + 0.9)
    for axis, (measure, title) in zip(axes, DIFFERENCES.items(), strict=True):
        _language_rows(axis, rows[rows["measure"] == measure], names, params)
        axis.set_xlabel(title)
    layout.shared_legend(figure, axes)
    return figure


def _language_rows(axis: Axes, rows: pd.DataFrame, names: Sequence[str], params: Params) -> None:
    """Intervals in rows by ``label``; within a row the languages lie below one another, in their own colours."""
    heights = pd.Series(range(len(names)), index=list(names), dtype=float)
    there = _present(rows, params)
    for offset, language in zip(layout.dodge(len(there)), there, strict=True):
        own = rows[rows["language"] == language]
        comparisons.intervals(
            axis, heights.loc[own["label"]].to_numpy() + offset, own, color=LANGUAGE_COLORS[language],
            marker=LANGUAGE_MARKERS[language], label=LANGUAGE_NAMES[language],
        )  # fmt: skip
    axis.axvline(0, **NULL)
    layout.named_rows(axis, names)


def _present(rows: pd.DataFrame, params: Params) -> list[str]:
    """The studied languages that have rows, in the profile's order."""
    return [language for language in params.speech.tonal if language in set(rows["language"])]


def caption_differences(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = differences_to_vanilla(loaded["contrasts"], backbone)
    label = rows["label"].iloc[0]
    told = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} {_interval(row.value, row.low, row.high, '+.0f')}"
        f"{'' if pd.isna(row.value) else ' ms'} (n = {row.n_tokens:.0f})"
        for row in rows[(rows["measure"] == "span_ms") & (rows["label"] == label)].itertuples()
    )
    return (
        f"Every condition minus vanilla {backbone} at their best layers (chosen on the other half of the test "
        f"utterances), paired over utterances; {params.bootstrap.level:.0%} bootstrap intervals over utterances and "
        f"seeds, open where they hold 0, the null; a grey cross where a span of either is no finding, or no cue width "
        f"is there to be near to. Span, {label} minus vanilla: {told}."
    )


def differences_to_vanilla(contrasts: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """An encoder's differences to its vanilla: columns language, label, measure, value, low, high, n_tokens."""
    rows = contrasts[contrasts["condition_b"] == f"{backbone}/vanilla"]
    rows = rows.rename(columns={"difference": "value", "ci_low": "low", "ci_high": "high"})
    return rows.assign(label=_labels(rows["condition_a"], rows["language"]))[
        ["language", "label", "measure", "value", "low", "high", "n_tokens"]
    ]


def draw_scatter(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """F1 of the best layer against its span's distance to the cue width, a panel per language, no wider than they are:
    a null outside is told in its corner.
    """
    figure, axes = _condition_panels(params)
    everything = _own(loaded["comparison"], backbone)
    right = 1.1 * np.nan_to_num(everything["distance_high_ms"].max()) or 100.0  # nan where no span has a distance
    low, high = everything["f1_low"].min(), everything["f1_high"].max()
    room = max(high - low, 0.05)  # 0 ms and F1 of 1 in full view, no tick beyond them, corners for notes
    bottom, top = low - 0.2 * room, high + 0.08 * room
    next(iter(axes.values())).set(xlim=(-0.03 * right, right), ylim=(bottom, top))
    for language, axis in axes.items():
        own = select(everything, language=language)
        layout.panel_count(axis, own["n_span_tokens"].max())
        if own["cue_width_ms"].isna().all():
            axis.text(0.5, 0.5, f"{findings.NO_CUE} to be near to", ha="center", transform=axis.transAxes, fontsize=8)
            continue
        for _, row in own.iterrows():
            role, label = _kind(conditions.parse(row["condition"]), language)
            comparisons.scatter_with_intervals(axis, row, role=role, label=label, hollow=bool(row["note"]))
        if (own["note"] != "").any():
            axis.plot([], [], "o", color="0.6", markerfacecolor="white", label=findings.AT_NULL)
        chance, null_ms = own["chance_f1"].mean(), (own["null_span_ms"] - own["cue_width_ms"]).abs().mean()
        if chance > bottom:
            axis.axhline(chance, label="chance", **NULL)
        else:
            layout.corner_note(axis, f"chance {chance:.2f} \N{DOWNWARDS ARROW}", right=False)
        if null_ms < right:
            axis.axvline(null_ms, label="flat null", **NULL | {"linestyle": "--"})
        else:
            layout.corner_note(axis, f"flat map {null_ms:.0f} ms \N{RIGHTWARDS ARROW}", right=True)
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="distance of the span to the cue width (ms)", y="macro-F1")


def caption_scatter(loaded: Tables, params: Params, *, backbone: str) -> str:
    everything = _own(loaded["comparison"], backbone)
    own = everything[everything["note"] == ""].dropna(subset="distance_ms")
    nearest = own.loc[own.groupby("language", sort=False)["distance_ms"].idxmin()]
    told = [
        f"{LANGUAGE_NAMES[r.language]} {r.condition} {_interval(r.distance_ms, r.distance_low_ms, r.distance_high_ms)} "
        f"ms, box-corrected {_interval(r.box_distance_ms, r.box_distance_low_ms, r.box_distance_high_ms)} ms "
        f"(n = {r.n_span_tokens:.0f})"
        for r in nearest.itertuples()
    ]
    without = [la for la in dict.fromkeys(everything["language"]) if la not in set(nearest["language"])]
    told = "; ".join([*told, *(f"{LANGUAGE_NAMES[la]} none" for la in without)])
    return (
        "Macro-F1 of the best layer against the distance |2 r_com - cue width| of its span, with "
        f"{params.bootstrap.level:.0%} intervals; open: the span is no finding, for F1 is not above chance, the span "
        "not below its null, or the tokens too few; where there is no cue width in the signal, nothing is near it; "
        "chance and the distance of a flat map are lines, or told in the corner beyond which they lie. "
        f"Nearest: {told}."
    )


def draw_seeds(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Spearman's rho of r_com between the trainings of each condition, over tokens and over layers, and where chance
    ends.
    """
    rows = between_seeds(loaded["seed_agreement"], backbone)
    names = list(dict.fromkeys(rows["label"]))
    figure, axes = layout.side_by_side(2, height_in=0.42 * len(names) + 0.9)
    for axis, over in zip(axes, ("tokens", "layers"), strict=True):
        own = rows[rows["over"] == over]
        _language_rows(axis, own, names, params)
        ends = own.groupby("label", sort=False)["null_high"].max().loc[names]
        heights = np.arange(len(names))
        axis.vlines(ends, heights - 0.42, heights + 0.42, color=NULL["color"], linewidth=1.0, label="end of chance")
        axis.set(xlim=(min(-0.1, own["low"].min() - 0.05), 1.05), xlabel=f"rho over {over}")
    layout.shared_legend(figure, axes)
    return figure


def caption_seeds(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = between_seeds(loaded["seed_agreement"], backbone)
    told = []
    for over, own in rows.groupby("over", sort=False):
        least, above = own.loc[own["value"].idxmin()], (own["low"] > own["null_high"]).sum()
        told.append(
            f"over {over} above chance in {above} of {len(own)}, least in {LANGUAGE_NAMES[least.language]}, "
            f"{least.label} (n = {least.n:.0f}), {_interval(least.value, least.low, least.high, '.2f')}"
        )
    return (
        "Spearman's rho of r_com between trainings of one condition with other seeds: of one token within a layer "
        f"(left, mean over layers) and of the layers' means (right), with {params.bootstrap.level:.0%} bootstrap "
        "intervals over utterances (open where they hold 0); grey: where dealing one side at random ends, for the "
        f"language where that is furthest. They agree {'; '.join(told)}. Where trainings disagree about which tokens "
        "need a wide view, only the mean span is a finding."
    )


def between_seeds(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """An encoder's rows of ``seed_agreement``, the mean over its pairs of seeds: language, label, over, value, low,
    high, null_high.
    """
    rows = _own(table, backbone).rename(columns={"rho": "value", "ci_low": "low", "ci_high": "high"})
    labelled = rows.assign(label=_labels(rows["condition"], rows["language"]))
    by = labelled.groupby(["language", "label", "over"], sort=False)
    return by[["value", "low", "high", "null_high", "n"]].mean().reset_index()


def draw_tuned(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """The probe on the frozen encoder beside the encoder fine-tuned on tone, and their difference."""
    rows = probe_and_tuned(loaded["probe_vs_finetuned"], backbone)
    names = list(dict.fromkeys(rows["label"]))
    figure, (scores, difference) = layout.side_by_side(2, height_in=0.42 * len(names) + 0.9)
    heights = pd.Series(range(len(names)), index=names, dtype=float)
    there = _present(rows, params)
    for offset, language in zip(layout.dodge(len(there)), there, strict=True):
        own = rows[rows["language"] == language]
        y = heights.loc[own["label"]].to_numpy() + offset
        comparisons.from_to(scores, y, own, color=LANGUAGE_COLORS[language])
    _language_rows(difference, rows, names, params)
    layout.named_rows(scores, names)
    scores.set(xlim=(0, 1.03), xlabel="macro-F1 (open: probe, filled: fine-tuned)")
    difference.set_xlabel("macro-F1, fine-tuned minus probe")
    layout.shared_legend(figure, [difference])
    return figure


def caption_tuned(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = probe_and_tuned(loaded["probe_vs_finetuned"], backbone)
    told = "; ".join(
        f"{LANGUAGE_NAMES[row.language]}, {row.condition} {_interval(row.value, row.low, row.high, '+.2f')} "
        f"(n = {row.n_tokens:.0f})"
        for row in rows[rows["layer"] == "best"].itertuples()
    )
    return (
        "A linear probe on the frozen encoder beside the same encoder fine-tuned to name the tone, over the test "
        "tokens of both (bars: chance); right: their paired difference, open where its "
        f"{params.bootstrap.level:.0%} bootstrap interval over utterances and seeds holds 0. Fine-tuned minus probe at "
        f"the best layer: {told}."
    )


def probe_and_tuned(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """An encoder's rows of ``probe_vs_finetuned`` with ``label`` (condition and layer) and value, low, high."""
    rows = _own(table, backbone).rename(columns={"difference": "value", "ci_low": "low", "ci_high": "high"})
    kinds = _labels(rows["condition"], rows["language"])
    return rows.assign(label=[f"{kind}, {layer} layer" for kind, layer in zip(kinds, rows["layer"], strict=True)])
