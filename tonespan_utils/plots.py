"""Figure parts: each takes an axis and one language's rows of a stored table, and returns what it drew.

Conventions: the same colour for the same language everywhere (Okabe & Ito's colour-blind safe set); times in ms;
macro-F1 between 0 and 1; the null is always drawn beside the value, dotted grey.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tonespan_utils import findings
from tonespan_utils.corpus import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import Params

STYLE = Path(__file__).with_name("paper.mplstyle")
COLUMN_MM, PAGE_MM = 89.0, 183.0  # one and two columns of most journals
FULL_WIDTH_IN = PAGE_MM / 25.4
NULL = {"color": "0.45", "linestyle": ":", "linewidth": 1.2}
LANGUAGE_COLORS = {
    "my": "#0072B2",
    "th": "#009E73",
    "lo": "#D55E00",
    "vi": "#CC79A7",
    "cmn": "#B8860B",
    "yue": "#3A9BD9",
    "yo": "#882255",
    "en": "#666666",
}
LANGUAGE_NAMES = {
    "my": "Burmese",
    "th": "Thai",
    "lo": "Lao",
    "vi": "Vietnamese",
    "cmn": "Mandarin",
    "yue": "Cantonese",
    "yo": "Yoruba",
    "en": "English",
}
# Conditions by what they are to a language (comparison.ROLES): colour and marker, so that neither has to do alone.
ROLE_STYLES = {
    "vanilla": ("#000000", "o"),
    "target_asr": ("#0072B2", "s"),
    "mandarin_asr": ("#E69F00", "^"),
    "english_asr": ("#56B4E9", "v"),
    "other_asr": ("#8C6D31", "<"),
    "narrow_asr": ("#4B0092", ">"),
    "emotion": ("#D55E00", "D"),
    "gender": ("#009E73", "P"),
    "speaker": ("#CC79A7", "X"),
    "control": ("0.65", "."),
}
NOT_COMPARED = "not compared: no finding"  # what a grey cross stands for
BANDED = ("vanilla", "target_asr")  # bands of every condition would hide one another
LANGUAGE_MARKERS = dict(zip(LANGUAGE_NAMES, "os^DvPXh", strict=True))
MAX_LAYER_LABELS = 12  # on one axis; deeper encoders name every second or third layer
FRONTEND_NAMES = {"logmel": "log-Mel", "mfcc": "MFCC", "linear": "linear bands", "f0": "F0 alone"}
FRONTEND_LINES = {"logmel": "-", "mfcc": "--", "linear": "-.", "f0": ":"}


@dataclass(frozen=True)
class Recipe:
    """How one figure is made and told: ``draw(tables, params)`` and ``caption(tables, params)``."""

    title: str
    draw: Callable[[dict[str, pd.DataFrame], Params], Figure]
    caption: Callable[[dict[str, pd.DataFrame], Params], str]


_width_mm = ContextVar("width of figures in mm", default=PAGE_MM)


@contextmanager
def width(mm: float) -> Iterator[None]:
    """Figures drawn inside are ``mm`` wide. Raises TonespanError for a width in which labels would collide."""
    if not 80 <= mm <= 300:
        raise TonespanError(f"no figure is legible at {mm:g} mm; a column has {COLUMN_MM:g}, a page {PAGE_MM:g}")
    before = _width_mm.set(mm)
    try:
        yield
    finally:
        _width_mm.reset(before)


def width_in() -> float:
    """The width of figures, in inches."""
    return _width_mm.get() / 25.4


def is_narrow() -> bool:
    """Whether panels have to stand one below the other."""
    return _width_mm.get() < 0.75 * PAGE_MM


def side_by_side(n: int, *, height_in: float, **options: object) -> tuple[Figure, list[Axes]]:
    """``n`` axes with one meaning of y beside each other, or one below the other where the figure is narrow."""
    shape = (n, 1) if is_narrow() else (1, n)
    figure, grid = plt.subplots(*shape, figsize=(width_in(), height_in * shape[0]), sharey=True, **options)
    return figure, list(np.ravel(grid))


def panels(languages: Sequence[str], *, height_in: float = 2.2, share_y: bool = True) -> tuple[Figure, dict[str, Axes]]:
    """A figure with one named panel per language, two in a row: (figure, language -> axis)."""
    n_columns = 1 if is_narrow() else min(2, len(languages))
    n_rows = -(-len(languages) // n_columns)
    with plt.style.context(STYLE):
        figure, grid = plt.subplots(
            n_rows, n_columns, figsize=(width_in(), height_in * n_rows), sharex=True, sharey=share_y, squeeze=False
        )
    for axis in grid.flat[len(languages) :]:
        axis.remove()
    axes = dict(zip(languages, grid.flat, strict=False))
    for position, (language, axis) in enumerate(axes.items()):
        axis.set_title(LANGUAGE_NAMES[language], color=LANGUAGE_COLORS[language], loc="left", fontweight="bold")
        if position + n_columns >= len(languages):  # the last panel of its column carries the time labels
            axis.tick_params(labelbottom=True)
    return figure, axes


def corner_note(axis: Axes, text: str, *, right: bool) -> None:
    """A word in a lower corner of an axis, on what lies beyond it."""
    place = {"x": 0.98 if right else 0.02, "ha": "right" if right else "left"}
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}  # over lines that cross the corner
    wrapped = textwrap.fill(text, 40)  # a panel is about 60 letters wide
    axis.text(
        y=0.05, s=wrapped, va="bottom", transform=axis.transAxes, fontsize=7, color=NULL["color"], bbox=box, **place
    )


def panel_count(axis: Axes, n: float, what: str = "tokens") -> None:
    """How many tokens a panel rests on, over its right corner."""
    axis.set_title(f"n = {n:,.0f} {what}", loc="right", fontsize=7, color="0.35", fontweight="normal")


def shared_legend(figure: Figure, axes: Iterable[Axes]) -> None:
    """One legend over the figure, every label once."""
    handles = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for n_columns in range(min(2 if is_narrow() else 5, len(handles)), 0, -1):
        where = {"loc": "outside upper center", "ncols": n_columns, "fontsize": 7.5}
        legend = figure.legend(handles.values(), handles.keys(), **where)
        if n_columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def label_axes(figure: Figure, *, x: str, y: str) -> Figure:
    """One label for all horizontal axes and one for all vertical ones."""
    figure.supxlabel(x, fontsize=8)
    figure.supylabel(y, fontsize=8)
    return figure


def waveform_with_tokens(samples: np.ndarray, tokens: pd.DataFrame) -> Figure:
    """One utterance (n,) at 16 kHz with its tone tokens: syllables shaded, centres marked, tones named."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(FULL_WIDTH_IN, 1.6))
    axis.plot(np.arange(samples.size) / SAMPLE_RATE, samples, color="0.4", linewidth=0.4)
    top = float(np.abs(samples).max()) or 1.0
    for token in tokens.itertuples():
        axis.axvspan(token.start_s, token.end_s, color="#0072B2", alpha=0.10, lw=0)
        axis.axvline(token.center_s, color="#D55E00", linewidth=1.0)
        axis.annotate(
            f"{token.ipa} {token.tone}", (token.center_s, 1.08 * top), ha="center", fontsize=7, annotation_clip=False
        )
    axis.set(xlabel="time (s)", ylabel="amplitude", ylim=(-1.05 * top, 1.25 * top))
    return figure


def spectrogram_with_tokens(
    samples: np.ndarray, tokens: pd.DataFrame, times_s: np.ndarray, f0_hz: np.ndarray, *, title: str = ""
) -> Figure:
    """One utterance (n,) at 16 kHz as a spectrogram, its F0 over it, and its tone tokens: edges, centres, names.

    ``f0_hz`` (frame,) at ``times_s`` is nan where unvoiced. The syllable is named in IPA, for fonts lack most scripts.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(FULL_WIDTH_IN, 2.6))
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1])  # or high formants would not show
    window = round(0.006 * SAMPLE_RATE)  # wide band: formants rather than harmonics
    axis.specgram(
        emphasised + 1e-6, NFFT=window, noverlap=window - 32, Fs=SAMPLE_RATE, pad_to=512, cmap="Greys", scale="dB",
        vmin=-110, vmax=-45, rasterized=True,
    )  # fmt: skip
    for token in tokens.itertuples():
        for edge_s in (token.start_s, token.end_s):
            axis.axvline(edge_s, color="#0072B2", linewidth=0.7)
        axis.axvline(token.center_s, color="#D55E00", linewidth=1.0, linestyle="--")
        axis.annotate(
            f"{token.ipa}\n{token.tone}", (token.center_s, 8150), ha="center", va="bottom", fontsize=7,
            annotation_clip=False,
        )  # fmt: skip
    axis.grid(False)
    axis.set(xlabel="time (s)", ylabel="frequency (Hz)", ylim=(0, 8000), xlim=(0, samples.size / SAMPLE_RATE))
    axis.set_title(title, pad=26)
    pitch = axis.twinx()
    pitch.plot(times_s, f0_hz, color="#009E73", linewidth=1.6)
    highest = np.nanmax(f0_hz) if np.isfinite(f0_hz).any() else 1.0
    pitch.set(ylim=(0, 2 * highest))
    pitch.set_ylabel("F0 (Hz)", fontsize=axis.yaxis.label.get_size(), color="#009E73")
    pitch.tick_params(labelsize=axis.yaxis.get_ticklabels()[0].get_size(), colors="#009E73")
    pitch.grid(False)
    return figure


def error_histogram(axis: Axes, errors_ms: np.ndarray, row: pd.Series, *, language: str) -> None:
    """Errors of aligned tone centres of one language, with bias and the 95th percentile of their size."""
    bins = np.arange(-62.5, 65, 5)
    axis.hist(np.clip(errors_ms, -60, 60), bins=bins, color=LANGUAGE_COLORS[language], alpha=0.8)
    axis.axvline(0, color="black", linewidth=0.8)
    for side in (-1, 1):
        axis.axvline(side * row["p95_ms"], **NULL)
    axis.annotate(
        f"bias {row['bias_ms']:+.1f} ms\nmedian |error| {row['median_ms']:.1f} ms\n95 % within {row['p95_ms']:.0f} ms",
        (0.98, 0.95), xycoords="axes fraction", ha="right", va="top", fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )  # fmt: skip


def against_jitter(axis: Axes, rows: pd.DataFrame, *, color: str, marker: str, label: str) -> Line2D:
    """One measure of one language against the deviation of the errors put on its centres, with its interval."""
    rows = rows.sort_values("jitter_ms")
    errors = np.abs(rows[["ci_low_ms", "ci_high_ms"]].to_numpy().T - rows["value_ms"].to_numpy())
    bars = axis.errorbar(
        rows["jitter_ms"], rows["value_ms"], yerr=errors, color=color, marker=marker, markersize=3.5, linewidth=1.2,
        elinewidth=0.7, capsize=1.5, label=label,
    )  # fmt: skip
    if rows["null_ms"].notna().all():
        axis.plot(rows["jitter_ms"], rows["null_ms"], label="flat null", **NULL)
    return bars.lines[0]


def loss_curve(curve: pd.DataFrame, *, title: str) -> Figure:
    """The training loss of one condition: rows of step and loss."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(FULL_WIDTH_IN / 2, 2.0))
    axis.plot(curve["step"], curve["loss"], color="#0072B2")
    axis.set(xlabel="update", ylabel="training loss", title=title, ylim=(0, None))
    return figure


def f0_contours(axis: Axes, rows: pd.DataFrame) -> list[Line2D]:
    """Median F0 with quartile band per tone; the key stands at the right, highest at the centre first."""
    import seaborn as sns  # here, for it costs every notebook half a second

    drawn = []
    for (tone, tone_rows), color in zip(rows.groupby("tone"), sns.color_palette("colorblind", 8), strict=False):
        offsets, low, high = tone_rows["offset_ms"], tone_rows["low_st"], tone_rows["high_st"]
        (line,) = axis.plot(offsets, tone_rows["f0_st"], color=color, label=tone)
        axis.fill_between(offsets, low, high, color=color, alpha=0.12, lw=0)
        drawn.append(line)
    ordered = sorted(drawn, key=_height_at_centre, reverse=True)
    axis.legend(handles=ordered, loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.2)
    axis.axvline(0, color="0.6", linewidth=0.7)
    return drawn


def _height_at_centre(line: Line2D) -> float:
    offsets, heights = line.get_data()
    return float(np.nan_to_num(heights[np.argmin(np.abs(offsets))]))


def f1_by_window(
    axis: Axes, rows: pd.DataFrame, spans: pd.DataFrame, *, language: str, reason: str = ""
) -> list[Line2D]:
    """Mean macro-F1 over folds against window, a line per front end; the first one's cue width with its interval
    shaded, or that there is none, with the ``reason``.
    """
    drawn = []
    for frontend, front_rows in rows.groupby("frontend"):
        by_window = front_rows.groupby("window_ms")["macro_f1"].agg(["mean", "sem"])
        style = {"color": LANGUAGE_COLORS[language], "linestyle": FRONTEND_LINES[frontend]}
        style |= {} if frontend == "logmel" else {"alpha": 0.55, "linewidth": 1.0}
        (line,) = axis.plot(by_window.index, by_window["mean"], label=FRONTEND_NAMES[frontend], **style)
        if frontend == "logmel":
            low, high = by_window["mean"] - by_window["sem"], by_window["mean"] + by_window["sem"]
            axis.fill_between(by_window.index, low, high, color=style["color"], alpha=0.15, lw=0)
        drawn.append(line)
    main = spans[spans["frontend"] == spans["frontend"].iloc[0]].iloc[0]
    if pd.isna(main["span_ms"]):
        corner_note(axis, f"{findings.NO_CUE}: {reason}" if reason else findings.NO_CUE, right=True)
    else:
        axis.axvspan(main["span_low_ms"], main["span_high_ms"], color=LANGUAGE_COLORS[language], alpha=0.10, lw=0)
        axis.axvline(main["span_ms"], color=LANGUAGE_COLORS[language], linewidth=1.0)
    axis.axhline(main["chance_f1"], label="chance", **NULL)
    return drawn


def f1_by_layer(axis: Axes, rows: pd.DataFrame, chance: pd.DataFrame, *, color: str, label: str) -> Line2D:
    """Probe F1 per layer with interval; control task dashed, chance dotted. Rows come bottom layer first."""
    x = np.arange(len(rows))
    (line,) = axis.plot(x, rows["macro_f1"], marker="o", color=color, label=label)
    axis.fill_between(x, rows["ci_low"], rows["ci_high"], color=color, alpha=0.15, lw=0)
    axis.plot(x, rows["control_f1"], color=color, linestyle="--", linewidth=1.0, label="control task")
    axis.plot(x, chance["chance_f1"], label="chance", **NULL)
    axis.set_xticks(x, rows["layer"])
    return line


def energy_map(
    axis: Axes, rows: pd.DataFrame, null: pd.DataFrame, spans: pd.DataFrame, *, hollow: Collection[str] = ()
) -> QuadMesh:
    """Energy over layer and offset, in multiples of the flat null (log colour); white ticks at +-r_com of each
    layer, but of those in ``hollow``, whose names are grey.
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
    named = slice(None, None, -(-len(layers) // MAX_LAYER_LABELS))
    axis.set_yticks(np.arange(len(layers))[named], layers[named])
    for label in axis.get_yticklabels():
        label.set_color("0.6" if label.get_text() in hollow else "black")
    axis.grid(False)
    return mesh


def f1_with_chance(axis: Axes, rows: pd.DataFrame, *, color: str = "#0072B2") -> Line2D:
    """Probe F1 per layer with interval (macro_f1, f1_low, f1_high); chance dotted. Rows come bottom layer first."""
    x = np.arange(len(rows))
    (line,) = axis.plot(x, rows["macro_f1"], marker="o", color=color, label="probe")
    axis.fill_between(x, rows["f1_low"], rows["f1_high"], color=color, alpha=0.15, lw=0)
    axis.plot(x, rows["chance_f1"], label="chance", **NULL)
    axis.set(xlabel="layer", ylabel="macro-F1", ylim=(0, 1.03))
    name_layers(axis, rows["layer"])
    axis.legend()
    return line


def spans_by_layer(axis: Axes, rows: pd.DataFrame, *, color: str, hollow: Collection[str] = ()) -> Line2D:
    """Effective span per layer with interval, the flat null dotted; open on grey in ``hollow``: no findings."""
    rows = rows.assign(depth=np.arange(len(rows)))
    axis.plot(rows["depth"], rows["null_span_ms"], label="flat null", **NULL)
    columns = ("span_ms", "ci_low_ms", "ci_high_ms")
    if rows["layer"].isin(hollow).any():
        rows = _hollow(axis, rows, columns, set(hollow), color=color, marker="o")
    (line,) = axis.plot(rows["depth"], rows["span_ms"], marker="o", color=color, label="span")
    axis.fill_between(rows["depth"], rows["ci_low_ms"], rows["ci_high_ms"], color=color, alpha=0.15, lw=0)
    axis.set_ylim(0, None)
    name_layers(axis, rows["layer"])
    return line


def name_layers(axis: Axes, layers: Sequence[str]) -> None:
    """Layer names under the x axis of a narrow panel: half of MAX_LAYER_LABELS at most."""
    named = slice(None, None, -(-len(layers) // (MAX_LAYER_LABELS // 2)))
    axis.set_xticks(np.arange(len(layers))[named], list(layers)[named])


def null_colorbar(figure: Figure, mesh: QuadMesh, axes: Axes | Sequence[Axes], **where: float) -> None:
    """The scale of :func:`energy_map`."""
    bar = figure.colorbar(mesh, ax=axes, **where)
    bar.set_ticks([-4, -2, 0, 2, 4], labels=["1/16", "1/4", "1", "4", "16"])
    bar.set_label("energy, times flat null")


def curve_by_depth(
    axis: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str, str],
    *,
    role: str,
    label: str,
    hollow: Collection[str] = (),
) -> Line2D:
    """One condition over relative depth: value line, and for BANDED roles the interval; ``columns`` name the value
    and its bounds. Controls are thin and grey. The closing norm (``final``) has no depth of its own and is left out.
    At layers in ``hollow`` the line is thin and grey, the marker open, and there is no band.
    """
    color, marker = ROLE_STYLES[role]
    rows = rows[rows["layer"] != "final"]
    if rows["layer"].isin(hollow).any():
        rows = _hollow(axis, rows, columns, set(hollow), color=color, marker=marker)
    marked = {"marker": marker, "markevery": -(-len(rows) // MAX_LAYER_LABELS), "linewidth": 1.2}
    style = {"linewidth": 0.7, "zorder": 1} if role == "control" else marked
    value, low, high = columns
    (line,) = axis.plot(rows["depth"], rows[value], color=color, label=label, **style)
    if role in BANDED:
        axis.fill_between(rows["depth"], rows[low], rows[high], color=color, alpha=0.15, lw=0)
    # "cnn" takes the tick of 0, from which it lies less than a label away in deep encoders.
    front = [("cnn", rows["depth"].min())] if (rows["layer"] == "cnn").any() else [("0", 0.0)]
    ticks = front + [(f"{depth:g}", depth) for depth in (0.25, 0.5, 0.75, 1.0)]
    axis.set_xticks([at for _, at in ticks], [name for name, _ in ticks])
    return line


def _hollow(
    axis: Axes, rows: pd.DataFrame, columns: tuple[str, str, str], hollow: set[str], *, color: str, marker: str
) -> pd.DataFrame:
    """Draw all ``rows`` in grey and those in ``hollow`` with open markers; the rows with nan in their place."""
    open_rows = rows[rows["layer"].isin(hollow)]
    axis.plot([], [], "o", color="0.6", markersize=3.5, markerfacecolor="white", label=findings.AT_NULL)
    axis.plot(rows["depth"], rows[columns[0]], color="0.75", linewidth=0.6, zorder=1)
    axis.plot(
        open_rows["depth"], open_rows[columns[0]], marker, color=color, markersize=3.5, markerfacecolor="white",
        markeredgewidth=0.6, alpha=0.7, zorder=1.5,
    )  # fmt: skip
    left = rows.copy()
    left.loc[open_rows.index, list(columns)] = np.nan
    return left


def cue_band(axis: Axes, cue: pd.Series) -> None:
    """The cue width in the signal as a horizontal line with its interval as a band; a note where there is none."""
    if pd.isna(cue["span_ms"]):
        return corner_note(axis, f"{findings.NO_CUE} in the signal", right=True)
    axis.axhspan(cue["span_low_ms"], cue["span_high_ms"], color="0.85", alpha=0.7, lw=0, zorder=0)
    axis.axhline(cue["span_ms"], color="0.3", linewidth=1.0, linestyle="--", label="cue width in the signal")


def intervals(axis: Axes, y: np.ndarray, rows: pd.DataFrame, *, color: str, marker: str, label: str) -> None:
    """Horizontal intervals (columns value, low, high) at heights ``y``; open where the interval holds 0. What is no
    finding (nan) is a grey cross at 0.
    """
    for height, row in zip(y, rows.itertuples(), strict=True):
        if pd.isna(row.value):
            axis.plot(0, height, "x", color="0.6", markersize=3.8, label=NOT_COMPARED)
            continue
        hollow = not (row.low > 0 or row.high < 0)
        axis.plot([row.low, row.high], [height, height], color=color, linewidth=1.0)
        axis.plot(
            row.value, height, marker, color=color, markersize=3.8, markeredgewidth=0.9,
            markerfacecolor="white" if hollow else color,
        )  # fmt: skip
    axis.plot([], [], marker, color=color, label=label)


def from_to(axis: Axes, y: np.ndarray, rows: pd.DataFrame, *, color: str) -> None:
    """Chance (bar), probe (open) and fine-tuned (filled) F1 at heights ``y``, joined."""
    axis.hlines(y, rows["probe_f1"], rows["finetuned_f1"], color=color, linewidth=1.0)
    axis.plot(rows["probe_f1"], y, "o", color=color, markerfacecolor="white")
    axis.plot(rows["finetuned_f1"], y, "o", color=color)
    axis.plot(rows["chance_f1"], y, "|", color=NULL["color"], markersize=5)


def named_rows(axis: Axes, names: Sequence[str]) -> None:
    """Row names on the y axis, the first on top, with a line between rows."""
    axis.set_yticks(np.arange(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    for edge in np.arange(len(names) - 1) + 0.5:
        axis.axhline(edge, color="0.9", linewidth=0.6, zorder=0)


def scatter_with_intervals(axis: Axes, row: pd.Series, *, role: str, label: str, hollow: bool = False) -> None:
    """One condition: F1 against the distance of its span to the cue width, with both intervals; ``hollow``: open."""
    color, marker = ROLE_STYLES[role]
    across = [[row["distance_ms"] - row["distance_low_ms"]], [row["distance_high_ms"] - row["distance_ms"]]]
    upright = [[row["f1"] - row["f1_low"]], [row["f1_high"] - row["f1"]]]
    axis.errorbar(
        row["distance_ms"], row["f1"], np.maximum(upright, 0), np.maximum(across, 0),
        fmt=marker, color=color, ecolor=color, elinewidth=0.7, markersize=5, label=label,
        markerfacecolor="white" if hollow else color,
    )  # fmt: skip


def task_scores(axis: Axes, rows: pd.DataFrame) -> None:
    """Fine-tuned scores, a row per condition and a dot per seed with its interval; the null is an upright bar.

    Columns: name, seed, value, low, high, null, shuffled.
    """
    names = list(dict.fromkeys(rows["name"]))
    for y, name in enumerate(names):
        own = rows[rows["name"] == name]
        for height, row in zip(y + dodge(len(own)), own.itertuples(), strict=True):
            color = "0.6" if row.shuffled else "#0072B2"
            axis.plot([row.low, row.high], [height] * 2, color=color, linewidth=1.0)
            axis.plot(row.value, height, "o", color=color)
            axis.plot([row.null] * 2, [height - 0.2, height + 0.2], color="#D55E00", linewidth=1.2)
    named_rows(axis, names)


def dodge(n: int) -> np.ndarray:
    """``n`` heights around 0 within one row of a figure with named rows."""
    return (np.arange(n) - (n - 1) / 2) * (0.55 / max(n - 1, 1))
