"""Agreement of rankings against scipy's Spearman."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tonespan_utils.statistics import ranks


def radii_of(values, name, layers=("1", "2", "3", "4")):
    tokens = [f"t{number}" for number in range(len(values))]
    rows = [
        {"estimator": name, "layer": layer, "token_id": token, "utterance_id": f"u{number // 3}", "r_com_ms": value}
        for number, (token, row) in enumerate(zip(tokens, values, strict=True))
        for layer, value in zip(layers, row, strict=True)
    ]
    return pd.DataFrame(rows)


def test_agreement_is_scipy_s_spearman_with_an_interval_and_a_null():
    rng = np.random.default_rng(0)
    a = rng.normal([80, 85, 90, 95], 20, (60, 4))
    near, unlike = a + rng.normal(0, 10, a.shape), rng.normal(80, 20, a.shape)
    table = pd.concat([radii_of(a, "a"), radii_of(near, "near"), radii_of(unlike, "unlike")])
    agreed = ranks.agreement(table, n_resamples=200, level=0.95, seed=1).set_index(["a", "b", "over"])
    slow = np.mean([spearmanr(a[:, i], near[:, i]).statistic for i in range(4)])
    row = agreed.loc["a", "near", "tokens"]
    assert row["rho"] == pytest.approx(slow) and row["ci_low"] < slow < row["ci_high"] and row["n"] == 60
    assert row["ci_low"] > row["null_high"], "they do agree"
    row = agreed.loc["a", "unlike", "tokens"]
    assert row["null_low"] <= row["rho"] <= row["null_high"]
    row = agreed.loc["a", "near", "layers"]
    assert row["rho"] == pytest.approx(spearmanr(a.mean(axis=0), near.mean(axis=0)).statistic) and row["n"] == 4
    assert len(agreed) == 6


def test_agreement_between_seeds_leaves_silence_out():
    values = np.arange(24.0).reshape(12, 2)
    broken = values.copy()
    broken[3, 1] = np.nan
    tables = [radii_of(radii, "gradient", ("1", "2")).assign(seed=seed) for seed, radii in enumerate((values, broken))]
    agreed = ranks.agreement(pd.concat(tables), by="seed", n_resamples=30, level=0.9, seed=0)
    tokens, layers = agreed.to_dict("records")
    assert tokens["n"] == 11 and tokens["rho"] == 1 and (tokens["a"], tokens["b"]) == (0, 1)
    assert np.isnan(layers["rho"]) and layers["n"] == 2, "two layers have no ranks to speak of"


def test_intervals_of_columns_are_those_of_one_column_after_the_other():
    rng = np.random.default_rng(3)
    values, other = rng.normal(size=(30, 3)), rng.normal(size=30)
    values[:, 1] += 2 * other
    clusters, drawing = np.arange(30) // 2, {"n_resamples": 100, "level": 0.9, "seed": 5}
    together = ranks.correlation_intervals(values, other, clusters, **drawing)
    for column, interval in enumerate(together):
        assert interval.value == pytest.approx(spearmanr(values[:, column], other).statistic)
        rows = ranks.drawn_rows(clusters, n_resamples=100, rng=np.random.default_rng(5))
        slow = [spearmanr(values[drawn, column], other[drawn]).statistic for drawn in rows]
        assert [interval.low, interval.high] == pytest.approx(np.quantile(slow, [0.05, 0.95]))
    assert together[1].low > 0.5


def test_a_column_without_values_leaves_the_others_their_rows():
    values, other = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20.0)
    values[:, 1] = np.nan
    values[3, 0] = np.nan
    drawing = {"n_resamples": 40, "level": 0.9, "seed": 0}
    first, second = ranks.correlation_intervals(values, other, np.arange(20), **drawing)
    there = ~np.isnan(values[:, 0])
    assert first.value == pytest.approx(spearmanr(values[there, 0], other[there]).statistic)
    assert np.isnan([second.value, second.low, second.high]).all()
    few = ranks.correlation_intervals(values[:2, :1], other[:2], np.arange(2), **drawing)
    constant = ranks.correlation_intervals(np.ones((20, 1)), other, np.arange(20), **drawing)
    assert np.isnan([few[0].value, constant[0].value, constant[0].low]).all()
