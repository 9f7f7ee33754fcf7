"""Exponents, spans and confounds of both weights on made-up energies whose answer is known."""

import numpy as np
import pytest

from tonespan_utils.instrument import spans
from tonespan_utils.instrument.gradient_energy import Measured
from tonespan_utils.params import tables
from tonespan_utils.study import weighting

EDGES, OFFSETS = spans.offset_bins(300.0, 10.0)
DRAWING = {"n_resamples": 80, "level": 0.9, "seed": 3}
N = 40


def made_up(exponent, *, seed=0, noise=0.1, durations_s=None):
    """Tokens of random loudness whose energy is a bell that goes as power ** exponent; wider with duration."""
    rng = np.random.default_rng(seed)
    power = np.exp(rng.normal(0, 1, (N, OFFSETS.size)) - np.abs(OFFSETS) / 100)  # loudest at the centre
    scale = 40.0 if durations_s is None else 200 * durations_s[:, None]
    bell = np.exp(-np.abs(OFFSETS) / scale + rng.normal(0, noise, (N, OFFSETS.size)))
    energy = bell * power**exponent * rng.uniform(0.1, 10, (N, 1))  # tokens differ in size, which says nothing
    names = np.array([f"t{number}" for number in range(N)])
    flat = np.full((N, OFFSETS.size), 1 / OFFSETS.size)
    return Measured({"1": energy}, flat, names, names, {}, {"1": energy * power}, power * flat)


@pytest.mark.parametrize("exponent", [-1.0, -0.6, 0.0])
def test_the_exponent_is_what_energy_goes_as_whatever_lies_at_the_centre(exponent):
    measured = made_up(exponent)
    arguments = (weighting.mean_power(measured), measured.utterances, EDGES)
    plain = weighting.power_exponent(measured.energy["1"], *arguments, reach_ms=250, **DRAWING)
    assert plain.value == pytest.approx(exponent, abs=0.01) and plain.low < exponent < plain.high
    weighted = weighting.power_exponent(measured.weighted_energy["1"], *arguments, reach_ms=250, **DRAWING)
    assert weighted.value == pytest.approx(plain.value + 1, abs=1e-9)


def test_the_exponent_is_that_of_least_squares_with_an_effect_for_each_token_and_each_bin():
    measured, power = made_up(-0.4, noise=0.5), weighting.mean_power(made_up(-0.4, noise=0.5))
    energy = measured.energy["1"].copy()
    energy[3, 20:25] = 0  # what has no energy is left out
    there = energy > 0
    token, offset = np.nonzero(there)
    design = np.zeros((token.size, 1 + N + OFFSETS.size))
    design[:, 0] = np.log(power[there])
    design[np.arange(token.size), 1 + token] = 1
    design[np.arange(token.size), 1 + N + offset] = 1
    slope = np.linalg.lstsq(design, np.log(energy[there]), rcond=None)[0][0]
    value = weighting.power_exponent(energy, power, measured.utterances, EDGES, reach_ms=300, **DRAWING).value
    assert value == pytest.approx(slope, abs=1e-6)


def test_energy_in_few_bins_or_loudness_that_never_varies_has_no_exponent():
    measured = made_up(-0.6)
    power, names = weighting.mean_power(measured), measured.utterances
    few = np.where(np.abs(OFFSETS) < 20, measured.energy["1"], 0)
    for energy, loudness in ((few, power), (measured.energy["1"], np.ones_like(power)), (0 * few, power)):
        assert np.isnan(weighting.power_exponent(energy, loudness, names, EDGES, reach_ms=250, **DRAWING).value)


def test_the_table_has_a_row_per_layer_and_weight_and_means_over_seeds():
    durations_s = np.linspace(0.1, 0.5, N)
    by_seed = [made_up(-0.5, seed=seed, durations_s=durations_s) for seed in (0, 1)]
    table = weighting.table({"th": by_seed}, {"th": durations_s}, [4, 9], EDGES, condition="mini/gender", reach_ms=250,
                            **DRAWING)  # fmt: skip
    assert list(table.columns) == tables.COLUMNS["span_weights"]
    assert table[["condition", "language", "layer", "weight"]].to_numpy().tolist() == [
        ["mini/gender", "th", "1", "none"],
        ["mini/gender", "th", "1", "power"],
    ]
    rows = table.set_index("weight")
    for weight in ("none", "power"):
        radii = [spans.center_of_mass_radius(m.weighted_by(weight).energy["1"], OFFSETS) for m in by_seed]
        assert rows.loc[weight, "span_ms"] == pytest.approx(2 * np.mean(radii))
        order = np.argsort(np.argsort(np.mean(radii, axis=0)))
        assert rows.loc[weight, "duration_rho"] == pytest.approx(np.corrcoef(order, np.arange(N))[0, 1])
    assert rows.loc["none", "duration_rho_low"] > 0.5, "these tokens look as far as their syllables are long"
    assert rows.loc["none", "null_span_ms"] == pytest.approx(300)
    assert rows.loc["power", "null_span_ms"] < 250, "it is loudest at the centre"
    assert (rows["n_tokens"] == N).all()


def test_tokens_without_durations_have_no_confound():
    unknown = np.full(N, np.nan)
    table = weighting.table({"": [made_up(-0.5)]}, {"": unknown}, [0], EDGES, condition="", reach_ms=250, **DRAWING)
    assert table["duration_rho"].isna().all() and table["exponent"].notna().all()
