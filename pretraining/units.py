"""What the encoder predicts at hidden frames: the cluster of each frame's sound, as in HuBERT (Hsu et al. 2021).

The first iteration clusters narrow-band spectra (:class:`SpectralUnits`), the second the middle layer of the encoder
that the first one trained (:class:`LayerUnits`). Both map clean speech (crop, sample) to units (crop, frame, book);
each book has ``N_UNITS`` clusters of its own. They are modules, so that a checkpoint holds them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans
from torch import nn
from transformers import Wav2Vec2Model

from pretraining.crops import normalised
from pretraining.spectra import EDGES_HZ, N_BANDS, NarrowSpectra

N_UNITS = 200


def find_units(points: np.ndarray, *, seed: int) -> torch.Tensor:
    """Centres of clusters of points (frame, feature): (unit, feature)."""
    fitted = MiniBatchKMeans(N_UNITS, batch_size=4096, n_init=3, random_state=seed).fit(points)
    return torch.from_numpy(fitted.cluster_centers_.astype(np.float32))


def nearest(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Which centre lies nearest to each point: (crop, frame, feature), (unit, feature) -> (crop, frame)."""
    return torch.cdist(points, centres.expand(len(points), -1, -1)).argmin(dim=-1)


class SpectralUnits(nn.Module):
    """Clusters of the four parts of the narrow-band spectrum: one book each."""

    n_books = len(EDGES_HZ) - 1

    def __init__(self) -> None:
        super().__init__()
        self.spectra = NarrowSpectra()
        self.register_buffer("centres", torch.zeros(N_UNITS, N_BANDS))

    def fit(self, speech: Sequence[torch.Tensor], *, seed: int) -> None:
        """Find the clusters in batches of clean speech (crop, sample)."""
        parts = zip(*(self.spectra(clean) for clean in speech), strict=True)
        points = [torch.cat([batch.flatten(0, 1) for batch in part]).numpy() for part in parts]
        self.centres.copy_(torch.cat([find_units(part, seed=seed) for part in points], dim=1))

    @torch.no_grad()
    def forward(self, clean: torch.Tensor) -> torch.Tensor:
        centres = self.centres.split(self.spectra.sizes, dim=1)
        return torch.stack([nearest(*pair) for pair in zip(self.spectra(clean), centres, strict=True)], dim=-1)


class LayerUnits(nn.Module):
    """Clusters of a trained encoder's middle layer, each feature standardised: one book."""

    n_books = 1

    def __init__(self, teacher: Wav2Vec2Model) -> None:
        super().__init__()
        self.teacher = teacher.requires_grad_(False)
        self.layer = teacher.config.num_hidden_layers // 2
        self.register_buffer("scale", torch.ones(2, teacher.config.hidden_size))
        self.register_buffer("centres", torch.zeros(N_UNITS, teacher.config.hidden_size))

    def fit(self, speech: Sequence[torch.Tensor], *, seed: int) -> None:
        """Find the clusters in batches of clean speech (crop, sample)."""
        points = torch.cat([self._hidden(clean).flatten(0, 1) for clean in speech])
        self.scale.copy_(torch.stack([points.mean(dim=0), points.std(dim=0).clamp(min=1e-3)]))
        self.centres.copy_(find_units(((points - self.scale[0]) / self.scale[1]).numpy(), seed=seed))

    @torch.no_grad()
    def forward(self, clean: torch.Tensor) -> torch.Tensor:
        return nearest((self._hidden(clean) - self.scale[0]) / self.scale[1], self.centres)[..., None]

    @torch.no_grad()
    def _hidden(self, clean: torch.Tensor) -> torch.Tensor:
        """Output of the middle block: (crop, frame, hidden). The blocks above it are not computed."""
        features, _ = self.teacher.feature_projection(self.teacher.feature_extractor(normalised(clean)).transpose(1, 2))
        encoder = self.teacher.encoder
        hidden = features + encoder.pos_conv_embed(features)
        for block in encoder.layers[: self.layer]:
            hidden = block(hidden)
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        return hidden
