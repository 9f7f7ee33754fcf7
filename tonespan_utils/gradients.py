"""How far does a layer look? The gradient of a probe's tone logit with respect to the input, squared, over time.

For a token with centre c and a layer with probe ``(W, b)``: the hidden vector h at the centre frame gives logits ``W h + b``;
the energy of input sample t is ``(d logit / d x_t)^2``, and ``E(tau)`` sums it over bins of ``tau = t - c``.

Conventions: the input is the prepared waveform of the whole utterance (what the model sees), or its ``cnn``
features, whose energy is summed over channels at frame centres. ``target`` names the logit: ``true`` the labelled tone,
``predicted`` the winner, ``margin`` the labelled tone minus the best other. Parameters are frozen; the model, its hooks
and the input are left as found.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from tonespan_utils import spans
from tonespan_utils.classify import LinearClassifier
from tonespan_utils.corpus import SAMPLE_RATE
from tonespan_utils.encoders import Encoder
from tonespan_utils.errors import TonespanError

MAX_BATCH_S = 30.0  # audio held in one graph: about 1 GB for the small encoder


def input_gradients(
    encoder: Encoder,
    probes: Mapping[str, LinearClassifier],
    samples: np.ndarray,
    centers_s: Sequence[float],
    tones: Sequence[str],
    *,
    target: str = "true",
    wrt: str = "waveform",
) -> dict[str, np.ndarray]:
    """Gradients of each token's logit: layer -> (token, samples), or (token, frame, channel) for ``wrt="cnn"``.

    ``samples`` (n,) is one utterance at 16 kHz; ``centers_s`` and ``tones`` (token,) lie in it. The ``cnn`` layer's own gradient
    with respect to ``cnn`` features is the probe's weight at the centre frame. Raises TonespanError for a tone no probe
    knows. Notebook: notebooks/04_gradient_energy
    """
    batch = max(1, int(MAX_BATCH_S * SAMPLE_RATE / samples.size))
    chunks = [
        _gradients(encoder, probes, samples, centers_s[i : i + batch], tones[i : i + batch], target=target, wrt=wrt)
        for i in range(0, len(centers_s), batch)
    ]
    return {layer: np.concatenate([chunk[layer] for chunk in chunks]) for layer in probes}


def _gradients(
    encoder: Encoder,
    probes: Mapping[str, LinearClassifier],
    samples: np.ndarray,
    centers_s: Sequence[float],
    tones: Sequence[str],
    *,
    target: str,
    wrt: str,
) -> dict[str, np.ndarray]:
    frames = [encoder.frame_at(center, samples.size) for center in centers_s]
    rows = torch.arange(len(frames))
    # One copy of the utterance per token: a single backward pass then gives every token's own gradient.
    source = encoder.prepare(samples).expand(len(frames), -1)
    if wrt == "cnn":
        with torch.no_grad():
            source = encoder.model.feature_extractor(source).transpose(1, 2)
    source = source.detach().clone().requires_grad_(True)
    states = encoder.forward(source) if wrt == "waveform" else {"cnn": source, **encoder.forward_from_cnn(source)}
    found = {}
    for layer, probe in probes.items():
        logits = _logits(probe, states[layer][rows, frames])
        chosen = _target_logit(logits, probe, tones, target=target)
        (gradient,) = torch.autograd.grad(chosen.sum(), source, retain_graph=True)
        found[layer] = gradient.cpu().numpy()
    return found


def _logits(probe: LinearClassifier, hidden: torch.Tensor) -> torch.Tensor:
    weight = torch.as_tensor(probe.weight, dtype=hidden.dtype, device=hidden.device)
    return hidden @ weight.T + torch.as_tensor(probe.bias, dtype=hidden.dtype, device=hidden.device)


def _target_logit(logits: torch.Tensor, probe: LinearClassifier, tones: Sequence[str], *, target: str) -> torch.Tensor:
    if target == "predicted":
        return logits.max(dim=1).values
    unknown = set(tones) - set(probe.classes)
    if unknown:
        raise TonespanError(f"the probe knows the tones {', '.join(probe.classes)}, not {', '.join(sorted(unknown))}")
    rows, index = torch.arange(len(tones)), [probe.classes.index(tone) for tone in tones]
    true = logits[rows, index]
    if target == "true":
        return true
    others = logits.clone()
    others[rows, index] = -torch.inf
    return true - others.max(dim=1).values


def energy_over_offset(
    encoder: Encoder,
    gradients: np.ndarray,
    centers_s: Sequence[float],
    edges_ms: np.ndarray,
) -> np.ndarray:
    """Squared gradients binned over offset from each token's centre: (token, bins), in units of gradient squared.

    ``gradients`` (token, samples), or (token, frame, channel) whose channels are summed. Raises TonespanError for NaN.
    Notebook: notebooks/04_gradient_energy
    """
    if not np.isfinite(gradients).all():
        raise TonespanError("gradients hold NaN or infinite values; are the checkpoint's weights finite?")
    energy = np.square(gradients, dtype=np.float64)
    if energy.ndim == 3:
        energy, times_s = energy.sum(axis=-1), encoder.frame_center_s(np.arange(gradients.shape[1]))
    else:
        times_s = np.arange(gradients.shape[1]) / SAMPLE_RATE
    return np.stack(
        [
            spans.bin_energy(row, times_s * 1000, center * 1000, edges_ms)
            for row, center in zip(energy, centers_s, strict=True)
        ]
    )


def null_energy(n_samples: int, centers_s: Sequence[float], edges_ms: np.ndarray) -> np.ndarray:
    """What a model that looks everywhere alike would give, within the audio there is: (token, bins), rows sum to 1."""
    end_ms = 1000 * n_samples / SAMPLE_RATE
    return np.stack([spans.flat_null(edges_ms, before_ms=c * 1000, after_ms=end_ms - c * 1000) for c in centers_s])
