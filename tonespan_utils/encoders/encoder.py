"""A speech encoder as one small class: its layers, frame times and inputs.

:class:`Encoder` is what wav2vec 2.0, HuBERT, UniSpeech and UniSpeech-SAT share. The others are small subclasses that
say where they differ: :mod:`wavlm`, :mod:`data2vec`, :mod:`sew`, :mod:`conformer` and :mod:`whisper`.

Conventions
-----------
- Frame ``f`` covers samples ``hop * f`` to ``hop * f + receptive - 1`` (320 and 400 for the common stack); its
  centre is ``320 f + 199.5``.
- Layers by name, bottom up: ``cnn`` the features of the front end before projection, convolutional in all families but
  Wav2Vec2-BERT; ``0`` is Hugging Face's ``hidden_states[0]`` (after the positional convolution); ``1`` to ``L`` the
  block outputs as in ``hidden_states``. ``L`` of a model that ends with a norm is taken before it, and ``final`` names
  the normed one.
- The input is the waveform as the checkpoint's feature extractor gives it (scaled to zero mean and unit variance where
  the checkpoint asks for it). One utterance at a time, or equal lengths: group norm runs over the whole
  utterance, so padding would change every frame and nothing here pads a waveform. ``cnn`` features of utterances that
  were run one by one may be padded together, with a mask: above them every model ignores what is masked.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

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
    """A frozen speech encoder. ``identity`` is the commit or content hash of what was loaded.

    For whoever goes through the model by hand: ``blocks_are_known`` where :mod:`backward` has their way down,
    ``front_end`` and ``blocks`` are the beginnings of the names of their weights, ``front_settings`` the parts of the
    configuration that the front end depends on.
    """

    model: PreTrainedModel
    name: str
    identity: str
    scale_input: bool

    blocks_are_known: ClassVar[bool] = True
    front_end: ClassVar[tuple[str, ...]] = ("feature_extractor.",)
    blocks: ClassVar[str] = "encoder.layers."
    front_settings: ClassVar[tuple[str, ...]] = (
        "conv_dim", "conv_kernel", "conv_stride", "feat_extract_norm", "feat_extract_activation"
    )  # fmt: skip

    @property
    def has_final(self) -> bool:
        """Whether something follows the last block: a norm, or what brings it back to every frame."""
        return getattr(self.model.config, "do_stable_layer_norm", False)

    @property
    def layers(self) -> list[str]:
        """Layer names, bottom up."""
        final = ["final"] if self.has_final else []
        return ["cnn", *map(str, range(self.model.config.num_hidden_layers + 1)), *final]

    @property
    def feature_width(self) -> int:
        """Channels of the ``cnn`` layer."""
        return self.model.config.conv_dim[-1]

    @property
    def inner_width(self) -> int:
        """Channels inside a block's feed-forward part."""
        return self.model.config.intermediate_size

    @property
    def ties_frames(self) -> bool:
        """Whether every frame of the ``cnn`` layer depends on the whole utterance, as group norm has it."""
        return getattr(self.model.config, "feat_extract_norm", "layer") == "group"

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return hop(self.model.config)

    @property
    def receptive(self) -> int:
        """Samples that one frame of the ``cnn`` layer covers."""
        return receptive(self.model.config)

    @property
    def first_center(self) -> float:
        """The sample in the middle of the first frame."""
        return (self.receptive - 1) / 2

    def n_frames(self, n_samples: int) -> int:
        """Frames of an utterance; 0 when it is shorter than the receptive field."""
        return max(0, (n_samples - self.receptive) // self.hop + 1)

    def frame_center_s(self, frame: int | np.ndarray) -> float | np.ndarray:
        """The time in s of the middle of a frame."""
        return (self.hop * frame + self.first_center) / SAMPLE_RATE

    def times_s(self, wrt: str, n: int) -> np.ndarray:
        """The times (n,) in s of an input that gradients are taken with respect to; see :meth:`inputs`."""
        return np.arange(n) / SAMPLE_RATE if wrt == "waveform" else self.frame_center_s(np.arange(n))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What gradients can be taken with respect to, by name: the waveform, the ``cnn`` layer, and in families whose
        model takes in something else than the waveform, these ``input_features`` (log-Mel bands of Whisper, stacked
        filter banks of Wav2Vec2-BERT).
        """
        return ("waveform", "cnn")

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
        frame = round((time_s * SAMPLE_RATE - self.first_center) / self.hop)
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
        hidden, attention_mask = _without_padding(self._projected(features), mask)
        stack = self.model.encoder
        hidden = hidden + stack.pos_conv_embed(hidden)
        states = self._up_the_blocks(hidden if self.has_final else stack.layer_norm(hidden), attention_mask)
        return states | ({"final": stack.layer_norm(states[str(len(stack.layers))])} if self.has_final else {})

    def _projected(self, features: torch.Tensor) -> torch.Tensor:
        projected = self.model.feature_projection(features)
        return projected[0] if isinstance(projected, tuple) else projected  # HuBERT gives the hidden states alone

    def _up_the_blocks(self, hidden: torch.Tensor, attention_mask: torch.Tensor | None) -> dict[str, torch.Tensor]:
        """Layers ``0``, which is ``hidden`` (batch, frame, hidden), to ``L``."""
        states = {"0": hidden}
        for number, block in enumerate(self.model.encoder.layers, start=1):
            states[str(number)] = block(states[str(number - 1)], attention_mask=attention_mask)
        return states

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


def no_padding(mask: torch.Tensor | None, family: str) -> None:
    """Raise TonespanError where padding is masked in a family whose frames would change with it."""
    if mask is not None:
        raise TonespanError(f"{family}: padding would change its frames; give clips of one length, without a mask")


def _without_padding(hidden: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states with padding zeroed, and what attention adds to its scores: (batch, 1, 1, frame)."""
    if mask is None:
        return hidden, None
    scores = torch.zeros(mask.shape, dtype=hidden.dtype, device=hidden.device)
    scores = scores.masked_fill(~mask, torch.finfo(hidden.dtype).min)
    return hidden.masked_fill(~mask[..., None], 0), scores[:, None, None]
