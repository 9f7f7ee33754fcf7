"""The one classifier of the study: multinomial logistic regression on standardised features, as a plain linear map.

The baseline and the probes differ only in the features they hand over. Score: macro-averaged F1 over the tone classes
of the reference; a class never predicted scores 0.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from tonespan_utils.errors import TonespanError

MAX_ITERATIONS = 300
TOLERANCE = 1e-3  # on the gradient of the mean loss; tighter changes macro-F1 by less than 0.001


@dataclass(frozen=True)
class LinearClassifier:
    """``logits = x @ weight.T + bias`` on raw features; ``weight`` (class, feature), ``bias`` (class,)."""

    classes: tuple[str, ...]
    weight: np.ndarray
    bias: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(n, feature) -> (n, class)."""
        return features @ self.weight.T + self.bias

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Class names (n,)."""
        return np.asarray(self.classes)[self.logits(features).argmax(axis=1)]


def fit(features: np.ndarray, labels: np.ndarray, *, regularisation_c: float) -> LinearClassifier:
    """Fit on ``features`` (n, feature) and class names ``labels`` (n,); the standardisation is folded into the map.

    Raises TonespanError for fewer than two classes or features that are not finite.
    """
    classes = np.unique(labels)
    if classes.size < 2:
        raise TonespanError(f"a classifier needs two or more tone classes; the training tokens have {list(classes)}")
    if not np.isfinite(features).all():
        raise TonespanError("features hold NaN or infinite values")
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1)  # a constant feature says nothing; leave it at 0 after centring
    model = LogisticRegression(C=regularisation_c, max_iter=MAX_ITERATIONS, tol=TOLERANCE)
    # In the precision of the features: single halves the time and moves macro-F1 by less than the tolerance does.
    model.fit(((features - mean) / scale).astype(features.dtype), labels)
    weight, bias = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    if classes.size == 2:  # scikit-learn keeps one row for two classes; split it evenly
        weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / scale
    return LinearClassifier(tuple(map(str, classes)), weight, bias - weight @ mean)


def confusion(reference: np.ndarray, predicted: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Counts (class, class), reference by predicted."""
    index = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, ([index[r] for r in reference], [index[p] for p in predicted]), 1)
    return counts


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Macro-F1 of confusion counts (..., reference, predicted), over the classes that the reference holds."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    reference, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    total = reference + predicted
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits, dtype=float), where=total > 0)
    present = reference > 0
    return (f1 * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)


def confusion_by_cluster(reference: np.ndarray, predicted: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """One confusion matrix per cluster (utterance): (cluster, class, class); resampling clusters is then a sum."""
    classes = np.unique(np.concatenate([reference, predicted]))
    names, cluster = np.unique(clusters, return_inverse=True)
    counts = np.zeros((names.size, classes.size, classes.size))
    np.add.at(counts, (cluster, np.searchsorted(classes, reference), np.searchsorted(classes, predicted)), 1)
    return counts


def f1_resamples(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Macro-F1 of each resample (resample,) from ``counts`` (cluster, class, class) and ``draws`` (resample,
    cluster).
    """
    return macro_f1(np.tensordot(draws, counts, axes=1))


def chance_f1(reference: np.ndarray, predicted: np.ndarray, *, n_shuffles: int, seed: int) -> float:
    """Macro-F1 when the same predictions are dealt to the tokens at random: mean over shuffles."""
    rng = np.random.default_rng(seed)
    classes = np.unique(np.concatenate([reference, predicted]))
    shuffled = (confusion(reference, rng.permutation(predicted), classes) for _ in range(n_shuffles))
    return float(np.mean([macro_f1(counts) for counts in shuffled]))
