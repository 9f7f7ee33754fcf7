"""Pooled spans and radii with their intervals, against slow loops and known coverage."""

import numpy as np
import pytest

from tonespan_utils.instrument import pooling, spans

EDGES, OFFSETS = spans.offset_bins(500, 10)


def test_intervals_cover_the_truth_when_tokens_of_an_utterance_agree():
    rng = np.random.default_rng(0)
    null, hits = np.tile(spans.flat_null(EDGES), (60, 1)), 0
    for number in range(60):
        widths = np.repeat(rng.uniform(60, 140, 20), 3)  # a span of 50 on average, alike within an utterance
        energy = np.stack([np.clip(width / 2 - np.abs(OFFSETS) + 5, 0, 10) for width in widths])
        span = pooling.pooled_span(
            energy, null, np.repeat(np.arange(20), 3), EDGES, n_resamples=200, level=0.9, seed=number
        )
        hits += span.ci_low_ms <= 50 <= span.ci_high_ms
    assert hits >= 45  # 54 expected of 60, fewer than 45 once in ten thousand


def test_one_cluster_has_no_interval_and_seeds_are_not_tokens():
    energy, null = np.tile(np.exp(-np.abs(OFFSETS) / 50), (4, 1)), np.ones((4, 100))
    settings = {"n_resamples": 50, "level": 0.9, "seed": 0}
    span = pooling.pooled_span(energy, null, ["a"] * 4, EDGES, seeds=[1, 1, 2, 2], **settings)
    assert np.isnan(span.ci_low_ms) and np.isnan(span.ci_high_ms) and span.n_tokens == 2


def test_pooled_span_is_the_mean_of_the_tokens_and_leaves_silence_out():
    narrow, wide = (np.abs(OFFSETS) < 50).astype(float), (np.abs(OFFSETS) < 150).astype(float)
    energy = np.stack([narrow, 1000 * wide, np.zeros_like(wide)] * 5)
    null = np.tile(spans.flat_null(EDGES), (15, 1))
    span = pooling.pooled_span(energy, null, ["u", "v", "w"] * 5, EDGES, n_resamples=100, level=0.95, seed=0)
    assert span.span_ms == pytest.approx((50 + 150) / 2) and span.r_com_ms == pytest.approx(50)
    assert span.n_tokens == 10 and span.null_span_ms == pytest.approx(500)
    assert span.ci_low_ms == pytest.approx(50) and span.ci_high_ms == pytest.approx(150)
    assert span.r50_ms < span.r90_ms < 150


def test_pooled_span_of_silence_is_nan():
    span = pooling.pooled_span(
        np.zeros((2, 100)), np.ones((2, 100)), ["u", "v"], EDGES, n_resamples=50, level=0.9, seed=0
    )
    assert np.isnan(span.span_ms) and span.n_tokens == 0


def test_radius_table_agrees_with_the_pooled_span_and_carries_interval_and_null():
    rng = np.random.default_rng(0)
    energy = np.stack([np.exp(-np.abs(OFFSETS) / width) for width in rng.uniform(20, 80, 24)])
    pool = (energy, np.tile(spans.flat_null(EDGES), (24, 1)), np.repeat(np.arange(8), 3), EDGES)
    settings = {"n_resamples": 400, "level": 0.95, "seed": 0}
    rows = {row["measure"]: row for row in pooling.radius_table(pooling.pool(*pool), **settings)}
    span = pooling.pooled_span(*pool, **settings)
    assert set(rows) == {"r_com", "span", "r50", "r90", "r_com_corrected", "centroid"}
    assert rows["span"]["value_ms"] == pytest.approx(span.span_ms) and rows["span"]["null_ms"] == pytest.approx(500)
    assert rows["r50"]["value_ms"] == pytest.approx(span.r50_ms) and rows["r50"]["null_ms"] == pytest.approx(250)
    assert rows["r90"]["value_ms"] == pytest.approx(span.r90_ms) and rows["r90"]["null_ms"] == pytest.approx(450)
    assert all(row["ci_low_ms"] < row["value_ms"] < row["ci_high_ms"] for row in rows.values() if row["value_ms"] > 1)
    assert rows["centroid"]["value_ms"] == pytest.approx(0, abs=1e-9)
    assert rows["r_com_corrected"]["value_ms"] == pytest.approx(rows["r_com"]["value_ms"], rel=0.03)
    assert np.isnan(rows["r_com_corrected"]["null_ms"]), "a flat map is all floor"
    assert rows["span"]["ci_low_ms"] == pytest.approx(span.ci_low_ms, abs=5)


def test_radius_table_of_silence_is_empty_and_one_cluster_has_no_interval():
    settings = {"n_resamples": 50, "level": 0.9, "seed": 0}
    silence = pooling.pool(np.zeros((2, 100)), np.ones((2, 100)), ["u", "v"], EDGES)
    assert pooling.radius_table(silence, **settings) == []
    one_cluster = pooling.pool(np.ones((2, 100)), np.ones((2, 100)), ["u", "u"], EDGES)
    (first, *_) = pooling.radius_table(one_cluster, **settings)
    assert np.isnan(first["ci_low_ms"]) and first["value_ms"] == pytest.approx(250)
