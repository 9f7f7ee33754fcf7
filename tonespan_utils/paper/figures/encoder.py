"""The figures of one encoder's conditions by name, in the order of the paper, from stored tables alone.

Conditions are drawn by what they are to a language (``roles.role_of``): one colour and one marker for vanilla,
target ASR, Mandarin ASR and so on in every figure, so that 18 conditions need no more than nine of each. Every
function takes ``(tables, params)`` and the name of the encoder; captions take their numbers from the same tables.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from functools import partial

from tonespan_utils.paper.figures.agreement_of_seeds import caption_seeds, draw_seeds
from tonespan_utils.paper.figures.by_depth import caption_probe_f1, caption_spans, draw_probe_f1, draw_spans
from tonespan_utils.paper.figures.energy_maps import caption_energy_maps, draw_energy_maps
from tonespan_utils.paper.figures.finetuned_scores import caption_finetune, draw_finetune
from tonespan_utils.paper.figures.margin_knees import (
    caption_knees,
    caption_margin_curves,
    draw_knees,
    draw_margin_curves,
)
from tonespan_utils.paper.figures.probe_and_finetuned import caption_tuned, draw_tuned
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.paper.figures.span_by_task import caption_span_by_task, draw_span_by_task
from tonespan_utils.paper.figures.what_finetuning_changes import (
    caption_differences,
    caption_scatter,
    draw_differences,
    draw_scatter,
)
from tonespan_utils.paper.figures.what_is_weighed import caption_weights, draw_weights
from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params

OF_TOKENS = ("energy_maps", "spans_by_layer", "margin_curves")  # figures whose tokens the explorer shows one by one


def recipes(params: Params, backbone: str, *, alone: bool) -> dict[str, Recipe]:
    """The figures of one encoder, in the order of the paper; those without anything to compare are left out. Names
    and titles say which encoder unless it is ``alone``.
    """
    of_this = [condition for condition in map(conditions.parse, params.conditions) if condition.backbone == backbone]
    measured = [condition for condition in of_this if condition.is_measured]
    trained = any(condition.is_trained for condition in of_this)
    probed = {condition.name for condition in measured}
    taught = any(condition.starts_from in probed for condition in of_this if not condition.is_measured)
    repeated = any(len(params.seeds(condition.name)) > 1 for condition in measured)
    compared = len(measured) > 1 and not all(condition.is_trained for condition in measured)
    drawings = {
        "span_by_task": ("Span by task and language", draw_span_by_task, caption_span_by_task, True),
        "finetune": ("What the fine-tuned encoders learned", draw_finetune, caption_finetune, trained),
        "probe_f1": ("Tone in the layers: probe F1", draw_probe_f1, caption_probe_f1, True),
        "energy_maps": ("Where the layers look", draw_energy_maps, caption_energy_maps, True),
        "spans_by_layer": ("How far each layer looks", draw_spans, caption_spans, True),
        "span_weights": ("What squared gradients weigh", draw_weights, caption_weights, True),
        "margin_curves": ("What a layer uses of the pitch", draw_margin_curves, caption_margin_curves, True),
        "knees_by_layer": ("How wide the pitch is that each layer uses", draw_knees, caption_knees, True),
        "differences": ("What fine-tuning changes", draw_differences, caption_differences, compared),
        "f1_against_distance": ("Tone kept against span matched", draw_scatter, caption_scatter, True),
        "seed_agreement": ("Do two trainings agree?", draw_seeds, caption_seeds, repeated),
        "probe_vs_finetuned": ("Probe against fine-tuning on tone", draw_tuned, caption_tuned, taught),
    }
    first = {la: c.name for c in measured[:1] for la in conditions.measured_languages(c, params.speech.tonal)}
    suffix, of = ("", "") if alone else (f"_{backbone}", f", {backbone}")
    return {
        name + suffix: Recipe(
            title + of,
            partial(draw, backbone=backbone),
            partial(caption, backbone=backbone),
            shows=first if name in OF_TOKENS else {},
        )
        for name, (title, draw, caption, wanted) in drawings.items()
        if wanted
    }
