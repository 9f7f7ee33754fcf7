"""What the figures of one encoder's conditions share: choice of rows, names, panels, curves, and text of intervals.

Conventions: a condition is drawn by its role, what it is to a language (``roles.role_of``); all controls share one
legend entry.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.params import conditions, roles
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import comparisons, layout
from tonespan_utils.plots.curves import curve_by_depth
from tonespan_utils.plots.style import BANDED, LANGUAGE_COLORS, LANGUAGE_MARKERS, NULL
from tonespan_utils.study import quality_flags

Tables = dict[str, pd.DataFrame]
DEPTH = "relative depth (layer over number of layers)"


def of_encoder(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """The rows of one encoder's conditions."""
    return table[table["condition"].str.startswith(f"{backbone}/")]


def first_condition(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """The rows of an encoder's first condition: vanilla, in every profile of ours."""
    rows = of_encoder(table, backbone)
    return rows[rows["condition"] == rows["condition"].iloc[0]]


def role_and_label(condition: Condition, language: str) -> tuple[str, str]:
    """Role and legend entry; all controls share one entry."""
    role = roles.role_of(condition, language)
    return role, roles.ROLES[role] if role == "control" else roles.label_of(condition, language)


def labels(names: pd.Series, languages: pd.Series) -> list[str]:
    """What each condition, by its name, is to its language."""
    return [roles.label_of(conditions.parse(name), la) for name, la in zip(names, languages, strict=True)]


def condition_panels(params: Params) -> tuple[Figure, dict[str, Axes]]:
    """Panels whose colours mean conditions: the languages' names are black there."""
    figure, axes = layout.panels(params.speech.tonal)
    for language, axis in axes.items():
        axis.set_title(LANGUAGE_NAMES[language], loc="left", color="black", fontweight="bold")
    return figure, axes


def draw_curves(
    axis: Axes, loaded: Tables, columns: tuple[str, str, str], *, backbone: str, language: str, hollow: bool = False
) -> None:
    """Every condition of one encoder and language over relative depth; ``hollow`` where its probe knows nothing."""
    curves = of_encoder(select(loaded["layer_curves"], language=language), backbone)
    layout.panel_count(axis, curves["n_tokens" if columns[0] == "f1" else "n_span_tokens"].max())
    for name, rows in curves.groupby("condition", sort=False):
        role, label = role_and_label(conditions.parse(name), language)
        unknown = quality_flags.unknown_layers(loaded["signatures"], name, language) if hollow else ()
        curve_by_depth(axis, rows, columns, role=role, label=label, hollow=unknown)


def by_language(rows: pd.DataFrame, text: Callable[[Any], str]) -> str:
    """What ``text`` says of each row, behind the name of its language: ``Thai ...; Lao ...``."""
    return "; ".join(f"{LANGUAGE_NAMES[row.language]} {text(row)}" for row in rows.itertuples())


def random_spans(loaded: Tables, params: Params, backbone: str, language: str) -> pd.DataFrame:
    """The spans of an encoder with permuted weights by layer, of the weight of energy that the study reads."""
    return select(loaded["random_spans"], encoder=backbone, language=language, weight=params.gradient.weight)


def random_top(loaded: Tables, params: Params, backbone: str, language: str) -> pd.Series:
    """The row of :func:`random_spans` of the last block."""
    rows = random_spans(loaded, params, backbone, language)
    blocks = rows[rows["layer"].str.isdigit()]
    return blocks.loc[blocks["layer"].astype(int).idxmax()]


def random_text(loaded: Tables, params: Params, backbone: str) -> str:
    """The other null in a caption: what it is, its spans at the top, and whether its probes read tone."""
    rows = loaded["random_spans"]
    of_weight = rows[(rows["encoder"] == backbone) & (rows["weight"] == params.gradient.weight)]
    tops = pd.DataFrame([random_top(loaded, params, backbone, la) for la in params.speech.tonal])
    spans = by_language(tops, lambda row: f"{interval_text(row.span_ms, row.ci_low_ms, row.ci_high_ms)} ms")
    above = of_weight[of_weight["above_chance_low"] > 0]
    reads = f"at chance in {len(of_weight) - len(above)} of {len(of_weight)} layers and languages"
    return (
        f"Dash-dotted with its band: the same architecture with all weights permuted ({_permutations(params)}), read "
        f"by probes of its own ({reads}; the gradient of their logit is defined all the same), at the top layer "
        f"{spans} (n = {tops['n_tokens'].max():.0f})."
    )


def _permutations(params: Params) -> str:
    n = len(params.random_weights.seeds)
    return f"{n} permutation{'' if n == 1 else 's'}"


def bands_text(params: Params) -> str:
    shown = " and ".join(roles.ROLES[role] for role in BANDED)
    return (
        f"bands ({shown}): {params.bootstrap.level:.0%} bootstrap intervals over utterances and seeds; those of the "
        "other conditions are in the table layer_curves."
    )


def interval_text(value: float, low: float, high: float, digits: str = ".0f") -> str:
    if pd.isna(value):
        return "none"
    bounds = "no interval" if pd.isna([low, high]).any() else f"{low:{digits}}, {high:{digits}}"
    return f"{value:{digits}} [{bounds}]"


def language_rows(axis: Axes, rows: pd.DataFrame, names: Sequence[str], params: Params) -> None:
    """Intervals in rows by ``label``; within a row the languages lie below one another, in their own colours."""
    heights = pd.Series(range(len(names)), index=list(names), dtype=float)
    there = languages_with_rows(rows, params)
    for offset, language in zip(layout.dodge(len(there)), there, strict=True):
        of_language = rows[rows["language"] == language]
        comparisons.intervals(
            axis, heights.loc[of_language["label"]].to_numpy() + offset, of_language, color=LANGUAGE_COLORS[language],
            marker=LANGUAGE_MARKERS[language], label=LANGUAGE_NAMES[language],
        )  # fmt: skip
    axis.axvline(0, **NULL)
    layout.named_rows(axis, names)


def languages_with_rows(rows: pd.DataFrame, params: Params) -> list[str]:
    """The studied languages that have rows, in the profile's order."""
    return [language for language in params.speech.tonal if language in set(rows["language"])]
