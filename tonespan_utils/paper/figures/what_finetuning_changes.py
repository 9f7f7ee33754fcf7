"""Figures: every condition against vanilla, and tone kept against the span's distance to the cue width.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import (
    Tables,
    condition_panels,
    interval_text,
    labels,
    language_rows,
    of_encoder,
    random_top,
    role_and_label,
)
from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import comparisons, layout
from tonespan_utils.plots.curves import RANDOM_LABEL
from tonespan_utils.plots.style import NULL, RANDOM
from tonespan_utils.statistics import findings

DIFFERENCES = {"f1": "probe F1", "span_ms": "span 2 r_com (ms)", "distance_ms": "distance to the cue width (ms)"}


def draw_differences(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Forest plot: every condition minus vanilla, a column per measure, a row per condition, languages in colours."""
    rows = differences_to_vanilla(loaded["contrasts"], backbone)
    names = sorted(dict.fromkeys(rows["label"]), key=lambda name: name.startswith("shuffled"))
    figure, axes = layout.side_by_side(len(DIFFERENCES), height_in=0.42 * len(names) + 0.9)
    for axis, (measure, title) in zip(axes, DIFFERENCES.items(), strict=True):
        language_rows(axis, rows[rows["measure"] == measure], names, params)
        axis.set_xlabel(title)
        axis.locator_params(axis="x", nbins=4)  # three panels share the width
    layout.shared_legend(figure, axes)
    return figure


def caption_differences(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = differences_to_vanilla(loaded["contrasts"], backbone)
    label = rows["label"].iloc[0]
    spans = "; ".join(
        f"{LANGUAGE_NAMES[row.language]} {interval_text(row.value, row.low, row.high, '+.0f')}"
        f"{'' if pd.isna(row.value) else ' ms'} (n = {row.n_tokens:.0f})"
        for row in rows[(rows["measure"] == "span_ms") & (rows["label"] == label)].itertuples()
    )
    return (
        f"Every condition minus vanilla {backbone} at their best layers (chosen on the other half of the test "
        f"utterances), paired over utterances; {params.bootstrap.level:.0%} bootstrap intervals over utterances and "
        f"seeds, open where they contain 0, the null; a grey cross where a span of either is no finding, or no cue "
        f"width is there to be near to. Span, {label} minus vanilla: {spans}."
    )


def differences_to_vanilla(contrasts: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """An encoder's differences to its vanilla: columns language, label, measure, value, low, high, n_tokens."""
    rows = contrasts[contrasts["condition_b"] == f"{backbone}/vanilla"]
    rows = rows.rename(columns={"difference": "value", "ci_low": "low", "ci_high": "high"})
    return rows.assign(label=labels(rows["condition_a"], rows["language"]))[
        ["language", "label", "measure", "value", "low", "high", "n_tokens"]
    ]


def draw_scatter(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """F1 of the best layer against its span's distance to the cue width, a panel per language, no wider than they are:
    a null outside is told in its corner.
    """
    figure, axes = condition_panels(params)
    everything = of_encoder(loaded["comparison"], backbone)
    right = 1.1 * np.nan_to_num(everything["distance_high_ms"].max()) or 100.0  # nan where no span has a distance
    low, high = everything["f1_low"].min(), everything["f1_high"].max()
    room = max(high - low, 0.05)  # 0 ms and F1 of 1 in full view, no tick beyond them, corners for notes
    bottom, top = low - 0.2 * room, high + 0.08 * room
    next(iter(axes.values())).set(xlim=(-0.03 * right, right), ylim=(bottom, top))
    for language, axis in axes.items():
        compared = select(everything, language=language)
        layout.panel_count(axis, compared["n_span_tokens"].max())
        if compared["cue_width_ms"].isna().all():
            axis.text(0.5, 0.5, f"{findings.NO_CUE} to be near to", ha="center", transform=axis.transAxes, fontsize=8)
            continue
        for _, row in compared[compared["note"] == ""].iterrows():
            role, label = role_and_label(conditions.parse(row["condition"]), language)
            comparisons.scatter_with_intervals(axis, row, role=role, label=label)
        random_ms = random_top(loaded, params, backbone, language)["span_ms"]
        _draw_nulls(axis, compared, random_ms, bottom=bottom, right=right)
    layout.shared_legend(figure, axes.values())
    return layout.label_axes(figure, x="distance of the span to the cue width (ms)", y="macro-F1")


def _draw_nulls(axis: Axes, compared: pd.DataFrame, random_ms: float, *, bottom: float, right: float) -> None:
    """Chance, and the distances of both nulls to the cue width, as lines; in a corner what lies beyond the panel, and
    which conditions are left out.
    """
    left_out, chance = compared[compared["note"] != ""], compared["chance_f1"].mean()
    notes = [f"no finding: {', '.join(labels(left_out['condition'], left_out['language']))}"] if len(left_out) else []
    if chance > bottom:
        axis.axhline(chance, label="chance", **NULL)
    else:
        notes.append(f"chance {chance:.2f} \N{DOWNWARDS ARROW}")
    if notes:
        layout.corner_note(axis, "; ".join(notes), right=False)
    nulls = {
        "flat null": (compared["null_span_ms"].mean(), NULL | {"linestyle": "--"}),
        RANDOM_LABEL: (random_ms, RANDOM),
    }
    beyond = []
    for name, (span_ms, line) in nulls.items():
        distance_ms = abs(span_ms - compared["cue_width_ms"].mean())
        if distance_ms < right:
            axis.axvline(distance_ms, label=name, **line)
        else:
            beyond.append(f"{name} {distance_ms:.0f} ms \N{RIGHTWARDS ARROW}")
    if beyond:
        layout.corner_note(axis, ", ".join(beyond), right=True)


def caption_scatter(loaded: Tables, params: Params, *, backbone: str) -> str:
    everything = of_encoder(loaded["comparison"], backbone)
    measured = everything[everything["note"] == ""].dropna(subset="distance_ms")
    nearest = measured.loc[measured.groupby("language", sort=False)["distance_ms"].idxmin()]
    distances = [
        f"{LANGUAGE_NAMES[r.language]} {r.condition} "
        f"{interval_text(r.distance_ms, r.distance_low_ms, r.distance_high_ms)} ms, box-corrected "
        f"{interval_text(r.box_distance_ms, r.box_distance_low_ms, r.box_distance_high_ms)} ms "
        f"(n = {r.n_span_tokens:.0f})"
        for r in nearest.itertuples()
    ]
    without = [la for la in dict.fromkeys(everything["language"]) if la not in set(nearest["language"])]
    distances = "; ".join([*distances, *(f"{LANGUAGE_NAMES[la]} none" for la in without)])
    return (
        "Macro-F1 of the best layer against the distance |2 r_com - cue width| of its span, with "
        f"{params.bootstrap.level:.0%} intervals; left out, and named in a corner, where the span is no finding, for "
        "F1 is not above chance, the span not below its null, or the tokens too few; where there is no cue width in "
        "the signal, nothing is near it; "
        "chance, the distance of a flat map and that of the same architecture with permuted weights (top layer) are "
        "lines, or told in the corner beyond which they lie. "
        f"Nearest: {distances}."
    )
