"""How far an encoder looks that has learned nothing: the same architecture with permuted weights, as a null of spans.

A flat map is a null that no encoder gives: convolutions and the positional convolution let near samples move a frame
more than far ones, whatever their weights. With all weights permuted (:mod:`tonespan_utils.encoders.randomised`) the
span is that of the architecture alone. A span that is no other than this one says nothing about learning.

The probes are trained on the random encoder's own hidden vectors, as everywhere. They are at chance, or near it; the
gradient of their logit is defined all the same: it is the gradient of some direction in the hidden space, and which one
hardly matters.

Conventions: ms; layers bottom up; tokens under several permutations are pooled as those of several trainings are, and
intervals resample utterances and permutations. F1 is that of the predictions of all permutations together.

Notebook: notebooks/04_random_weights
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tonespan_utils.corpus import segments
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import randomised
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradient_energy, pooling, probes
from tonespan_utils.instrument.gradient_energy import Measured
from tonespan_utils.statistics import classifier, splits
from tonespan_utils.statistics.classifier import LinearClassifier
from tonespan_utils.study.measured import relative_depth


@dataclass(frozen=True)
class Settings:
    """How it is measured: ``seeds`` of the permutations, the logit and input of the gradient (``target``, ``wrt``,
    ``power_window_ms``), the probes (``regularisation_c``) and the resampling (``n_resamples``, ``level``, ``seed``).
    """

    seeds: Sequence[int]
    target: str
    wrt: str
    power_window_ms: float
    regularisation_c: float
    n_resamples: int
    level: float
    seed: int

    @property
    def resampling(self) -> dict[str, float]:
        """``n_resamples``, ``level`` and ``seed`` of every interval."""
        return {"n_resamples": self.n_resamples, "level": self.level, "seed": self.seed}


def spans_of_random(
    encoder: Encoder,
    corpus: Corpus,
    probed: pd.DataFrame,
    tokens: pd.DataFrame,
    edges_ms: np.ndarray,
    settings: Settings,
) -> pd.DataFrame:
    """The span of every layer with all weights permuted, a row per layer and weight of the energy.

    ``probed``: the tokens that probes are trained and scored on, by their splits; ``tokens``: those whose gradients are
    measured. Columns: layer, depth, weight, span_ms, ci_low_ms, ci_high_ms, null_span_ms, f1, f1_low, f1_high,
    chance_f1, above_chance_low, n_tokens, n_test, n_seeds. Notebook: notebooks/04_random_weights
    """
    measured, predicted, how = [], [], {"target": settings.target, "wrt": settings.wrt}
    for permutation in settings.seeds:
        other = randomised.permuted(encoder, randomised.parts(encoder), seed=permutation)
        fitted, answers = _probe(other, corpus, probed, regularisation_c=settings.regularisation_c)
        predicted.append(answers)
        energy = gradient_energy.measure(
            other, fitted, corpus, tokens, edges_ms, power_window_ms=settings.power_window_ms, **how
        )
        measured.append(energy)
    scores = _scores(predicted, probed.iloc[splits.train_test(probed)[1]], **settings.resampling)
    rows = _spans(measured, settings.seeds, edges_ms, **settings.resampling).merge(scores, on="layer")
    depth = dict(zip(encoder.layers, relative_depth(encoder.layers), strict=True))
    return rows.assign(depth=rows["layer"].map(depth), n_seeds=len(settings.seeds))


def beside_segments(
    encoder: Encoder,
    corpus: Corpus,
    tokens: pd.DataFrame,
    edges_ms: np.ndarray,
    settings: Settings,
    *,
    layers: Sequence[str],
    weight: gradient_energy.Weight,
) -> pd.DataFrame:
    """:func:`spans_of_random` of someone's own segments, for ``measure_span``: ``random_span_ms`` and its bounds
    ``random_low_ms``, ``random_high_ms`` by layer.

    nan without seeds, and where the segments are too few to train a probe on some of them.
    """
    names = {"span_ms": "random_span_ms", "ci_low_ms": "random_low_ms", "ci_high_ms": "random_high_ms"}
    probed = _with_training(corpus, seed=settings.seed) if len(settings.seeds) else None
    if probed is None:
        return pd.DataFrame({"layer": list(layers)} | dict.fromkeys(names.values(), np.nan))
    rows = spans_of_random(encoder, corpus, probed, tokens, edges_ms, settings)
    return rows[rows["weight"] == weight].rename(columns=names)[["layer", *names.values()]]


def _with_training(corpus: Corpus, *, seed: int) -> pd.DataFrame | None:
    """The tokens with a split that has two classes or more to train on: their own one, or, where all are scored by
    given probes, another; None where there is none.
    """
    tokens = corpus.tokens
    if (tokens["split"] == "test").all():
        try:
            tokens = segments.split(corpus, None, probes_given=False, seed=seed).tokens
        except TonespanError:
            return None
    return tokens if tokens.loc[tokens["split"] != "test", "tone"].nunique() > 1 else None


def _probe(
    encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame, *, regularisation_c: float
) -> tuple[dict[str, LinearClassifier], dict[str, np.ndarray]]:
    """A probe per layer, and what each predicts for the test tokens."""
    train, test = splits.train_test(tokens)
    vectors, tone = probes.hidden_vectors(encoder, corpus, tokens), tokens["tone"].to_numpy(dtype=str)
    fitted = {
        layer: classifier.fit(vectors[layer][train], tone[train], regularisation_c=regularisation_c)
        for layer in encoder.layers
    }
    return fitted, {layer: probe.predict(vectors[layer][test]) for layer, probe in fitted.items()}


def _scores(
    predicted: Sequence[Mapping[str, np.ndarray]], test: pd.DataFrame, *, n_resamples: int, level: float, seed: int
) -> pd.DataFrame:
    """F1 of each layer over all permutations."""
    tone, utterances = (np.tile(test[name].to_numpy(dtype=str), len(predicted)) for name in ("tone", "utterance_id"))
    rows = []
    for layer in predicted[0]:
        answers = np.concatenate([of_seed[layer] for of_seed in predicted])
        score = probes.score_answers(tone, answers, utterances, n_resamples=n_resamples, level=level, seed=seed)
        rows.append({
            "layer": layer, "f1": score.macro_f1, "f1_low": score.ci_low, "f1_high": score.ci_high,
            "chance_f1": score.chance_f1, "above_chance_low": score.above_chance_low, "n_test": len(test),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _spans(
    measured: Sequence[Measured], seeds: Sequence[int], edges_ms: np.ndarray, *, n_resamples: int, level: float,
    seed: int,
) -> pd.DataFrame:  # fmt: skip
    """The span of each layer and weight over all permutations."""
    permutation = np.repeat(seeds, [len(of_seed.null) for of_seed in measured])
    resampling = {"seeds": permutation, "n_resamples": n_resamples, "level": level, "seed": seed}
    rows = []
    for layer in measured[0].energy:
        for weight in gradient_energy.WEIGHTS:
            of_weight = [of_seed.weighted_by(weight) for of_seed in measured]
            energy, null, utterances = (
                np.concatenate(arrays)
                for arrays in zip(*((m.energy[layer], m.null, m.utterances) for m in of_weight), strict=True)
            )
            span = pooling.pooled_span(energy, null, utterances, edges_ms, **resampling)
            rows.append({"layer": layer, "weight": weight} | pooling.as_row(span))
    columns = ["layer", "weight", "span_ms", "ci_low_ms", "ci_high_ms", "null_span_ms", "n_tokens"]
    return pd.DataFrame(rows)[columns]
