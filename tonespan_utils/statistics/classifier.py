"""The classifier of the study: multinomial logistic regression on standardised features, as a plain linear map.

The baseline and the probes use it on different features. Score: macro-averaged F1 over the tone classes
of the reference; a class never predicted scores 0.

The solution is that of scikit-learn's ``StandardScaler`` and ``LogisticRegression``, computed in another way. Speech
features are so correlated that plain L-BFGS needs hundreds of passes over them, or stops early and misses weak cues.
Here they are whitened first. With X (n, feature) standardised, ridge r = 1 / (C n) and Cholesky factor L of

    L L' = a X'X / n + r I,        V = X L^-T,        U = L' W,

the penalty r |W|^2 equals |U|^2 - a |V U|^2 / n: the same problem in U, whose curvature is about even in all
directions, so that some twenty passes are enough. The constant a moves only their number. L is triangular: the first k
columns of V are the whitened first k features, so nested windows share one L and one V; so do several label sets on the
same features.

Resamples keep the classes of the data: see :func:`macro_f1`.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from tonespan_utils.errors import TonespanError

MAX_ITERATIONS = 500
TOLERANCE = 1e-4  # on the gradient of the mean loss over U: macro-F1 is then within 0.001 of the converged one
CURVATURE = 0.1  # the constant a: about p (1 - p) of a tone probability
SINGLE_RIDGE = 1e-3  # a smaller ridge drowns in the rounding of a single precision X'X


@dataclass(frozen=True)
class LinearClassifier:
    """A linear map of raw features (n, feature): ``weight`` (class, feature), ``bias`` (class,), names of classes."""

    classes: tuple[str, ...]
    weight: np.ndarray
    bias: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """The logits of every class: (n, feature) -> (n, class)."""
        return features @ self.weight.T + self.bias

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class with the highest logit: (n, feature) -> names (n,)."""
        return np.asarray(self.classes)[self.logits(features).argmax(axis=1)]


@dataclass(frozen=True, eq=False)
class Whitened:
    """Whitened training features, to be fitted to any labels.

    ``values`` is V (n, feature), ``root`` is L (feature, feature); ``mean`` and ``scale`` (feature,) standardise.
    """

    values: np.ndarray
    root: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    def fit(self, labels: np.ndarray, n_features: int | None = None) -> LinearClassifier:
        """The classifier of class names ``labels`` (n,) on the first ``n_features`` features (all by default).

        Raises TonespanError for fewer than two classes.
        """
        return self.fit_nested(labels, [n_features or self.values.shape[1]])[0]

    def fit_nested(self, labels: np.ndarray, widths: Sequence[int]) -> list[LinearClassifier]:
        """Classifiers on the first ``widths`` features, ascending; each starts from the solution of the one before."""
        classes, codes = np.unique(labels, return_inverse=True)
        if classes.size < 2:
            raise TonespanError(
                f"a classifier needs two or more tone classes; the training tokens have {list(classes)}"
            )
        # Two classes have one logit, as in scikit-learn, split evenly between them.
        contrast = np.array([[-0.5, 0.5]]) if classes.size == 2 else np.eye(classes.size)
        solution, models = np.zeros((1, len(contrast))), []
        for width in widths:
            start = np.zeros((1 + width, len(contrast)))
            start[: len(solution)] = solution
            solution = _minimise(self.values[:, :width], np.eye(classes.size)[codes], contrast, start)
            models.append(self._unwhitened(classes, solution @ contrast))
        return models

    def _unwhitened(self, classes: np.ndarray, solution: np.ndarray) -> LinearClassifier:
        width = len(solution) - 1
        root = self.root[:width, :width]
        standardised = solve_triangular(root, solution[1:], trans="T", lower=True, check_finite=False)
        weight = standardised.T.astype(np.float64) / self.scale[:width]
        bias = solution[0] / np.sqrt(CURVATURE) - weight @ self.mean[:width]
        return LinearClassifier(tuple(map(str, classes)), weight, bias)


def whiten(features: np.ndarray, *, regularisation_c: float) -> Whitened:
    """Whitened training ``features`` (n, feature), for a regularisation of scikit-learn's ``C``.

    Raises TonespanError for features that are not finite.
    """
    if not np.isfinite(features).all():
        raise TonespanError("features hold NaN or infinite values")
    n, n_features = features.shape
    ridge = 1 / (regularisation_c * n)
    dtype = np.float32 if features.dtype == np.float32 and ridge >= SINGLE_RIDGE else np.float64
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean.astype(dtype)
    scale = np.sqrt(np.mean(np.square(centred), axis=0, dtype=np.float64))
    scale = np.where(scale > 0, scale, 1)  # a constant feature says nothing; leave it at 0 after centring
    centred /= scale.astype(dtype)
    gram = centred.T @ centred
    gram *= CURVATURE / n
    gram[np.diag_indices(n_features)] += ridge
    root = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    values = solve_triangular(root, centred.T, lower=True, overwrite_b=True, check_finite=False).T
    return Whitened(values, root, mean, scale)


def _minimise(values: np.ndarray, truth: np.ndarray, contrast: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The minimum over U (1 + feature, logit) from ``start``, its first row the intercept; ``truth`` (n, class)."""
    n = len(values)
    truth, contrast = truth.astype(values.dtype), contrast.astype(values.dtype)

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        u = flat.reshape(start.shape)
        scores = values @ u[1:].astype(values.dtype)  # V U
        logits = (scores + (u[0] / np.sqrt(CURVATURE)).astype(values.dtype)) @ contrast
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        total = odds.sum(axis=1, keepdims=True)
        loss = (np.log(total).sum(dtype=np.float64) - (logits * truth).sum(dtype=np.float64)) / n
        penalty = (np.square(u[1:]).sum() - CURVATURE * np.square(scores).sum(dtype=np.float64) / n) / 2
        error = (odds / total - truth) @ contrast.T
        gradient = np.empty_like(u)
        gradient[0] = error.sum(axis=0, dtype=np.float64) / (n * np.sqrt(CURVATURE))
        gradient[1:] = (((error - CURVATURE * scores) / n).T @ values).T + u[1:]
        return float(loss + penalty), gradient.ravel()

    options = {"maxiter": MAX_ITERATIONS, "gtol": TOLERANCE, "ftol": 0.0}
    return minimize(loss_and_gradient, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(
        start.shape
    )


def fit(features: np.ndarray, labels: np.ndarray, *, regularisation_c: float) -> LinearClassifier:
    """Fit on ``features`` (n, feature) and class names ``labels`` (n,); the standardisation is folded into the map.

    Raises TonespanError for fewer than two classes or features that are not finite.
    """
    return whiten(features, regularisation_c=regularisation_c).fit(labels)


def confusion(reference: np.ndarray, predicted: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The confusion matrix: counts (class, class), reference by predicted, of names (n,) and (n,)."""
    index = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, ([index[r] for r in reference], [index[p] for p in predicted]), 1)
    return counts


def macro_f1(counts: np.ndarray, whole: np.ndarray | None = None) -> np.ndarray:
    """Macro-F1 of confusion counts (..., reference, predicted), over the classes that occur in the reference.

    Where ``counts`` are resamples, ``whole`` is the counts of all the data, (class, class) or as far as it
    broadcasts: the mean is then over the classes of ``whole`` in every resample, and a class of which a resample has no
    token keeps the F1 it has in ``whole``. If such a class were left out, a rare and badly predicted class would raise
    the macro-F1 of just those resamples that lack it; if it counted as 0, a well predicted class would lower it.
    """
    f1, present = _class_f1(counts)
    if whole is not None:
        f1_of_whole, in_whole = _class_f1(whole)
        f1, present = np.where(present, f1, f1_of_whole), np.broadcast_to(in_whole, f1.shape)
    return (f1 * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)


def _class_f1(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1 of each class and whether it occurs in the reference: both (..., class)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    reference, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    total = reference + predicted
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits, dtype=float), where=total > 0)
    return f1, reference > 0


def f1_of_tokens(counts: np.ndarray) -> np.ndarray:
    """What a token of each cell of ``counts`` (reference, predicted) adds to macro-F1: values (reference, predicted)
    whose mean over the tokens is the macro-F1, and whose spread is that of its linear approximation.

    Macro-F1 plus n times its derivative by the count of the cell (the influence function; Hampel 1974): with it,
    macro-F1 is analysed as a mean over tokens is.
    """
    n, hits = counts.sum(), np.diag(counts)
    total = counts.sum(axis=1) + counts.sum(axis=0)
    present = counts.sum(axis=1) > 0
    per_hit = np.divide(2.0, total, out=np.zeros(len(counts)), where=present)
    per_member = -hits * per_hit**2 / 2
    slope = np.diag(per_hit) + per_member[:, None] + per_member[None, :]
    return macro_f1(counts) + n * slope / max(present.sum(), 1)


def chance_f1(counts: np.ndarray, whole: np.ndarray | None = None) -> np.ndarray:
    """Chance, the macro-F1 expected of the same predictions shuffled over the tokens: (..., class, class) -> (...).

    Exact: shuffling keeps the margins, and F1 is linear in the hits once these are fixed. ``whole``: as in
    :func:`macro_f1`.
    """
    return macro_f1(_shuffled_counts(counts), None if whole is None else _shuffled_counts(whole))


def _shuffled_counts(counts: np.ndarray) -> np.ndarray:
    """The counts expected of the same predictions shuffled: reference times predicted over their number."""
    reference, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    total = np.maximum(reference.sum(axis=-1), 1)[..., None, None]
    return reference[..., :, None] * predicted[..., None, :] / total


def confusion_by_cluster(reference: np.ndarray, predicted: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """One confusion matrix per cluster (utterance): (cluster, class, class). A resample of clusters is then a sum."""
    classes = np.unique(np.concatenate([reference, predicted]))
    names, cluster = np.unique(clusters, return_inverse=True)
    counts = np.zeros((names.size, classes.size, classes.size))
    np.add.at(counts, (cluster, np.searchsorted(classes, reference), np.searchsorted(classes, predicted)), 1)
    return counts


def f1_resamples(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Macro-F1 of each resample (resample,) from ``counts`` (cluster, class, class) and ``draws`` (resample,
    cluster), over the classes of all clusters: see :func:`macro_f1`.
    """
    return macro_f1(np.tensordot(draws, counts, axes=1), counts.sum(axis=0))


def chance_resamples(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """:func:`chance_f1` of each resample (resample,); arguments as in :func:`f1_resamples`."""
    return chance_f1(np.tensordot(draws, counts, axes=1), counts.sum(axis=0))


def shuffled_f1(reference: np.ndarray, predicted: np.ndarray, *, n_shuffles: int, seed: int) -> np.ndarray:
    """Macro-F1 (shuffle,) of the same predictions shuffled over the tokens; equal seeds shuffle alike."""
    rng = np.random.default_rng(seed)
    classes, codes = np.unique(np.concatenate([reference, predicted]), return_inverse=True)
    rows, columns = codes[: len(reference)] * classes.size, codes[len(reference) :]
    cells = np.stack(
        [np.bincount(rows + rng.permutation(columns), minlength=classes.size**2) for _ in range(n_shuffles)]
    )
    return macro_f1(cells.reshape(-1, classes.size, classes.size))
