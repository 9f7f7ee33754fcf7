"""Other attributions than the gradient, behind one interface: how much each stretch of the input matters to a logit.

Each gives the *energy* (:func:`energy`) per bin of offset from the tone centre, whose radii are those of ``spans``. All
are squares of an attribution, so that they share one unit (logits squared; gradient and SmoothGrad per input squared)
and one meaning of width:

- ``gradient``: the slope itself (Simonyan et al. 2014), what notebook 04 measures.
- ``gradient_x_input``: slope times input (Shrikumar et al. 2016).
- ``smoothgrad``: the mean slope over noisy copies of the input (Smilkov et al. 2017).
- ``integrated_gradients``: input times the mean slope on the way from silence to the input (Sundararajan et al. 2017).
- ``occlusion``: how far the logit drops when a bin is silenced (Zeiler & Fergus 2014).

What a probe needs, rather than reacts to, is measured in :mod:`behaviour`.

Conventions: the input is the prepared waveform (what the model sees), and silence is 0 there. The scalar that is
attributed is linear in the hidden vector and is settled on the unchanged input (``readouts.read_out``).

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, gradient_energy, gradients, readouts
from tonespan_utils.instrument.readouts import Readout
from tonespan_utils.statistics.classifier import LinearClassifier

Floats = NDArray[np.float64]
Probes = Mapping[str, LinearClassifier]


def energy(
    name: str,
    encoder: Encoder,
    probes: Probes,
    samples: np.ndarray,
    centers_s: Sequence[float],
    tones: Sequence[str],
    *,
    edges_ms: np.ndarray,
    target: str = "true",
    **options: float,
) -> dict[str, Floats]:
    """Importance of each offset bin to each token's logit, by the estimator ``name``: layer -> (token, bins), >= 0.

    ``samples`` (n,) is one utterance at 16 kHz; ``options`` are those of the estimator's own function below. Bins
    without audio are 0. Raises TonespanError for a name not in ENERGY, and what ``gradients.input_gradients`` raises.
    Notebook: notebooks/06_validity
    """
    if name not in ENERGY:
        raise TonespanError(f"no estimator {name!r} of energy; there are: {', '.join(ENERGY)}")
    edges = np.asarray(edges_ms, dtype=np.float64)
    utterance = Utterance(encoder, probes, samples, centers_s, tones, target, float(np.abs(edges).max()) / 1000)
    if name == "occlusion":
        dropped = occlusion(utterance, edges_ms=edges, **options)
        return {layer: np.square(drop) for layer, drop in dropped.items()}
    attributions = _ATTRIBUTIONS[name](utterance, **options)
    return {
        layer: gradient_energy.energy_over_offset(encoder, a, centers_s, edges) for layer, a in attributions.items()
    }


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


def _gradient(utterance: Utterance) -> dict[str, np.ndarray]:
    prepared, readout = utterance.prepare()
    return utterance.slopes(prepared, readout)


def _gradient_x_input(utterance: Utterance) -> dict[str, np.ndarray]:
    prepared, readout = utterance.prepare()
    return _times(utterance.slopes(prepared, readout), prepared)


def _smoothgrad(utterance: Utterance, *, n_draws: int = 16, noise: float = 0.1, seed: int = 0) -> dict[str, np.ndarray]:
    """``noise``: standard deviation over that of the prepared waveform (0.1: 20 dB below the speech)."""
    prepared, readout = utterance.prepare()
    drawn = np.random.default_rng(seed).normal(size=(n_draws, prepared.numel()))
    noisy = (prepared + noise * prepared.std() * torch.as_tensor(noise_draw).to(prepared) for noise_draw in drawn)
    return utterance.mean_slopes(noisy, np.full(n_draws, 1 / n_draws), readout)


def _integrated(utterance: Utterance, **options: float) -> dict[str, np.ndarray]:
    return _integrate(utterance, **options).attributions


@dataclass(frozen=True, eq=False)
class Integrated:
    """Integrated gradients: layer -> (token, samples), and how far their sums miss what they should explain.

    ``gap`` layer -> (token,): |sum - (F(input) - F(silence))| over |F(input)| + |F(silence)|, both without the
    probe's bias. ``n_steps``: points on the way.
    """

    attributions: dict[str, np.ndarray]
    gap: dict[str, Floats]
    n_steps: int


def integrated_gradients(
    encoder: Encoder,
    probes: Probes,
    samples: np.ndarray,
    centers_s: Sequence[float],
    tones: Sequence[str],
    *,
    target: str = "true",
    **options: float,
) -> Integrated:
    """Integrated gradients from silence, with their completeness checked.

    The way is cut at ``n_steps`` (32) Gauss-Legendre points, twice as many until every gap is at most ``tolerance``
    (0.02) or ``max_steps`` (256) would be passed, which warns. A group-normed front end forgets loudness, so nearly all
    happens close to silence: points lie at ``u ** power`` (power 4), of which 32 suffice; 64 evenly spaced ones
    (power 1) miss the logit there by several times its size.
    """
    return _integrate(Utterance(encoder, probes, samples, centers_s, tones, target), **options)


def _integrate(
    utterance: Utterance, *, n_steps: int = 32, max_steps: int = 256, tolerance: float = 0.02, power: float = 4.0
) -> Integrated:
    prepared, readout = utterance.prepare()
    whole = Utterance(
        utterance.encoder, utterance.probes, utterance.samples, utterance.centers_s, utterance.tones, utterance.target
    )
    ends = [_values(utterance.encoder, x, readout) for x in (prepared, torch.zeros_like(prepared))]
    while True:
        points, weights = _way(n_steps, power)
        slopes = whole.mean_slopes((float(point) * prepared for point in points), weights, readout)
        attributions = _times(slopes, prepared)
        gap = {layer: _gap(a, ends[0][layer], ends[1][layer]) for layer, a in attributions.items()}
        worst = max(float(layer_gap.max(initial=0)) for layer_gap in gap.values())
        if worst <= tolerance or 2 * n_steps > max_steps:
            break
        n_steps *= 2
    if worst > tolerance:
        warnings.warn(
            f"integrated gradients explain the logit to {worst:.1%} only with {n_steps} steps "
            f"(tolerance: {tolerance:.1%})",
            stacklevel=3,
        )
    return Integrated(attributions, gap, n_steps)


def _way(n_steps: int, power: float) -> tuple[Floats, Floats]:
    """Points in (0, 1) and their weights, which sum to 1: Gauss-Legendre in ``u``, the point being ``u ** power``."""
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    u = (nodes + 1) / 2
    return u**power, weights / 2 * power * u ** (power - 1)


def _gap(attribution: np.ndarray, at_input: Floats, at_silence: Floats) -> Floats:
    missed = np.abs(attribution.sum(axis=1, dtype=np.float64) - (at_input - at_silence))
    size = np.abs(at_input) + np.abs(at_silence)
    return np.divide(missed, size, out=np.zeros_like(missed), where=size > 0)


@torch.no_grad()
def _values(encoder: Encoder, prepared: Tensor, readout: Readout) -> dict[str, Floats]:
    """The scalars without the probe's bias at a prepared waveform (samples,): layer -> (token,)."""
    values = readout.values(encoder.forward(prepared[None]))
    return {layer: (value - readout.bias[layer])[:, 0].double().cpu().numpy() for layer, value in values.items()}


def _times(slopes: Mapping[str, np.ndarray], prepared: Tensor) -> dict[str, np.ndarray]:
    samples = prepared.cpu().numpy()
    return {layer: slope * samples for layer, slope in slopes.items()}


_ATTRIBUTIONS: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    "gradient": _gradient,
    "gradient_x_input": _gradient_x_input,
    "smoothgrad": _smoothgrad,
    "integrated_gradients": _integrated,
}
ENERGY = (*_ATTRIBUTIONS, "occlusion")


@torch.no_grad()
def occlusion(utterance: Utterance, *, edges_ms: np.ndarray, mask_ms: float | None = None) -> dict[str, Floats]:
    """How far each token's logit drops (a rise is negative) when one bin is silenced: layer -> (token, bins).

    ``mask_ms`` silences that much around each bin's middle instead of the bin. One pass of the encoder a token and bin.
    """
    encoder, centers_s = utterance.encoder, utterance.centers_s
    prepared, readout = utterance.prepare()
    whole = _values(encoder, prepared, readout)
    edges = np.asarray(edges_ms, dtype=np.float64)
    low, high = edges[:-1], edges[1:]
    if mask_ms is not None:
        low, high = ((low + high) / 2 + side * mask_ms / 2 for side in (-1, 1))
    times_ms = np.arange(prepared.numel()) / SAMPLE_RATE * 1000
    drops = {layer: np.zeros((len(centers_s), low.size)) for layer in utterance.probes}
    per_batch = round(chunks.BATCH_S * SAMPLE_RATE / prepared.numel())
    for token, center_s in enumerate(centers_s):
        offsets = times_ms - center_s * 1000
        first, after = np.searchsorted(offsets, low), np.searchsorted(offsets, high)
        with_audio = np.flatnonzero(after > first)
        read = partial(_without, encoder, prepared, readout, token, first, after)
        work = partial(_fill, drops, whole, token, with_audio, read)
        chunks.in_chunks(work, with_audio.size, per_batch)
    return drops


def _fill(
    drops: dict[str, Floats], whole: Mapping[str, Floats], token: int, bins: NDArray, read: Callable, part: slice
) -> None:
    for layer, left in read(bins[part]).items():
        drops[layer][token, bins[part]] = whole[layer][token] - left


def _without(
    encoder: Encoder, prepared: Tensor, readout: Readout, token: int, first: NDArray, after: NDArray, bins: NDArray
) -> dict[str, Floats]:
    """What is read for one token, without the probe's bias, when each of ``bins`` is silenced: layer -> (bins,)."""
    masked = prepared.repeat(len(bins), 1)
    for row, number in enumerate(bins):
        masked[row, first[number] : after[number]] = 0
    states = encoder.forward(masked)
    return {
        layer: (states[layer][:, readout.frames[token, 0]] @ weight[token, 0]).double().cpu().numpy()
        for layer, weight in readout.weight.items()
    }


# Behaviour
