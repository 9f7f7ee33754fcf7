"""WavLM (Chen et al. 2022): wav2vec 2.0 with a gated bias by relative position, made in the first block for all.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tonespan_utils.encoders.encoder import Encoder


@dataclass(frozen=True, eq=False)
class WavLMEncoder(Encoder):
    """A frozen WavLM encoder."""

    def _up_the_blocks(self, hidden: torch.Tensor, attention_mask: torch.Tensor | None) -> dict[str, torch.Tensor]:
        states, position_bias = {"0": hidden}, None
        speech = None if attention_mask is None else (attention_mask[:, 0, 0] == 0).long()  # 1 where there is speech
        for number, block in enumerate(self.model.encoder.layers, start=1):
            states[str(number)], position_bias = block(
                states[str(number - 1)], attention_mask=speech, position_bias=position_bias
            )
        return states
