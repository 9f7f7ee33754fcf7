"""A wav2vec 2.0 style encoder as one small class: its layers, frame times and inputs.

Conventions
-----------
- Frame ``f`` covers samples ``hop * f`` to ``hop * f + receptive - 1`` (320 and 400 for the common stack); its
  centre is ``320 f + 199.5``.
- Layers by name, bottom up: ``cnn`` the convolutional features before projection; ``0`` is Hugging Face's
  ``hidden_states[0]`` (after the positional convolution); ``1`` to ``L`` the block outputs as in ``hidden_states``.
  ``L`` of a stable-layer-norm model is taken before the final norm, and ``final`` names the normed one.
- The input is the waveform as the checkpoint's feature extractor gives it (scaled to zero mean and unit variance where
  the checkpoint asks for it). One utterance at a time, or equal lengths: group norm runs over the whole
  utterance, so padding would change every frame and nothing here pads a waveform. ``cnn`` features of utterances that
  were run one by one may be padded together, with a mask: above them every model ignores what is masked.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
)

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError


@dataclass(frozen=True, eq=False)
class Encoder:
    """A frozen speech encoder. ``identity`` is the commit or content hash of what was loaded."""

    model: PreTrainedModel
    name: str
    identity: str
    scale_input: bool

    @property
    def layers(self) -> list[str]:
        """Layer names, bottom up."""
        final = ["final"] if getattr(self.model.config, "do_stable_layer_norm", False) else []
        return ["cnn", *map(str, range(self.model.config.num_hidden_layers + 1)), *final]

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return hop(self.model.config)

    @property
    def receptive(self) -> int:
        """Samples that one frame of the ``cnn`` layer covers."""
        return receptive(self.model.config)

    def n_frames(self, n_samples: int) -> int:
        """Frames of an utterance; 0 when it is shorter than the receptive field."""
        return max(0, (n_samples - self.receptive) // self.hop + 1)

    def frame_center_s(self, frame: int | np.ndarray) -> float | np.ndarray:
        """The time in s of the middle of a frame."""
        return (self.hop * frame + (self.receptive - 1) / 2) / SAMPLE_RATE

    def frame_at(self, time_s: float, n_samples: int) -> int:
        """The frame whose centre is nearest to ``time_s``. Raises TonespanError outside the audio or if it has no
        frame.
        """
        if not 0 <= time_s <= n_samples / SAMPLE_RATE:
            raise TonespanError(f"tone centre {time_s:.3f} s lies outside audio of {n_samples / SAMPLE_RATE:.3f} s")
        frames = self.n_frames(n_samples)
        if frames == 0:
            needed_ms = 1000 * self.receptive / SAMPLE_RATE
            raise TonespanError(f"audio of {n_samples} samples is shorter than one frame ({needed_ms:.0f} ms)")
        frame = round((time_s * SAMPLE_RATE - (self.receptive - 1) / 2) / self.hop)
        return int(np.clip(frame, 0, frames - 1))

    def prepare(self, samples: np.ndarray) -> torch.Tensor:
        """Samples (n,) or (batch, n) as the checkpoint wants them, (batch, n). The scaling is part of the input."""
        return prepared(samples, scaled=self.scale_input).to(self.model.device, self.model.dtype)

    def forward(self, waveform: torch.Tensor) -> dict[str, torch.Tensor]:
        """All layers, name -> (batch, frame, hidden), of a prepared waveform (batch, n); keeps the graph if asked
        for.
        """
        features = self.features(waveform)
        return {"cnn": features, **self.forward_from_cnn(features)}

    def features(self, waveform: torch.Tensor) -> torch.Tensor:
        """The ``cnn`` layer (batch, frame, channel) of a prepared waveform (batch, n)."""
        return self.model.feature_extractor(waveform).transpose(1, 2)

    def forward_from_cnn(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel).

        ``mask`` (batch, frame) is True where there is speech: padding is zeroed before the positional convolution and
        hidden from attention, so that the other frames are what they are without it. Its own states mean nothing.
        """
        projected = self.model.feature_projection(features)
        hidden = projected[0] if isinstance(projected, tuple) else projected  # HuBERT gives the hidden states alone
        hidden, attention_mask = _without_padding(hidden, mask)
        stack = self.model.encoder
        stable = "final" in self.layers
        hidden = hidden + stack.pos_conv_embed(hidden)
        states = {"0": hidden if stable else stack.layer_norm(hidden)}
        for number, block in enumerate(stack.layers, start=1):
            states[str(number)] = block(states[str(number - 1)], attention_mask=attention_mask)
        return states | ({"final": stack.layer_norm(states[str(len(stack.layers))])} if stable else {})

    @torch.no_grad()
    def hidden_at(self, samples: np.ndarray, centers_s: Sequence[float]) -> dict[str, np.ndarray]:
        """Hidden vectors at tone centres: layer name -> (centre, hidden), from one utterance (n,)."""
        frames = [self.frame_at(center, samples.size) for center in centers_s]
        states = self.forward(self.prepare(samples))
        return {layer: state[0, frames].float().cpu().numpy() for layer, state in states.items()}


def hop(config: PreTrainedConfig) -> int:
    """Samples from one frame of a convolutional front end to the next."""
    return int(np.prod(config.conv_stride))


def receptive(config: PreTrainedConfig) -> int:
    """Samples that one frame of a convolutional front end covers."""
    width, jump = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        width, jump = width + (kernel - 1) * jump, jump * stride
    return width


def prepared(samples: np.ndarray, *, scaled: bool) -> torch.Tensor:
    """Samples (n,) or (batch, n) as (batch, n), at zero mean and unit variance where ``scaled``."""
    waveform = torch.as_tensor(np.atleast_2d(samples), dtype=torch.float32)
    if not torch.isfinite(waveform).all():
        raise TonespanError("audio holds NaN or infinite samples")
    if scaled:
        mean = waveform.mean(dim=-1, keepdim=True)
        variance = waveform.var(dim=-1, keepdim=True, unbiased=False)
        waveform = (waveform - mean) / torch.sqrt(variance + 1e-7)  # the feature extractor's own constant
    return waveform


def _without_padding(hidden: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states with padding zeroed, and what attention adds to its scores: (batch, 1, 1, frame)."""
    if mask is None:
        return hidden, None
    scores = torch.zeros(mask.shape, dtype=hidden.dtype, device=hidden.device)
    scores = scores.masked_fill(~mask, torch.finfo(hidden.dtype).min)
    return hidden.masked_fill(~mask[..., None], 0), scores[:, None, None]
