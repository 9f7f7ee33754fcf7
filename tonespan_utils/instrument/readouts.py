"""Which number of a layer is differentiated: a tone's logit, as a linear function of the hidden vector at one frame.

Conventions: ``target`` names the logit: ``true`` the labelled tone, ``predicted`` the winner, ``margin`` the labelled
tone minus the best other. States are (clip, frame, hidden), what is read from them is (token, clip).

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tonespan_utils.encoders import backward
from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics.classifier import LinearClassifier


def probability_of(probabilities: np.ndarray, probe: LinearClassifier, tones: np.ndarray) -> np.ndarray:
    """The probability of the named ``tones`` (clip, token) among ``probabilities`` (clip, token, class): (clip, token);
    nan for a tone that the probe was not trained on.
    """
    places = np.array([[probe.classes.index(tone) if tone in probe.classes else -1 for tone in row] for row in tones])
    named = np.take_along_axis(probabilities, np.maximum(places, 0)[..., None], axis=-1)[..., 0]
    return np.where(places < 0, np.nan, named)


@dataclass(frozen=True, eq=False)
class Readout:
    """The number read from each layer, token and clip: ``weight @ hidden + bias`` of the hidden vector at its frame.

    ``weight`` layer -> (token, clip, hidden), ``bias`` layer -> (token, clip), ``frames`` (token, clip).
    """

    frames: Tensor
    weight: dict[str, Tensor]
    bias: dict[str, Tensor]

    def values(self, states: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The scalars of ``states``, layer -> (clip, frame, hidden): layer -> (token, clip)."""
        at = backward.single(self.frames)
        return {
            layer: torch.linalg.vecdot(states[layer][at], weight) + self.bias[layer]
            for layer, weight in self.weight.items()
        }

    def of_copies(self, n: int) -> Readout:
        """The same readout for ``n`` clips that are versions of one."""
        weight = {layer: tensor.expand(-1, n, -1) for layer, tensor in self.weight.items()}
        bias = {layer: tensor.expand(-1, n) for layer, tensor in self.bias.items()}
        return Readout(self.frames.expand(-1, n), weight, bias)


@torch.no_grad()
def read_out(
    states: Mapping[str, Tensor],
    probes: Mapping[str, LinearClassifier],
    frames: ArrayLike,
    tones: ArrayLike,
    *,
    target: str,
) -> Readout:
    """The target logits as linear readouts of ``states``, layer -> (clip, frame, hidden).

    ``frames`` and ``tones`` (clip, token). ``target`` is settled on these states: ``predicted`` stays the tone that won
    there, and ``margin`` the rival there, whatever the input is changed to afterwards. Raises TonespanError for a tone
    that no probe was trained on and for hidden states that are not finite.
    """
    weight, bias = {}, {}
    at = torch.as_tensor(np.transpose(frames), device=next(iter(states.values())).device)
    for layer, probe in probes.items():
        hidden = states[layer][backward.single(at)]
        if not torch.isfinite(hidden).all():
            raise TonespanError(f"layer {layer} holds NaN or infinite values; are the checkpoint's weights finite?")
        signs = _target_signs(logits(hidden, probe), probe, np.transpose(tones), target=target)
        weight[layer], bias[layer] = (signs @ part for part in _maps(probe, hidden))
    return Readout(at, weight, bias)


def _maps(probe: LinearClassifier, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """A probe's weight (class, hidden) and bias (class,), of the kind of ``hidden``."""
    weight, bias = (torch.as_tensor(x, dtype=hidden.dtype, device=hidden.device) for x in (probe.weight, probe.bias))
    return weight, bias


def logits(hidden: Tensor, probe: LinearClassifier) -> Tensor:
    """The logits (..., class) of a probe from hidden vectors (..., hidden), in their dtype."""
    weight, bias = _maps(probe, hidden)
    return hidden @ weight.T + bias


def _target_signs(logits: Tensor, probe: LinearClassifier, tones: np.ndarray, *, target: str) -> Tensor:
    """How each logit (token, clip, class) counts in the target: 1 for the named tone, -1 for the rival of a margin."""
    signs = torch.zeros_like(logits)
    if target == "predicted":
        return signs.scatter_(-1, logits.argmax(dim=-1, keepdim=True), 1)
    unknown = set(tones.flat) - set(probe.classes)
    if unknown:
        raise TonespanError(f"the probe knows the tones {', '.join(probe.classes)}, not {', '.join(sorted(unknown))}")
    number = {tone: i for i, tone in enumerate(probe.classes)}
    true = torch.tensor([[number[tone] for tone in row] for row in tones], device=logits.device).unsqueeze(-1)
    signs.scatter_(-1, true, 1)
    if target == "margin":
        signs.scatter_(-1, logits.scatter(-1, true, -torch.inf).argmax(dim=-1, keepdim=True), -1)
    return signs
