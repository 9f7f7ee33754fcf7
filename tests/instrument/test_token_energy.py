"""Energies of single tokens come back as they were kept, and whatever else lies there is one clear line."""

import fake_results
import numpy as np
import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import spans, token_energy

LAYERS, NAMES = ["cnn", "0", "1"], np.array(["b", "a", "c"])
EDGES, OFFSETS = spans.offset_bins(500.0, 10.0)


def keep(results, *, seeds=(3, 5)):
    """Two seeds of three tokens; the last has no energy in layer 1. Returns what was kept."""
    rng = np.random.default_rng(0)
    measured = []
    for _ in seeds:
        energy = {layer: rng.gamma(0.3, size=(3, OFFSETS.size)) for layer in LAYERS}
        energy["1"][2] = 0
        sure = {layer: rng.random(3) for layer in LAYERS}
        measured.append(fake_results.measured_as(energy, NAMES, sure))
    token_energy.save(results, "mini/asr-th", {"th": measured}, seeds, EDGES)
    return measured


def test_shares_and_confidences_come_back_by_token_seed_and_layer(tmp_path):
    measured = keep(tmp_path)
    stored = token_energy.load(tmp_path, "mini/asr-th")["th"]
    assert (stored.layers, stored.seeds, stored.token_ids) == (LAYERS, [3, 5], NAMES.tolist())
    assert stored.share.shape == (2, 3, 3, OFFSETS.size) and np.array_equal(stored.edges_ms, EDGES)
    for seed, of_seed in enumerate(measured):
        for at, layer in enumerate(LAYERS):
            exact = spans.normalise(of_seed.energy[layer])
            np.testing.assert_allclose(stored.share[seed, :, at], exact, rtol=2**-10, atol=6e-8, equal_nan=True)
            radius = spans.center_of_mass_radius(stored.share[seed, :, at], OFFSETS)
            np.testing.assert_allclose(radius, spans.center_of_mass_radius(exact, OFFSETS), rtol=1e-3)
            np.testing.assert_allclose(stored.confidence[seed, :, at], of_seed.confidence[layer], rtol=1e-6)
    assert np.isnan(stored.share[:, 2, 2]).all(), "no energy is no share, not 0"


def test_what_is_missing_damaged_or_of_another_version_is_one_clear_line(tmp_path):
    with pytest.raises(TonespanError, match=r"mini--asr-th\.npz: no such file; mini/asr-th has not been measured yet"):
        token_energy.load(tmp_path, "mini/asr-th")
    keep(tmp_path)
    path = token_energy.path(tmp_path, "mini/asr-th")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TonespanError, match="damaged, or of another version; remove it"):
        token_energy.load(tmp_path, "mini/asr-th")
    np.savez(path, version=np.array(0))
    with pytest.raises(TonespanError, match="of another version"):
        token_energy.load(tmp_path, "mini/asr-th")
