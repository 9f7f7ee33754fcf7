"""Do conditions differ in how well tone is read and how far around it they look? Fair layers, paired differences.

Every condition is measured in every language (:mod:`tonespan_utils.study.measured`); the tables here hold the measures,
those of each layer, and the differences between conditions.

Intervals: a percentile bootstrap over utterances crossed with one over seeds (Owen & Eckles 2012): both are drawn
with replacement, and the layer is chosen again in every resample. All conditions of a language share the drawn
utterances, so differences are paired; seeds are independent trainings and are drawn per condition. Two or three
seeds say little of what a fourth would do: intervals over so few are too narrow. The cue width is taken as it was
measured; its interval stands beside it.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tonespan_utils.params import conditions, tables
from tonespan_utils.params.roles import control_of, role_of
from tonespan_utils.statistics import ranks
from tonespan_utils.study.draws import interval, with_bounds
from tonespan_utils.study.measured import UPPER_HALF, Measured, halve, measure, relative_depth

SEED_RESAMPLES = 200  # every one ranks all tokens of all layers anew, for each pair of trainings
BEST = ("f1", "span_ms", "distance_ms", "box_distance_ms")
CONTRASTED = (*BEST, *(f"top_{measure}" for measure in BEST))


Study = dict[tuple[str, str], Measured]  # (condition, language) -> what was measured


def study(
    predictions: pd.DataFrame,
    token_spans: pd.DataFrame,
    tokens: pd.DataFrame,
    cue_widths_ms: Mapping[str, float],
    *,
    n_resamples: int,
    seed: int,
    level: float = 0.95,
    span_table: pd.DataFrame | None = None,
    from_depth: float = UPPER_HALF,
) -> Study:
    """Every condition in every language it was probed in.

    ``span_table``, the table ``spans``, has the spans of flat maps; with ``level``, they say what is a finding.
    Notebook: notebooks/05_rcom_comparison
    """
    keys, flat = ["condition", "language", "layer"], {}
    if span_table is not None:
        flat = {k: s.droplevel(keys[:2]) for k, s in span_table.set_index(keys)["null_span_ms"].groupby(keys[:2])}
    measured: Study = {}
    for language, rows in predictions.groupby("language", sort=False):
        radii = token_spans[token_spans["language"] == language]
        first_half = _halves(pd.concat([rows["utterance_id"], radii["utterance_id"]]), tokens, language, seed=seed)
        for name, of_condition in rows.groupby("condition", sort=False):
            measured[name, language] = measure(
                conditions.parse(name), language, of_condition, radii[radii["condition"] == name],
                first_half=first_half, cue_width_ms=cue_widths_ms[language], n_resamples=n_resamples, seed=seed,
                level=level, null_spans_ms=flat.get((name, language)), from_depth=from_depth,
            )  # fmt: skip
    return measured


def _halves(utterance_ids: pd.Series, tokens: pd.DataFrame, language: str, *, seed: int) -> pd.Series:
    utterances = np.unique(utterance_ids.to_numpy(dtype=str))
    return pd.Series(halve(utterances, tokens[tokens["language"] == language], seed=seed), index=utterances)


def comparison_table(study: Study, span_table: pd.DataFrame, cues: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """The table ``comparison``: one row per condition and language; ``note`` and ``top_note`` say why its spans, which
    are then left empty with their distances, are no finding, and there is no best layer where none is above chance.

    ``span_table``: the table ``spans``, for the span of a flat map; ``cues``: rows of ``baseline_spans`` of the
    front end in use. Notebook: notebooks/05_rcom_comparison
    """
    cues = cues.set_index("language")
    null_spans_ms = span_table.groupby(["condition", "language"])["null_span_ms"].last()  # the same in every layer
    rows = []
    for (name, language), measured in study.items():
        row = {"condition": name, "language": language, "top_layer": measured.top_layer}
        row |= {"best_layer": "" if measured.chance_note else measured.best_layer}
        row |= with_bounds("best_depth", measured.finding("best_depth"), level)
        for measure_name in CONTRASTED:
            row |= with_bounds(measure_name, measured.finding(measure_name), level)
        row |= {key: float(measured.draws[key][0]) for key in ("chance_f1", "top_chance_f1")}
        cue = cues.loc[language]
        row |= {"note": measured.note, "top_note": measured.top_note}
        row |= {"null_span_ms": null_spans_ms.loc[name, language], "cue_width_ms": cue["span_ms"]}
        row |= {"cue_low_ms": cue["span_low_ms"], "cue_high_ms": cue["span_high_ms"]}
        rows.append(
            row | {key: getattr(measured, key) for key in ("n_tokens", "n_span_tokens", "n_utterances", "n_seeds")}
        )
    return pd.DataFrame(rows, columns=tables.COLUMNS["comparison"])


def layer_table(study: Study, *, level: float) -> pd.DataFrame:
    """The table ``layer_curves``: F1 and span of every layer with their intervals, over seeds and utterances."""
    rows = []
    for (name, language), measured in study.items():
        for i, (layer, depth) in enumerate(zip(measured.layers, relative_depth(measured.layers), strict=True)):
            row = {"condition": name, "language": language, "layer": layer, "depth": depth}
            row |= {"n_tokens": measured.n_tokens, "n_span_tokens": measured.n_span_tokens}
            row |= with_bounds("f1", measured.by_layer["f1"][:, i], level)
            rows.append(row | with_bounds("span_ms", measured.by_layer["span_ms"][:, i], level))
    return pd.DataFrame(rows, columns=tables.COLUMNS["layer_curves"])


def pairs(names: Sequence[str], language: str) -> list[tuple[str, str]]:
    """The differences worth asking for among one language's conditions: each minus vanilla, target ASR minus each
    other, Mandarin minus English ASR, each task minus its shuffled control; only ever within one backbone.
    """
    wanted = []
    for backbone in dict.fromkeys(name.partition("/")[0] for name in names):
        of_backbone = [conditions.parse(name) for name in names if name.partition("/")[0] == backbone]
        by_role = {role_of(condition, language): condition.name for condition in of_backbone}
        plain = [condition.name for condition in of_backbone if not condition.is_shuffled]
        wanted += [(condition.name, by_role.get("vanilla")) for condition in of_backbone]
        wanted += [(by_role.get("target_asr"), name) for name in plain]
        wanted += [(by_role.get("mandarin_asr"), by_role.get("english_asr"))]
        wanted += [(name, control_of(name)) for name in plain]
    return [(a, b) for a, b in dict.fromkeys(wanted) if a != b and {a, b} <= set(names)]


def contrast_table(study: Study, *, level: float) -> pd.DataFrame:
    """The table ``contrasts``: paired differences of every measure for the pairs of each language; empty where a span
    of either is no finding.
    """
    rows = []
    for language in dict.fromkeys(language for _, language in study):
        for a, b in pairs([name for name, where in study if where == language], language):
            first, second = study[a, language], study[b, language]
            for name in CONTRASTED:
                difference = interval(first.finding(name) - second.finding(name), level=level)
                counted = "n_tokens" if name.endswith("f1") else "n_span_tokens"
                rows.append({
                    "language": language, "condition_a": a, "condition_b": b, "measure": name,
                    "difference": difference.value, "ci_low": difference.low, "ci_high": difference.high,
                    "n_tokens": min(getattr(first, counted), getattr(second, counted)),
                    "n_seeds": min(first.n_seeds, second.n_seeds),
                })  # fmt: skip
    return pd.DataFrame(rows, columns=tables.COLUMNS["contrasts"])


def probe_vs_finetuned(
    predictions: pd.DataFrame,
    tone_predictions: pd.DataFrame,
    tokens: pd.DataFrame,
    *,
    n_resamples: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """The table ``probe_vs_finetuned``: a probe on the frozen encoder beside the same encoder taught tone.

    ``difference`` is fine-tuned minus probe, paired over the test tokens that both have; ``layer`` is ``best``
    (chosen on the other half) or ``top``. Notebook: notebooks/05_rcom_comparison
    """
    rows = []
    for (tuned_name, language), tuned in tone_predictions.groupby(["condition", "language"], sort=False):
        tuned_condition = conditions.parse(tuned_name)
        name = tuned_condition.starts_from
        probed = predictions[(predictions["condition"] == name) & (predictions["language"] == language)]
        probed, tuned = (
            probed[probed["token_id"].isin(tuned["token_id"])],
            tuned[tuned["token_id"].isin(probed["token_id"])],
        )
        if probed.empty:
            continue
        first_half = _halves(probed["utterance_id"], tokens, language, seed=seed)
        silent = pd.DataFrame(columns=["seed", "layer", "token_id", "utterance_id", "r_com_ms"])  # only F1 is asked for
        probe, whole = (
            measure(
                of_condition, language, rows, silent, first_half=first_half, cue_width_ms=np.nan,
                n_resamples=n_resamples, seed=seed, level=level,
            )
            for of_condition, rows in ((conditions.parse(name), probed), (tuned_condition, tuned.assign(layer="1")))
        )  # fmt: skip
        for layer, prefix in (("best", ""), ("top", "top_")):
            probe_f1, tuned_f1 = probe.draws[f"{prefix}f1"], whole.draws["top_f1"]
            difference = interval(tuned_f1 - probe_f1, level=level)
            rows.append({
                "condition": name, "finetuned_condition": tuned_name, "language": language, "layer": layer,
                "probe_f1": probe_f1[0], "finetuned_f1": tuned_f1[0], "chance_f1": probe.draws[f"{prefix}chance_f1"][0],
                "difference": difference.value, "ci_low": difference.low, "ci_high": difference.high,
                "n_tokens": probe.n_tokens, "n_seeds": min(probe.n_seeds, whole.n_seeds),
            })  # fmt: skip
    return pd.DataFrame(rows, columns=tables.COLUMNS["probe_vs_finetuned"])


def seed_agreement(token_spans: pd.DataFrame, *, level: float, seed: int) -> pd.DataFrame:
    """Whether two trainings of one condition rank tokens, and layers, alike: the table ``seed_agreement``.

    ``token_spans`` is that table; what was trained once has no rows. Notebook: notebooks/05_rcom_comparison
    """
    columns = tables.COLUMNS["seed_agreement"]
    parts = [
        ranks.agreement(rows, by="seed", n_resamples=SEED_RESAMPLES, level=level, seed=seed).assign(
            condition=condition, language=language
        )
        for (condition, language), rows in token_spans.groupby(["condition", "language"], sort=False)
        if rows["seed"].nunique() > 1
    ]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
