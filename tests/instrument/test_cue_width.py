"""A planted cue whose width has to come back, knees by hand, and sweeps against scikit-learn."""

import numpy as np
import pytest
from conftest import make_tokens
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tonespan_utils.instrument import cue_width, front_ends
from tonespan_utils.statistics import classifier, splits

SETTINGS = {"hop_ms": 10.0, "analysis_window_ms": 25.0, "n_bands": 80, "n_mfcc": 13}


@pytest.mark.parametrize(("rise", "fall", "knee"), [(0.004, -0.001, 130), (0.01, 0.001, 60), (0.003, 0.0, 217)])
def test_the_knee_of_two_lines_is_where_they_meet(rise, fall, knee):
    windows = np.arange(20.0, 301, 20)
    f1 = 0.5 + np.where(windows < knee, rise, fall) * (windows - knee)
    assert cue_width.knee_ms(windows, f1) == pytest.approx(knee)
    order = np.random.default_rng(0).permutation(windows.size)
    scaled = np.stack([f1, 0.3 * f1 + 0.1], axis=1)[order]
    assert cue_width.knee_ms(windows[order], scaled) == pytest.approx([knee, knee])


def test_the_knee_is_that_of_a_general_optimiser():
    from scipy.optimize import minimize_scalar

    windows = np.arange(20.0, 301, 20)
    f1 = 0.6 - 0.4 * np.exp(-windows / 60) - 0.0005 * windows + np.random.default_rng(1).normal(0, 0.005, windows.size)

    def misfit(knee):
        lines = np.stack([np.ones_like(windows), np.clip(windows - knee, None, 0), np.clip(windows - knee, 0, None)], 1)
        return np.linalg.lstsq(lines, f1, rcond=None)[1][0]

    grid = min(np.arange(40, 281, 5), key=misfit)
    best = minimize_scalar(misfit, bounds=(grid - 6, grid + 6), method="bounded").x
    assert cue_width.knee_ms(windows, f1) == pytest.approx(best, abs=1)


def test_a_curve_that_bends_nowhere_has_its_knee_at_the_first_window():
    windows = np.arange(20.0, 121, 20)
    assert cue_width.knee_ms(windows, 0.5 - 0.001 * windows) == 20  # only falls
    assert cue_width.knee_ms(windows, np.square(windows) / 1e5) == 20  # rises faster and faster
    with pytest.raises(ValueError, match="four windows; there are 3"):
        cue_width.knee_ms(windows[:3], np.zeros(3))


def test_sweep_equals_one_scikit_learn_fit_per_window_and_fold():
    tokens = make_tokens(n_utterances=60, n_speakers=8)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(len(tokens), 6, 5)).cumsum(axis=1).astype(np.float32)
    features[:, 2:4] += (tokens["tone"] == "rise").to_numpy()[:, None, None]
    windows_ms = [60, 20, 40]  # in no order
    swept = cue_width.sweep(features, tokens, windows_ms=windows_ms, hop_ms=10, regularisation_c=0.1, n_folds=3, seed=0)
    same = []
    for window_ms, predicted in zip(windows_ms, swept.predicted, strict=True):
        middle = features[:, 3 - window_ms // 20 : 3 + window_ms // 20].reshape(len(tokens), -1).astype(float)
        for train, test in splits.folds(tokens, n_folds=3, seed=0):
            plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-8, max_iter=1000))
            same.append(plain.fit(middle[train], swept.tone[train]).predict(middle[test]) == predicted[test])
    assert np.concatenate(same).mean() > 0.99
    with pytest.raises(ValueError, match="wider than the 60"):
        cue_width.sweep(features, tokens, windows_ms=[80], hop_ms=10, regularisation_c=0.1, n_folds=3, seed=0)


def test_a_planted_cue_comes_back(glide_corpus):
    windows = [20, 40, 60, 80, 100, 120, 140, 160, 200, 240, 300]
    features = front_ends.token_features(
        glide_corpus, glide_corpus.tokens, frontend="logmel", max_window_ms=300, **SETTINGS
    )
    swept = cue_width.sweep(
        features, glide_corpus.tokens, windows_ms=windows, hop_ms=10, regularisation_c=0.01, n_folds=4, seed=0
    )
    span = cue_width.optimal_span(swept, analysis_window_ms=25, n_resamples=200, level=0.95, seed=0)
    # rise and fall cross at a middle that says nothing: one frame cannot tell them, 120 ms can
    assert span.peak_f1 > 0.8 and span.chance_f1 == pytest.approx(0.5, abs=0.1)
    assert span.span_low_ms <= span.span_ms <= span.span_high_ms
    assert span.span_low_ms <= 120 <= span.span_high_ms and span.span_ms == pytest.approx(120, abs=30)
    assert span.saturation_ms <= span.peak_ms <= 160
    assert span.span_ms == pytest.approx(span.knee_ms - 12.5)
    by_window = swept.fold_f1().groupby("window_ms")["macro_f1"].mean()
    assert by_window[20] < by_window[span.peak_ms] - 0.2


def test_sweep_predictions_are_held_out_and_tables_agree(glide_corpus):
    features = front_ends.token_features(
        glide_corpus, glide_corpus.tokens, frontend="mfcc", max_window_ms=80, **SETTINGS
    )
    swept = cue_width.sweep(
        features, glide_corpus.tokens, windows_ms=[20, 80], hop_ms=10, regularisation_c=0.01, n_folds=4, seed=0
    )
    table = swept.fold_f1()
    assert len(table) == 2 * 4 and set(table["fold"]) == {0, 1, 2, 3}
    here = swept.fold == 2
    expected = classifier.macro_f1(
        classifier.confusion(swept.tone[here], swept.predicted[1, here], np.unique(swept.tone))
    )
    assert table.query("window_ms == 80 and fold == 2")["macro_f1"].item() == pytest.approx(expected)


def test_shuffled_tones_stay_at_chance(glide_corpus):
    tokens = glide_corpus.tokens.assign(tone=np.random.default_rng(0).permutation(glide_corpus.tokens["tone"]))
    features = front_ends.token_features(glide_corpus, tokens, frontend="logmel", max_window_ms=120, **SETTINGS)
    swept = cue_width.sweep(features, tokens, windows_ms=[40, 120], hop_ms=10, regularisation_c=0.01, n_folds=4, seed=0)
    assert abs(swept.fold_f1()["macro_f1"].mean() - 0.5) < 0.2


def test_segments_know_only_a_tone_that_sounds_predict():
    rng = np.random.default_rng(0)
    tokens = make_tokens(n_utterances=120)
    tokens["ipa"] = np.char.add(rng.choice(list("ptk"), len(tokens)), rng.choice(list("aiu"), len(tokens)))
    settings = {"regularisation_c": 1.0, "n_folds": 4, "seed": 0}
    features = cue_width.segment_features(tokens)
    assert features.shape == (len(tokens), 9 + 6) and (features.sum(axis=1) == 3).all()
    predicted = cue_width.held_out(features, tokens, **settings)
    assert np.mean(predicted == tokens["tone"]) == pytest.approx(0.5, abs=0.1)
    checked = tokens.assign(tone=np.where(tokens["ipa"].str.startswith("p"), "fall", "rise"))
    assert (cue_width.held_out(features, checked, **settings) == checked["tone"]).all()


def test_the_majority_is_that_of_the_other_folds():
    tokens = make_tokens(n_utterances=40).assign(tone="rise")
    tokens.loc[tokens["speaker"] == "s0", "tone"] = "fall"
    assert set(cue_width.majority(tokens, n_folds=8, seed=0)) == {"rise"}
