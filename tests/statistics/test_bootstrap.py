"""The one percentile interval and the one resampling, against plain loops and closed forms."""

import numpy as np
import pytest

from tonespan_utils.statistics.bootstrap import LEAST_TOKENS, percentile_interval, resample_clusters, resample_rows


def test_the_middle_of_the_draws():
    low, high = percentile_interval(np.arange(101.0), level=0.9)
    assert (low, high) == pytest.approx((5, 95))


def test_order_and_undefined_draws_change_nothing():
    draws = np.random.default_rng(0).normal(size=501)
    with_nan = np.concatenate([draws, np.full(100, np.nan)])
    np.random.default_rng(1).shuffle(with_nan)
    assert percentile_interval(with_nan, level=0.95) == percentile_interval(draws, level=0.95)


def test_mostly_undefined_draws_have_no_interval():
    draws = np.concatenate([np.zeros(49), np.full(51, np.nan)])
    assert np.isnan(percentile_interval(draws, level=0.9)).all()
    assert percentile_interval(draws[:-2], level=0.9) == (0, 0)
    assert np.isnan(percentile_interval([], level=0.9)).all()


def test_infinite_draws_are_the_largest():
    low, high = percentile_interval([1.0, 2.0, 3.0, np.inf], level=0.9)
    assert (low, high) == (1, np.inf)


def test_a_handful_of_tokens_or_one_cluster_has_no_interval():
    draws = np.arange(100.0)
    assert np.isnan(percentile_interval(draws, level=0.9, n_tokens=LEAST_TOKENS - 1)).all()
    assert np.isnan(percentile_interval(draws, level=0.9, n_clusters=1)).all()
    assert not np.isnan(percentile_interval(draws, level=0.9, n_tokens=LEAST_TOKENS, n_clusters=2)).any()


def test_the_interval_of_a_mean_covers_what_theory_says():
    values = np.random.default_rng(2).normal(size=400)
    weights = resample_clusters(400, n_resamples=4000, seed=3)
    low, high = percentile_interval(weights @ values / 400, level=0.95)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_a_row_counts_as_often_as_its_cluster_times_its_seed():
    clusters, seeds = np.array(["a", "a", "b", "c"]), np.array([0, 1, 0, 1])
    weights = resample_rows(clusters, seeds, n_resamples=50, seed=4)
    drawn, trained = resample_clusters(3, n_resamples=50, seed=4), resample_clusters(2, n_resamples=50, seed=5)
    for resample in range(50):
        expected = [
            drawn[resample, "abc".index(c)] * trained[resample, s] for c, s in zip(clusters, seeds, strict=True)
        ]
        assert weights[resample].tolist() == expected
