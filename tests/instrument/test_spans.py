"""r_com and the other radii against hand-computed cases, closed forms and a slow oracle."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tonespan_utils.instrument import spans
from tonespan_utils.statistics import bootstrap

EDGES, OFFSETS = spans.offset_bins(500, 10)
ONE_BIN_MS = 10
energies = arrays(np.float64, OFFSETS.size, elements=st.floats(0, 1e3)).filter(lambda e: e.sum() > 1e-6)


def test_offset_bins_tile_the_window():
    assert EDGES[0] == -500 and EDGES[-1] == 500 and OFFSETS.size == 100
    assert np.allclose(np.diff(EDGES), 10) and np.allclose(OFFSETS, -OFFSETS[::-1])
    with pytest.raises(ValueError, match="do not tile"):
        spans.offset_bins(505, 20)


def test_r_com_by_hand():
    # |tau| = 3, 1, 1, 3 with energies 1, 2, 3, 4: (3 + 2 + 3 + 12) / 10 = 2
    assert spans.center_of_mass_radius([1, 2, 3, 4], [-3, -1, 1, 3]) == pytest.approx(2.0)
    assert spans.effective_span([1, 2, 3, 4], [-3, -1, 1, 3]) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("energy", "span_ms"),
    [
        (np.abs(OFFSETS) < 90, 90.0),  # a box of width 180 has half of it
        (np.exp(-np.abs(OFFSETS) / 40), 80.0),  # two-sided exponential: 2 a
        (np.exp(-((OFFSETS / 50) ** 2) / 2), 100 * np.sqrt(2 / np.pi)),  # Gaussian
        (np.ones_like(OFFSETS), 500.0),  # flat over +-W: W
    ],
    ids=["box", "exponential", "gaussian", "flat"],
)
def test_known_shapes(energy, span_ms):
    assert spans.effective_span(energy, OFFSETS) == pytest.approx(span_ms, abs=1.0)


SHAPES = {  # energy, 2 r_com, 50 % and 90 % radius, as the module's table has them
    "box": (np.abs(OFFSETS) < 90, 90.0, 45.0, 81.0),
    "gaussian": (np.exp(-((OFFSETS / 50) ** 2) / 2), 79.8, 0.6745 * 50, 1.645 * 50),
    "exponential": (np.exp(-np.abs(OFFSETS) / 40), 80.0, 40 * np.log(2), 40 * np.log(10)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_radii_of_known_shapes(name):
    energy, _, r50, r90 = SHAPES[name]
    assert spans.energy_radius(energy, EDGES, fraction=0.5) == pytest.approx(r50, abs=1.0)
    assert spans.energy_radius(energy, EDGES, fraction=0.9) == pytest.approx(r90, abs=1.0)
    assert spans.centroid(energy, OFFSETS) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.8])
@pytest.mark.parametrize("name", SHAPES)
def test_a_floor_moves_r_com_as_the_formula_says_and_the_correction_takes_it_out(name, share):
    energy, span_ms, *_ = SHAPES[name]
    flat = spans.flat_null(EDGES)
    mixed = (1 - share) * spans.normalise(energy) + share * flat
    moved = (1 - share) * span_ms + share * 500
    assert spans.effective_span(mixed, OFFSETS) == pytest.approx(moved, abs=1.0)
    assert 2 * spans.corrected_radius(mixed, flat, EDGES) == pytest.approx(span_ms, abs=1.0)
    assert spans.floor_share(mixed, flat, EDGES) == pytest.approx(share, abs=0.001)


def test_the_correction_takes_some_of_a_shape_that_reaches_the_outer_part():
    wide = np.exp(-np.abs(OFFSETS) / 100)
    assert spans.effective_span(wide, OFFSETS) == pytest.approx(193, abs=1)  # the window cuts 200 already
    assert 2 * spans.corrected_radius(wide, spans.flat_null(EDGES), EDGES) == pytest.approx(175, abs=1)


def test_the_correction_is_unbiased_under_a_noisy_floor():
    rng, flat = np.random.default_rng(0), spans.flat_null(EDGES)
    bell = spans.normalise(SHAPES["gaussian"][0])
    noisy = 0.6 * bell + 0.4 * flat * rng.chisquare(2, (500, 40, OFFSETS.size)) / 2
    corrected = 2 * spans.corrected_radius(noisy.mean(axis=1), flat, EDGES)  # pools of 40 tokens
    assert np.mean(corrected) == pytest.approx(79.8, abs=1) and np.isfinite(corrected).all()


def test_a_floor_is_cut_with_the_audio():
    cut = spans.flat_null(EDGES, before_ms=150)
    box = spans.normalise(np.abs(OFFSETS) < 90)
    assert 2 * spans.corrected_radius(0.7 * box + 0.3 * cut, cut, EDGES) == pytest.approx(90, abs=1)
    without = spans.flat_null(EDGES, before_ms=150, after_ms=150)
    assert np.isnan(spans.corrected_radius(box, without, EDGES)), "no audio far out: the floor is unknown"


def test_what_is_all_floor_has_no_corrected_radius():
    flat = spans.flat_null(EDGES)
    assert np.isnan(spans.corrected_radius(flat, flat, EDGES))
    assert np.isnan(spans.corrected_radius(np.zeros(OFFSETS.size), flat, EDGES))
    rising = np.abs(OFFSETS) / np.abs(OFFSETS).sum()
    assert spans.floor_share(rising, flat, EDGES) > 1 and np.isnan(spans.corrected_radius(rising, flat, EDGES))


@given(energies)
def test_sides_by_hand(energy):
    total = energy.sum()
    slow = sum(t * e for t, e in zip(OFFSETS, energy, strict=True)) / total
    assert spans.centroid(energy, OFFSETS) == pytest.approx(slow, rel=1e-6, abs=1e-6)
    after, before = energy[OFFSETS > 0].sum(), energy[OFFSETS < 0].sum()
    assert spans.asymmetry(energy, OFFSETS) == pytest.approx((after - before) / total, abs=1e-9)
    assert spans.centroid(energy[::-1], OFFSETS) == pytest.approx(-slow, rel=1e-6, abs=1e-6)


def test_later_energy_lies_after_the_centre():
    late = np.exp(-np.abs(OFFSETS - 30) / 20)
    assert spans.centroid(late, OFFSETS) == pytest.approx(30, abs=1) and spans.asymmetry(late, OFFSETS) > 0.7


def test_zero_energy_has_no_radius():
    silent = np.zeros(OFFSETS.size)
    assert np.isnan(spans.centroid(silent, OFFSETS)) and np.isnan(spans.asymmetry(silent, OFFSETS))
    assert np.isnan(spans.center_of_mass_radius(silent, OFFSETS))
    assert np.isnan(spans.energy_radius(silent, EDGES, fraction=0.5))


@given(energies)
def test_r_com_equals_the_plain_sum(energy):
    slow = sum(abs(t) * e for t, e in zip(OFFSETS, energy, strict=True)) / sum(energy)
    assert spans.center_of_mass_radius(energy, OFFSETS) == pytest.approx(slow, rel=1e-9)


@given(energies, st.floats(1e-3, 1e3))
def test_r_com_ignores_scale_and_mirror(energy, scale):
    r = spans.center_of_mass_radius(energy, OFFSETS)
    assert spans.center_of_mass_radius(energy * scale, OFFSETS) == pytest.approx(r, rel=1e-9)
    assert spans.center_of_mass_radius(energy[::-1], OFFSETS) == pytest.approx(r, rel=1e-9)


def test_energy_radius_by_hand():
    edges = np.array([-20.0, -10.0, 0.0, 10.0, 20.0])
    # +-10 holds 6 of 8; half of the energy (4) is reached at two thirds of 10 ms
    assert spans.energy_radius([1, 3, 3, 1], edges, fraction=0.5) == pytest.approx(20 / 3)
    assert spans.energy_radius([1, 3, 3, 1], edges, fraction=1.0) == pytest.approx(20.0)
    with pytest.raises(ValueError, match="fraction"):
        spans.energy_radius([1, 3, 3, 1], edges, fraction=0)


@given(energies, st.floats(0.05, 1.0))
def test_energy_radius_holds_its_fraction(energy, fraction):
    radius = float(spans.energy_radius(energy, EDGES, fraction=fraction))
    fine = np.linspace(-radius, radius, 2)
    cumulative = np.concatenate([[0], np.cumsum(energy)]) / energy.sum()
    held = np.diff(np.interp(fine, EDGES, cumulative))[0]
    assert held == pytest.approx(fraction, abs=1e-6)


def test_bin_energy_puts_each_sample_in_one_bin():
    times_ms = np.arange(0, 1000, 0.0625)
    energy = np.random.default_rng(0).random((2, times_ms.size))
    binned = spans.bin_energy(energy, times_ms, 500.0, EDGES)
    slow = np.array(
        [[row[(times_ms - 500 >= lo) & (times_ms - 500 < hi)].sum() for lo, hi in pairwise(EDGES)] for row in energy]
    )
    assert np.allclose(binned, slow, rtol=1e-10)


@given(st.floats(-200, 200))
def test_bin_energy_follows_a_time_shift(shift_ms):
    times_ms = np.arange(-900, 900, 0.5) + 0.25  # off the edges, where rounding would decide
    energy = np.exp(-np.abs(times_ms) / 30)
    assert np.allclose(
        spans.bin_energy(energy, times_ms, 0.0, EDGES),
        spans.bin_energy(energy, times_ms + shift_ms, shift_ms, EDGES),
        atol=1e-9,
    )


def test_flat_null_is_the_window_and_is_cut_with_the_audio():
    assert spans.effective_span(spans.flat_null(EDGES), OFFSETS) == pytest.approx(500)
    # 100 ms before, 500 after: mean |tau| = (100 * 50 + 500 * 250) / 600
    cut = spans.flat_null(EDGES, before_ms=100)
    assert spans.center_of_mass_radius(cut, OFFSETS) == pytest.approx((100 * 50 + 500 * 250) / 600)


def test_rows_of_a_cluster_are_drawn_together_and_seeds_crossed_with_them():
    clusters, seeds = np.tile(np.repeat([0, 1, 2, 3], 2), 2), np.repeat([10, 20], 8)
    weights = bootstrap.resample_rows(clusters, seeds, n_resamples=200, seed=1)
    assert weights.shape == (200, 16) and (weights.sum(axis=1) == 16).all()
    by_seed = weights.reshape(200, 2, 4, 2)
    assert (by_seed[..., 0] == by_seed[..., 1]).all(), "tokens of one utterance stay together"
    outer = by_seed[..., 0].sum(axis=2)[:, :, None] * by_seed[..., 0].sum(axis=1)[:, None, :]
    assert np.allclose(by_seed[..., 0] * by_seed[..., 0].sum(axis=(1, 2))[:, None, None], outer), "a product"
    plain = bootstrap.resample_rows(clusters[:8], n_resamples=200, seed=1)
    assert (plain.sum(axis=1) == 8).all() and (plain[:, ::2] == plain[:, 1::2]).all()


def test_a_row_counts_as_often_as_its_cluster_and_its_seed_were_drawn():
    clusters, seeds = np.array(["v", "u", "v", "w", "u"]), np.array([7, 7, 7, 5, 5])  # unbalanced, and in any order
    weights = bootstrap.resample_rows(clusters, seeds, n_resamples=50, seed=3)
    drawn = dict(zip("uvw", np.random.default_rng(3).multinomial(3, [1 / 3] * 3, size=50).T, strict=True))
    trained = dict(zip((5, 7), np.random.default_rng(4).multinomial(2, [1 / 2] * 2, size=50).T, strict=True))
    for row, (cluster, seed) in enumerate(zip(clusters, seeds, strict=True)):
        assert (weights[:, row] == drawn[cluster] * trained[seed]).all()
    assert np.array_equal(
        bootstrap.resample_rows(clusters, n_resamples=50, seed=3).T, [drawn[name] for name in clusters]
    )
