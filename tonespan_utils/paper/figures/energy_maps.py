"""Figure: where in time the layers look, before fine-tuning and what each task changes; a row of maps per task.

From the tables ``energy``, ``energy_null``, ``spans`` and ``random_spans``. The first row is the encoder's first
condition, vanilla; in the rows below, the energy of the other conditions is shown as a multiple of it, for seven maps
side by side look alike where their differences do not.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import Tables, of_encoder, random_spans
from tonespan_utils.params import conditions, roles
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import energy_maps, layout
from tonespan_utils.plots.style import LANGUAGE_COLORS, STYLE, width_in
from tonespan_utils.study import quality_flags

Rows = dict[str, dict[str, str]]  # what a row is called -> language -> condition
ROW_IN = 0.85  # inches
MAX_NAMES = 5  # of layers beside a row
DEEP = 2  # rows that the scale of differences stands beside


def draw_energy_maps(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Energy over layer and offset: the first condition's, and below it what the others make of it."""
    rows, languages = _rows(loaded, params, backbone), params.speech.tonal
    first, *others = rows
    with plt.style.context(STYLE):
        figure, grid = plt.subplots(
            len(rows), len(languages), figsize=(width_in(), ROW_IN * len(rows) + 0.5), sharex=True, squeeze=False
        )
    mesh = changed = None
    for number, (name, of_language) in enumerate(rows.items()):
        for column, language in enumerate(languages):
            axis = grid[number, column]
            if language not in of_language:
                axis.set_axis_off()
            elif name == first:
                mesh = _plain(axis, loaded, params, of_language[language], language)
            else:
                changed = _changed(axis, loaded, of_language[language], rows[first][language], language)
    _label(grid, rows, languages)
    with plt.style.context(STYLE):
        energy_maps.null_colorbar(figure, mesh, list(grid[0]), pad=0.01, aspect=8, label="times flat null")
        if others:
            energy_maps.difference_colorbar(figure, changed, list(grid[1 : 1 + DEEP].flat), pad=0.01, aspect=8 * DEEP)
    return layout.label_axes(figure, x="time from tone centre (ms)", y="layer")


def _rows(loaded: Tables, params: Params, backbone: str) -> Rows:
    """The rows of the figure, by what a condition is to the language; controls are left out."""
    order = [role for role in roles.ROLES if role != "control"]
    stored = of_encoder(loaded["spans"], backbone)[["condition", "language"]].drop_duplicates()
    parsed = [(conditions.parse(name), language) for name, language in stored.itertuples(index=False)]
    kept = [(each, language) for each, language in parsed if language in params.speech.tonal and not each.is_shuffled]
    kept.sort(key=lambda pair: order.index(roles.role_of(*pair)))
    rows: Rows = {}
    for condition, language in kept:
        rows.setdefault(roles.label_of(condition, language), {})[language] = condition.name
    return rows


def _plain(axis: Axes, loaded: Tables, params: Params, name: str, language: str):
    stored = [select(loaded[table], language=language, condition=name) for table in ("energy", "energy_null", "spans")]
    random = random_spans(loaded, params, conditions.parse(name).backbone, language)
    unknown = quality_flags.unknown_layers(loaded["signatures"], name, language)
    return energy_maps.energy_map(axis, *stored, hollow=unknown, random=random, max_names=MAX_NAMES)


def _changed(axis: Axes, loaded: Tables, name: str, before: str, language: str):
    rows, reference = (select(loaded["energy"], language=language, condition=each) for each in (name, before))
    spans = select(loaded["spans"], language=language, condition=name)
    unknown = quality_flags.unknown_layers(loaded["signatures"], name, language)
    return energy_maps.difference_map(axis, rows, reference, spans, hollow=unknown, max_names=MAX_NAMES)


def _label(grid, rows: Rows, languages: list[str]) -> None:
    """Languages over the columns, tasks beside the rows; layers at the left of each row alone."""
    for column, language in enumerate(languages):
        grid[0, column].set_title(LANGUAGE_NAMES[language], color=LANGUAGE_COLORS[language], fontweight="bold")
        last = max(number for number, of_language in enumerate(rows.values()) if language in of_language)
        grid[last, column].tick_params(labelbottom=True)
    for axes, name in zip(grid, rows, strict=True):
        for axis in axes[1:]:
            axis.set_yticklabels([])
        words = textwrap.fill(name, 9)
        axes[0].text(
            -0.42, 0.5, words, transform=axes[0].transAxes, fontsize=7, fontweight="bold", ha="right", va="center"
        )


def caption_energy_maps(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = _rows(loaded, params, backbone)
    first, *others = rows
    n_tokens = of_encoder(loaded["spans"], backbone)["n_tokens"]
    counts = " to ".join(str(int(count)) for count in sorted({n_tokens.min(), n_tokens.max()}))
    text = (
        f"{first}: energy of the gradient of the {params.gradient.target} tone's logit with respect to the "
        f"{params.gradient.wrt}, by layer and time from the tone centre, over what a model that looks everywhere "
        "alike would show; white ticks at ±r_com; dotted: ±r_com of the same layers with permuted weights."
    )
    if others:
        text += (
            " Below: the energy after each fine-tuning as a multiple of it (red: more, blue: less), with black ticks "
            "at ±r_com."
        )
    return f"{text} {counts} tokens per language.{_left_out(loaded, rows)}"


def _left_out(loaded: Tables, rows: Mapping[str, Mapping[str, str]]) -> str:
    """Why r_com is left out for some layers; nothing where it is for none."""
    pairs = [(name, language) for of_language in rows.values() for language, name in of_language.items()]
    if not any(quality_flags.unknown_layers(loaded["signatures"], *pair) for pair in pairs):
        return ""
    return (
        " No ticks, name in grey: F1 not above chance, the span at its null, or too few tokens for an interval, so "
        "r_com is no finding (which layers: table signatures)."
    )
