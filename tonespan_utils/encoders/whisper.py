"""Whisper's encoder (Radford et al. 2023): log-Mel bands of a canvas of 30 s, two convolutions, blocks.

Conventions: a clip is put at the beginning of a canvas of silence, for the model was trained so and attends to all of
it; every clip then has the canvas's frames. Frame ``f`` is centred at sample ``320 f``. ``cnn`` is what the two
convolutions give, ``0`` has the positions added, ``L`` is taken before the closing norm, ``final`` after it. There is
no padding mask. A shorter canvas spares work and changes the states (docs/your-encoder.md says how much).

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch.nn import functional

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import filter_banks
from tonespan_utils.encoders.encoder import Encoder, no_padding
from tonespan_utils.errors import TonespanError

FRAMES_A_STEP = 2  # log-Mel frames from one frame to the next: the stride of the second convolution
REACH = 2 * FRAMES_A_STEP * filter_banks.HOP + filter_banks.WIDTH  # samples: a kernel of 3 over a kernel of 3


@dataclass(frozen=True, eq=False)
class WhisperEncoder(Encoder):
    """A frozen encoder of Whisper. ``canvas_s``: seconds that every clip is filled up to; None for the model's own."""

    canvas_s: float | None = None

    front_end: ClassVar[tuple[str, ...]] = ("conv1.", "conv2.")
    blocks: ClassVar[str] = "layers."
    front_settings: ClassVar[tuple[str, ...]] = ("model_type", "num_mel_bins", "d_model")

    @property
    def has_final(self) -> bool:
        return True

    @property
    def feature_width(self) -> int:
        return self.model.config.d_model

    @property
    def inner_width(self) -> int:
        return self.model.config.encoder_ffn_dim

    @property
    def ties_frames(self) -> bool:
        return True  # by the loudest band of the canvas

    @property
    def hop(self) -> int:
        return FRAMES_A_STEP * filter_banks.HOP

    @property
    def receptive(self) -> int:
        return REACH

    @property
    def first_center(self) -> float:
        return 0.0

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("waveform", "cnn", "input_features")

    def times_s(self, wrt: str, n: int) -> np.ndarray:
        return np.arange(n) * filter_banks.HOP / SAMPLE_RATE if wrt == "input_features" else super().times_s(wrt, n)

    @property
    def canvas(self) -> int:
        """Samples that every clip is filled up to."""
        if self.canvas_s is None:
            return self.model.config.max_source_positions * self.hop
        return round(self.canvas_s * SAMPLE_RATE / self.hop) * self.hop

    def n_frames(self, n_samples: int) -> int:
        """Frames of the canvas, whatever lies on it; 0 without samples. Raises TonespanError for a longer clip."""
        if n_samples > self.canvas:
            raise TonespanError(
                f"audio of {n_samples / SAMPLE_RATE:.2f} s is longer than this encoder's canvas of "
                f"{self.canvas / SAMPLE_RATE:g} s; cut it shorter, or take a longer canvas (canvas_s)"
            )
        return self.canvas // self.hop if n_samples else 0

    def input_features(self, waveform: torch.Tensor) -> torch.Tensor:
        """Log-Mel bands of the canvas (batch, 10 ms frame, band) with a waveform (batch, n) at its beginning."""
        self.n_frames(waveform.shape[1])  # refuses longer ones
        precise = waveform.to(torch.promote_types(waveform.dtype, torch.float32))  # no transform in bfloat16
        canvas = functional.pad(precise, (0, self.canvas - waveform.shape[1]))
        return filter_banks.whisper(canvas, self.model.config.num_mel_bins).to(waveform.dtype)

    def convolved(self, bands: torch.Tensor) -> torch.Tensor:
        """The ``cnn`` layer (batch, frame, channel) of log-Mel ``bands`` (batch, 10 ms frame, band)."""
        return functional.gelu(self.model.conv2(functional.gelu(self.model.conv1(bands.mT)))).mT

    def features(self, waveform: torch.Tensor) -> torch.Tensor:
        return self.convolved(self.input_features(waveform))

    def forward_from_cnn(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel) of a whole canvas."""
        no_padding(mask, "Whisper")
        states = {"0": features + self.model.embed_positions.weight[: features.shape[1]]}
        for number, block in enumerate(self.model.layers, start=1):
            states[str(number)] = block(states[str(number - 1)], None)
        return states | {"final": self.model.layer_norm(states[str(len(self.model.layers))])}


def with_canvas(encoder: Encoder, canvas_s: float | None) -> Encoder:
    """The same encoder with another canvas; as it is for None. Raises TonespanError for encoders without a canvas, and
    for one longer than the positions the model has. Notebook: notebooks/03_layer_probes
    """
    if canvas_s is None:
        return encoder
    if not isinstance(encoder, WhisperEncoder):
        raise TonespanError(f"{encoder.name}: canvas_s is for Whisper; this encoder takes clips as long as they are")
    longest_s = encoder.model.config.max_source_positions * encoder.hop / SAMPLE_RATE
    if not encoder.hop / SAMPLE_RATE <= canvas_s <= longest_s:
        raise TonespanError(f"{encoder.name}: no canvas of {canvas_s:g} s; it can have 0.02 to {longest_s:g} s")
    return replace(encoder, canvas_s=canvas_s, identity=f"{encoder.identity} canvas {canvas_s:g} s")
