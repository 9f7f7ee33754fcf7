"""How well a fine-tuned model does its task: one number, its interval and its null, on test utterances.

- ``cer``: character edits over reference characters, pooled (jiwer's Levenshtein counts). Errors of tone are counted
  apart (:mod:`.tone_errors`).
- ``accuracy``, ``macro_f1``: over utterances (for tone: over tokens).
- ``eer``: equal error rate over all pairs of utterances, by cosine in the space that tells training speakers apart.

Intervals: percentile bootstrap over utterances. Null: the same predictions against shuffled references; the mean over
shuffles. Rates lie between 0 and 1 (``cer`` may exceed 1).

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics import bootstrap, classifier

N_RESAMPLES = 300  # each is cheap, and the interval's ends need no more
N_SHUFFLES = 20


@dataclass(frozen=True)
class Score:
    """A metric with its percentile interval and its null."""

    metric: str
    value: float
    ci_low: float
    ci_high: float
    null: float

    def rows(self) -> list[dict[str, float | str]]:
        """Rows of the table ``finetune``: the value under the metric's name, the rest under suffixes."""
        named = {"": self.value, "_ci_low": self.ci_low, "_ci_high": self.ci_high, "_null": self.null}
        return [{"metric": self.metric + suffix, "value": value} for suffix, value in named.items()]


def character_error_rate(references: Sequence[str], hypotheses: Sequence[str], *, level: float, seed: int) -> Score:
    """CER of transcripts (utterance,). Raises TonespanError where no reference has a character."""
    lengths = np.array([len(text) for text in references], dtype=float)
    if lengths.sum() == 0:
        raise TonespanError("no test transcript has a character; check the text of the corpus")
    edits = _edits(references, hypotheses)

    def rate(draws: np.ndarray) -> np.ndarray:
        return (draws @ edits) / np.maximum(draws @ lengths, 1)

    rng = np.random.default_rng(seed)
    shuffled_edits = [_edits(rng.permutation(np.array(references, dtype=object)), hypotheses).sum() for _ in range(3)]
    null = float(np.mean(shuffled_edits) / lengths.sum())
    return score_of("cer", rate, len(lengths), n_scored=len(lengths), null=null, level=level, seed=seed)


def _edits(references: Sequence[str], hypotheses: Sequence[str]) -> np.ndarray:
    """Substitutions, deletions and insertions of each utterance (utterance,)."""
    counts = []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        if not reference:
            counts.append(len(hypothesis))
            continue
        alignment = jiwer.process_characters(reference, hypothesis)
        counts.append(alignment.substitutions + alignment.deletions + alignment.insertions)
    return np.array(counts, dtype=float)


def classification(
    metric: str, references: np.ndarray, predicted: np.ndarray, clusters: np.ndarray, *, level: float, seed: int
) -> Score:
    """``accuracy`` or ``macro_f1`` of class names (n,); whole clusters (n,) are resampled."""
    measure = {"accuracy": _accuracy, "macro_f1": classifier.macro_f1}[metric]
    counts = classifier.confusion_by_cluster(references, predicted, clusters)

    def of(draws: np.ndarray) -> np.ndarray:
        if metric == "macro_f1":
            return classifier.f1_resamples(counts, draws)
        return measure(np.tensordot(draws, counts, axes=1))

    rng, classes = np.random.default_rng(seed), np.unique(np.concatenate([references, predicted]))
    shuffled_scores = [
        measure(classifier.confusion(rng.permutation(references), predicted, classes)) for _ in range(N_SHUFFLES)
    ]
    null = float(np.mean(shuffled_scores))
    return score_of(metric, of, len(counts), n_scored=len(references), null=null, level=level, seed=seed)


def _accuracy(counts: np.ndarray) -> np.ndarray:
    return np.trace(counts, axis1=-2, axis2=-1) / np.maximum(counts.sum(axis=(-2, -1)), 1)


def discriminants(embeddings: np.ndarray, *, training: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Embeddings (clip, dimension) in the space where training speakers differ most: (clip, discriminant).

    Linear discriminant analysis of ``training`` (training clip, dimension) by ``speakers`` (training clip,): their mean
    goes to 0, their covariance within speakers to the identity, and one dimension fewer than there are speakers is
    left. No test clip takes part. Training speakers who do not vary give only their mean.
    """
    training, person = training.astype(float), pd.factorize(speakers)[0]
    means = np.stack([training[person == i].mean(axis=0) for i in range(person.max() + 1)])
    if np.allclose(training, means[person]):  # as with one clip of each
        return embeddings - training.mean(axis=0)
    return LinearDiscriminantAnalysis().fit(training, person).transform(embeddings)


def equal_error_rate(
    embeddings: np.ndarray, speakers: np.ndarray, utterances: np.ndarray, *, level: float, seed: int
) -> Score:
    """EER of cosine scores over all pairs of clips from two utterances: embeddings (clip, dimension), speakers and
    utterances (clip,); a clip is a whole utterance where none was cut.

    Resampling draws utterances; a pair from one utterance never counts. Raises TonespanError without pairs of both
    kinds.
    """
    need_pairs(speakers, utterances)
    cluster, names = pd.factorize(utterances)
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    first, second = np.triu_indices(len(unit), k=1)
    apart = cluster[first] != cluster[second]
    first, second = first[apart], second[apart]
    cosine = (unit @ unit.T)[first, second]
    order = np.argsort(cosine, kind="stable")
    first, second, ends = first[order], second[order], _ends(cosine[order])

    def of(draws: np.ndarray) -> np.ndarray:
        same, left, right = speakers[first] == speakers[second], cluster[first], cluster[second]
        return np.array([_eer(same, draw[left] * draw[right], ends) for draw in draws])

    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(speakers) for _ in range(N_SHUFFLES)]
    null = np.nanmean([_eer(permuted[first] == permuted[second], np.ones(first.size), ends) for permuted in shuffled])
    return score_of("eer", of, len(names), n_scored=len(names), null=float(null), level=level, seed=seed)


def need_pairs(speakers: np.ndarray, utterances: np.ndarray) -> None:
    """Raise TonespanError unless there are pairs of utterances of one speaker and of two."""
    n_speakers = len(set(speakers))
    if n_speakers < 2 or len(set(zip(speakers, utterances, strict=True))) == n_speakers:
        raise TonespanError("speaker verification needs two or more test speakers with two or more utterances each")


def _ends(rising: np.ndarray) -> np.ndarray:
    """Where each run of equal scores ends: no threshold lies within one."""
    return np.flatnonzero(np.append(rising[1:] > rising[:-1], True))


def _eer(same: np.ndarray, weights: np.ndarray, ends: np.ndarray) -> float:
    """Where misses equal false alarms, of pairs in rising order of score; nan without pairs of both kinds."""
    misses, rejections = np.cumsum(weights * same)[ends], np.cumsum(weights * ~same)[ends]
    if misses[-1] == 0 or rejections[-1] == 0:
        return np.nan
    miss, alarm = misses / misses[-1], 1 - rejections / rejections[-1]
    at = int(np.argmin(np.abs(miss - alarm)))
    return float((miss[at] + alarm[at]) / 2)


def score_of(
    metric: str,
    of: Callable[[np.ndarray], np.ndarray],
    n_clusters: int,
    *,
    n_scored: int,
    null: float,
    level: float,
    seed: int,
) -> Score:
    """The score of a metric ``of`` weights of the clusters (draw, cluster) -> (draw,), with its percentile interval."""
    value = float(of(np.ones((1, n_clusters)))[0])
    resampled = of(bootstrap.resample_clusters(n_clusters, n_resamples=N_RESAMPLES, seed=seed))
    low, high = bootstrap.percentile_interval(resampled, level=level, n_tokens=n_scored, n_clusters=n_clusters)
    return Score(metric, value, low, high, null)
