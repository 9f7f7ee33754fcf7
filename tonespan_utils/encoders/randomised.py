"""Encoders that have lost what they learned, part by part (Adebayo et al. 2018).

From the top block down, the values of every weight tensor are permuted within it, which keeps their distribution and
loses what was learned.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError


def parts(encoder: Encoder) -> list[str]:
    """Names of the parts that are randomised one after the other, top down.

    Blocks, then ``positions`` (what lies between blocks and convolutions), then ``convolutions``, where there are such.
    """
    blocks = [f"block {number}" for number in range(encoder.model.config.num_hidden_layers, 0, -1)]
    return [*blocks, "positions", *(["convolutions"] if encoder.front_end else [])]


def _part_of(encoder: Encoder, name: str) -> str:
    """The part that a weight of transformers' model belongs to."""
    if name.startswith(encoder.front_end):
        return "convolutions"
    if name.startswith(encoder.blocks):
        return f"block {int(name.removeprefix(encoder.blocks).split('.')[0]) + 1}"
    return "positions"


def permuted(encoder: Encoder, randomised: Sequence[str], *, seed: int) -> Encoder:
    """A copy of an encoder in which the values of every tensor of the ``randomised`` parts are permuted within it.

    The closing norm of a stable-layer-norm encoder goes with ``positions``. The encoder itself stays as it is. Raises
    TonespanError for a part that is none of :func:`parts`.
    """
    if unknown := set(randomised) - set(parts(encoder)):
        raise TonespanError(f"no part {sorted(unknown)[0]!r} of an encoder; there are: {', '.join(parts(encoder))}")
    model, rng = copy.deepcopy(encoder.model), np.random.default_rng(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if _part_of(encoder, name) in randomised and weight.numel() > 1:
                order = torch.from_numpy(rng.permutation(weight.numel())).to(weight.device)
                weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return replace(encoder, model=model, identity=f"{encoder.identity} permuted {len(randomised)} seed {seed}")


def cascade(encoder: Encoder, n_steps: int) -> list[list[str]]:
    """``n_steps`` growing lists of :func:`parts`, the first empty, the last all of them; equal steps in between."""
    names = parts(encoder)
    ends = np.unique(np.round(np.linspace(0, len(names), n_steps)).astype(int))
    return [names[:end] for end in ends]
