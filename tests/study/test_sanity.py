"""Checks of the checks: shuffled training labels, codes against a plain loop, correlations against scipy."""

import numpy as np
import pytest
from conftest import make_tokens
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics import splits
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import sanity

DRAWING = {"n_resamples": 200, "level": 0.95, "seed": 0}


def test_shuffling_changes_training_tones_alone():
    tokens = make_tokens(n_utterances=60)
    train, test = splits.train_test(tokens)
    shuffled = sanity.shuffled_training(tokens, seed=0)
    assert (shuffled["tone"].iloc[test] == tokens["tone"].iloc[test]).all()
    assert (shuffled["tone"].iloc[train] != tokens["tone"].iloc[train]).mean() > 0.3
    assert sorted(shuffled["tone"].iloc[train]) == sorted(tokens["tone"].iloc[train])


def coded(vectors, labels, groups, *, regularisation_c=0.1, seed=0):
    return sanity.online_codelength(vectors, labels, groups, regularisation_c=regularisation_c, seed=seed)


def test_the_code_is_that_of_a_plain_loop():
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c"], size=300)
    vectors = rng.normal(size=(300, 4)) + 2 * np.eye(4)[np.searchsorted(["a", "b", "c"], labels)]
    code = coded(vectors, labels, np.arange(300))
    assert sorted(code.order) == list(range(300)) and code.uniform == pytest.approx(np.log2(3))
    bits = np.full(300, np.log2(3))
    for start, end in ((3, 6), (6, 12), (12, 24), (24, 48), (48, 96), (96, 192), (192, 300)):
        sent, block = code.order[:start], code.order[start:end]
        classes = np.unique(labels[sent])
        if classes.size < 2:
            continue
        plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-8, max_iter=1000))
        chances = plain.fit(vectors[sent], labels[sent]).predict_proba(vectors[block])
        for row, (token, chance) in enumerate(zip(block, chances, strict=True)):
            share = chance[classes.tolist().index(labels[token])] if labels[token] in classes else 0.0
            bits[start + row] = -np.log2((start * share + 1) / (start + 3))
    assert code.bits == pytest.approx(bits, abs=0.02)
    assert code.compression == pytest.approx(np.log2(3) / bits.mean(), rel=0.01) and code.compression > 1.5


def test_noise_cannot_be_compressed_and_a_plain_cue_can():
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b"], size=800)
    noise = rng.normal(size=(800, 5))
    groups = np.arange(800) // 4
    assert coded(noise, labels, groups, regularisation_c=0.01).compression < 1.02
    cue = noise + 20 * (labels == "a")[:, None]
    assert coded(cue, labels, groups, regularisation_c=10.0).compression > 8
    with pytest.raises(TonespanError, match="two or more classes"):
        coded(noise, np.full(800, "a"), groups)


def test_groups_come_together_in_the_code():
    groups = np.repeat(np.random.default_rng(0).permutation(50), 4)
    labels = np.random.default_rng(1).choice(["a", "b"], size=200)
    order = coded(np.zeros((200, 1)), labels, groups).order
    runs = groups[order].reshape(50, 4)
    assert (runs == runs[:, :1]).all() and runs[:, 0].tolist() != sorted(runs[:, 0])


def test_a_class_met_late_can_still_be_sent():
    labels = np.array(["a", "b"] * 99 + ["c", "c"])
    assert np.isfinite(coded(np.random.default_rng(0).normal(size=(200, 2)), labels, np.arange(200)).bits).all()


def test_rank_correlation_is_scipys_and_its_interval_covers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = 0.5 * x + rng.normal(size=200)
    clusters = np.repeat(np.arange(50), 4)
    rho = sanity.rank_correlation(x, y, clusters, **DRAWING)
    assert rho.value == pytest.approx(spearmanr(x, y).statistic)
    assert rho.low < rho.value < rho.high and sanity.contains_zero(rho) == sanity.FAILED
    alone = sanity.rank_correlation(x, rng.permutation(y), clusters, **DRAWING)
    assert sanity.contains_zero(alone) == sanity.PASSED
    with_gap = sanity.rank_correlation(np.append(x, np.nan), np.append(y, 1.0), np.append(clusters, 99), **DRAWING)
    assert with_gap == rho
    assert np.isnan(sanity.rank_correlation(np.zeros(9), x[:9], clusters[:9], **DRAWING).value)


def test_a_mean_draws_utterances_and_seeds():
    values = np.repeat([1.0, 3.0, 5.0], 20)  # three draws that agree on nothing, of twenty utterances each
    clusters, seeds = np.tile(np.arange(20), 3), np.repeat([0, 1, 2], 20)
    alone = sanity.mean_interval(values, clusters, **DRAWING)
    both = sanity.mean_interval(values, clusters, seeds, **DRAWING)
    assert alone.value == both.value == 3 and both.low < 2 < alone.low and alone.high < 4 < both.high
    gap = sanity.mean_interval(np.append(values, np.nan), np.append(clusters, 99), np.append(seeds, 0), **DRAWING)
    assert gap == both and np.isnan(sanity.mean_interval([np.nan], [0], **DRAWING).value)


def test_verdicts_of_an_interval_against_its_null():
    low, around, high = Interval(1, 0.5, 1.5), Interval(2, 1.5, 2.5), Interval(3, 2.5, 3.5)
    letters = {sanity.at_most: "ppf", sanity.above: "fup", sanity.reaches: "fpp", sanity.apart: "pup"}
    names = {"p": sanity.PASSED, "f": sanity.FAILED, "u": sanity.UNDECIDED}
    for verdict, expected in letters.items():
        assert [verdict(interval, 2.0) for interval in (low, around, high)] == [names[letter] for letter in expected]
