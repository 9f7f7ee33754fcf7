"""Figures of calibration and sanity, from the tables of ``make validity`` alone.

What an estimator answers against what was planted; the slopes of all of them; the front ends of the baseline; what a
penalty on looking far does; and the sanity checks with their verdicts.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils import languages
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import layout, style
from tonespan_utils.plots.style import NULL
from tonespan_utils.study import sanity

NOTEBOOK = "notebooks/06_validity.ipynb"
Tables = dict[str, pd.DataFrame]

# (estimator, condition, layer or "top") of the first panel: colour, marker, name
SHOWN = {
    ("acoustic", "signal"): ("#000000", "o", "acoustic baseline (log-Mel)"),
    ("gradient", "asr"): ("#0072B2", "s", "gradient 2 r_com, ASR"),
    ("gradient", "vanilla"): ("#56B4E9", "^", "gradient 2 r_com, vanilla"),
    ("gradient_r90", "asr"): ("#D55E00", "D", "gradient 2 r90, ASR"),
    ("pitch_flattening", "asr"): ("#009E73", "v", "pitch flattening, ASR"),
}
NAMES = {
    "acoustic": "acoustic, log-Mel",
    "gradient": "gradient, 2 r_com",
    "gradient_r90": "gradient, 2 r90",
    "gradient_x_input": "gradient x input, 2 r_com",
    "smoothgrad": "SmoothGrad, 2 r_com",
    "integrated_gradients": "integrated gradients, 2 r_com",
    "occlusion": "occlusion, 2 r_com",
    "context_truncation": "context truncation, 95 % of F1",
    "pitch_flattening": "pitch flattening, 95 % of F1",
}
CONDITIONS = {"signal": "signal", "vanilla": "vanilla", "asr": "ASR", "narrow_asr": "ASR, span penalised"}
COLORS = {"signal": "#000000", "vanilla": "#56B4E9", "asr": "#0072B2", "narrow_asr": "#4B0092"}
FRONTENDS = {f"{frontend}_{shape}": (frontend, shape) for frontend in ("logmel", "mfcc", "linear")
             for shape in ("hann", "rectangular")} | {"f0_praat": ("f0", "praat")}  # fmt: skip
VERDICT_COLORS = {
    sanity.PASSED: "#00785a", sanity.FAILED: "#b34700", sanity.UNDECIDED: "#8a8a85", sanity.SHOWN: "#0072B2",
}  # fmt: skip


def recipes(params: Params) -> dict[str, Recipe]:
    """The figures of ``make validity`` in order; estimators agree or not where there are two of energy."""
    made = {
        "calibration": Recipe("Calibration: what a span is worth", draw_calibration, caption_calibration),
        "calibration_slopes": Recipe("Calibration: every estimator and layer", draw_slopes, caption_slopes),
        "robust_baselines": Recipe("The baseline through other front ends", draw_robust, caption_robust),
        "span_penalty": Recipe("Paying for looking far", draw_penalty, caption_penalty),
        "sanity_f1": Recipe("Sanity: where the probe must and must not know", draw_f1_checks, caption_f1_checks),
        "sanity_spans": Recipe(
            "Sanity: randomised weights, attention, confounds", draw_span_checks, caption_span_checks
        ),
    }
    if params.validity.energy_estimators:
        made["sanity_agreement"] = Recipe("Sanity: do the estimators agree?", draw_agreement, caption_agreement)
    return made


def _top(table: pd.DataFrame) -> str:
    """The highest layer that was measured."""
    names = [layer for layer in dict.fromkeys(table["layer"]) if layer]
    return names[-1]


def _answers(loaded: Tables, estimator: str, condition: str) -> pd.DataFrame:
    table = loaded["calibration"]
    rows = table[(table["estimator"] == estimator) & (table["condition"] == condition)]
    return rows[rows["layer"].isin(["", _top(table)])].sort_values("true_span_ms")


def _line(loaded: Tables, estimator: str, condition: str) -> pd.Series | None:
    table = loaded["calibration_lines"]
    rows = table[(table["estimator"] == estimator) & (table["condition"] == condition)]
    rows = rows[rows["layer"].isin(["", _top(loaded["calibration"])])]
    return rows.iloc[0] if len(rows) else None


def draw_calibration(loaded: Tables, params: Params) -> Figure:
    """Answers against planted widths with their lines."""
    figure, axis = plt.subplots(figsize=(style.width_in(), 3.6))
    true = np.array(params.validity.planted_span_ms)
    axis.plot(true, true, color="0.45", linestyle=":", linewidth=1.2, label="answer = planted width")
    axis.plot(true, true / 2, color="0.45", linestyle="--", linewidth=0.9, label="2 r_com of a box of that width")
    for number, ((estimator, condition), (color, marker, name)) in enumerate(SHOWN.items()):
        rows, line = _answers(loaded, estimator, condition), _line(loaded, estimator, condition)
        if rows.empty or line is None:
            continue
        at = rows["true_span_ms"] + 1.5 * (number - (len(SHOWN) - 1) / 2)  # side by side, not over one another
        reach = np.abs(rows[["ci_low_ms", "ci_high_ms"]].sub(rows["estimated_span_ms"], axis=0)).to_numpy().T
        axis.errorbar(
            at, rows["estimated_span_ms"], np.where(np.isfinite(reach), reach, 0), fmt=marker, color=color,
            elinewidth=0.9, markersize=5, label=f"{name}: slope {line['slope']:.2f}",
        )  # fmt: skip
        axis.plot(true, line["intercept_ms"] + line["slope"] * true, color=color, linewidth=0.9)
    dots = NULL | {"color": COLORS["asr"]}
    axis.axhline(random_span_ms(loaded), label="gradient 2 r_com, ASR, weights dealt", **dots)
    axis.set(xlabel="planted width of the tone cue (ms)", ylabel="answer (ms)", xticks=true, ylim=(0, None))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def random_span_ms(loaded: Tables) -> float:
    """The span of the ASR-tuned encoder's architecture with all its weights dealt at random: mean over draws."""
    rows = loaded["sanity"]
    rows = rows[(rows["check"] == "randomised weights") & (rows["condition"] == "asr")]
    return float(rows[rows["statistic"].str.contains(r"^span_ms, .* seed")]["value"].mean())


def caption_calibration(loaded: Tables, params: Params) -> str:
    acoustic, gradient = (_line(loaded, *key) for key in (("acoustic", "signal"), ("gradient", "asr")))
    worth = ""
    if gradient["slope"] > 0:
        worth = (
            " Here a gradient span s of this encoder, read from the line, stands for a cue of (s - "
            f"{gradient['intercept_ms']:.0f}) / {gradient['slope']:.2f} ms."
        )
    level = f"{params.bootstrap.level:.0%}"
    return (
        f"What is answered when the tone is planted within a known width: {len(params.validity.planted_span_ms)} "
        f"synthetic corpora ({languages.LANGUAGE_NAMES[params.validity.language]} script, {params.validity.minutes:g} "
        f"minutes each) that differ in that width alone; top layer. Bars: {level} bootstrap intervals over "
        f"utterances; lines: least squares. The acoustic baseline misses by {acoustic['bias_ms']:.0f} ms on average "
        f"and by {acoustic['worst_error_ms']:.0f} ms at worst. The gradient span after ASR has slope "
        f"{_slope(gradient)}.{worth} With its weights dealt at random, and a probe that then knows nothing, this "
        f"architecture has a span of {random_span_ms(loaded):.0f} ms (blue dots): a span near that says little."
    )


def _slope(line: pd.Series) -> str:
    return (
        f"{line['slope']:.2f} [{line['slope_low']:.2f}, {line['slope_high']:.2f}] over utterances and "
        f"[{line['slope_t_low']:.2f}, {line['slope_t_high']:.2f}] over corpora ({line['verdict']})"
    )


def draw_slopes(loaded: Tables, params: Params) -> Figure:
    """Slopes of every estimator at the top layer, and of the gradient at every layer."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.width_in(), 3.4), width_ratios=(1.25, 1))
    lines, top = loaded["calibration_lines"], _top(loaded["calibration"])
    shown = lines[lines["layer"].isin(["", top]) & lines["estimator"].isin(NAMES)]
    shown = shown.sort_values("estimator", key=lambda names: names.map(list(NAMES).index), kind="stable")
    names = [f"{NAMES[row.estimator]} ({CONDITIONS[row.condition]})" for row in shown.itertuples()]
    for height, row in enumerate(shown.itertuples()):
        _slope_interval(left, height, row, vertical=False)
        if np.isnan(row.slope):
            left.annotate("some widths not reached", (0, height), fontsize=6.5, va="center", xytext=(4, 0),
                          textcoords="offset points")  # fmt: skip
    layout.named_rows(left, names)
    left.set(xlabel="slope of answer over planted width", title="top layer")
    layers = [layer for layer in dict.fromkeys(lines["layer"]) if layer]
    for number, condition in enumerate(("vanilla", "asr")):
        rows = lines[(lines["estimator"] == "gradient") & (lines["condition"] == condition)]
        for row in rows.itertuples():
            _slope_interval(right, layers.index(row.layer) + 0.2 * (number - 0.5), row, vertical=True)
        right.plot([], [], "o", color=COLORS[condition], label=CONDITIONS[condition])
    right.set_xticks(np.arange(len(layers)), layers)
    right.set(xlabel="layer", ylabel="slope", title="gradient, 2 r_com")
    right.legend()
    for axis, draw in ((left, "axvline"), (right, "axhline")):
        getattr(axis, draw)(0, **NULL)
        getattr(axis, draw)(0.5, color="0.45", linestyle="--", linewidth=0.9)
    left.axvline(1, color="0.45", linestyle=":", linewidth=0.9)
    return figure


def _slope_interval(axis: Axes, at: float, row, *, vertical: bool) -> None:
    color = COLORS[row.condition]
    for low, high, width in ((row.slope_t_low, row.slope_t_high, 0.7), (row.slope_low, row.slope_high, 2.2)):
        ends, place = [low, high], [at, at]
        axis.plot(*((place, ends) if vertical else (ends, place)), color=color, linewidth=width)
    axis.plot(*((at, row.slope) if vertical else (row.slope, at)), "o", color=color)


def caption_slopes(loaded: Tables, params: Params) -> str:
    verdicts = loaded["calibration_lines"]["verdict"].value_counts()
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return (
        "Slope of the answer over the planted width: 0 (dotted) knows nothing of the width, 1 grows with it, 0.5 "
        f"(dashed) is 2 r_com of energy spread evenly over the cue. Thick bars: {params.bootstrap.level:.0%} "
        "intervals over utterances; thin: Student's t over the residuals of the "
        f"{len(params.validity.planted_span_ms)} corpora. A verdict needs both. Of all lines: {told}."
    )


def draw_robust(loaded: Tables, params: Params) -> Figure:
    """Cue width by front end and analysis window, a panel per planted width, F1 at the peak beside it."""
    spans_ms = params.validity.robust_span_ms
    figure, axes = plt.subplots(1, len(spans_ms), figsize=(style.width_in(), 2.9), sharey=True, squeeze=False)
    for axis, span_ms in zip(axes[0], spans_ms, strict=True):
        answers = select(loaded["calibration"], true_span_ms=span_ms).set_index("estimator")
        scores = select(loaded["calibration_scores"], true_span_ms=span_ms, condition="signal").set_index("metric")
        for height, (name, _) in enumerate(FRONTENDS.items()):
            row = answers.loc["acoustic" if name == "logmel_hann" else f"acoustic_{name}"]
            axis.plot([row["ci_low_ms"], row["ci_high_ms"]], [height, height], color="#0072B2", linewidth=1.2)
            axis.plot(row["estimated_span_ms"], height, "o", color="#0072B2")
            f1 = scores.loc[f"f1_{name}", "value"]
            axis.annotate(f"F1 {f1:.2f}", (1.0, height), xycoords=("axes fraction", "data"), fontsize=6.5, va="center",
                          ha="right")  # fmt: skip
        layout.named_rows(axis, [_frontend_name(*pair, params) for pair in FRONTENDS.values()])
        axis.axvline(span_ms, color="black", linestyle="--", linewidth=0.9)
        axis.set(xlabel="cue width (ms)", title=f"planted {span_ms:g} ms", xlim=(0, max(spans_ms) * 1.9))
    return figure


def _frontend_name(frontend: str, shape: str, params: Params) -> str:
    named = style.FRONTEND_NAMES[frontend]
    return named if frontend == "f0" else f"{named}, {shape} {params.validity.analysis_windows[shape]:g} ms"


def caption_robust(loaded: Tables, params: Params) -> str:
    scores = loaded["calibration_scores"]
    floors = {
        name: scores[scores["metric"] == metric][["value", "null"]].max()
        for name, metric in (("sounds", "f1_segments"), ("majority", "f1_majority"))
    }
    return (
        "The cue width by front end and analysis window, with the planted width dashed; bars: "
        f"{params.bootstrap.level:.0%} intervals over utterances; at the right, F1 at the best window. The floors, "
        f"over all corpora: F1 from the sounds of the syllable alone is at most {floors['sounds']['value']:.2f} "
        f"(chance {floors['sounds']['null']:.2f}), from always answering the commonest tone "
        f"{floors['majority']['value']:.2f}. A curve that is near its ceiling early, as F0 alone can be, bends where "
        "enough of the cue is heard, which is narrower than the cue."
    )


def draw_penalty(loaded: Tables, params: Params) -> Figure:
    """CER, probe F1 and span of plain and span-penalised ASR."""
    figure, axes = plt.subplots(1, 3, figsize=(style.width_in(), 1.9), sharey=True)
    found = penalty_numbers(loaded, params)
    order = ["vanilla", "asr", "narrow_asr"]
    for axis, (name, rows) in zip(axes, found.items(), strict=True):
        for row in rows.itertuples():
            height = order.index(row.condition)
            axis.plot([row.low, row.high], [height, height], color=COLORS[row.condition], linewidth=1.4)
            axis.plot(row.value, height, "o", color=COLORS[row.condition])
        axis.set(xlabel=name, xlim=(0, 1.1 * rows[["value", "high"]].max(axis=None)))
        layout.named_rows(axis, [CONDITIONS[one] for one in order])
    axes[2].axvline(params.finetune.span_penalty.span_ms, color="black", linestyle="--", linewidth=0.9)
    return figure


def penalty_numbers(loaded: Tables, params: Params) -> dict[str, pd.DataFrame]:
    """What the penalty is judged by: rows of condition, value, low, high (and null) under each axis label."""
    span_ms, top = params.validity.sanity_span_ms, _top(loaded["calibration"])
    scores = select(loaded["calibration_scores"], true_span_ms=span_ms)
    answers = select(loaded["calibration"], true_span_ms=span_ms, estimator="gradient", layer=top)
    names = {"ci_low": "low", "ci_high": "high"}
    widths = {"estimated_span_ms": "value", "ci_low_ms": "low", "ci_high_ms": "high"}
    return {
        "character error rate": scores[scores["metric"] == "cer"].rename(columns=names),
        "tone F1, top layer": scores[(scores["metric"] == "f1_probe") & (scores["layer"] == top)].rename(columns=names),
        "span 2 r_com, top layer (ms)": answers.rename(columns=widths),
    }


def caption_penalty(loaded: Tables, params: Params) -> str:
    told = []
    for name, rows in penalty_numbers(loaded, params).items():
        digits = ".0f" if "ms" in name else ".2f"
        each = rows.set_index("condition")
        numbers = [
            f"{CONDITIONS[one]} {each.loc[one, 'value']:{digits}} [{each.loc[one, 'low']:{digits}}, "
            f"{each.loc[one, 'high']:{digits}}]"
            for one in ("asr", "narrow_asr")
        ]
        told.append(f"{name}: {', '.join(numbers)}")
    paid = params.finetune.span_penalty
    return (
        f"Speech recognition with and without a price on looking far: {paid.weight:g} times the share of the logits' "
        f"input-gradient energy beyond ±{paid.span_ms / 2:g} ms, at random frames; planted width "
        f"{params.validity.sanity_span_ms:g} ms, one training each. {'; '.join(told)}. Bars: "
        f"{params.bootstrap.level:.0%} intervals over utterances; dashed: the width beyond which is paid for."
    )


def draw_f1_checks(loaded: Tables, params: Params) -> Figure:
    """F1 and code length by layer where the probe must know nothing, and where it must know."""
    sane = loaded["sanity"]
    asked = [
        ("shuffled labels", "f1", "shuffled labels: F1"),
        ("tone-free speech", "f1", "tone-free speech: F1"),
        ("selectivity", "f1 minus control f1", "selectivity"),
        ("description length", "bits per token", "description length (bits a token)"),
    ]
    figure, axes = plt.subplots(2, 2, figsize=(style.width_in(), 4.0), sharex=True)
    for axis, (check, statistic, title) in zip(axes.flat, asked, strict=True):
        own = sane[(sane["check"] == check) & (sane["statistic"] == statistic)]
        for number, (condition, rows) in enumerate(own[own["layer"] != ""].groupby("condition", sort=False)):
            by_layer(axis, rows, color=COLORS[condition], shift=0.15 * (number * 2 - 1), label=CONDITIONS[condition])
        axis.set_title(f"{title}\n{_verdicts(own)}", fontsize=8)
    for axis in axes.flat[:2]:
        axis.set_ylim(0, 1)
    layout.shared_legend(figure, axes.flat)
    return layout.label_axes(figure, x="layer", y="")


def by_layer(axis: Axes, rows: pd.DataFrame, *, color: str, shift: float, label: str) -> None:
    """Values with intervals over layers, the null as a short dotted line at each."""
    x = np.arange(len(rows)) + shift
    reach = np.abs(rows[["ci_low", "ci_high"]].sub(rows["value"], axis=0)).to_numpy().T
    axis.errorbar(x, rows["value"], reach, fmt="o", color=color, elinewidth=1.0, label=label)
    axis.plot(x, rows["null"], label="null", **NULL)
    axis.set_xticks(np.arange(len(rows)), rows["layer"])


def _verdicts(rows: pd.DataFrame) -> str:
    counts = rows["verdict"].value_counts()
    return ", ".join(f"{counts[name]} {name}" for name in VERDICT_COLORS if name in counts and name != sanity.SHOWN)


def caption_f1_checks(loaded: Tables, params: Params) -> str:
    sane = loaded["sanity"]
    free = sane[(sane["check"] == "tone-free speech") & (sane["layer"] != "")]
    best = free.loc[free["value"].idxmax()]
    return (
        "The probe of each layer where it must be at chance (top: tones dealt at random in training; the same "
        "speech without any tone contour) and where it must not (bottom: F1 minus that of a random tone per "
        "syllable type; bits to send a tone to someone who has the vectors, null: all tones alike). Each panel says "
        f"how many layers passed. Without a contour the best F1 of {len(free)} is {best['value']:.2f} "
        f"[{best['ci_low']:.2f}, {best['ci_high']:.2f}], chance {best['null']:.2f}: at this level one of twenty "
        f"intervals misses chance by luck. Bars: {params.bootstrap.level:.0%} intervals over utterances."
    )


def draw_span_checks(loaded: Tables, params: Params) -> Figure:
    """Spans while weights are dealt; attention distance beside r_com; confounds."""
    sane = loaded["sanity"]
    figure, axes = plt.subplots(1, 3, figsize=(style.width_in(), 3.0), width_ratios=(1.1, 1.1, 1))
    weights = sane[(sane["check"] == "randomised weights") & sane["statistic"].str.startswith("span_ms")]
    for number, (condition, rows) in enumerate(weights.groupby("condition", sort=False)):
        steps = rows["statistic"].str.extract(r"(\d+) of")[0].to_numpy(dtype=float)
        x = steps + 0.12 * (number * 2 - 1)
        reach = np.abs(rows[["ci_low", "ci_high"]].sub(rows["value"], axis=0)).to_numpy().T
        axes[0].errorbar(x, rows["value"], reach, fmt="o", color=COLORS[condition], label=CONDITIONS[condition])
        axes[0].plot(x, rows["null"], label="null", **NULL)
    axes[0].set(xlabel="parts dealt at random, top down", ylabel="span 2 r_com (ms)", ylim=(0, None))
    axes[0].set_title("randomised weights", fontsize=8)
    _draw_attention(axes[1], sane)
    _draw_confounds(axes[2], sane)
    layout.shared_legend(figure, axes)
    return figure


def _draw_attention(axis: Axes, sane: pd.DataFrame) -> None:
    rows = sane[(sane["check"] == "attention") & (sane["condition"] == "asr")]
    distance = rows[rows["statistic"].str.startswith("distance_ms")]
    layers = [layer for layer in dict.fromkeys(rows["layer"]) if layer.isdigit() and layer != "0"]
    for number, layer in enumerate(layers):
        heads = distance[(distance["layer"] == layer) & ~distance["statistic"].str.endswith("mean")]
        axis.plot([number] * len(heads), heads["value"], ".", color="0.65", label="attention, each head")
        mean = distance[(distance["layer"] == layer) & distance["statistic"].str.endswith("mean")]
        radius = rows[(rows["layer"] == layer) & (rows["statistic"] == "r_com_ms")]
        axis.plot(number, mean["value"], "s", color="#D55E00", label="attention, mean of heads")
        axis.plot(number, radius["value"], "o", color=COLORS["asr"], label="gradient r_com")
        axis.plot(number, mean["null"], "_", color=NULL["color"], label="even attention")
    axis.set_xticks(np.arange(len(layers)), layers)
    axis.set(xlabel="layer (ASR)", ylabel="mean distance (ms)", ylim=(0, None))
    axis.set_title("attention and gradient", fontsize=8)


def _draw_confounds(axis: Axes, sane: pd.DataFrame) -> None:
    rows = sane[(sane["check"] == "confounds") & (sane["layer"] != "") & (sane["condition"] == "asr")]
    layers = list(dict.fromkeys(rows["layer"]))
    colors = dict(zip(dict.fromkeys(rows["statistic"]), ("#009E73", "#CC79A7"), strict=True))
    for number, (statistic, own) in enumerate(rows.groupby("statistic", sort=False)):
        y = np.arange(len(own)) + 0.2 * (number * 2 - 1)
        axis.hlines(y, own["ci_low"], own["ci_high"], color=colors[statistic], linewidth=1.0)
        axis.plot(own["value"], y, "o", color=colors[statistic], label="rho: " + statistic.partition(" and ")[2])
    layout.named_rows(axis, layers)
    axis.axvline(0, **NULL)
    axis.set(xlabel="rho with r_com (ASR)", xlim=(-1, 1))
    axis.set_title(f"confounds\n{_verdicts(rows)}", fontsize=8)


def caption_span_checks(loaded: Tables, params: Params) -> str:
    sane = loaded["sanity"]
    weights = sane[(sane["check"] == "randomised weights") & sane["statistic"].str.startswith("span_ms")]
    asr = weights[weights["condition"] == "asr"]
    first, last = asr.iloc[0], asr[asr["statistic"].str.contains("seed")]
    duration = sane[sane["statistic"] == "f1 from duration alone"].iloc[0]
    difference = sane[sane["statistic"].str.startswith("difference in span") & (sane["condition"] == "asr")].iloc[0]
    return (
        "Left: span of the top layer while the values of each tensor change places, from the top block down, with "
        f"probes fitted anew: after ASR from {first['value']:.0f} ms to {last['value'].min():.0f} to "
        f"{last['value'].max():.0f} ms over {len(last)} draws, flat null {first['null']:.0f} ms. With everything "
        "dealt the probe is at chance, but the map is not flat: a random encoder too hears its own frame best. "
        f"That, not the flat map, is what a span has to differ from; intact minus dealt is {difference['value']:.0f} "
        f"ms [{difference['ci_low']:.0f}, {difference['ci_high']:.0f}] ({difference['verdict']}). Middle: mean "
        "distance of attention from the tone centre, beside the gradient's r_com; the dash is attention even over "
        "the window. Right: rank correlation of a token's r_com with its distance to the edge and its syllable's "
        f"duration. Duration alone gives the tone away with F1 {duration['value']:.2f} (chance "
        f"{duration['null']:.2f}). Bars: {params.bootstrap.level:.0%} intervals over utterances."
    )


def _agreement(loaded: Tables) -> pd.DataFrame:
    """The rows of the check ``agreement`` with what was ranked (``over``) and the two estimators (``pair``)."""
    sane = loaded["sanity"]
    rows = sane[sane["check"] == "agreement"]
    told = rows["statistic"].str.extract(r"rho over (\w+), (\w+) and (\w+)")
    names = [told[column].map(lambda name: NAMES[name].partition(",")[0]) for column in (1, 2)]
    return rows.assign(over=told[0], pair=names[0] + " | " + names[1])


def draw_agreement(loaded: Tables, params: Params) -> Figure:
    """Spearman's rho of every two estimators over tokens and over layers, and where chance ends."""
    found = _agreement(loaded)
    pairs = list(dict.fromkeys(found["pair"]))
    figure, axes = plt.subplots(1, 2, figsize=(style.width_in(), 0.9 + 0.3 * len(pairs)), sharey=True)
    for axis, over in zip(axes, ("tokens", "layers"), strict=True):
        rows = found[found["over"] == over]
        for y, row in enumerate(rows.itertuples()):
            axis.hlines(y, row.ci_low, row.ci_high, color=VERDICT_COLORS[row.verdict], linewidth=1.0)
            axis.plot(row.value, y, "o", color=VERDICT_COLORS[row.verdict], label=row.verdict)
            axis.plot(row.null, y, "|", color=NULL["color"], markersize=10, label="end of chance")
        layout.named_rows(axis, pairs)
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.set(xlim=(-1.05, 1.05), xlabel=f"rho over {over}")
    layout.shared_legend(figure, axes)
    return figure


def caption_agreement(loaded: Tables, params: Params) -> str:
    told = [
        f"over {over} {rows['value'].min():.2f} to {rows['value'].max():.2f} ({_verdicts(rows)})"
        for over, rows in _agreement(loaded).groupby("over", sort=False)
    ]
    return (
        "Do estimators rank alike? Spearman's rho of r_com by every two estimators after ASR, of the same "
        f"{params.validity.n_agreement_tokens} tokens within a layer (left, mean over layers) and of the layers' means "
        f"(right): {'; '.join(told)}. Passed: the whole {params.bootstrap.level:.0%} interval over utterances lies "
        "above what dealing one side at random gives (grey dash). Estimators that agree need not be right together; "
        "what each answers to a planted width is in the calibration."
    )
