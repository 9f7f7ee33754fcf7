"""The small encoder, the linear heads that teach it, and the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import Wav2Vec2Config, Wav2Vec2Model

from pretraining.contour import contour_targets, n_coefficients
from pretraining.crops import Crops, augmented
from pretraining.spectra import n_frames
from pretraining.units import N_UNITS, LayerUnits, SpectralUnits

LOSS_WEIGHT = {"hidden": 1.0, "visible": 1.0, "contour": 1.0}


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
    """Linear maps from the top layer to the units of each book and, where pitch is taught, to the contour."""

    def __init__(self, config: Wav2Vec2Config, *, n_books: int, contour_ms: float | None) -> None:
        super().__init__()
        self.n_books = n_books
        self.units = nn.Linear(config.hidden_size, n_books * N_UNITS)
        self.contour = nn.Linear(config.hidden_size, n_coefficients(contour_ms)) if contour_ms else None


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
    """One step's input and clean speech (crop, sample); contours (crop, frame, coefficient), weights (crop, frame)."""

    waveform: torch.Tensor
    clean: torch.Tensor
    contour: torch.Tensor | None
    weight: torch.Tensor | None


class Batches:
    """Batches without end; everything random depends on the two generators, whose state can be stored."""

    def __init__(self, crops: Crops, *, n_crops: int, seed: int, contour_ms: float | None) -> None:
        self.crops, self.n_crops, self.contour_ms = crops, n_crops, contour_ms
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self) -> Batch:
        clean, f0 = self.crops.batch(self.n_crops)
        waveform = augmented(clean, self.generator)
        if self.contour_ms is None:
            return Batch(waveform, clean, None, None)
        frames = n_frames(clean.shape[1])
        targets = [contour_targets(track, frames, half_width_ms=self.contour_ms) for track in f0.numpy()]
        contour, weight = (torch.from_numpy(np.stack(part)) for part in zip(*targets, strict=True))
        return Batch(waveform, clean, contour, weight)


def contour_scale(batches: list[Batch]) -> torch.Tensor:
    """Mean and deviation of each coefficient over some batches, by weight: (2, coefficient)."""
    contour = torch.cat([batch.contour.flatten(0, 1) for batch in batches])
    weight = torch.cat([batch.weight.flatten() for batch in batches])[:, None]
    weight = weight / weight.sum().clamp(min=1e-6)
    mean = (weight * contour).sum(dim=0)
    return torch.stack([mean, (weight * (contour - mean) ** 2).sum(dim=0).sqrt().clamp(min=1e-3)])


def losses(
    model: Wav2Vec2Model,
    heads: Heads,
    batch: Batch,
    units: SpectralUnits | LayerUnits,
    scale: torch.Tensor | None,
    mask: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The parts of the objective, each about 1 for an encoder that knows only the mean.

    ``hidden`` and ``visible``: cross-entropy of the units at the frames that are hidden and at the others, over the
    entropy of equal units; ``contour``: error at every frame.
    """
    hidden, _ = model.feature_projection(model.feature_extractor(batch.waveform).transpose(1, 2))
    hidden = torch.where(mask[..., None], model.masked_spec_embed, hidden)
    hidden = model.encoder(hidden).last_hidden_state
    target = units(batch.clean)
    parts = {
        "hidden": _unit_loss(heads.units(hidden[mask]), target[mask]),
        "visible": _unit_loss(heads.units(hidden[~mask]), target[~mask]),
    }
    if heads.contour is not None:
        # Smooth L1 (twice, so that it is the squared error near 0): a tracker's octave error must not rule the step
        target = (batch.contour - scale[0]) / scale[1]
        error = 2 * F.smooth_l1_loss(heads.contour(hidden), target, reduction="none").mean(dim=-1)
        parts["contour"] = (error * batch.weight).sum() / batch.weight.sum().clamp(min=1)
    return parts


def _unit_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over frames and books; 0 where there is no frame, as in a short crop that no mask fell on."""
    total = F.cross_entropy(logits.reshape(-1, N_UNITS), target.flatten(), reduction="sum")
    return total / max(1, target.numel()) / math.log(N_UNITS)
