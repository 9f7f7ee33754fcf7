"""The way down by plain autograd, for what :mod:`tonespan_utils.encoders.backward` does not know by heart.

Conventions: those of :mod:`tonespan_utils.encoders.backward`. Clips are independent of each other, so that a token of
every clip goes down at once; layers and tokens go down one after the other through a graph that is kept.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.whisper import WhisperEncoder


@dataclass(frozen=True, eq=False)
class PlainClips:
    """Clips on their way down through the whole graph: ``states`` layer -> (clip, frame, hidden), ``inputs`` what
    gradients can be taken with respect to, by name.
    """

    n_samples: int
    states: dict[str, Tensor]
    inputs: dict[str, Tensor]
    graph: dict[str, Tensor]

    def pull(self, starts: Mapping[str, Tensor], frames: Tensor, wrt: str) -> dict[str, Tensor]:
        """From gradients ``starts`` at each layer's ``frames`` (token, clip), each (token, clip, hidden), to gradients
        at the input ``wrt``: layer -> (token, clip, ...).
        """
        clip = torch.arange(frames.shape[1], device=frames.device)
        return {
            layer: torch.stack(
                [
                    torch.autograd.grad(
                        self.graph[layer][clip, at], self.inputs[wrt], start, retain_graph=True, materialize_grads=True
                    )[0]
                    for start, at in zip(by_token, frames, strict=True)
                ]
            )
            for layer, by_token in starts.items()
        }


def plain_clips(encoder: Encoder, waveforms: Tensor) -> PlainClips:
    """Take prepared ``waveforms`` (clip, samples) up through all layers, with their graph."""
    with torch.enable_grad():
        source = waveforms.clone().requires_grad_(True)
        cnn = encoder.features(source)
        graph = {"cnn": cnn, **encoder.forward_from_cnn(cnn)}
    inputs = {"waveform": source, "cnn": cnn} | ({"input_features": cnn} if "input_features" in encoder.inputs else {})
    states = {layer: state.detach() for layer, state in graph.items()}
    return PlainClips(waveforms.shape[1], states, inputs, graph)


@dataclass(frozen=True, eq=False)
class PlainFront:
    """The front end of Whisper with its graph: from the waveform over its log-Mel bands to ``cnn``."""

    inputs: dict[str, Tensor]
    cnn: Tensor

    def pull(self, at_features: Mapping[str, Tensor], wrt: str) -> dict[str, Tensor]:
        """From gradients at ``cnn``, layer -> (token, clip, frame, channel), to the input ``wrt``: layer -> (token,
        clip, ...).
        """
        return {
            layer: torch.stack(
                [torch.autograd.grad(self.cnn, self.inputs[wrt], g, retain_graph=True)[0] for g in by_token]
            )
            for layer, by_token in at_features.items()
        }


def plain_front(encoder: WhisperEncoder, waveforms: Tensor) -> PlainFront:
    """Take prepared ``waveforms`` (clip, samples) up to the ``cnn`` layer, with their graph."""
    with torch.enable_grad():
        source = waveforms.clone().requires_grad_(True)
        bands = encoder.input_features(source)
        return PlainFront({"waveform": source, "input_features": bands}, encoder.convolved(bands))
