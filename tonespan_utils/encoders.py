"""Any wav2vec 2.0 style Hugging Face encoder behind one small class: layers, frames, inputs.

Conventions
-----------
- Frame ``f`` covers samples ``hop * f`` to ``hop * f + receptive - 1`` (320 and 400 for the common stack); its
  centre is ``320 f + 199.5``.
- Layers by name, bottom up: ``cnn`` the convolutional features before projection; ``0`` is Hugging Face's
  ``hidden_states[0]`` (after the positional convolution); ``1`` to ``L`` the block outputs as in ``hidden_states``.
  ``L`` of a stable-layer-norm model is taken before the final norm, and ``final`` names the normed one.
- The input is the waveform as the checkpoint's feature extractor gives it (scaled to zero mean and unit variance where
  the checkpoint asks for it). One utterance at a time, or equal lengths: group-norm models must not see padding.
- Weights are frozen and the model stays in ``eval()``; float32.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging as transformers_logging

from tonespan_utils.corpus import SAMPLE_RATE
from tonespan_utils.errors import TonespanError

FAMILIES = ("wav2vec2", "hubert")  # wav2vec 2.0, XLS-R and MMS are of the first, mHuBERT-147 of the second


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
        return int(np.prod(self.model.config.conv_stride))

    @property
    def receptive(self) -> int:
        """Samples that one frame of the ``cnn`` layer covers."""
        width, jump = 1, 1
        for kernel, stride in zip(self.model.config.conv_kernel, self.model.config.conv_stride, strict=True):
            width, jump = width + (kernel - 1) * jump, jump * stride
        return width

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
        waveform = torch.as_tensor(np.atleast_2d(samples), dtype=torch.float32)
        if not torch.isfinite(waveform).all():
            raise TonespanError("audio holds NaN or infinite samples")
        if self.scale_input:
            mean = waveform.mean(dim=-1, keepdim=True)
            variance = waveform.var(dim=-1, keepdim=True, unbiased=False)
            waveform = (waveform - mean) / torch.sqrt(variance + 1e-7)  # the feature extractor's own constant
        return waveform.to(self.model.device)

    def forward(self, waveform: torch.Tensor) -> dict[str, torch.Tensor]:
        """All layers, name -> (batch, frame, hidden), of a prepared waveform (batch, n); keeps the graph if asked
        for.
        """
        features = self.features(waveform)
        return {"cnn": features, **self.forward_from_cnn(features)}

    def features(self, waveform: torch.Tensor) -> torch.Tensor:
        """The ``cnn`` layer (batch, frame, channel) of a prepared waveform (batch, n)."""
        return self.model.feature_extractor(waveform).transpose(1, 2)

    def forward_from_cnn(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel)."""
        projected = self.model.feature_projection(features)
        hidden = projected[0] if isinstance(projected, tuple) else projected  # HuBERT gives the hidden states alone
        stack = self.model.encoder
        stable = "final" in self.layers
        hidden = hidden + stack.pos_conv_embed(hidden)
        states = {"0": hidden if stable else stack.layer_norm(hidden)}
        for number, block in enumerate(stack.layers, start=1):
            states[str(number)] = block(states[str(number - 1)])
        return states | ({"final": stack.layer_norm(states[str(len(stack.layers))])} if stable else {})

    @torch.no_grad()
    def hidden_at(self, samples: np.ndarray, centers_s: Sequence[float]) -> dict[str, np.ndarray]:
        """Hidden vectors at tone centres: layer name -> (centre, hidden), from one utterance (n,)."""
        frames = [self.frame_at(center, samples.size) for center in centers_s]
        states = self.forward(self.prepare(samples))
        return {layer: state[0, frames].float().cpu().numpy() for layer, state in states.items()}


def load(checkpoint: str | Path, *, revision: str | None = None, device: str | None = None) -> Encoder:
    """A frozen encoder from a local folder or a hub id, by the same code.

    Runs no remote code, prefers safetensors, reads ``.bin`` weights-only, and refuses a checkpoint whose encoder
    weights are incomplete or left over, in one line. Notebook: notebooks/03_layer_probes
    """
    config = _config(checkpoint, revision)
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        model, info = AutoModel.from_pretrained(
            checkpoint, revision=revision, config=config, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:
        raise TonespanError(f"{checkpoint}: the weights cannot be read ({_first_line(error)})") from None
    finally:
        transformers_logging.set_verbosity(level)
    _check_weights(checkpoint, info)
    model.eval().requires_grad_(False)
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return Encoder(model, str(checkpoint), _identity(checkpoint, model), _scales_input(checkpoint, revision))


def _config(checkpoint: str | Path, revision: str | None) -> AutoConfig:
    folder = Path(checkpoint)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise TonespanError(
            f"{checkpoint}: no config.json in the folder; give a Hugging Face checkpoint folder or hub id"
        )
    try:
        config = AutoConfig.from_pretrained(checkpoint, revision=revision)
    except Exception as error:
        raise TonespanError(f"{checkpoint}: no such checkpoint folder or hub id ({_first_line(error)})") from None
    if config.model_type not in FAMILIES:
        raise TonespanError(f"{checkpoint}: a {config.model_type!r} model; this study reads {' and '.join(FAMILIES)}")
    return config


def _check_weights(checkpoint: str | Path, info: dict) -> None:
    # A head on top (CTC, pre-training quantizer) is not ours; whatever belongs to the encoder must match exactly.
    heads = ("lm_head", "quantizer", "project_", "classifier", "projector", "label_embeddings_concat", "final_proj")
    masked = "masked_spec_embed"  # only used in training; some public checkpoints leave it out
    missing = [key for key in info["missing_keys"] if masked not in key]
    extra = [key for key in info["unexpected_keys"] if not key.startswith(heads)]
    wrong = [str(key) for key in info["mismatched_keys"]]
    for problem, keys in (("missing", missing), ("unexpected", extra), ("misshapen", wrong)):
        if keys:
            raise TonespanError(f"{checkpoint}: {len(keys)} {problem} encoder weights, first {sorted(keys)[0]}")


def _scales_input(checkpoint: str | Path, revision: str | None) -> bool:
    from transformers import AutoFeatureExtractor

    try:
        return bool(AutoFeatureExtractor.from_pretrained(checkpoint, revision=revision).do_normalize)
    except (OSError, ValueError):
        return False


def _identity(checkpoint: str | Path, model: PreTrainedModel) -> str:
    """The hub commit where there is one, otherwise a hash of the weights themselves."""
    commit = getattr(model.config, "_commit_hash", None)
    if commit and not Path(checkpoint).is_dir():
        return commit
    digest = hashlib.sha256(json.dumps(model.config.to_diff_dict(), sort_keys=True, default=str).encode())
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.cpu().contiguous().numpy().tobytes())
    return "sha256:" + digest.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
