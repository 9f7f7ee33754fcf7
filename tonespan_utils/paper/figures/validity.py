"""The figures of ``make validity`` by name, from its tables alone.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from tonespan_utils.paper.figures.agreement_of_estimators import caption_agreement, draw_agreement
from tonespan_utils.paper.figures.calibration import caption_calibration, caption_slopes, draw_calibration, draw_slopes
from tonespan_utils.paper.figures.front_ends import caption_robust, draw_robust
from tonespan_utils.paper.figures.recipe import Recipe
from tonespan_utils.paper.figures.sanity_of_f1 import caption_f1_checks, draw_f1_checks
from tonespan_utils.paper.figures.sanity_of_spans import caption_span_checks, draw_span_checks
from tonespan_utils.paper.figures.span_penalty import caption_penalty, draw_penalty
from tonespan_utils.params.profile import Params

NOTEBOOK = "notebooks/06_validity.ipynb"


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
