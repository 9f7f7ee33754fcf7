"""Randomised encoders: the same weights in other places, part by part, and nothing else changed."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints, randomised
from tonespan_utils.errors import TonespanError


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr"))


def changed(before, after):
    after = dict(after.model.named_parameters())
    return {name for name, weight in before.model.named_parameters() if not torch.equal(weight, after[name])}


def test_permuted_weights_are_the_same_values_in_other_places(encoder):
    before = {name: weight.clone() for name, weight in encoder.model.named_parameters()}
    other = randomised.permuted(encoder, ["block 2", "block 1"], seed=0)
    moved = changed(encoder, other)
    assert moved and all(name.startswith("encoder.layers.") for name in moved)
    for name, weight in other.model.named_parameters():
        assert torch.equal(weight.flatten().sort().values, before[name].flatten().sort().values)
        assert torch.equal(dict(encoder.model.named_parameters())[name], before[name]), "the encoder itself stays"
    assert not changed(other, randomised.permuted(encoder, ["block 2", "block 1"], seed=0))
    assert changed(other, randomised.permuted(encoder, ["block 2", "block 1"], seed=1))
    assert other.identity != encoder.identity


def test_what_lies_under_the_permuted_blocks_stays(encoder):
    samples = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    before, after = (
        model.hidden_at(samples, [0.5]) for model in (encoder, randomised.permuted(encoder, ["block 2"], seed=0))
    )
    same = {layer for layer in encoder.layers if np.array_equal(before[layer], after[layer])}
    assert same == {"cnn", "0", "1"}


def test_the_cascade_grows_from_nothing_to_every_weight(encoder):
    steps = randomised.cascade(encoder, 3)
    assert steps[0] == [] and steps[-1] == ["block 2", "block 1", "positions", "convolutions"]
    assert all(set(less) < set(more) for less, more in pairwise(steps))
    assert {randomised._part_of(encoder, name) for name, _ in encoder.model.named_parameters()} == set(steps[-1])
    everything = changed(encoder, randomised.permuted(encoder, steps[-1], seed=0))
    constant = {n for n, w in encoder.model.named_parameters() if w.unique().numel() == 1}
    assert everything | constant == {name for name, _ in encoder.model.named_parameters()}
    with pytest.raises(TonespanError, match="no part 'block 9' of an encoder"):
        randomised.permuted(encoder, ["block 9"], seed=0)
