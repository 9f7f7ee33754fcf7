"""Random directions of a hidden vector: orthonormal, and all of them together are the whole Jacobian."""

import numpy as np
import pytest

from tonespan_utils.instrument import whole_vector


def test_directions_are_orthonormal_and_the_same_for_a_seed():
    drawn = whole_vector.directions({"cnn": 16, "1": 5}, n_directions=8)
    assert {layer: reader.weight.shape for layer, reader in drawn.items()} == {"cnn": (8, 16), "1": (5, 5)}
    for reader in drawn.values():
        assert reader.weight @ reader.weight.T == pytest.approx(np.eye(len(reader.weight)), abs=1e-12)
        assert not reader.bias.any()
    again, other = (whole_vector.directions({"cnn": 16}, seed=seed)["cnn"].weight for seed in (0, 1))
    assert np.array_equal(again, whole_vector.directions({"cnn": 16})["cnn"].weight) and not np.allclose(again, other)


def test_all_directions_together_give_the_energy_of_the_jacobian():
    jacobian = np.random.default_rng(1).normal(size=(6, 40))
    whole = np.square(jacobian).sum(axis=0)
    rotated = whole_vector.directions({"1": 6}, n_directions=6)["1"].weight @ jacobian
    assert np.square(rotated).sum(axis=0) == pytest.approx(whole)
    few = [
        np.square(whole_vector.directions({"1": 6}, n_directions=2, seed=seed)["1"].weight @ jacobian).mean(axis=0)
        for seed in range(400)
    ]
    assert np.mean(few, axis=0) == pytest.approx(whole / 6, rel=0.15), "without bias, up to the number of dimensions"
