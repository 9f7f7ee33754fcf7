"""data2vec-audio (Baevski et al. 2022): wav2vec 2.0 with a stack of short positional convolutions, normed in between.

Conventions: the norms make something of the silence that padding is, and the next convolution carries it into the
speech; so clips of one length go together, without a mask.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tonespan_utils.encoders.encoder import Encoder, no_padding


@dataclass(frozen=True, eq=False)
class Data2VecEncoder(Encoder):
    """A frozen data2vec-audio encoder."""

    def forward_from_cnn(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel); clips are of one length, without mask."""
        no_padding(mask, "data2vec-audio")
        return super().forward_from_cnn(features)
