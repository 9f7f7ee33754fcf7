"""One utterance and the logits of its tokens: their values, and their gradients at versions of its waveform.

What every attribution of :mod:`attribution` starts from. Conventions: those of that module.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import chunks, gradients, readouts
from tonespan_utils.instrument.readouts import Readout
from tonespan_utils.statistics.classifier import LinearClassifier

Floats = NDArray[np.float64]
Probes = Mapping[str, LinearClassifier]


@dataclass(frozen=True, eq=False)
class Utterance:
    """One utterance with the logits to attribute: one a token, ``target`` of its tone (see :mod:`readouts`).

    Gradients beyond ``reach_s`` of a centre need not be computed.
    """

    encoder: Encoder
    probes: Probes
    samples: np.ndarray
    centers_s: Sequence[float]
    tones: Sequence[str]
    target: str
    reach_s: float = np.inf

    @property
    def frames(self) -> list[int]:
        return [self.encoder.frame_at(center, self.samples.size) for center in self.centers_s]

    def prepare(self) -> tuple[Tensor, Readout]:
        """The prepared waveform (samples,) and what is read from it."""
        prepared = self.encoder.prepare(self.samples)
        frames = self.frames  # first: it says what is wrong with a centre or a clip
        states = gradients.trace(self.encoder, prepared).states
        return prepared[0], readouts.read_out(states, self.probes, [frames], [self.tones], target=self.target)

    def slopes(self, prepared: Tensor, readout: Readout) -> dict[str, np.ndarray]:
        """The gradient of ``readout`` at a prepared waveform (samples,): layer -> (token, samples)."""
        return {layer: by_clip[0] for layer, by_clip in self._slopes_of(prepared[None], readout).items()}

    def mean_slopes(self, versions: Iterable[Tensor], weights: Floats, readout: Readout) -> dict[str, Floats]:
        """The gradient of ``readout`` summed over versions of the waveform, each (samples,), by ``weights`` (version,).

        In double precision: layer -> (token, samples). As many versions as do well together are taken at a time.
        """
        clips = torch.stack(list(versions))
        total = {layer: np.zeros((len(self.centers_s), self.samples.size)) for layer in self.probes}

        def add(part: slice) -> None:
            for layer, slopes in self._slopes_of(clips[part], readout).items():
                total[layer] += np.tensordot(weights[part], slopes, axes=1)

        chunks.in_chunks(add, len(clips), chunks.together(self.encoder, self.samples.size))
        return total

    def _slopes_of(self, clips: Tensor, readout: Readout) -> dict[str, np.ndarray]:
        """The gradient of ``readout`` at prepared ``clips`` (clip, samples): layer -> (clip, token, samples)."""
        traced = gradients.trace(self.encoder, clips)
        return gradients.pull_down(self.encoder, traced, readout.of_copies(len(clips)), reach_s=self.reach_s)


@torch.no_grad()
def values(encoder: Encoder, prepared: Tensor, readout: Readout) -> dict[str, Floats]:
    """The scalars without the probe's bias at a prepared waveform (samples,): layer -> (token,)."""
    values = readout.values(encoder.forward(prepared[None]))
    return {layer: (value - readout.bias[layer])[:, 0].double().cpu().numpy() for layer, value in values.items()}
