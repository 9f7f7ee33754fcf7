"""The classifier against scikit-learn's own pipeline; F1 by hand; the bootstrap against resampled predictions."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics import bootstrap, classifier


def blobs(n_classes, n=300, n_features=12, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    features = rng.normal(size=(n, n_features)) * rng.uniform(0.1, 9, n_features) + 5
    features[:, :n_classes] += 2.0 * np.eye(n_classes)[labels] * features.std(axis=0)[:n_classes]
    return features, np.array([f"t{label}" for label in labels])


@pytest.mark.parametrize("regularisation_c", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_correlated_features_more_of_them_than_tokens(dtype, regularisation_c):
    """What speech is: features that barely differ, and a cue in how they do. Where plain L-BFGS takes long."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=180)
    features = rng.normal(size=(180, 1)) + 0.1 * rng.normal(size=(180, 400)).cumsum(axis=1)
    features[:, 50:60] += 0.1 * labels[:, None]
    features, names = features.astype(dtype), np.array(["a", "b", "c"])[labels]
    ours = classifier.fit(features[:120], names[:120], regularisation_c=regularisation_c)
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=regularisation_c, tol=1e-8, max_iter=20_000))
    plain.fit(features[:120].astype(float), names[:120])
    theirs = plain.decision_function(features[120:].astype(float))
    logits = ours.logits(features[120:])
    difference = (logits - logits.mean(axis=1, keepdims=True)) - (theirs - theirs.mean(axis=1, keepdims=True))
    assert np.abs(difference).max() < 0.02 * np.abs(theirs).max()
    assert (ours.predict(features[120:]) == plain.predict(features[120:].astype(float))).mean() >= 0.98


def test_nested_windows_and_label_sets_share_one_whitening():
    features, labels = blobs(4)
    whitened = classifier.whiten(features, regularisation_c=0.1)
    for width, model in zip([3, 8, 12], whitened.fit_nested(labels, [3, 8, 12]), strict=True):
        alone = classifier.fit(features[:, :width], labels, regularisation_c=0.1)
        assert model.weight.shape == (4, width)
        assert np.allclose(model.logits(features[:, :width]), alone.logits(features[:, :width]), atol=0.02)
    other = np.random.default_rng(1).permutation(labels)
    alone = classifier.fit(features, other, regularisation_c=0.1)
    assert np.allclose(whitened.fit(other).logits(features), alone.logits(features), atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_same_answer_as_scikit_learn(n_classes):
    features, labels = blobs(n_classes)
    ours = classifier.fit(features[:200], labels[:200], regularisation_c=0.1)
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-8, max_iter=5000)).fit(
        features[:200], labels[:200]
    )
    centred = ours.logits(features) - ours.logits(features).mean(axis=1, keepdims=True)
    theirs = plain.decision_function(features)
    theirs = np.stack([-theirs, theirs], axis=1) / 2 if n_classes == 2 else theirs
    assert np.allclose(centred, theirs - theirs.mean(axis=1, keepdims=True), atol=0.02)
    assert (ours.predict(features[200:]) == plain.predict(features[200:])).mean() > 0.99


def test_constant_features_are_harmless():
    features, labels = blobs(3)
    with_constant = np.column_stack([features, np.full(len(features), 7.0)])
    assert np.isfinite(classifier.fit(with_constant, labels, regularisation_c=1.0).weight).all()


def test_one_class_and_nan_are_refused():
    features, labels = blobs(2)
    with pytest.raises(TonespanError, match="two or more tone classes"):
        classifier.fit(features, np.full(len(features), "M"), regularisation_c=1.0)
    features[3, 2] = np.nan
    with pytest.raises(TonespanError, match="NaN"):
        classifier.fit(features, labels, regularisation_c=1.0)


def test_macro_f1_by_hand_and_against_scikit_learn():
    reference, predicted = np.array(list("aaabbc")), np.array(list("aabbbb"))
    counts = classifier.confusion(reference, predicted, np.array(list("abc")))
    # a: 2*2/(3+2) = 0.8; b: 2*2/(2+4) = 2/3; c: 0
    assert classifier.macro_f1(counts) == pytest.approx((0.8 + 2 / 3 + 0) / 3)
    assert classifier.macro_f1(counts) == pytest.approx(
        f1_score(reference, predicted, average="macro", zero_division=0)
    )


def test_resampled_f1_equals_scoring_the_resampled_tokens():
    rng = np.random.default_rng(0)
    reference, predicted = rng.choice(list("abc"), 90), rng.choice(list("abc"), 90)
    clusters = np.repeat(np.arange(30), 3)
    counts = classifier.confusion_by_cluster(reference, predicted, clusters)
    draws = bootstrap.resample_clusters(30, n_resamples=5, seed=1)
    assert (draws.sum(axis=1) == 30).all()
    for draw, f1 in zip(draws, classifier.f1_resamples(counts, draws), strict=True):
        rows = np.concatenate([np.flatnonzero(clusters == c) for c in range(30) for _ in range(int(draw[c]))])
        assert f1 == pytest.approx(f1_score(reference[rows], predicted[rows], average="macro", zero_division=0))


def test_shuffled_f1_scores_permuted_predictions_and_chance_is_their_mean():
    rng = np.random.default_rng(3)
    reference, predicted = rng.choice(list("abc"), 60), rng.choice(list("abc"), 60)
    same = np.random.default_rng(5)
    shuffles = [same.permutation(predicted) for _ in range(4)]
    expected = [f1_score(reference, p, average="macro", zero_division=0) for p in shuffles]
    assert classifier.shuffled_f1(reference, predicted, n_shuffles=4, seed=5) == pytest.approx(expected)
    many = classifier.shuffled_f1(reference, predicted, n_shuffles=4000, seed=5).mean()
    assert chance(reference, predicted) == pytest.approx(many, abs=0.003)


def chance(reference, predicted):
    classes = np.unique(np.concatenate([reference, predicted]))
    return classifier.chance_f1(classifier.confusion(reference, predicted, classes))


def test_chance_is_one_over_k_for_even_classes():
    rng = np.random.default_rng(0)
    reference = rng.choice(list("abcde"), 5000)
    assert chance(reference, rng.choice(list("abcde"), 5000)) == pytest.approx(0.2, abs=0.01)
