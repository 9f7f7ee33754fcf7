"""Figures: where in time the layers of each condition look, from the tables ``energy``, ``energy_null``, ``spans``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import Tables, random_spans
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.params import conditions
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import select
from tonespan_utils.plots import energy_maps, layout
from tonespan_utils.study import quality_flags


def energy_recipes(measured: Sequence[Condition], params: Params) -> dict[str, Recipe]:
    """A map per condition that is no control; each language's own ASR, which no other language has, share one."""
    targets, maps = {}, {}
    for condition in measured:
        if condition.is_shuffled:
            continue
        if condition.task == "asr" and condition.language in params.speech.tonal:
            targets[condition.language] = condition.name
            maps[f"{condition.backbone}-target_asr"] = (f"{condition.backbone} after ASR in the language", targets)
        else:
            condition_of = dict.fromkeys(conditions.measured_languages(condition, params.speech.tonal), condition.name)
            maps[condition.name.replace("/", "-")] = (condition.name, condition_of)
    return {
        f"energy_map_{name}": Recipe(
            f"Where the layers of {title} look",
            partial(draw_energy_maps, condition_of=of),
            partial(caption_energy_maps, title=title, condition_of=of),
            shows=of,
        )
        for name, (title, of) in maps.items()
    }


def draw_energy_maps(loaded: Tables, params: Params, *, condition_of: Mapping[str, str]) -> Figure:
    """Energy over layer and offset, a panel per language of ``condition_of`` (language -> condition)."""
    figure, axes = layout.panels(list(condition_of), share_y=False)
    for language, axis in axes.items():
        where = {"language": language, "condition": condition_of[language]}
        stored = [select(loaded[name], **where) for name in ("energy", "energy_null", "spans")]
        random = random_spans(loaded, params, conditions.parse(condition_of[language]).backbone, language)
        layout.panel_count(axis, stored[-1]["n_tokens"].max())
        unknown = quality_flags.unknown_layers(loaded["signatures"], **where)
        mesh = energy_maps.energy_map(axis, *stored, hollow=unknown, random=random)
    energy_maps.null_colorbar(figure, mesh, list(axes.values()), shrink=0.7, pad=0.02)
    return layout.label_axes(figure, x="time from tone centre (ms)", y="layer")


def caption_energy_maps(loaded: Tables, params: Params, *, title: str, condition_of: Mapping[str, str]) -> str:
    n_tokens = {
        select(loaded["spans"], language=la, condition=name)["n_tokens"].max() for la, name in condition_of.items()
    }
    counts = " to ".join(str(count) for count in sorted({min(n_tokens), max(n_tokens)}))
    return (
        f"{title}: energy of the gradient of the {params.gradient.target} tone's logit with respect to the "
        f"{params.gradient.wrt}, by layer and time from the tone centre, over what a model that looks everywhere "
        f"alike would show; white ticks at ±r_com; dotted: ±r_com of the same layers with permuted weights. {counts} "
        "tokens per language."
        f"{_left_out(loaded, condition_of)}"
    )


def _left_out(loaded: Tables, condition_of: Mapping[str, str]) -> str:
    """Which layers' r_com is left out of the maps, and why; nothing where there are none."""
    unknown = {la: quality_flags.unknown_layers(loaded["signatures"], name, la) for la, name in condition_of.items()}
    order = list(dict.fromkeys(loaded["spans"]["layer"]))
    names = "; ".join(
        f"{LANGUAGE_NAMES[la]} {', '.join(sorted(layers, key=order.index))}" for la, layers in unknown.items() if layers
    )
    if not names:
        return ""
    return (
        " No ticks, name in grey: F1 not above chance, the span at its null, or too few tokens for an interval, so "
        f"r_com is no finding ({names})."
    )
