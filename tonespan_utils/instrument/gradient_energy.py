"""How energy lies around the tone centre: squared gradients summed over bins of offset, by token, and their tables.

``E(tau)`` of a token is the sum of ``(d logit / d x_t)^2`` over the input samples t whose offset from the tone centre
lies in the bin of tau. Gradients come from :mod:`gradients`, widths of the energy from :mod:`spans`. With the weight
``power`` each square is multiplied by the local power of the input (:mod:`local_power`); ``none`` is the paper's. One
backward pass gives both.

Conventions: energy is (token, bins), in units of gradient squared (times power); tokens are in the order of
:func:`by_utterance`. The null of an energy is what a model that looks everywhere alike would give under its weight:
flat within the audio, or, weighted, the local power itself.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sides
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.batches import alike
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, gradients, local_power, pooling, spans
from tonespan_utils.instrument.readouts import probability_of
from tonespan_utils.statistics.classifier import LinearClassifier

Weight = Literal["none", "power"]
WEIGHTS: tuple[Weight, ...] = ("none", "power")


def energy_over_offset(
    encoder: Encoder,
    gradient: np.ndarray,
    centers_s: Sequence[float],
    edges_ms: np.ndarray,
    *,
    power: np.ndarray | None = None,
    wrt: str = "cnn",
) -> np.ndarray:
    """Squared gradients binned over offset from each token's centre: (token, bins), in units of gradient squared.

    ``gradient`` (token, samples), or (token, frame, channel) whose channels are summed, with respect to ``wrt`` of
    ``Encoder.inputs``. ``power`` (samples,), the local
    power of the utterance, multiplies the squares where it is given. Raises TonespanError for NaN.
    Notebook: notebooks/04_gradient_energy
    """
    if not np.isfinite(gradient).all():
        raise TonespanError("gradients hold NaN or infinite values; are the checkpoint's weights finite?")
    energy = np.square(gradient, dtype=np.float64)
    times_s = encoder.times_s("waveform" if energy.ndim == 2 else wrt, gradient.shape[1])
    if energy.ndim == 3:
        energy = energy.sum(axis=-1)
    if power is not None:
        energy = energy * local_power.power_at(power, times_s)
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


def by_utterance(tokens: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``tokens`` in the order in which they are measured: utterance by utterance."""
    return pd.concat([group for _, group in tokens.groupby("utterance_id", sort=False)])


def durations_s(tokens: pd.DataFrame) -> np.ndarray:
    """The durations of the tokens' syllables (token,) in s, in the order of :func:`by_utterance`; nan where unknown."""
    ordered = by_utterance(tokens)
    return (ordered["end_s"].astype(float) - ordered["start_s"].astype(float)).to_numpy()


@dataclass(frozen=True)
class Measured:
    """Energy of many tokens: layer -> (token, bins); its null (token, bins), utterances and names (token,).

    ``confidence``: how probable each layer's probe finds their tones, layer -> (token,). ``weighted_energy``: like
    ``energy``, under the weight ``power``; ``power`` (token, bins): local power summed over each bin, the null of that.
    """

    energy: dict[str, np.ndarray]
    null: np.ndarray
    utterances: np.ndarray
    tokens: np.ndarray
    confidence: dict[str, np.ndarray]
    weighted_energy: dict[str, np.ndarray]
    power: np.ndarray

    def weighted_by(self, weight: Weight) -> Measured:
        """The same tokens with the energy, and the null, of one weight. Raises TonespanError for no name of one."""
        if weight not in WEIGHTS:
            raise TonespanError(f"no weight {weight!r} of energy; there are: {', '.join(WEIGHTS)}")
        if weight == "none":
            return self
        return replace(self, energy=self.weighted_energy, null=spans.normalise(self.power))


def eligible(corpus: Corpus, *, n_tokens: int, min_side_ms: float, seed: int) -> pd.DataFrame:
    """Up to ``n_tokens`` test tokens, drawn at random, with ``min_side_ms`` of audio on both sides of the centre.

    Single tokens are drawn, not whole utterances: as many different utterances as can be had narrow the interval.
    Raises TonespanError when no test token has that much audio around it.
    """
    tokens = corpus.tokens[corpus.tokens["split"] == "test"]
    kept = tokens[sides.shortest_ms(corpus, tokens) >= min_side_ms]
    if kept.empty:
        raise TonespanError(
            f"none of {len(tokens)} test tokens has {min_side_ms:.0f} ms of audio on both sides; "
            "lower min_side_ms (gradient.min_side_ms in the parameters)"
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
    power_window_ms: float = local_power.WINDOW_MS,
) -> Measured:
    """Energy over offset of every token and layer, without and with the weight ``power``, whose window is
    ``power_window_ms``. Notebook: notebooks/04_gradient_energy
    """
    _check_bins(encoder, wrt, edges_ms)
    groups = dict(list(tokens.groupby("utterance_id", sort=False)))
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    reach_s = float(np.abs(edges_ms).max()) / 1000
    null: dict[str, np.ndarray] = {}  # utterance -> (token, bins)
    energy: dict[str, dict[str, np.ndarray]] = {}  # utterance -> layer -> (token, bins)
    weighted: dict[str, dict[str, np.ndarray]] = {}  # utterance -> layer -> (token, bins)
    power: dict[str, np.ndarray] = {}  # utterance -> (token, bins)
    confidence: dict[str, dict[str, np.ndarray]] = {}  # utterance -> layer -> (token,)
    with tqdm(total=len(groups), desc="gradients", unit="utt") as bar:
        kinds = {name: (int(n_samples[name]), len(group)) for name, group in groups.items()}  # length, tokens
        for names in alike(kinds, lambda kind: chunks.together(encoder, kind[0])):
            clips = np.stack([corpus.audio(name) for name in names])
            centers = np.stack([groups[name]["center_s"] for name in names])
            tones = np.stack([groups[name]["tone"].to_numpy(dtype=str) for name in names])
            slopes, probabilities = gradients.gradients_and_probabilities(
                encoder, probes, clips, centers, tones, target=target, wrt=wrt, reach_s=reach_s
            )
            named = {layer: probability_of(shares, probes[layer], tones) for layer, shares in probabilities.items()}
            for i, name in enumerate(names):
                of_clip = {layer: by_clip[i] for layer, by_clip in slopes.items()}
                loudness = power_of_input(encoder, clips[i], window_ms=power_window_ms)
                null[name] = null_energy(clips.shape[1], centers[i], edges_ms)
                power[name] = local_power.power_over_offset(loudness, centers[i], edges_ms)
                energy[name] = energy_of_layers(encoder, of_clip, centers[i], edges_ms, wrt=wrt)
                weighted[name] = energy_of_layers(encoder, of_clip, centers[i], edges_ms, power=loudness, wrt=wrt)
                confidence[name] = {layer: of_clips[i] for layer, of_clips in named.items()}
            bar.update(len(names))
    ordered = by_utterance(tokens)

    def joined(by_utterance: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {layer: np.concatenate([by_utterance[name][layer] for name in groups]) for layer in probes}

    return Measured(
        energy=joined(energy),
        null=np.concatenate([null[name] for name in groups]),
        utterances=ordered["utterance_id"].to_numpy(),
        tokens=ordered["token_id"].to_numpy(),
        confidence=joined(confidence),
        weighted_energy=joined(weighted),
        power=np.concatenate([power[name] for name in groups]),
    )


def _check_bins(encoder: Encoder, wrt: str, edges_ms: np.ndarray) -> None:
    """Raise TonespanError for bins narrower than the frames of what gradients are taken with respect to."""
    step_ms = 1000 * float(np.diff(encoder.times_s(wrt, 2))[0])
    if np.diff(edges_ms).min() < step_ms - 1e-6:
        raise TonespanError(f"{wrt} of {encoder.name} come every {step_ms:.0f} ms: bin_ms must be at least that")


def power_of_input(encoder: Encoder, samples: np.ndarray, *, window_ms: float) -> np.ndarray:
    """The local power (n,) of an utterance's ``samples`` (n,) as the encoder gets them."""
    return local_power.local_power(encoder.prepare(samples)[0].double().cpu().numpy(), window_ms=window_ms)


def energy_of_layers(
    encoder: Encoder,
    gradient: Mapping[str, np.ndarray],
    centers_s: Sequence[float],
    edges_ms: np.ndarray,
    *,
    power: np.ndarray | None = None,
    wrt: str = "cnn",
) -> dict[str, np.ndarray]:
    """:func:`energy_over_offset` of every layer's ``gradient``: layer -> (token, bins)."""
    return {
        layer: energy_over_offset(encoder, slopes, centers_s, edges_ms, power=power, wrt=wrt)
        for layer, slopes in gradient.items()
    }


def precision(
    encoder: Encoder,
    coarse: Encoder,
    probes: Mapping[str, LinearClassifier],
    corpus: Corpus,
    tokens: pd.DataFrame,
    edges_ms: np.ndarray,
    *,
    target: str,
) -> pd.DataFrame:
    """What computing in another dtype costs: ``coarse`` is the same encoder, cast.

    One row per layer: ``layer, gradient_error`` (norm of the difference over norm, median over ``tokens``), ``span_ms``
    and ``coarse_span_ms`` (mean of 2 r_com over them). Notebook: notebooks/04_gradient_energy
    """
    offsets = (edges_ms[:-1] + edges_ms[1:]) / 2
    errors: dict[str, list[float]] = {layer: [] for layer in probes}
    spans_ms: dict[str, list[list[float]]] = {layer: [] for layer in probes}
    for token in tokens.itertuples():
        token_arguments = (probes, corpus.audio(token.utterance_id), [token.center_s], [token.tone])
        exact, rough = (
            gradients.input_gradients(version, *token_arguments, target=target) for version in (encoder, coarse)
        )
        for layer, gradient in exact.items():
            size = np.linalg.norm(gradient)
            errors[layer].append(float(np.linalg.norm(rough[layer] - gradient) / size) if size else np.nan)
            pair = (gradient, rough[layer])
            energies = [energy_over_offset(encoder, slopes, [token.center_s], edges_ms) for slopes in pair]
            spans_ms[layer].append([float(spans.effective_span(energy, offsets)[0]) for energy in energies])
    means = {layer: np.mean(pairs, axis=0) for layer, pairs in spans_ms.items()}
    return pd.DataFrame({
        "layer": list(probes),
        "gradient_error": [float(np.median(errors[layer])) for layer in probes],
        "span_ms": [means[layer][0] for layer in probes],
        "coarse_span_ms": [means[layer][1] for layer in probes],
    })  # fmt: skip


def tabulate(
    measured_by_language: Mapping[str, Sequence[Measured]],
    seeds: Sequence[int],
    edges_ms: np.ndarray,
    *,
    condition: str,
    n_resamples: int,
    level: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """The tables ``energy``, ``energy_null``, ``spans``, ``radii`` and ``token_spans`` of one condition.

    ``measured_by_language`` holds, per language, what :func:`measure` gave under each of ``seeds``. Notebook:
    notebooks/04_gradient_energy
    """
    offsets = (edges_ms[:-1] + edges_ms[1:]) / 2
    rows: dict[str, list[pd.DataFrame]] = {"energy": [], "energy_null": [], "spans": [], "radii": [], "token_spans": []}
    for language, measured in measured_by_language.items():
        null = np.concatenate([of_seed.null for of_seed in measured])
        utterances = np.concatenate([of_seed.utterances for of_seed in measured])
        trained = np.repeat(seeds, [len(of_seed.null) for of_seed in measured])
        about = {"condition": condition, "language": language}
        rows["energy_null"].append(pd.DataFrame(about | {"offset_ms": offsets, "energy": pooling.mean_energy(null)}))
        for layer in measured[0].energy:
            energy = np.concatenate([of_seed.energy[layer] for of_seed in measured])
            pool = (energy, null, utterances, edges_ms)
            drawn = {"n_resamples": n_resamples, "level": level, "seed": seed}
            key = about | {"layer": layer}
            rows["energy"].append(pd.DataFrame(key | {"offset_ms": offsets, "energy": pooling.mean_energy(energy)}))
            rows["spans"].append(
                pd.DataFrame([key | pooling.as_row(pooling.pooled_span(*pool, seeds=trained, **drawn))])
            )
            radii = [key | row for row in pooling.radius_table(pooling.pool(*pool, seeds=trained), **drawn)]
            rows["radii"].append(pd.DataFrame(radii, columns=[*key, *pooling.RADIUS_COLUMNS]))
            names = {"token_id": np.concatenate([of_seed.tokens for of_seed in measured]), "utterance_id": utterances}
            radius = spans.center_of_mass_radius(energy, offsets)
            rows["token_spans"].append(pd.DataFrame(key | names | {"seed": trained, "r_com_ms": radius}))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in rows.items()}
