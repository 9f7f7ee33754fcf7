"""The small encoder, the linear heads that teach it, and the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import Wav2Vec2Config, Wav2Vec2Model

from pretraining.crops import Crops, augmented
from pretraining.targets import (
    N_DCT,
    N_LAGS,
    N_MELS,
    SpectralTargets,
    cepstra,
    find_units,
    pitch_targets,
)
from pretraining.warps import warped

LOSS_WEIGHT = {
    "mel": 0.5, "units": 3.0, "periodicity": 1.0, "contour": 3.0, "f0": 1.0,
    "cnn_mel": 0.5, "cnn_periodicity": 1.0, "cnn_f0": 1.0,
}  # fmt: skip


def new_encoder(seed: int) -> Wav2Vec2Model:
    """The untrained encoder: wav2vec 2.0 with layer norm, 3 million parameters, 6 blocks of width 192."""
    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        conv_dim=(32, 64, 128, 128, 128, 128, 128),  # the first two see 3,200 and 1,600 frames a second: half the time
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        hidden_size=192,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=768,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=16,
        hidden_dropout=0.0,  # no crop is seen twice alike: nothing to overfit in this many steps
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
    )
    return Wav2Vec2Model(config)


class Heads(nn.Module):
    """Linear maps to the standardised targets, from the top layer and from the convolutional features."""

    def __init__(self, config: Wav2Vec2Config, n_units: int) -> None:
        super().__init__()
        self.top = nn.Linear(config.hidden_size, N_MELS + N_LAGS + N_DCT + 2)
        self.units = nn.Linear(config.hidden_size, n_units)
        self.cnn = nn.Linear(config.conv_dim[-1], N_MELS + N_LAGS + 1)


def span_mask(n_crops: int, frames: int, *, share: float, span: int, rng: np.random.Generator) -> torch.Tensor:
    """Which frames are hidden from the encoder: whole spans, about ``share`` of all frames: (crop, frame) bool."""
    chance = 1 - (1 - share) ** (1 / span)  # that a span starts at a frame
    starts = rng.random((n_crops, frames)) < chance
    mask = np.zeros_like(starts)
    for shift in range(span):
        mask[:, shift:] |= starts[:, : frames - shift]
    return torch.from_numpy(mask)


@dataclass(frozen=True)
class Batch:
    """One step's input (crop, sample) and targets: spectral (crop, frame, 88), pitch and weight (crop, frame, 10)."""

    waveform: torch.Tensor
    spectral: torch.Tensor
    pitch: torch.Tensor
    weight: torch.Tensor
    cepstra: torch.Tensor


class Batches:
    """Batches without end; everything random depends on the two generators, whose state can be stored."""

    def __init__(self, crops: Crops, *, n_crops: int, seed: int, warped: bool = False) -> None:
        self.crops, self.n_crops, self.warped = crops, n_crops, warped
        self.spectral = SpectralTargets()
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self) -> Batch:
        clean, f0, warps = self.crops.batch(self.n_crops)
        mel, periodicity = self.spectral(clean)
        spectral = torch.cat([mel, periodicity], dim=-1)
        sound = cepstra(warped(mel, warps) if self.warped else mel)
        pitch, weight = zip(*(pitch_targets(track, spectral.shape[1]) for track in f0.numpy()), strict=True)
        waveform = augmented(clean, self.generator)
        return Batch(waveform, spectral, torch.from_numpy(np.stack(pitch)), torch.from_numpy(np.stack(weight)), sound)


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each target over some batches, pitch by its weights; the units' centres (unit, 26)."""

    spectral: tuple[torch.Tensor, torch.Tensor]
    pitch: tuple[torch.Tensor, torch.Tensor]
    units: torch.Tensor

    @classmethod
    def of(cls, batches: list[Batch], *, n_units: int, seed: int) -> Scale:
        spectral = torch.cat([batch.spectral.flatten(0, 1) for batch in batches])
        pitch = torch.cat([batch.pitch.flatten(0, 1) for batch in batches])
        weight = torch.cat([batch.weight.flatten(0, 1) for batch in batches])
        weight = weight / weight.sum(dim=0).clamp(min=1e-6)
        mean = (weight * pitch).sum(dim=0)
        deviation = (weight * (pitch - mean) ** 2).sum(dim=0).sqrt()
        points = torch.cat([batch.cepstra.flatten(0, 1) for batch in batches]).numpy()
        units = torch.from_numpy(find_units(points, n_units, seed=seed))
        return cls((spectral.mean(0), spectral.std(0).clamp(min=1e-3)), (mean, deviation.clamp(min=1e-3)), units)


def losses(
    model: Wav2Vec2Model, heads: Heads, batch: Batch, scale: Scale, mask: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The parts of the objective, each about 1 for an encoder that knows only the mean."""
    features = model.feature_extractor(batch.waveform).transpose(1, 2)
    hidden, _ = model.feature_projection(features)
    hidden = torch.where(mask[..., None], model.masked_spec_embed, hidden)
    hidden = model.encoder(hidden).last_hidden_state
    top, units = heads.top(hidden), torch.cdist(batch.cepstra, scale.units).argmin(dim=-1)
    cnn = heads.cnn(features)
    spectral = (batch.spectral - scale.spectral[0]) / scale.spectral[1]
    pitch = (batch.pitch - scale.pitch[0]) / scale.pitch[1]
    f0, f0_weight = pitch[..., N_DCT : N_DCT + 1], batch.weight[..., N_DCT : N_DCT + 1]
    n_spectral = spectral.shape[-1]
    return {
        "mel": F.mse_loss(top[..., :N_MELS], spectral[..., :N_MELS]),
        "units": F.cross_entropy(heads.units(hidden).flatten(0, 1), units.flatten()) / math.log(len(scale.units)),
        "periodicity": F.mse_loss(top[..., N_MELS:n_spectral], spectral[..., N_MELS:]),
        "contour": _weighted(top[..., n_spectral:-2], pitch[..., :N_DCT], batch.weight[..., :N_DCT]),
        "f0": _weighted(top[..., -2:], pitch[..., N_DCT:], batch.weight[..., N_DCT:]),
        "cnn_mel": F.mse_loss(cnn[..., :N_MELS], spectral[..., :N_MELS]),
        "cnn_periodicity": F.mse_loss(cnn[..., N_MELS:n_spectral], spectral[..., N_MELS:]),
        "cnn_f0": _weighted(cnn[..., n_spectral:], f0, f0_weight),
    }


def _weighted(guess: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    # Smooth L1 (twice, so that it is the squared error near 0): an octave error of the tracker must not rule the step
    error = 2 * F.smooth_l1_loss(guess, target, reduction="none")
    return (error * weight).sum() / weight.sum().clamp(min=1)
