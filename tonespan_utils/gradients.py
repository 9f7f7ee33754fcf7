"""How far does a layer look? The gradient of a probe's tone logit with respect to the input, squared, over time.

For a token with centre c and a layer with probe ``(W, b)``: the hidden vector h at the centre frame gives logits
``W h + b``; the energy of input sample t is ``(d logit / d x_t)^2``, and ``E(tau)`` sums it over bins of ``tau = t -
c``.

Conventions: the input is the prepared waveform of the whole utterance (what the model sees), or its ``cnn``
features, whose energy is summed over channels at frame centres. ``target`` names the logit: ``true`` the labelled tone,
``predicted`` the winner, ``margin`` the labelled tone minus the best other. Parameters are frozen; the model, its hooks
and the input are left as found.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from tonespan_utils import spans, splits
from tonespan_utils.classify import LinearClassifier
from tonespan_utils.corpus import SAMPLE_RATE, Corpus
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

    ``samples`` (n,) is one utterance at 16 kHz; ``centers_s`` and ``tones`` (token,) lie in it. The ``cnn`` layer's own
    gradient with respect to ``cnn`` features is the probe's weight at the centre frame. Raises TonespanError for a
    tone no probe
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


@dataclass(frozen=True)
class Measured:
    """Energy of many tokens: layer -> (token, bins); their flat null (token, bins) and utterances (token,)."""

    energy: dict[str, np.ndarray]
    null: np.ndarray
    utterances: np.ndarray


def eligible(corpus: Corpus, *, n_tokens: int, min_side_ms: float, seed: int) -> pd.DataFrame:
    """About ``n_tokens`` test tokens, by whole utterances, with ``min_side_ms`` of audio on both sides of the centre.

    Raises TonespanError when no test token has that much audio around it.
    """
    tokens = corpus.tokens[corpus.tokens["split"] == "test"]
    length_s = tokens["utterance_id"].map(corpus.utterances.set_index("utterance_id")["n_samples"]) / SAMPLE_RATE
    side_s = np.minimum(tokens["center_s"], length_s - tokens["center_s"])
    kept = tokens[side_s >= min_side_ms / 1000]
    if kept.empty:
        raise TonespanError(
            f"none of {len(tokens)} test tokens has {min_side_ms:.0f} ms of audio on both sides; "
            "lower gradient.min_side_ms"
        )
    return splits.sample_utterances(kept, n_tokens=n_tokens, seed=seed)


def measure(
    encoder: Encoder,
    probes: Mapping[str, LinearClassifier],
    corpus: Corpus,
    tokens: pd.DataFrame,
    edges_ms: np.ndarray,
    *,
    target: str,
    wrt: str,
) -> Measured:
    """Energy over offset of every token and layer. Notebook: notebooks/04_gradient_energy"""
    energy: dict[str, list[np.ndarray]] = {layer: [] for layer in probes}
    null, utterances = [], []
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc="gradients", unit="utt"):
        samples, centers = corpus.audio(utterance_id), group["center_s"].tolist()
        found = input_gradients(encoder, probes, samples, centers, group["tone"].tolist(), target=target, wrt=wrt)
        for layer, gradient in found.items():
            energy[layer].append(energy_over_offset(encoder, gradient, centers, edges_ms))
        null.append(null_energy(samples.size, centers, edges_ms))
        utterances += [utterance_id] * len(centers)
    joined = {layer: np.concatenate(parts) for layer, parts in energy.items()}
    return Measured(joined, np.concatenate(null), np.array(utterances))
