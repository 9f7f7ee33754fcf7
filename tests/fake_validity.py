"""Made-up tables of ``make validity``: every value is told apart by its digits, and nothing here is a result."""

from __future__ import annotations

from itertools import count, pairwise

import pandas as pd

from tonespan_utils.paper.figures import front_ends, validity_parts
from tonespan_utils.params import tables
from tonespan_utils.params.profile import Params
from tonespan_utils.study import sanity

LAYERS = ["cnn", "0", "1", "2"]
TOP = LAYERS[-1]
CONDITIONS = ("vanilla", "asr", "narrow_asr")
DRAWN = ("gradient", "gradient_power", "gradient_r90", "margin_knee", "occlusion")


def make(params: Params) -> dict[str, pd.DataFrame]:
    """The four tables by name, with the columns that the study writes."""
    number = count(1)
    of_name = {
        "calibration": _answers(params, number),
        "calibration_lines": _lines(number),
        "calibration_scores": _scores(params, number),
        "sanity": _checks(number),
    }
    return {name: pd.DataFrame(rows, columns=tables.COLUMNS[name]) for name, rows in of_name.items()}


def _triple(number: count, scale: float) -> tuple[float, float, float]:
    """A value and its bounds, another one at each call."""
    value = scale * (0.3 + 0.0017 * next(number))
    return value, 0.9 * value, 1.1 * value


def _pairs() -> list[tuple[str, str, str]]:
    """Estimator, condition, layer of every answer."""
    acoustic = ["acoustic", *(f"acoustic_{name}" for name in front_ends.FRONTENDS if name != "logmel_hann")]
    signal = [(name, "signal", "") for name in acoustic]
    measured = [(name, condition, layer) for name in DRAWN for condition in CONDITIONS for layer in LAYERS]
    return [*signal, *measured, ("pitch_flattening", "asr", TOP)]


def _answers(params: Params, number: count) -> list[tuple]:
    widths = params.validity.planted_span_ms
    return [
        (name, width, *_triple(number, 100), condition, layer, 80)
        for width in widths for name, condition, layer in _pairs()
    ]  # fmt: skip


def _lines(number: count) -> list[tuple]:
    return [
        (name, condition, layer, *_triple(number, 1), 0.1, 0.9, next(number), *_triple(number, 40), next(number),
         next(number), 5, "follows the cue")
        for name, condition, layer in _pairs()
    ]  # fmt: skip


def _scores(params: Params, number: count) -> list[tuple]:
    signal = [f"f1_{name}" for name in (*front_ends.FRONTENDS, "segments", "majority")]
    rows = []
    for width in params.validity.planted_span_ms:
        rows += [(width, "signal", "", metric, *_triple(number, 1), 0.2, 300) for metric in signal]
        for condition in CONDITIONS:
            rows += [(width, condition, layer, "f1_probe", *_triple(number, 1), 0.2, 80) for layer in LAYERS]
        rows += [(width, condition, "", "cer", *_triple(number, 0.5), 0.9, 80) for condition in CONDITIONS[1:]]
    return rows


def _checks(number: count) -> list[tuple]:
    def row(check: str, condition: str, layer: str, statistic: str, scale: float = 1, verdict: str = sanity.PASSED):
        return (check, condition, layer, statistic, *_triple(number, scale), 0.2 * scale, verdict)

    of_layers = [
        ("shuffled labels", "f1"), ("tone-free speech", "f1"), ("selectivity", "f1 minus control f1"),
        ("description length", "bits per token"),
    ]  # fmt: skip
    rows = []
    for condition in CONDITIONS[:2]:
        rows += [row(check, condition, layer, statistic) for check, statistic in of_layers for layer in LAYERS]
        parts = ["span_ms, 0 of 3 parts", "span_ms, 3 of 3 parts, seed 0", "span_ms, 3 of 3 parts, seed 1"]
        rows += [row("randomised weights", condition, TOP, part, 200, sanity.SHOWN) for part in parts]
        rows += [row("randomised weights", condition, TOP, "difference in span, intact minus randomised", 50)]
        for layer in ("1", "2"):
            heads = ("head 0", "head 1", "mean")
            rows += [row("attention", condition, layer, f"distance_ms, {head}", 90, sanity.SHOWN) for head in heads]
            rows += [row("attention", condition, layer, "r_com_ms", 90, sanity.SHOWN)]
        for what in ("distance to the edge", "duration"):
            rows += [row("confounds", condition, layer, f"rho of r_com and {what}") for layer in LAYERS]
    rows += [row("confounds", "signal", "", "f1 from duration alone")]
    names = list(validity_parts.ESTIMATOR_NAMES)[1:4]
    ranked = [(over, a, b) for over in ("tokens", "layers") for a, b in pairwise(names)]
    return rows + [row("agreement", "asr", "", f"rho over {over}, {a} and {b}") for over, a, b in ranked]
