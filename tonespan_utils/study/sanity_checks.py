"""The sanity checks on one synthetic corpus: each function measures one kind and gives rows of the table ``sanity``.

What is checked is said in :mod:`tonespan_utils.study.sanity`, which has the statistics and the verdicts. Here they meet
the corpus of one reference span and its encoders (:mod:`tonespan_utils.study.sanity_subjects`).

Conventions: rows are dictionaries as :func:`sanity.row` makes them, tasks and layers in the order of
:class:`.Subjects`; layers bottom up; spans and distances in ms. Every probe is trained and scored as in notebook 03,
and every interval is a percentile bootstrap over utterances.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.encoders import randomised
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import attention, gradient_energy, pooling, probes, spans
from tonespan_utils.instrument.gradient_energy import Measured
from tonespan_utils.instrument.probes import ProbeResult
from tonespan_utils.statistics import ranks
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import calibration, sanity
from tonespan_utils.study.sanity_subjects import Subjects, TaskProbes

Rows = list[dict[str, object]]


# Randomised weights


def randomised_weights(checked: Subjects) -> Rows:
    """F1 and span of the top layer as the weights are permuted from the top down; with all of them permuted, F1 must be
    at chance and the span that of a flat map, and other than the intact encoder's on the same tokens.
    """
    rows, radii = [], []
    for task, encoder in checked.encoders.items():
        for parts in randomised.cascade(encoder, checked.given.validity.n_cascade_steps):
            for seed in _seeds_of(checked, encoder, parts):
                step_rows, step_radii = _randomised_step(checked, task, encoder, parts, seed)
                rows += step_rows
                radii.append(step_radii)
    return rows + _intact_minus_randomised(checked, pd.concat(radii))


def _seeds_of(checked: Subjects, encoder: Encoder, parts: list[str]) -> list[int]:
    """Every seed where all ``parts`` are permuted, the first where only some are."""
    seeds = checked.given.validity.random_seeds
    return seeds if len(parts) == len(randomised.parts(encoder)) else seeds[:1]


def _randomised_step(
    checked: Subjects, task: str, encoder: Encoder, parts: list[str], seed: int
) -> tuple[Rows, pd.DataFrame]:
    """The two rows of one step of the cascade, and the span of each token at it."""
    top, (edges, offsets), n_parts = checked.top, checked.bins, len(randomised.parts(encoder))
    other = randomised.permuted(encoder, parts, seed=seed)
    tokens = checked.corpus.tokens
    result = calibration.probe_layers(checked.planted, other, checked.corpus, tokens, layers=[top])[top]
    measured = checked.gradient(other, {top: result.probe})
    span = pooling.pooled_span(measured.energy[top], measured.null, measured.utterances, edges, **checked.resampling)
    span_ms, f1 = Interval(span.span_ms, span.ci_low_ms, span.ci_high_ms), result.interval
    step, span_verdict, f1_verdict = f"{len(parts)} of {n_parts} parts", sanity.SHOWN, sanity.SHOWN
    if len(parts) == n_parts:
        step += f", seed {seed}"
        span_verdict = sanity.reaches(span_ms, span.null_span_ms)
        f1_verdict = sanity.at_most(f1, result.chance_f1)
    check = "randomised weights"
    rows = [
        sanity.row(check, task, top, f"span_ms, {step}", span_ms, span.null_span_ms, span_verdict),
        sanity.row(check, task, top, f"f1, {step}", f1, result.chance_f1, f1_verdict),
    ]
    about = {"task": task, "parts": len(parts), "seed": seed, "utterance_id": measured.utterances}
    radius_ms = spans.center_of_mass_radius(measured.energy[top], offsets)
    return rows, pd.DataFrame(about | {"token_id": measured.tokens, "span_ms": 2 * radius_ms})


def _intact_minus_randomised(checked: Subjects, widths: pd.DataFrame) -> Rows:
    """The same tokens, intact and with all weights permuted; utterances and seeds of the permutation are resampled
    together.
    """
    rows = []
    for task, of_task in widths.groupby("task", sort=False):
        intact = of_task[of_task["parts"] == 0].set_index("token_id")["span_ms"]
        permuted = of_task[of_task["parts"] == of_task["parts"].max()]
        difference = intact.loc[permuted["token_id"]].to_numpy() - permuted["span_ms"].to_numpy()
        mean = sanity.mean_interval(difference, permuted["utterance_id"], permuted["seed"], **checked.resampling)
        statistic = "difference in span_ms, intact minus all permuted"
        rows.append(sanity.row("randomised weights", task, checked.top, statistic, mean, 0.0, sanity.apart(mean, 0.0)))
    return rows


# Labels


def shuffled_labels(checked: Subjects, fitted: TaskProbes) -> Rows:
    """F1 of probes trained on shuffled tones, which must be at chance; and the selectivity of the true ones,
    ``fitted``, which must be above 0.
    """
    rows, shuffled = [], sanity.shuffled_training(checked.corpus.tokens, seed=checked.given.validity.seed)
    for task, encoder in checked.encoders.items():
        of_shuffled = calibration.probe_layers(checked.planted, encoder, checked.corpus, shuffled)
        rows += _f1_at_chance("shuffled labels", task, of_shuffled)
        for layer, result in fitted[task].items():
            gain = Interval(result.selectivity, result.ci_low - result.control_f1, result.ci_high - result.control_f1)
            verdict = sanity.above(gain, 0.0)
            rows.append(sanity.row("selectivity", task, layer, "f1 minus control f1", gain, 0.0, verdict))
    return rows


def _f1_at_chance(check: str, task: str, results: Mapping[str, ProbeResult]) -> Rows:
    """A row per layer whose F1 must be no more than chance."""
    return [
        sanity.row(check, task, layer, "f1", r.interval, r.chance_f1, sanity.at_most(r.interval, r.chance_f1))
        for layer, r in results.items()
    ]


def description_length(checked: Subjects) -> Rows:
    """Bits per token of the online code of the tones, which must be fewer than the uniform code's and than those of the
    control task.
    """
    tokens, seed = checked.corpus.tokens, checked.given.validity.seed
    labels = {
        "tone": tokens["tone"].to_numpy(dtype=str),
        "control": probes.control_labels(tokens, seed=seed),
    }
    rows = []
    for task, encoder in checked.encoders.items():
        vectors = calibration.vectors(checked.planted, encoder, checked.corpus, tokens)
        for layer in checked.layers:
            rows += _code_rows(checked, task, layer, vectors[layer], labels)
    return rows


def _code_rows(checked: Subjects, task: str, layer: str, vectors: NDArray, labels: Mapping[str, NDArray]) -> Rows:
    utterances = checked.corpus.tokens["utterance_id"].to_numpy()
    c, seed, bits = checked.given.probe.regularisation_c, checked.given.validity.seed, {}
    for name, classes in labels.items():
        code = sanity.online_codelength(vectors, classes, utterances, regularisation_c=c, seed=seed)
        bits[name] = sanity.mean_interval(code.bits, utterances[code.order], **checked.resampling)
        if name == "tone":
            uniform = code.uniform
    tone, control = bits["tone"], bits["control"]
    shorter = sanity.above(Interval(-tone.value, -tone.high, -tone.low), -min(uniform, control.low))
    check, statistic = "description length", "bits per token"
    return [
        sanity.row(check, task, layer, statistic, tone, uniform, shorter),
        sanity.row(check, task, layer, f"{statistic}, control", control, uniform, sanity.SHOWN),
    ]


# Tone-free speech


def tone_free_speech(checked: Subjects) -> Rows:
    """F1 of every layer, and of the signal at the widest window, on the same sentences without a tone contour: all must
    be at chance. The corpus is made where it is not there.
    """
    check, flat = "tone-free speech", calibration.planted(checked.given, 0.0)
    sources.prepare(flat)
    corpus = sources.load(flat, checked.given.validity.language)
    rows = []
    for task, encoder in checked.encoders.items():
        rows += _f1_at_chance(check, task, calibration.probe_layers(flat, encoder, corpus, corpus.tokens))
    swept = calibration.baseline_sweep(flat, corpus)
    statistic = f"f1, {swept.windows_ms[-1]:g} ms"
    return [*rows, _signal_row(checked, check, statistic, swept.tone, swept.predicted[-1], swept.utterance)]


def _signal_row(
    checked: Subjects, check: str, statistic: str, tone: NDArray, predicted: NDArray, utterances: NDArray
) -> dict[str, object]:
    """A row of F1 from the signal alone, (token,) each, which must be no more than chance."""
    scored = probes.score_answers(tone, predicted, utterances, **checked.resampling)
    verdict = sanity.at_most(scored.interval, scored.chance_f1)
    return sanity.row(check, "signal", "", statistic, scored.interval, scored.chance_f1, verdict)


# Confounds


def confounds(checked: Subjects, measured: Mapping[str, Measured]) -> Rows:
    """Rank correlations of a token's r_com with its distance to the edge of the recording and its syllable's duration,
    whose intervals must contain 0; and F1 of the tone from the duration alone, which must be at chance.
    """
    rows, others, offsets = [], _confounding_s(checked), checked.bins[1]
    for task, of_task in measured.items():
        for layer, energy in of_task.energy.items():
            radius_ms = spans.center_of_mass_radius(energy, offsets)
            for name, values in others.items():
                rho = sanity.rank_correlation(radius_ms, values, of_task.utterances, **checked.resampling)
                statistic, verdict = f"rho of r_com and {name}", sanity.contains_zero(rho)
                rows.append(sanity.row("confounds", task, layer, statistic, rho, 0.0, verdict))
    tokens = checked.corpus.tokens
    duration_s = (tokens["end_s"] - tokens["start_s"]).to_numpy(dtype=np.float32)[:, None]
    predicted = calibration.held_out(checked.planted, checked.corpus, duration_s)
    tone, utterances = tokens["tone"].to_numpy(dtype=str), tokens["utterance_id"].to_numpy()
    return [*rows, _signal_row(checked, "confounds", "f1 from duration alone", tone, predicted, utterances)]


def _confounding_s(checked: Subjects) -> dict[str, NDArray]:
    """Distance to the edge and duration (token,) in seconds, in the order that gradients are measured in."""
    tokens = gradient_energy.by_utterance(checked.tokens)
    n_samples = checked.corpus.utterances.set_index("utterance_id")["n_samples"]
    length_s = tokens["utterance_id"].map(n_samples) / SAMPLE_RATE
    return {
        "distance to the edge": np.minimum(tokens["center_s"], length_s - tokens["center_s"]).to_numpy(),
        "syllable duration": (tokens["end_s"] - tokens["start_s"]).to_numpy(),
    }


# Other measures of the same


def attention_distance(checked: Subjects, measured: Mapping[str, Measured]) -> Rows:
    """The mean distance of each head's attention from the tone centre, in ms; that of a layer's mean must be no more
    than under even attention. Beside it the gradient's r_com, from ``measured``, with its own null.
    """
    rows, check, window_ms = [], "attention", checked.given.gradient.window_ms
    offsets = checked.bins[1]
    for task, encoder in checked.encoders.items():
        heads = attention.measure(encoder, checked.corpus, checked.tokens, window_ms=window_ms, **checked.resampling)
        rows += [_head_row(check, task, head) for head in heads.itertuples()]
        null_ms = float((measured[task].null @ np.abs(offsets)).mean())
        for layer in checked.layers:
            radius_ms = spans.center_of_mass_radius(measured[task].energy[layer], offsets)
            mean = sanity.mean_interval(radius_ms, measured[task].utterances, **checked.resampling)
            rows.append(sanity.row(check, task, layer, "r_com_ms", mean, null_ms, sanity.SHOWN))
    return rows


def _head_row(check: str, task: str, head) -> dict[str, object]:
    """The row of one head, or of the mean over a layer's heads, of :func:`attention.measure`."""
    distance = Interval(head.distance_ms, head.ci_low_ms, head.ci_high_ms)
    verdict = sanity.SHOWN
    if head.head == "mean":  # its upper end decides
        verdict = sanity.at_most(Interval(distance.high, distance.high, distance.high), head.null_ms)
    return sanity.row(check, task, head.layer, f"distance_ms, head {head.head}", distance, head.null_ms, verdict)


def agreement_of_estimators(checked: Subjects, fitted: Mapping[str, ProbeResult]) -> Rows:
    """Spearman's rho between every two estimators of energy after speech recognition, over tokens and over layers,
    which must pass the upper end of its null. ``fitted``: the probes of that encoder by layer.
    """
    edges, offsets = checked.bins
    v, least_ms = checked.given.validity, checked.given.gradient.min_side_ms
    tokens = gradient_energy.eligible(checked.corpus, n_tokens=v.n_agreement_tokens, min_side_ms=least_ms, seed=v.seed)
    identifiers = gradient_energy.by_utterance(tokens)[["token_id", "utterance_id"]]
    by_layer = {layer: result.probe for layer, result in fitted.items()}
    radii = []
    for name in ("gradient", *v.energy_estimators):
        energies = calibration.slow_energy(name, checked.encoders["asr"], by_layer, checked.corpus, tokens, edges)
        for layer, energy in energies.items():
            radius_ms = spans.center_of_mass_radius(energy, offsets)
            radii.append(identifiers.assign(estimator=name, layer=layer, r_com_ms=radius_ms))
    return [_agreement_row(pair) for pair in ranks.agreement(pd.concat(radii), **checked.resampling).itertuples()]


def _agreement_row(pair) -> dict[str, object]:
    """The row of one pair of :func:`ranks.agreement`."""
    rho, statistic = Interval(pair.rho, pair.ci_low, pair.ci_high), f"rho over {pair.over}, {pair.a} and {pair.b}"
    return sanity.row("agreement", "asr", "", statistic, rho, pair.null_high, sanity.above(rho, pair.null_high))
