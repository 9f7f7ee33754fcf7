"""What every estimator answers on one synthetic corpus, in which the tone lives within a reference span.

Each function asks one kind of estimator and gives *draws*, rows of the table ``calibration_draws`` (the answer and its
bootstrap resamples, in ms), or *scored* predictions, which :func:`calibration.score_table` makes the table
``calibration_scores`` of. The lines through the answers to all reference spans are in
:mod:`tonespan_utils.study.calibration`.

Conventions: spans in ms; the signal is the condition ``signal`` without a layer, an encoder goes by its task
(``vanilla``, ``asr``, ``narrow_asr``); one draw takes the same utterances for every reference span.

Notebook: notebooks/06_planted_span
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.corpus import sources
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import (
    behaviour,
    cue_width,
    front_ends,
    gradient_energy,
    margin_knee,
    margins,
    pitch_versions,
    probes,
    spans,
)
from tonespan_utils.instrument.probes import ProbeResult
from tonespan_utils.params.profile import Params
from tonespan_utils.statistics import splits
from tonespan_utils.statistics.classifier import LinearClassifier
from tonespan_utils.study import calibration
from tonespan_utils.study.calibration import Scored

Draws = list[pd.DataFrame]
PLAIN = ("logmel", "hann")  # the front end and analysis window of notebook 01
FRONTENDS = ("logmel", "mfcc", "linear")  # in every analysis window; F0 by Praat beside them, in its own


@dataclass(frozen=True)
class PlantedSpan:
    """One synthetic corpus: ``given`` are the profile's parameters, ``planted`` those of the corpus."""

    given: Params
    planted: Params
    corpus: Corpus
    span_ms: float

    @property
    def resampling(self) -> dict[str, int]:
        """``n_resamples`` and ``seed`` of every draw, the same for every reference span."""
        return {"n_resamples": self.given.bootstrap.n_resamples, "seed": self.given.validity.seed}

    @property
    def edges_ms(self) -> NDArray:
        """Edges of the offsets from the tone centre (bins + 1,)."""
        return spans.offset_bins(self.given.gradient.window_ms, self.given.gradient.bin_ms)[0]

    @property
    def conditions(self) -> dict[str, str]:
        """Condition names by task; the span-penalised one for one reference span only."""
        return calibration.conditions_of(self.planted, narrow=self.span_ms == self.given.validity.sanity_span_ms)

    def eligible(self, n_tokens: int) -> pd.DataFrame:
        """Up to ``n_tokens`` tokens of the test split with audio on both sides."""
        least_ms, seed = self.given.gradient.min_side_ms, self.given.validity.seed
        return gradient_energy.eligible(self.corpus, n_tokens=n_tokens, min_side_ms=least_ms, seed=seed)

    def draws(self, estimator: str, condition: str, layer: str, widths_ms: NDArray, n_tokens: int) -> pd.DataFrame:
        """Widths (draw,) of one estimator as rows of the table ``calibration_draws``."""
        return calibration.as_draws(estimator, condition, layer, self.span_ms, widths_ms, n_tokens)


def make(given: Params, span_ms: float) -> PlantedSpan:
    """The corpus of one reference span; it is synthesised where it is not there."""
    planted = calibration.planted(given, span_ms)
    sources.prepare(planted)
    return PlantedSpan(given, planted, sources.load(planted, given.validity.language), span_ms)


# In the signal


def signal_frontends(study: PlantedSpan) -> list[tuple[str, str]]:
    """(front end, analysis window) of the cue widths: all where robustness is looked at, else the plain one."""
    v = study.given.validity
    if study.span_ms not in v.robust_span_ms:
        return [PLAIN]
    return [(frontend, shape) for frontend in FRONTENDS for shape in v.analysis_windows] + [("f0", "praat")]


def cue_widths(study: PlantedSpan) -> tuple[Draws, list[Scored]]:
    """The cue width in the signal through each of :func:`signal_frontends`, and the predictions at its best window."""
    draws, scored, windows_ms = [], [], study.given.validity.analysis_windows
    for frontend, shape in signal_frontends(study):
        swept = calibration.baseline_sweep(study.planted, study.corpus, frontend=frontend, shape=shape)
        frame_ms = front_ends.frame_width_ms(frontend, analysis_window_ms=windows_ms.get(shape, 0.0))
        widths_ms = cue_width.span_resamples(swept, analysis_window_ms=frame_ms, **study.resampling)
        name = "acoustic" if (frontend, shape) == PLAIN else f"acoustic_{frontend}_{shape}"
        draws.append(study.draws(name, "signal", "", widths_ms, len(study.corpus.tokens)))
        best = swept.predicted[cue_width.pooled_f1(swept).argmax()]
        scored.append((_of_signal(f"f1_{frontend}_{shape}"), swept.tone, best, swept.utterance))
    return draws, scored


def floors(study: PlantedSpan) -> list[Scored]:
    """What the sounds of the syllables alone say about the tone, and what the commonest tone alone does."""
    tokens, seed = study.corpus.tokens, study.given.validity.seed
    tone, utterance = (tokens[column].to_numpy(dtype=str) for column in ("tone", "utterance_id"))
    by_sounds = calibration.held_out(study.planted, study.corpus, cue_width.segment_features(tokens))
    by_majority = cue_width.majority(tokens, n_folds=study.given.baseline.n_folds, seed=seed)
    return [
        (_of_signal("f1_segments"), tone, by_sounds, utterance),
        (_of_signal("f1_majority"), tone, by_majority, utterance),
    ]


def _of_signal(metric: str) -> dict[str, str]:
    return {"condition": "signal", "layer": "", "metric": metric}


# In the encoder


def probe_encoder(study: PlantedSpan, task: str, encoder: Encoder) -> tuple[dict[str, LinearClassifier], list[Scored]]:
    """The probes of every layer, layer -> probe, which are stored with the results, and their test predictions."""
    results: dict[str, ProbeResult] = calibration.probe_layers(
        study.planted, encoder, study.corpus, study.corpus.tokens
    )
    fitted = {layer: result.probe for layer, result in results.items()}
    language, seed = study.given.validity.language, study.planted.finetune.seeds[0]
    probes.save_probes(fitted, probes.path(study.planted.results, study.conditions[task], language, seed=seed))
    rows = study.corpus.tokens.iloc[splits.train_test(study.corpus.tokens)[1]]
    truth, utterance = (rows[column].to_numpy(dtype=str) for column in ("tone", "utterance_id"))
    about = {"condition": task, "metric": "f1_probe"}
    return fitted, [(about | {"layer": layer}, truth, r.predicted, utterance) for layer, r in results.items()]


def gradient_spans(study: PlantedSpan, task: str, encoder: Encoder, fitted: Mapping[str, LinearClassifier]) -> Draws:
    """``gradient`` (the span 2 r_com) and ``gradient_r90`` (2 r90) of every layer, from squared gradients; and
    ``gradient_power``, the span once they are weighted by the local power of the input.
    """
    tokens, g, draws = study.eligible(study.given.validity.n_tokens), study.given.gradient, []
    edges = study.edges_ms
    measured = gradient_energy.measure(
        encoder, fitted, study.corpus, tokens, edges, target=g.target, wrt=g.wrt, power_window_ms=g.power_window_ms
    )
    utterances, resampling = measured.utterances, study.resampling
    for layer in measured.energy:
        plain, weighted = (
            calibration.energy_draws(energy[layer], utterances, edges, **resampling)
            for energy in (measured.energy, measured.weighted_energy)
        )
        answers = {"gradient": plain["r_com"], "gradient_r90": plain["r90"], "gradient_power": weighted["r_com"]}
        draws += [study.draws(name, task, layer, widths_ms, len(tokens)) for name, widths_ms in answers.items()]
    return draws


def energy_spans(study: PlantedSpan, encoder: Encoder, fitted: Mapping[str, LinearClassifier]) -> Draws:
    """The span 2 r_com of the top layer after speech recognition by each estimator of energy."""
    v, top, edges = study.given.validity, encoder.layers[-1], study.edges_ms
    tokens, draws = study.eligible(v.n_slow_tokens), []
    utterances = gradient_energy.by_utterance(tokens)["utterance_id"].to_numpy()
    for name in v.energy_estimators:
        energy = calibration.slow_energy(name, encoder, {top: fitted[top]}, study.corpus, tokens, edges)[top]
        widths = calibration.energy_draws(energy, utterances, edges, **study.resampling)
        draws.append(study.draws(name, "asr", top, widths["r_com"], len(tokens)))
    return draws


def behavioural_spans(study: PlantedSpan, encoder: Encoder, fitted: Mapping[str, LinearClassifier]) -> Draws:
    """The width beyond which changing the speech no longer matters to the top layer's F1, by each such estimator."""
    v, top, level = study.given.validity, encoder.layers[-1], study.given.bootstrap.level
    tokens, draws, top_probe = study.eligible(v.n_behaviour_tokens), [], {top: fitted[top]}
    for name in v.behavioural_estimators:
        curve = behaviour.f1_by_width(
            name, encoder, top_probe, study.corpus, tokens, v.half_widths_ms, **study.resampling
        )
        for (_, layer), widths_ms in behaviour.saturation_draws(curve, level=level).items():
            draws.append(study.draws(name, "asr", layer, widths_ms, len(tokens)))
    return draws


def margin_knees(
    study: PlantedSpan, task: str, encoder: Encoder, fitted: Mapping[str, LinearClassifier], scored: Sequence[Scored]
) -> Draws:
    """``margin_knee`` of every layer; nan in all draws where there is none, as at a layer that does not know the tone.

    ``scored`` are the predictions of these probes, as :func:`probe_encoder` gives them.
    """
    tokens, level = study.eligible(study.given.validity.n_knee_tokens), study.given.bootstrap.level
    cache = study.planted.data / "features" / "flattened"
    versions = pitch_versions.of_corpus(encoder, study.corpus, tokens, study.given.knee, cache_dir=cache)
    measured, draws = margins.measure(encoder, fitted, versions), []
    for about, truth, predicted, utterances in scored:
        layer = about["layer"]
        score = probes.score_answers(truth, predicted, utterances, level=level, **study.resampling)
        knee = margin_knee.of_layer(
            measured, layer, above_chance_low=score.above_chance_low, level=level, **study.resampling
        )
        widths_ms = margin_knee.knee_draws(measured, layer, **study.resampling)
        if knee.note:
            widths_ms = np.full_like(widths_ms, np.nan)
        draws.append(study.draws("margin_knee", task, layer, widths_ms, knee.n_tokens))
    return draws
