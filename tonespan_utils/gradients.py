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

from tonespan_utils import spans
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
    reach_s: float = np.inf,
) -> dict[str, np.ndarray]:
    """Gradients of each token's logit: layer -> (token, samples), or (token, frame, channel) for ``wrt="cnn"``.

    ``samples`` (n,) is one utterance at 16 kHz; ``centers_s`` and ``tones`` (token,) lie in it. Waveform gradients
    further than ``reach_s`` from the centre may be left at 0, which spares work; nearer ones are exact. The ``cnn``
    layer's own gradient with respect to ``cnn`` features is the probe's weight at the centre frame.
    Raises TonespanError for a tone no probe knows. Notebook: notebooks/04_gradient_energy
    """
    batch = max(1, int(MAX_BATCH_S * SAMPLE_RATE / samples.size))
    waveform = encoder.prepare(samples)
    chunks = []
    for i in range(0, len(centers_s), batch):
        frames = [encoder.frame_at(center, samples.size) for center in centers_s[i : i + batch]]
        found = _feature_gradients(encoder, probes, waveform, frames, tones[i : i + batch], target=target)
        chunks.append(_through_convolutions(encoder, waveform, frames, found, reach_s) if wrt == "waveform" else found)
    return {layer: torch.cat([chunk[layer] for chunk in chunks]).cpu().numpy() for layer in probes}


def _feature_gradients(
    encoder: Encoder,
    probes: Mapping[str, LinearClassifier],
    waveform: torch.Tensor,
    frames: Sequence[int],
    tones: Sequence[str],
    *,
    target: str,
) -> dict[str, torch.Tensor]:
    """Gradients with respect to the ``cnn`` features: layer -> (token, frame, channel)."""
    rows = torch.arange(len(frames))
    with torch.no_grad():
        features = encoder.features(waveform)
    # One copy of the utterance per token: a single backward pass then gives every token's own gradient.
    source = features.expand(len(frames), -1, -1).clone().requires_grad_(True)
    states = {"cnn": source, **encoder.forward_from_cnn(source)}
    found = {}
    for layer, probe in probes.items():
        chosen = _target_logit(_logits(probe, states[layer][rows, frames]), probe, tones, target=target)
        (found[layer],) = torch.autograd.grad(chosen.sum(), source, retain_graph=True)
    return found


def _through_convolutions(
    encoder: Encoder, waveform: torch.Tensor, frames: Sequence[int], found: dict[str, torch.Tensor], reach_s: float
) -> dict[str, torch.Tensor]:
    """From gradients at the ``cnn`` features to gradients at the waveform: layer -> (token, samples)."""
    first, n_frames, length = _segments(encoder, waveform.shape[1], frames, reach_s)
    samples = [slice(encoder.hop * start, encoder.hop * start + length) for start in first]
    source = torch.stack([waveform[0, part] for part in samples]).requires_grad_(True)
    features = encoder.features(source)
    carried = {}
    for layer, gradient in found.items():
        cotangent = torch.stack([gradient[t, start : start + n_frames] for t, start in enumerate(first)])
        (local,) = torch.autograd.grad(features, source, cotangent, retain_graph=True)
        carried[layer] = torch.zeros(len(frames), waveform.shape[1], dtype=local.dtype, device=local.device)
        for t, part in enumerate(samples):
            carried[layer][t, part] = local[t]
    return carried


def _segments(encoder: Encoder, n_samples: int, frames: Sequence[int], reach_s: float) -> tuple[list[int], int, int]:
    """First frame of each token's stretch, and how many frames and samples a stretch has.

    Frames of a layer-normed front end depend on their own samples alone, so a stretch with every frame that touches
    +-reach_s gives what the whole utterance gives. Group norm ties every frame to every sample: no stretch then.
    """
    total = encoder.n_frames(n_samples)
    around = np.inf if encoder.model.config.feat_extract_norm == "group" else reach_s * SAMPLE_RATE / encoder.hop + 2
    if 2 * around + 1 >= total:
        return [0] * len(frames), total, n_samples
    n_frames = 2 * int(np.ceil(around)) + 1
    first = [int(np.clip(frame - n_frames // 2, 0, total - n_frames)) for frame in frames]
    return first, n_frames, encoder.hop * (n_frames - 1) + encoder.receptive


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
    """Energy of many tokens: layer -> (token, bins); their flat null (token, bins), utterances and names (token,)."""

    energy: dict[str, np.ndarray]
    null: np.ndarray
    utterances: np.ndarray
    tokens: np.ndarray


def eligible(corpus: Corpus, *, n_tokens: int, min_side_ms: float, seed: int) -> pd.DataFrame:
    """Up to ``n_tokens`` test tokens, drawn at random, with ``min_side_ms`` of audio on both sides of the centre.

    Single tokens are drawn, not whole utterances: as many different utterances as can be had narrow the interval.
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
    return kept.sample(n=min(n_tokens, len(kept)), random_state=seed).sort_index()


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
    null, utterances, names = [], [], []
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc="gradients", unit="utt"):
        samples, centers = corpus.audio(utterance_id), group["center_s"].tolist()
        found = input_gradients(
            encoder, probes, samples, centers, group["tone"].tolist(),
            target=target, wrt=wrt, reach_s=float(np.abs(edges_ms).max()) / 1000,
        )  # fmt: skip
        for layer, gradient in found.items():
            energy[layer].append(energy_over_offset(encoder, gradient, centers, edges_ms))
        null.append(null_energy(samples.size, centers, edges_ms))
        utterances += [utterance_id] * len(centers)
        names += group["token_id"].tolist()
    joined = {layer: np.concatenate(parts) for layer, parts in energy.items()}
    return Measured(joined, np.concatenate(null), np.array(utterances), np.array(names))


def tabulate(
    found: Mapping[str, Sequence[Measured]],
    seeds: Sequence[int],
    edges_ms: np.ndarray,
    *,
    condition: str,
    n_resamples: int,
    level: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """The tables ``energy``, ``energy_null``, ``spans``, ``radii`` and ``token_spans`` of one condition.

    ``found`` holds, per language, what :func:`measure` gave under each of ``seeds``. Notebook:
    notebooks/04_gradient_energy
    """
    offsets = (edges_ms[:-1] + edges_ms[1:]) / 2
    rows: dict[str, list[pd.DataFrame]] = {"energy": [], "energy_null": [], "spans": [], "radii": [], "token_spans": []}
    for language, measured in found.items():
        null = np.concatenate([one.null for one in measured])
        utterances = np.concatenate([one.utterances for one in measured])
        trained = np.repeat(seeds, [len(one.null) for one in measured])
        about = {"condition": condition, "language": language}
        rows["energy_null"].append(pd.DataFrame(about | {"offset_ms": offsets, "energy": spans.mean_energy(null)}))
        for layer in measured[0].energy:
            energy = np.concatenate([one.energy[layer] for one in measured])
            pool = (energy, null, utterances, edges_ms)
            drawing = {"seeds": trained, "n_resamples": n_resamples, "level": level, "seed": seed}
            key = about | {"layer": layer}
            rows["energy"].append(pd.DataFrame(key | {"offset_ms": offsets, "energy": spans.mean_energy(energy)}))
            rows["spans"].append(pd.DataFrame([key | spans.as_row(spans.pooled_span(*pool, **drawing))]))
            rows["radii"].append(pd.DataFrame([key | row for row in spans.radius_table(*pool, **drawing)]))
            names = {"token_id": np.concatenate([one.tokens for one in measured]), "utterance_id": utterances}
            radius = spans.center_of_mass_radius(energy, offsets)
            rows["token_spans"].append(pd.DataFrame(key | names | {"seed": trained, "r_com_ms": radius}))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in rows.items()}
