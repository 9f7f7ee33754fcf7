"""Encoders of conformer blocks: wav2vec 2.0 Conformer (waveform in) and Wav2Vec2-BERT (filter banks in).

Conventions: positions are inside the blocks, so that ``0`` is the projected features. The ``cnn`` layer of
Wav2Vec2-BERT holds its input features, pairs of filter-bank frames of 10 ms: frame ``f`` covers samples ``320 f`` to
``320 f + 559``. Each band is brought to zero mean and unit variance over the utterance, which ties every frame to all
of it; a last frame without a pair is left out, as transformers masks it.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from tonespan_utils.encoders import filter_banks
from tonespan_utils.encoders.encoder import Encoder, no_padding

STACKED = 2  # filter-bank frames of one frame of Wav2Vec2-BERT


@dataclass(frozen=True, eq=False)
class ConformerEncoder(Encoder):
    """A frozen wav2vec 2.0 Conformer."""

    blocks_are_known: ClassVar[bool] = False

    @property
    def has_final(self) -> bool:
        return True

    def forward_from_cnn(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel); clips are of one length, without mask."""
        no_padding(mask, "conformer")
        stack = self.model.encoder
        states = self._up_the_blocks(self._projected(features), attention_mask=None)
        return states | ({"final": stack.layer_norm(states[str(len(stack.layers))])} if self.has_final else {})

    def _up_the_blocks(self, hidden: torch.Tensor, attention_mask: torch.Tensor | None) -> dict[str, torch.Tensor]:
        stack, states = self.model.encoder, {"0": hidden}
        positions = None if stack.embed_positions is None else stack.embed_positions(hidden)
        for number, block in enumerate(stack.layers, start=1):
            states[str(number)] = block(
                states[str(number - 1)], attention_mask=attention_mask, relative_position_embeddings=positions
            )
        return states


@dataclass(frozen=True, eq=False)
class Wav2Vec2BertEncoder(ConformerEncoder):
    """A frozen Wav2Vec2-BERT: conformer blocks on filter banks."""

    front_end: ClassVar[tuple[str, ...]] = ()  # no weights in it
    front_settings: ClassVar[tuple[str, ...]] = ("model_type", "feature_projection_input_dim")

    @property
    def has_final(self) -> bool:
        return False

    @property
    def feature_width(self) -> int:
        return self.model.config.feature_projection_input_dim

    @property
    def ties_frames(self) -> bool:
        return True

    @property
    def hop(self) -> int:
        return STACKED * filter_banks.HOP

    @property
    def receptive(self) -> int:
        return filter_banks.WIDTH + (STACKED - 1) * filter_banks.HOP

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("waveform", "cnn", "input_features")

    def features(self, waveform: torch.Tensor) -> torch.Tensor:
        """The input features (batch, frame, 2 bands) of a waveform (batch, n): pairs of normed filter-bank frames."""
        banks = filter_banks.kaldi(waveform, self.feature_width // STACKED)
        normed = (banks - banks.mean(dim=1, keepdim=True)) / torch.sqrt(banks.var(dim=1, keepdim=True) + 1e-7)
        whole = normed[:, : normed.shape[1] // STACKED * STACKED]
        return whole.unflatten(1, (-1, STACKED)).flatten(2).to(waveform.dtype)
