"""Knees of made-up margins by hand and against a slow fit; reasons for none; influence by hand."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.instrument import influence, margin_knee
from tonespan_utils.instrument.margins import Margins

WIDTHS = [10.0, 20.0, 30.0, 45.0, 60.0, 75.0, 90.0, 110.0, 130.0, 160.0, 200.0]
DRAWING = {"n_resamples": 200, "seed": 0}


def made_up(ends_at_ms, *, n_tokens=40, noise=0.3, size=4.0, seed=0, rise=None):
    """Margins of tokens that use pitch up to a half-width, half of them in pairs from one utterance."""
    rng = np.random.default_rng(seed)
    rise = rise or (lambda h: np.minimum(h / ends_at_ms, 1.0))
    gain = size * rise(np.array(WIDTHS))
    values = np.concatenate([[size, 0.0], gain, size - gain])
    by_token = values + rng.normal(0, noise, (n_tokens, 1)) + rng.normal(0, noise, (n_tokens, values.size))
    tokens = pd.DataFrame({
        "token_id": [f"t{i}" for i in range(n_tokens)],
        "utterance_id": [f"u{i // 2}" for i in range(n_tokens)],
    })  # fmt: skip
    return Margins({"3": by_token}, tokens, WIDTHS)


@pytest.mark.parametrize("ends_at_ms", [30, 50, 70, 90, 120])
def test_the_knee_is_the_width_that_is_used(ends_at_ms):
    knee = margin_knee.of_layer(made_up(ends_at_ms), "3", above_chance_low=0.3, level=0.95, **DRAWING)
    assert knee.note == "" and knee.n_tokens == 40
    assert knee.knee_ms == pytest.approx(2 * ends_at_ms, abs=8)
    assert knee.ci_low_ms <= 2 * ends_at_ms + 2 and knee.ci_high_ms >= 2 * ends_at_ms - 2
    assert knee.ci_high_ms - knee.ci_low_ms < 25


def test_no_knee_where_the_probe_is_at_chance_or_tokens_are_few():
    margins = made_up(50)
    for low in (0.0, np.nan):
        knee = margin_knee.of_layer(margins, "3", above_chance_low=low, level=0.95, **DRAWING)
        assert np.isnan(knee.knee_ms) and knee.note == "F1 not above chance"
    knee = margin_knee.of_layer(made_up(50, n_tokens=9), "3", above_chance_low=0.3, level=0.95, **DRAWING)
    assert np.isnan(knee.ci_low_ms) and "9 tokens" in knee.note


@pytest.mark.parametrize(
    ("rise", "reason"),
    [
        (lambda h: 0 * h, "pitch does not move the margin"),
        (lambda h: h / 400, "no better than a straight one"),
        (lambda h: 0 * h + 1, "narrowest half-width"),  # all of it at once: what a layer of 25 ms does
    ],
)
def test_no_knee_where_the_curves_do_not_bend(rise, reason):
    margins = made_up(50, rise=rise, noise=0.1)
    if "straight" in reason:  # flatten has to fall as straight as keep rises
        margins.by_layer["3"][:, :2] = [4.0, 0.0]
    if "move" in reason:
        margins.by_layer["3"][:] = np.random.default_rng(1).normal(0, 1, margins.by_layer["3"].shape)
    knee = margin_knee.of_layer(margins, "3", above_chance_low=0.3, level=0.95, **DRAWING)
    assert np.isnan(knee.knee_ms) and np.isnan(knee.ci_high_ms) and reason in knee.note


def test_pure_noise_seldom_has_a_knee():
    noisy = 0
    for seed in range(40):
        margins = made_up(50, size=0.0, noise=1.0, seed=seed)
        noisy += not margin_knee.of_layer(margins, "3", above_chance_low=0.3, level=0.95, **DRAWING).note
    assert noisy <= 6, "at most some 5 % are called a bend, twice that by bad luck"


def test_draws_begin_with_the_data_and_are_the_same_again():
    margins = made_up(70)
    draws = margin_knee.knee_draws(margins, "3", **DRAWING)
    assert draws.shape == (201,) and np.array_equal(draws, margin_knee.knee_draws(margins, "3", **DRAWING))
    knee = margin_knee.of_layer(margins, "3", above_chance_low=0.3, level=0.95, **DRAWING)
    assert draws[0] == knee.knee_ms
    assert (knee.ci_low_ms, knee.ci_high_ms) == pytest.approx(np.quantile(draws[1:], [0.025, 0.975]))


def test_no_tokens_give_no_knee_and_a_reason():
    none = made_up(50)
    none = Margins({"3": none.by_layer["3"][:0]}, none.tokens[:0], WIDTHS)
    knee = margin_knee.of_layer(none, "3", above_chance_low=0.3, level=0.95, **DRAWING)
    assert np.isnan(knee.knee_ms) and knee.n_tokens == 0 and "0 tokens" in knee.note
    assert influence.table(none, level=0.95, **DRAWING)["influence"].isna().all()
    assert margin_knee.curve_table(none, level=0.95, **DRAWING)["margin"].isna().all()


def test_curves_are_means_with_intervals():
    margins = made_up(50)
    table = margin_knee.curve_table(margins, level=0.95, **DRAWING)
    keep = table[table["curve"] == "keep"].set_index("half_width_ms")
    flatten = table[table["curve"] == "flatten"].set_index("half_width_ms")
    values = margins.by_layer["3"].mean(axis=0)
    assert keep.index.tolist() == flatten.index.tolist() == [0.0, *WIDTHS]
    assert keep["margin"].to_numpy() == pytest.approx([values[1], *values[2:13]])
    assert flatten["margin"].to_numpy() == pytest.approx([values[0], *values[13:]])
    assert ((keep["ci_low"] < keep["margin"]) & (keep["margin"] < keep["ci_high"])).all()


def test_influence_is_the_size_of_the_change_over_that_of_all_pitch():
    tokens = pd.DataFrame({"token_id": ["a", "b"], "utterance_id": ["x", "y"]})
    # whole, level, keep 30, keep 60, flatten 30, flatten 60
    values = np.array([[5.0, 2.0, 4.0, 5.5, 0, 0], [1.0, 2.0, 2.0, 1.0, 0, 0]])
    deaf = np.tile([[1.0], [2.0]], 6)
    margins = Margins({"1": values, "2": -values, "3": deaf}, tokens, [30.0, 60.0])
    assert influence.of_tokens(margins, "1").tolist() == [[0.5, 0.25], [0.5, 0.0]]  # all pitch moves 3 and 1: 2 each
    assert np.isnan(influence.of_tokens(margins, "2")).all(), "the mean margin is below 0: the tone is not known"
    assert np.isnan(influence.of_tokens(margins, "3")).all(), "no pitch moves anything: there is nothing to share"
    shifted = Margins({"1": values + 100}, tokens, [30.0, 60.0])
    assert influence.of_tokens(shifted, "1").tolist() == [[0.5, 0.25], [0.5, 0.0]], "the margin's own size is no part"
    rows = influence.token_table(margins)
    assert rows["influence"].tolist()[:4] == [0.5, 0.25, 0.5, 0.0]
    assert rows["token_id"].tolist()[:4] == ["a", "a", "b", "b"] and rows["half_width_ms"].tolist()[:2] == [30.0, 60.0]
    table = influence.table(margins, level=0.95, **DRAWING)
    assert table["influence"].tolist()[:2] == [0.5, 0.125] and table["ci_low"].isna().all(), "two tokens"


def test_what_lies_beyond_can_matter_without_moving_the_knee():
    """Pitch far away that moves every token's margin at random: influence sees it, the knee does not."""
    rng = np.random.default_rng(5)
    plain, wide = made_up(60, noise=0.05), made_up(60, noise=0.05)
    far = rng.normal(0, 1.0, (40, 1))
    wide.by_layer["3"][:, 0] += far[:, 0]  # the whole pitch, and that kept only outside: both contain it
    wide.by_layer["3"][:, 13:] += far
    knees = [margin_knee.of_layer(m, "3", above_chance_low=0.3, level=0.95, **DRAWING).knee_ms for m in (plain, wide)]
    beyond = [influence.table(m, level=0.95, **DRAWING).set_index("half_width_ms").loc[90.0] for m in (plain, wide)]
    assert abs(knees[0] - knees[1]) < 6
    assert beyond[1]["ci_low"] > beyond[0]["ci_high"] + 0.05
