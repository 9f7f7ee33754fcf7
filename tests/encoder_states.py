"""States of encoders in tests: random samples as input, and comparison with transformers, layer by layer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError

SAME = 1e-5  # of states of about 1: float32 sums in another order (a batch, a mask, another version of attention)


def same(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return torch.allclose(ours, theirs, atol=SAME, rtol=0)


def assert_states_equal(encoder, ours, theirs, n_frames=None) -> None:
    """Ours by name against a transformers output, layer by layer, in the first ``n_frames`` frames of row 0."""
    assert len(theirs.hidden_states) == encoder.model.config.num_hidden_layers + 1
    for number, state in enumerate(theirs.hidden_states):
        assert same(ours[str(number)][0, :n_frames], state[0, :n_frames]), number
    top = ours.get("final", ours[str(encoder.model.config.num_hidden_layers)])
    assert same(top[0, :n_frames], theirs.last_hidden_state[0, :n_frames])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def edit_weights(folder: Path, edit) -> None:
    """Write the weights again, each as the dictionary that ``edit(name, weight)`` makes of it."""
    weights = load_file(folder / "model.safetensors")
    edited = {key: value for pair in weights.items() for key, value in edit(*pair).items()}
    save_file(edited, folder / "model.safetensors", {"format": "pt"})


def refuse(folder: Path, *words: str) -> None:
    with pytest.raises(TonespanError) as error:
        checkpoints.load(folder)
    message = str(error.value)
    assert "\n" not in message and str(folder) in message
    assert all(word in message for word in words), message
