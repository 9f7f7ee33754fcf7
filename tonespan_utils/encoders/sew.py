"""SEW (Wu et al. 2022): wav2vec 2.0 whose blocks see every second frame, brought back to all of them at the top.

Conventions: blocks work on squeezed frames, of which each stands for ``squeeze_factor`` frames of the ``cnn`` layer.
Layers ``0`` to ``L`` hold the squeezed frame that each frame belongs to, once per frame, so that all layers have the
same times; ``final`` is transformers' ``last_hidden_state``, whose frames beyond a whole squeezed one are 0 there.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from tonespan_utils.encoders.encoder import Encoder, no_padding


@dataclass(frozen=True, eq=False)
class SEWEncoder(Encoder):
    """A frozen SEW encoder."""

    blocks_are_known: ClassVar[bool] = False

    @property
    def has_final(self) -> bool:
        return True

    def forward_from_cnn(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel); clips are of one length, without mask."""
        no_padding(mask, "SEW")
        stack, n_frames = self.model.encoder, features.shape[1]
        hidden = self._projected(features).mT
        placed, pooled = stack.pos_conv_embed(hidden), stack.pool(hidden)
        n_squeezed = min(placed.shape[-1], pooled.shape[-1])
        squeezed = self._up_the_blocks(
            stack.layer_norm((pooled[..., :n_squeezed] + placed[..., :n_squeezed]).mT), attention_mask=None
        )
        top = stack.upsample(squeezed[str(len(stack.layers))])
        factor = self.model.config.squeeze_factor
        at = torch.arange(n_frames, device=features.device).div(factor, rounding_mode="floor").clamp(max=n_squeezed - 1)
        states = {layer: state[:, at] for layer, state in squeezed.items()}
        return states | {"final": functional.pad(top, (0, 0, 0, n_frames - top.shape[1]))}

    def _projected(self, features: torch.Tensor) -> torch.Tensor:
        hidden = self.model.layer_norm(features)
        return self.model.feature_projection(hidden) if self.model.project_features else hidden
