"""Decisions at the edges of intervals, and how much data they take, against counted simulations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonespan_utils.statistics import decisions, estimates
from tonespan_utils.statistics.estimates import Estimate, Seeds, interval

NO_SEEDS = Seeds()


def estimate(value, *, sd, n=25):
    """A mean of ``n`` tokens, one an utterance, whose standard error is ``sd``."""
    errors = np.resize([1.0, -1.0], n - n % 2) if n % 2 == 0 else np.append(np.resize([1.0, -1.0], n - 1), 0.0)
    errors *= sd / np.sqrt(np.square(errors).sum() * n / (n - 1))
    return Estimate(value, pd.Series(errors, index=range(n)), {}, n, 0)


@pytest.mark.parametrize("value", [-3.0, -1.0, 0.0, 0.5, 2.0])
def test_p_values_and_intervals_say_the_same(value):
    measured = estimate(value, sd=0.7)
    at_95, at_90 = (interval(measured, NO_SEEDS, level=level) for level in (0.95, 0.90))
    assert (decisions.p_above(measured, NO_SEEDS, 0) < 0.025) == (at_95.low > 0)
    assert (decisions.p_below(measured, NO_SEEDS, 0) < 0.025) == (at_95.high < 0)
    assert (decisions.p_small(measured, NO_SEEDS, 2) < 0.05) == (at_90.low > -2 and at_90.high < 2)


def test_what_has_no_standard_error_decides_nothing_and_what_is_certain_everything():
    unknown = Estimate(5.0, pd.Series([0.0], index=["u"]), {}, 1, 0)
    assert decisions.p_above(unknown, NO_SEEDS, 0) == decisions.p_small(unknown, NO_SEEDS, 9) == 1
    certain = estimate(5.0, sd=0.0)
    assert decisions.p_above(certain, NO_SEEDS, 0) == 0 and decisions.p_above(certain, NO_SEEDS, 5) == 1


def test_holm_steps_down_and_leaves_out_what_is_no_question():
    corrected = decisions.holm([0.01, 0.04, np.nan, 0.03, 0.005])
    assert corrected[[0, 1, 3, 4]] == pytest.approx([0.03, 0.06, 0.06, 0.02]) and np.isnan(corrected[2])
    rng = np.random.default_rng(0)
    false = [(decisions.holm(rng.random(20)) < 0.05).any() for _ in range(1000)]
    assert np.mean(false) <= 0.065


def test_tokens_needed_give_the_power_they_promise():
    measured = estimate(0.0, sd=10.0, n=26)
    n = int(decisions.tokens_needed(measured, NO_SEEDS, 20.0, level=0.95, wanted=0.8))
    sd = 10.0 * np.sqrt(26)
    rng = np.random.default_rng(0)
    values = rng.normal(20, sd, (4000, n))
    p = stats.ttest_1samp(values, 0, axis=1, alternative="greater").pvalue
    assert 0.77 <= np.mean(p < 0.025) <= 0.84
    assert np.mean(stats.ttest_1samp(values[:, : n // 2], 0, axis=1, alternative="greater").pvalue < 0.025) < 0.6


def test_no_number_of_tokens_mends_trainings_that_vary_too_much_but_more_trainings_do():
    errors = estimate(0.0, sd=2.0, n=60)
    varied = Estimate(0.0, errors.clusters, {"a": 1.0}, 60, 2)
    seeds = Seeds({"a": 200.0}, {"a": 200.0}, df=9)
    assert decisions.tokens_needed(varied, seeds, 20.0, level=0.95, wanted=0.8) == np.inf
    n = decisions.seeds_needed(varied, seeds, 20.0, level=0.95, wanted=0.8)
    assert 4 <= n < 20
    assert estimates.variance(varied, seeds)[0] == pytest.approx(204.0)
