"""Other ways to ask how far a layer looks, behind one interface.

Two kinds of answer
-------------------
**Energy** (:func:`energy`): how much each stretch of the input matters to a token's logit, summed over bins of offset
from the tone centre; its radii are those of ``spans``. All are squares of an attribution, so that they share one unit
(logits squared; gradient and SmoothGrad per input squared) and one meaning of width:

- ``gradient``: the slope itself (Simonyan et al. 2014), what notebook 04 measures.
- ``gradient_x_input``: slope times input (Shrikumar et al. 2016).
- ``smoothgrad``: the mean slope over noisy copies of the input (Smilkov et al. 2017).
- ``integrated_gradients``: input times the mean slope on the way from silence to the input (Sundararajan et al. 2017).
- ``occlusion``: how far the logit drops when a bin is silenced (Zeiler & Fergus 2014).

**Behaviour** (:func:`f1_by_width`): the probe's F1 when speech further than a half-width from the centre is changed.
Sensitivity says what the model would react to; these say what it needs:

- ``context_truncation``: the audio is cut to that width.
- ``pitch_flattening``: pitch outside that width is levelled with Praat's overlap-add, all else stays.

Conventions: the input is the prepared waveform (what the model sees), and silence is 0 there. The scalar asked for is
linear in the hidden vector and is settled on the unchanged input (``gradients.read_out``). A *draw* is an index
whose 0 is the data as they are and whose others are bootstrap resamples over utterances, as in ``comparison``.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import parselmouth
import torch
from numpy.typing import NDArray
from parselmouth.praat import call
from torch import Tensor
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.synthetic import pitch
from tonespan_utils.encoders.checkpoints import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import f0, gradients
from tonespan_utils.instrument.gradients import Readout
from tonespan_utils.statistics import bootstrap, classifier
from tonespan_utils.statistics.classifier import LinearClassifier

Floats = NDArray[np.float64]
Probes = Mapping[str, LinearClassifier]

BATCH_S = 20.0  # seconds of audio that go through an encoder together
FLAT_STEP_S = 0.01  # Praat's own pitch step
EDGE_S = 1e-4  # a step in the pitch tier takes this long: under one period of any voice


# Energy


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
    without audio hold 0. Raises TonespanError for a name not in ENERGY, and what ``gradients.input_gradients`` raises.
    Notebook: notebooks/06_validity
    """
    if name not in ENERGY:
        raise TonespanError(f"no estimator {name!r} of energy; there are: {', '.join(ENERGY)}")
    edges = np.asarray(edges_ms, dtype=np.float64)
    if name == "occlusion":
        dropped = occlusion(encoder, probes, samples, centers_s, tones, edges_ms=edges, target=target, **options)
        return {layer: np.square(drop) for layer, drop in dropped.items()}
    asked = _Asked(encoder, probes, samples, centers_s, tones, target, float(np.abs(edges).max()) / 1000)
    found = _ATTRIBUTIONS[name](asked, **options)
    return {layer: gradients.energy_over_offset(encoder, a, centers_s, edges) for layer, a in found.items()}


@dataclass(frozen=True, eq=False)
class _Asked:
    """One utterance and what is asked of it; slopes beyond ``reach_s`` of a centre need not be computed."""

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
        return prepared[0], gradients.read_out(states, self.probes, [frames], [self.tones], target=self.target)

    def slopes(self, prepared: Tensor, readout: Readout) -> dict[str, np.ndarray]:
        """The gradient of ``readout`` at a prepared waveform (samples,): layer -> (token, samples)."""
        return {layer: found[0] for layer, found in self._slopes_of(prepared[None], readout).items()}

    def mean_slopes(self, versions: Iterable[Tensor], weights: Floats, readout: Readout) -> dict[str, Floats]:
        """The gradient of ``readout`` summed over versions of the waveform, each (samples,), by ``weights`` (version,).

        In double precision: layer -> (token, samples). As many versions as do well together are taken at a time.
        """
        clips = torch.stack(list(versions))
        total = {layer: np.zeros((len(self.centers_s), self.samples.size)) for layer in self.probes}

        def add(part: slice) -> None:
            for layer, slopes in self._slopes_of(clips[part], readout).items():
                total[layer] += np.tensordot(weights[part], slopes, axes=1)

        gradients.in_chunks(add, len(clips), gradients.together(self.encoder, self.samples.size))
        return total

    def _slopes_of(self, clips: Tensor, readout: Readout) -> dict[str, np.ndarray]:
        """The gradient of ``readout`` at prepared ``clips`` (clip, samples): layer -> (clip, token, samples)."""
        traced = gradients.trace(self.encoder, clips)
        return gradients.pull_down(self.encoder, traced, readout.of_copies(len(clips)), reach_s=self.reach_s)


def _gradient(asked: _Asked) -> dict[str, np.ndarray]:
    prepared, readout = asked.prepare()
    return asked.slopes(prepared, readout)


def _gradient_x_input(asked: _Asked) -> dict[str, np.ndarray]:
    prepared, readout = asked.prepare()
    return _times(asked.slopes(prepared, readout), prepared)


def _smoothgrad(asked: _Asked, *, n_draws: int = 16, noise: float = 0.1, seed: int = 0) -> dict[str, np.ndarray]:
    """``noise``: standard deviation over that of the prepared waveform (0.1: 20 dB below the speech)."""
    prepared, readout = asked.prepare()
    drawn = np.random.default_rng(seed).normal(size=(n_draws, prepared.numel()))
    noisy = (prepared + noise * prepared.std() * torch.as_tensor(one).to(prepared) for one in drawn)
    return asked.mean_slopes(noisy, np.full(n_draws, 1 / n_draws), readout)


def _integrated(asked: _Asked, **options: float) -> dict[str, np.ndarray]:
    return _integrate(asked, **options).attributions


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
    return _integrate(_Asked(encoder, probes, samples, centers_s, tones, target), **options)


def _integrate(
    asked: _Asked, *, n_steps: int = 32, max_steps: int = 256, tolerance: float = 0.02, power: float = 4.0
) -> Integrated:
    prepared, readout = asked.prepare()
    whole = _Asked(asked.encoder, asked.probes, asked.samples, asked.centers_s, asked.tones, asked.target)
    ends = [_values(asked.encoder, x, readout) for x in (prepared, torch.zeros_like(prepared))]
    while True:
        points, weights = _way(n_steps, power)
        slopes = whole.mean_slopes((float(point) * prepared for point in points), weights, readout)
        found = _times(slopes, prepared)
        gap = {layer: _gap(a, ends[0][layer], ends[1][layer]) for layer, a in found.items()}
        worst = max(float(one.max(initial=0)) for one in gap.values())
        if worst <= tolerance or 2 * n_steps > max_steps:
            break
        n_steps *= 2
    if worst > tolerance:
        warnings.warn(
            f"integrated gradients explain the logit to {worst:.1%} only with {n_steps} steps (asked: {tolerance:.1%})",
            stacklevel=3,
        )
    return Integrated(found, gap, n_steps)


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
def occlusion(
    encoder: Encoder,
    probes: Probes,
    samples: np.ndarray,
    centers_s: Sequence[float],
    tones: Sequence[str],
    *,
    edges_ms: np.ndarray,
    target: str = "true",
    mask_ms: float | None = None,
) -> dict[str, Floats]:
    """How far each token's logit drops (a rise is negative) when one bin is silenced: layer -> (token, bins).

    ``mask_ms`` silences that much around each bin's middle instead of the bin. One pass of the encoder a token and bin.
    """
    asked = _Asked(encoder, probes, samples, centers_s, tones, target)
    prepared, readout = asked.prepare()
    whole = _values(encoder, prepared, readout)
    edges = np.asarray(edges_ms, dtype=np.float64)
    low, high = edges[:-1], edges[1:]
    if mask_ms is not None:
        low, high = ((low + high) / 2 + side * mask_ms / 2 for side in (-1, 1))
    times_ms = np.arange(prepared.numel()) / SAMPLE_RATE * 1000
    found = {layer: np.zeros((len(centers_s), low.size)) for layer in probes}
    per_batch = round(BATCH_S * SAMPLE_RATE / prepared.numel())
    for token, center_s in enumerate(centers_s):
        offsets = times_ms - center_s * 1000
        first, after = np.searchsorted(offsets, low), np.searchsorted(offsets, high)
        heard = np.flatnonzero(after > first)
        read = partial(_without, encoder, prepared, readout, token, first, after)
        work = partial(_fill, found, whole, token, heard, read)
        gradients.in_chunks(work, heard.size, per_batch)
    return found


def _fill(
    found: dict[str, Floats], whole: Mapping[str, Floats], token: int, bins: NDArray, read: Callable, part: slice
) -> None:
    for layer, left in read(bins[part]).items():
        found[layer][token, bins[part]] = whole[layer][token] - left


def _without(
    encoder: Encoder, prepared: Tensor, readout: Readout, token: int, first: NDArray, after: NDArray, bins: NDArray
) -> dict[str, Floats]:
    """What is read for one token, without the probe's bias, when each of ``bins`` is silenced: layer -> (bins,)."""
    masked = prepared.repeat(len(bins), 1)
    for row, one in enumerate(bins):
        masked[row, first[one] : after[one]] = 0
    states = encoder.forward(masked)
    return {
        layer: (states[layer][:, readout.frames[token, 0]] @ weight[token, 0]).double().cpu().numpy()
        for layer, weight in readout.weight.items()
    }


# Behaviour


def f1_by_width(
    name: str,
    encoder: Encoder,
    probes: Probes,
    corpus: Corpus,
    tokens: pd.DataFrame,
    widths_ms: Sequence[float],
    *,
    n_resamples: int,
    seed: int,
    **options: float,
) -> pd.DataFrame:
    """The probes' macro-F1 on ``tokens`` when speech beyond each half-width of ``widths_ms`` is changed.

    One row per layer, half-width and draw: ``estimator, layer, half_width_ms, draw, macro_f1, chance_f1, n_tokens``.
    ``half_width_ms`` inf is the reference: the whole utterance (for ``pitch_flattening`` with its own pitch, through
    the same overlap-add). Chance is that of the same predictions dealt at random. Use test tokens. Raises
    TonespanError for a name not in BEHAVIOUR and for widths the encoder has no frame for.
    Notebook: notebooks/06_validity
    """
    if name not in BEHAVIOUR:
        raise TonespanError(f"no behavioural estimator {name!r}; there are: {', '.join(BEHAVIOUR)}")
    widths = [*sorted({float(width) for width in widths_ms} - {np.inf}), np.inf]
    predicted = _predict(BEHAVIOUR[name], encoder, probes, corpus, tokens, widths, **options)
    tone, utterances = tokens["tone"].to_numpy(dtype=str), tokens["utterance_id"].to_numpy()
    n_utterances = np.unique(utterances).size
    resampled = bootstrap.resample_clusters(n_utterances, n_resamples=n_resamples, seed=seed)
    draws = np.vstack([np.ones((1, n_utterances)), resampled])
    rows = []
    for layer, by_width in predicted.items():
        for width, heard in zip(widths, by_width, strict=True):
            counts = classifier.confusion_by_cluster(tone, heard, utterances)
            values = {"macro_f1": classifier.f1_resamples(counts, draws)}
            values |= {"chance_f1": classifier.chance_resamples(counts, draws)}
            about = {"estimator": name, "layer": layer, "half_width_ms": width, "n_tokens": len(tokens)}
            rows.append(pd.DataFrame(about | {"draw": np.arange(len(draws))} | values))
    return pd.concat(rows, ignore_index=True)[WIDTH_COLUMNS]


WIDTH_COLUMNS = ["estimator", "layer", "half_width_ms", "draw", "macro_f1", "chance_f1", "n_tokens"]


def saturation_span(table: pd.DataFrame, *, share: float = 0.95, level: float = 0.95) -> pd.DataFrame:
    """The width at which F1 has come ``share`` of the way from chance to that of the whole utterance.

    ``table`` is what :func:`f1_by_width` gave. One row per estimator and layer: ``estimator, layer, span_ms,
    ci_low_ms, ci_high_ms, whole_f1, chance_f1, n_tokens``; the span is twice the half-width, linear between widths.
    Below the narrowest width it is that width; not reached by the widest it is inf; and nan where the probe knows
    nothing of the whole utterance (its interval holds chance).
    """
    rows = []
    for (name, layer), found in saturation_draws(table, share=share, level=level).items():
        own = table[(table["estimator"] == name) & (table["layer"] == layer)]
        whole = own[np.isinf(own["half_width_ms"]) & (own["draw"] == 0)].iloc[0]
        low, high = bootstrap.percentile_interval(found[1:], level=level, n_tokens=whole["n_tokens"])
        rows.append({
            "estimator": name, "layer": layer, "span_ms": found[0], "ci_low_ms": low, "ci_high_ms": high,
            "whole_f1": whole["macro_f1"], "chance_f1": whole["chance_f1"], "n_tokens": whole["n_tokens"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def saturation_draws(table: pd.DataFrame, *, share: float = 0.95, level: float = 0.95) -> dict[tuple[str, str], Floats]:
    """The width of :func:`saturation_span` in every draw: (estimator, layer) -> (draw,), the data as they are first."""
    drawn = {}
    for key, own in table.groupby(["estimator", "layer"], sort=False):
        f1 = own.pivot(index="draw", columns="half_width_ms", values="macro_f1").sort_index(axis=1)
        chance = own[np.isinf(own["half_width_ms"])].set_index("draw")["chance_f1"]
        whole = f1[np.inf]
        widths = 2 * f1.columns[:-1].to_numpy()
        needed = (chance + share * (whole - chance)).to_numpy()
        found = np.array([_reach(widths, row, goal) for row, goal in zip(f1.to_numpy()[:, :-1], needed, strict=True)])
        above = (whole - chance).to_numpy()
        if bootstrap.percentile_interval(above[1:], level=level)[0] <= 0:
            found[:] = np.nan
        drawn[key] = found
    return drawn


def _reach(widths: Floats, f1: Floats, goal: float) -> float:
    """The first width at which ``f1`` reaches ``goal``, linear between widths; inf when none does."""
    reached = f1 >= goal
    if not reached.any():
        return np.inf
    after = int(np.argmax(reached))
    if after == 0:
        return float(widths[0])
    return float(np.interp(goal, f1[after - 1 : after + 1], widths[after - 1 : after + 1]))


Changed = Iterator[tuple[int, int, Tensor, int]]  # row of the token, number of the width, waveform (n,), centre frame


def _predict(
    change: Callable[..., Changed],
    encoder: Encoder,
    probes: Probes,
    corpus: Corpus,
    tokens: pd.DataFrame,
    widths_ms: Sequence[float],
    **options: float,
) -> dict[str, NDArray[np.str_]]:
    """What each probe hears in each token at each width: layer -> (width, token). Equal lengths go in together."""
    found = {layer: np.empty((len(widths_ms), len(tokens)), dtype=object) for layer in probes}
    waiting: dict[int, list[tuple[int, int, Tensor, int]]] = {}

    @torch.no_grad()
    def hear(batch: list[tuple[int, int, Tensor, int]], part: slice) -> None:
        rows, widths, waveforms, frames = (list(one) for one in zip(*batch[part], strict=True))
        states = encoder.forward(torch.stack(waveforms))
        for layer, probe in probes.items():
            hidden = states[layer][range(len(rows)), frames]
            found[layer][widths, rows] = probe.predict(hidden.float().cpu().numpy())

    position = pd.Series(np.arange(len(tokens)), index=tokens.index)
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc=change.__name__, unit="utt"):
        rows = position[group.index].to_numpy()
        samples = corpus.audio(utterance_id)
        try:
            changed = list(change(encoder, samples, rows, group["center_s"].tolist(), widths_ms, **options))
        except TonespanError as error:
            raise TonespanError(f"utterance {utterance_id}: {error}") from None
        for one in changed:
            own = waiting.setdefault(one[2].numel(), [])
            own.append(one)
            if len(own) * one[2].numel() >= BATCH_S * SAMPLE_RATE:
                gradients.in_chunks(partial(hear, own), len(own), len(own))
                del waiting[one[2].numel()]
    for own in waiting.values():
        gradients.in_chunks(partial(hear, own), len(own), len(own))
    return {layer: heard.astype(str) for layer, heard in found.items()}


def context_truncation(
    encoder: Encoder,
    samples: np.ndarray,
    rows: Sequence[int],
    centers_s: Sequence[float],
    widths_ms: Sequence[float],
) -> Changed:
    """The prepared utterance cut to +-width around each centre, the centre frame staying the same samples."""
    prepared = encoder.prepare(samples)[0]
    least_ms = 1000 * encoder.receptive / SAMPLE_RATE / 2
    if min(widths_ms) < least_ms:
        raise TonespanError(
            f"half-widths must be at least {least_ms:g} ms: one frame of this encoder covers twice that"
        )
    for row, center_s in zip(rows, centers_s, strict=True):
        frame = encoder.frame_at(center_s, samples.size)
        middle = encoder.hop * frame + encoder.receptive / 2
        for number, width_ms in enumerate(widths_ms):
            width = min(width_ms / 1000 * SAMPLE_RATE, samples.size)
            # Whole frames on the left, so that the frame at the centre falls on the same samples.
            n_left = min(frame, int((width - encoder.receptive / 2) // encoder.hop))
            end = int(min(samples.size, middle + width))
            yield row, number, prepared[encoder.hop * (frame - n_left) : end], n_left


def pitch_flattening(
    encoder: Encoder,
    samples: np.ndarray,
    rows: Sequence[int],
    centers_s: Sequence[float],
    widths_ms: Sequence[float],
    *,
    floor_hz: float = 75.0,
    ceiling_hz: float = 500.0,
) -> Changed:
    """The utterance with its pitch at its own median outside +-width of each centre, then prepared."""
    flatten = pitch_flattener(samples, floor_hz=floor_hz, ceiling_hz=ceiling_hz)
    for row, center_s in zip(rows, centers_s, strict=True):
        frame = encoder.frame_at(center_s, samples.size)
        for number, width_ms in enumerate(widths_ms):
            yield row, number, encoder.prepare(flatten(center_s, width_ms))[0], frame


def pitch_flattener(samples: np.ndarray, *, floor_hz: float, ceiling_hz: float) -> Callable[[float, float], np.ndarray]:
    """``(center_s, half_width_ms) -> samples`` (n,) whose pitch is the utterance's median outside the window.

    Praat's overlap-add; speech without voicing comes back as it is. A half-width of inf keeps the whole pitch, one of 0
    none of it.
    """
    times_s, hz = f0.track(samples, floor_hz=floor_hz, ceiling_hz=ceiling_hz, step_ms=1000 * FLAT_STEP_S)
    voiced = ~np.isnan(hz)
    if not voiced.any():
        return lambda center_s, half_width_ms: samples
    times_s, hz = times_s[voiced], hz[voiced]
    median_hz = float(np.median(hz))
    sound = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE)
    manipulation = call(sound, "To Manipulation", FLAT_STEP_S, floor_hz, ceiling_hz)

    def flatten(center_s: float, half_width_ms: float) -> np.ndarray:
        edges_s = center_s + np.array([-1, 1]) * min(half_width_ms / 1000, samples.size / SAMPLE_RATE)
        at = np.concatenate([times_s, edges_s - EDGE_S, edges_s + EDGE_S])
        inside = np.abs(at - center_s) < (edges_s[1] - edges_s[0]) / 2
        level = np.where(inside, np.interp(at, times_s, hz), median_hz)
        keep = (at > 0) & (at < samples.size / SAMPLE_RATE)
        order = np.argsort(at[keep])
        tier = pitch.pitch_tier(at[keep][order], level[keep][order], samples.size / SAMPLE_RATE)
        call([tier, manipulation], "Replace pitch tier")
        spoken = call(manipulation, "Get resynthesis (overlap-add)").values[0].astype(np.float32)
        return np.pad(spoken, (0, max(0, samples.size - spoken.size)))[: samples.size]

    return flatten


BEHAVIOUR: dict[str, Callable[..., Changed]] = {
    "context_truncation": context_truncation,
    "pitch_flattening": pitch_flattening,
}
