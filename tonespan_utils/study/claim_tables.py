"""What stands beside the verdicts: every layer with a simultaneous band, the tokens and seeds that a claim takes, and
the best layer.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from tonespan_utils.params import tables
from tonespan_utils.params.claims import Claims
from tonespan_utils.statistics import decisions, estimates
from tonespan_utils.statistics.estimates import Estimate, Sample, Seeds
from tonespan_utils.study import comparison, questions, token_values
from tonespan_utils.study.claims import fewest_seeds
from tonespan_utils.study.measured import relative_depth
from tonespan_utils.study.questions import Question
from tonespan_utils.study.token_values import Summary, TokenValues
from tonespan_utils.study.verdicts import EVERY

N_DRAWS = 2000  # of the largest error of all layers, for a quantile near 0.95


def power_table(posed: Sequence[Question], params: Claims, *, level: float) -> pd.DataFrame:
    """The table ``power``: the chance that each tested claim is decided if the effect is the smallest that matters, and
    the tokens (with these trainings) and trainings (with these tokens) that make it ``params.power``.

    Of a claim with several parts, those of the part that takes most. Notebook: notebooks/05_rcom_comparison
    """
    rows = [_power_row(each, params, level) for each in posed if not each.reason and not np.isnan(each.check.smallest)]
    return pd.DataFrame(rows, columns=tables.COLUMNS["power"])


def _power_row(question: Question, params: Claims, level: float) -> dict[str, object]:
    size, seeds = question.check.smallest, question.deciding_seeds
    parts = list(question.deciding.values())
    now = min(_power(part, seeds, size, level) for part in parts)
    n_tokens, n_seeds = (
        max(needed(part, seeds, size, level=level, wanted=params.power) for part in parts)
        for needed in (decisions.tokens_needed, decisions.seeds_needed)
    )
    trained = any(part.trainings for part in parts)
    return {
        "claim": question.name, "effect": size, "power": now, "n_tokens": min(part.n_tokens for part in parts),
        "n_seeds": max(fewest_seeds(parts), 1), "tokens_needed": n_tokens,
        "seeds_needed": n_seeds if trained else np.nan, "seed_df": seeds.df if trained else np.nan,
    }  # fmt: skip


def _power(part: Estimate, seeds: Seeds, size: float, level: float) -> float:
    of_value, df = estimates.variance(part, seeds)
    return decisions.power(size, part.cluster_variance, of_value - part.cluster_variance, df=df, level=level)


def layer_table(
    posed: Sequence[Question], study: comparison.Study, values: token_values.Study, *, level: float, seed: int
) -> pd.DataFrame:
    """The table ``claim_layers``: the statistic of every claim in every layer, with a band that holds all layers at
    once at ``level``; of a claim with several parts, its least favourable one. Claims that compare layers have no rows.

    Notebook: notebooks/05_rcom_comparison
    """
    rows = []
    for backbone in dict.fromkeys(each.backbone for each in posed):
        of_encoder = questions.of_backbone(values, backbone)
        layers = next(iter(of_encoder.values())).layers
        by_layer = {layer: _samples_of_layer(of_encoder, layer) for layer in layers}
        depths = dict(zip(layers, relative_depth(layers), strict=True))
        for question in (each for each in posed if each.backbone == backbone and each.language != EVERY):
            roles = questions.roles_in(study, backbone, question.language)
            rows += list(_layer_rows(question, roles, by_layer, depths, level=level, seed=seed))
    return pd.DataFrame(rows, columns=tables.COLUMNS["claim_layers"])


Samples = Mapping[str, Mapping[tuple[str, str], Sample]]  # measure -> (condition, language)


def _samples_of_layer(values: Mapping[tuple[str, str], TokenValues], layer: str) -> Samples:
    samples: dict[str, dict[tuple[str, str], Sample]] = {}
    for key, of_condition in values.items():
        for measure in of_condition.by_measure:
            sample = of_condition.sample(measure, [layer])
            if sample is not None:
                samples.setdefault(measure, {})[key] = sample
    return samples


def _layer_rows(
    question: Question, roles: Mapping[str, str], by_layer: Mapping[str, Samples], depths: Mapping[str, float], *,
    level: float, seed: int,
) -> Iterator[dict[str, object]]:  # fmt: skip
    measure, check = question.check.measures[0], question.check
    if question.reason or not any(measure in samples for samples in by_layer.values()):
        return
    used = {role: roles[role] for role in check.uses(list(roles))}
    shown: dict[str, tuple[Estimate, Seeds]] = {}
    for layer, samples in by_layer.items():
        there = samples.get(measure, {})
        if any((name, question.language) not in there for name in used.values()):
            continue
        parts = check.compare({role: there[name, question.language].estimate for role, name in used.items()})
        kept = [part for name, part in parts.items() if name in question.deciding]
        worst = max(kept, key=lambda part: part.value * (-1 if check.relation == ">" else 1))
        shown[layer] = worst, estimates.pool(list(there.values()))
    if not shown:
        return
    each, seeds = zip(*shown.values(), strict=True)
    factor = estimates.band_factor(each, seeds, level=level, n_draws=N_DRAWS, seed=seed)
    for layer, (estimate, of_layer) in shown.items():
        reach = factor * np.sqrt(estimates.variance(estimate, of_layer)[0])
        yield {
            "claim": question.name, "layer": layer, "depth": depths[layer], "value": estimate.value,
            "band_low": estimate.value - reach, "band_high": estimate.value + reach, "n_tokens": estimate.n_tokens,
        }  # fmt: skip


def upper_table(
    study: comparison.Study, values: token_values.Study, span_table: pd.DataFrame, params: Claims, *, level: float
) -> pd.DataFrame:
    """The table ``upper_spans``: span and F1 of the layers stated beforehand, per condition and language, and why the
    span is no finding. ``span_table``: the table ``spans``. Notebook: notebooks/05_rcom_comparison
    """
    nulls_ms = span_table.groupby(["condition", "language"])["null_span_ms"].last()
    rows = []
    for backbone in questions.backbones(values):
        summary = token_values.summarise(questions.of_backbone(values, backbone), from_depth=params.from_depth)
        for key, f1 in summary.samples["f1"].items():
            row = dict(zip(("condition", "language"), key, strict=True)) | {"null_span_ms": nulls_ms.loc[key]}
            row |= _with_bounds("f1", f1, summary, level)
            row |= _with_bounds("span_ms", summary.samples.get("span_ms", {}).get(key), summary, level)
            row |= {"note": study[key].upper_note, "n_tokens": study[key].n_span_tokens, "n_seeds": study[key].n_seeds}
            rows.append(row)
    return pd.DataFrame(rows, columns=tables.COLUMNS["upper_spans"])


def _with_bounds(measure: str, sample: Sample | None, summary: Summary, level: float) -> dict[str, float]:
    """A measure as three columns: ``span_ms``, ``span_low_ms``, ``span_high_ms``; empty where it was not measured."""
    names = [
        measure,
        *(measure.replace("_ms", "") + end + "_ms" * measure.endswith("_ms") for end in ("_low", "_high")),
    ]
    if sample is None:
        return dict.fromkeys(names, np.nan)
    bounded = estimates.interval(sample.estimate, summary.seeds[measure], level=level)
    return dict(zip(names, (bounded.value, bounded.low, bounded.high), strict=True))


def best_layer_table(values: token_values.Study, *, level: float, seed: int) -> pd.DataFrame:
    """The table ``best_layers``: the layers that may be the best of each condition and language, and whether it is
    identified: only one is left. Notebook: notebooks/05_rcom_comparison
    """
    rows = []
    for backbone in questions.backbones(values):
        of_encoder = questions.of_backbone(values, backbone)
        apart = [each.sample("f1", each.layers[-1:], minus=each.layers[:1]) for each in of_encoder.values()]
        seeds = estimates.pool([each for each in apart if each is not None])  # of a difference between two layers
        for (name, language), of_condition in of_encoder.items():
            may_be = token_values.best_layers(of_condition, seeds, level=level, n_draws=N_DRAWS, seed=seed)
            rows.append({
                "condition": name, "language": language, "layers": ", ".join(may_be),
                "identified": "identified" if len(may_be) == 1 else "not identified",
            })  # fmt: skip
    return pd.DataFrame(rows, columns=tables.COLUMNS["best_layers"])
