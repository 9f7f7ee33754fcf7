"""How far does a layer look? The gradient of a probe's tone logit with respect to the input, squared, over time.

For a token with centre c and a layer with probe ``(W, b)``: the hidden vector h at the centre frame gives logits
``W h + b``; the energy of input sample t is ``(d logit / d x_t)^2``, and ``E(tau)`` sums it over bins of ``tau = t -
c``.

Conventions: the input is the prepared waveform of the whole utterance (what the model sees), or its ``cnn``
features, whose energy is summed over channels at frame centres. ``target`` names the logit: ``true`` the labelled tone,
``predicted`` the winner, ``margin`` the labelled tone minus the best other. Parameters are frozen; the model, its hooks
and the input are left as found. All layers and tokens of an utterance, and utterances of one length, share one way up
and one way down (``vjp``); a logit that moves with nothing has gradient 0 and, in ``spans``, no radius.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sides
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import backward
from tonespan_utils.encoders.batches import TOGETHER_S, alike
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import spans
from tonespan_utils.statistics.classifier import LinearClassifier

CPU_CHUNK_VALUES = 2**21  # numbers in the largest tensor of one step: products of that size run near the peak
GPU_CHUNK_VALUES = 2**26  # and 256 MB keeps a GPU busy
MAX_STORED_VALUES = 2**27  # numbers in all cotangents of the tokens that go down together: 0.5 GB


def input_gradients(
    encoder: Encoder,
    probes: Mapping[str, LinearClassifier],
    samples: np.ndarray,
    centers_s: ArrayLike,
    tones: ArrayLike,
    *,
    target: str = "true",
    wrt: str = "waveform",
    reach_s: float = np.inf,
) -> dict[str, np.ndarray]:
    """Gradients of each token's logit: layer -> (token, samples), or (token, frame, channel) for ``wrt="cnn"``.

    ``samples`` (n,) is one utterance at 16 kHz; ``centers_s`` and ``tones`` (token,) lie in it. Utterances of one
    length, with as many tokens each, may come together as (clip, n) and (clip, token), which shares work; what is found
    then has the clip as its first axis. Waveform gradients further than ``reach_s`` from the centre may be left at 0,
    which spares work; nearer ones are exact. The ``cnn`` layer's own gradient with respect to ``cnn`` features is the
    probe's weight at the centre frame.
    Raises TonespanError for a tone no probe knows, a clip shorter than one frame, or hidden states that are not finite.
    Notebook: notebooks/04_gradient_energy
    """
    asked = (np.atleast_2d(samples), np.atleast_2d(centers_s), np.atleast_2d(tones))
    found, _ = gradients_and_chances(encoder, probes, *asked, target=target, wrt=wrt, reach_s=reach_s)
    return found if np.ndim(samples) > 1 else {layer: gradient[0] for layer, gradient in found.items()}


def gradients_and_chances(
    encoder: Encoder, probes: Mapping[str, LinearClassifier], clips: np.ndarray, centers_s: np.ndarray,
    tones: np.ndarray, *, target: str, wrt: str, reach_s: float,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:  # fmt: skip
    """:func:`input_gradients` of ``clips`` (clip, n), and the probability that each layer's probe gives to each of its
    classes: layer -> (clip, token, class), the softmax of its logits, which is what its training made likely.
    """
    frames = np.array([[encoder.frame_at(float(center), clips.shape[1]) for center in own] for own in centers_s])
    found, chances = ({layer: [] for layer in probes} for _ in range(2))

    def work(part: slice) -> None:
        prepared = torch.cat([encoder.prepare(one) for one in clips[part]])
        traced = trace(encoder, prepared)
        readout = read_out(traced.states, probes, frames[part], tones[part], target=target)
        for layer, gradient in pull_down(encoder, traced, readout, wrt=wrt, reach_s=reach_s).items():
            found[layer].append(gradient)
            hidden = traced.states[layer][backward.single(readout.frames)]
            shares = torch.softmax(_logits(hidden, probes[layer]).float(), dim=-1)
            chances[layer].append(shares.transpose(0, 1).cpu().numpy())

    with exact_products():
        in_chunks(work, len(clips), together(encoder, clips.shape[1]))
    found, chances = ({layer: np.concatenate(parts) for layer, parts in each.items()} for each in (found, chances))
    return found, chances


def chance_of(chances: np.ndarray, probe: LinearClassifier, tones: np.ndarray) -> np.ndarray:
    """The probability of the named ``tones`` (clip, token) among ``chances`` (clip, token, class): (clip, token); nan
    for a tone that the probe does not know.
    """
    places = np.array([[probe.classes.index(one) if one in probe.classes else -1 for one in row] for row in tones])
    named = np.take_along_axis(chances, np.maximum(places, 0)[..., None], axis=-1)[..., 0]
    return np.where(places < 0, np.nan, named)


def together(encoder: Encoder, n_samples: int) -> int:
    """How many clips of ``n_samples`` are best taken up and down together: one, if they fill the device alone."""
    values = max(1, backward.widest(encoder, n_samples))  # none in a clip without a frame, which is refused later
    return max(1, min(_chunk(values, encoder.model.device), round(TOGETHER_S * SAMPLE_RATE) // n_samples))


def exact_products() -> AbstractContextManager:
    """No TF32 in convolutions inside: ten bits of mantissa would show."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def trace(encoder: Encoder, prepared: Tensor) -> backward.Clips:
    """``vjp.trace`` of prepared waveforms (clip, samples); raises OutOfMemory where they do not fit."""
    try:
        return backward.trace(encoder, prepared)
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        seconds = prepared.shape[1] / SAMPLE_RATE
    raise OutOfMemory(f"out of memory on the way up with an utterance of {seconds:.1f} s; cut it shorter")


@dataclass(frozen=True, eq=False)
class Readout:
    """What is asked of each layer, token and clip: ``weight @ hidden + bias`` of the hidden vector at its frame.

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
        """The same asked of ``n`` clips that are versions of one."""
        weight = {layer: one.expand(-1, n, -1) for layer, one in self.weight.items()}
        bias = {layer: one.expand(-1, n) for layer, one in self.bias.items()}
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
    that no probe knows and for hidden states that are not finite.
    """
    weight, bias = {}, {}
    at = torch.as_tensor(np.transpose(frames), device=next(iter(states.values())).device)
    for layer, probe in probes.items():
        hidden = states[layer][backward.single(at)]
        if not torch.isfinite(hidden).all():
            raise TonespanError(f"layer {layer} holds NaN or infinite values; are the checkpoint's weights finite?")
        signs = _target_signs(_logits(hidden, probe), probe, np.transpose(tones), target=target)
        weight[layer], bias[layer] = (signs @ part for part in _maps(probe, hidden))
    return Readout(at, weight, bias)


def _maps(probe: LinearClassifier, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """A probe's weight (class, hidden) and bias (class,), of the kind of ``hidden``."""
    weight, bias = (torch.as_tensor(x, dtype=hidden.dtype, device=hidden.device) for x in (probe.weight, probe.bias))
    return weight, bias


def _logits(hidden: Tensor, probe: LinearClassifier) -> Tensor:
    weight, bias = _maps(probe, hidden)
    return hidden @ weight.T + bias


def pull_down(
    encoder: Encoder, clips: backward.Clips, readout: Readout, *, wrt: str = "waveform", reach_s: float = np.inf
) -> dict[str, np.ndarray]:
    """Gradients of ``readout`` at the input of ``clips``: layer -> (clip, token, samples), or (clip, token, frame,
    channel) for ``wrt="cnn"``.
    """
    found = {layer: [] for layer in readout.weight}
    batch = max(1, MAX_STORED_VALUES // (len(found) * clips.states["0"].numel()))
    for i in range(0, len(readout.frames), batch):
        own = {layer: weight[i : i + batch] for layer, weight in readout.weight.items()}
        frames = readout.frames[i : i + batch]
        local = _down_to_features(clips, own, frames)
        if wrt == "waveform":
            local = _down_to_waveform(encoder, clips, local, frames, reach_s)
        for layer, gradient in local.items():
            found[layer].append(gradient.transpose(0, 1))
    return {layer: torch.cat(parts, dim=1).cpu().to(_stored_as(clips)).numpy() for layer, parts in found.items()}


def _stored_as(clips: backward.Clips) -> torch.dtype:
    """numpy has no bfloat16."""
    return torch.float32 if clips.states["cnn"].dtype == torch.bfloat16 else clips.states["cnn"].dtype


@torch.no_grad()
def _down_to_features(clips: backward.Clips, own: Mapping[str, Tensor], frames: Tensor) -> dict[str, Tensor]:
    """From gradients at each layer's centre ``frames`` (token, clip), each (token, clip, hidden), to gradients at
    ``cnn``: (token, clip, frame, channel).
    """
    names = [layer for layer in reversed(clips.states) if layer in own and layer != "cnn"]
    carried = _down_the_blocks(clips, [own[layer] for layer in names], names, frames).flatten(0, 1)
    if "final" not in clips.states:
        _pull_in_place(clips.closing.pull, carried, 1)
    _pull_in_place(clips.positions.pull, carried, 1)
    features = clips.projection.pull(carried).unflatten(0, (len(names), len(frames)))
    found = dict(zip(names, features, strict=True))
    if "cnn" in own:
        found["cnn"] = torch.zeros_like(clips.states["cnn"]).repeat(len(frames), 1, 1, 1)
        backward.add_at(found["cnn"], own["cnn"], backward.single(frames))
    return {layer: found[layer] for layer in own}


def _down_the_blocks(clips: backward.Clips, own: Sequence[Tensor], names: Sequence[str], frames: Tensor) -> Tensor:
    """From ``own``, each (token, clip, hidden) at the ``frames`` of the layers ``names``, top down, to gradients at
    ``0``: (layer, token, clip, frame, hidden).

    At block k the cotangents of every layer above it go through together; those of layer k itself, which are zero but
    at one frame, take the short cut ``pull_at`` and join them.
    """
    carried = clips.states["0"].new_zeros(len(names), len(frames), *clips.states["0"].shape)
    done, at = 0, backward.single(frames)
    for number, block in reversed(list(enumerate(clips.blocks, start=1))):
        _pull_in_place(block.pull, carried[:done].flatten(0, 1), clips.widening)
        here = ("final", str(number)) if number == len(clips.blocks) else (str(number),)
        while done < len(names) and names[done] in here:
            start = clips.closing.pull(own[done], at) if names[done] == "final" else own[done]
            carried[done] = block.pull_at(start, at)
            done += 1
    if done < len(names):  # layer 0 has no block
        backward.add_at(carried[done], own[done], at)
    return carried


def _pull_in_place(pull: Callable[[Tensor], Tensor], carried: Tensor, widening: int) -> None:
    """``pull`` applied to ``carried`` (cotangent, clip, frame, hidden); inside it tensors are ``widening`` times as
    large.
    """

    def work(part: slice) -> None:
        carried[part] = pull(carried[part])

    in_chunks(work, len(carried), _chunk(widening * carried.shape[1:].numel(), carried.device))


def _chunk(values_each: int, device: torch.device) -> int:
    """How many cotangents go together where each needs ``values_each`` numbers."""
    return (CPU_CHUNK_VALUES if device.type == "cpu" else GPU_CHUNK_VALUES) // values_each


def in_chunks(work: Callable[[slice], None], n: int, size: int) -> None:
    """``work`` on all of ``n`` pieces, ``size`` at a time (at least one); half as many when they do not fit."""
    size, first = max(1, min(n, size)), 0
    while first < n:
        try:
            work(slice(first, first + size))
        except (RuntimeError, OutOfMemory) as error:
            if not _out_of_memory(error) or (size == 1 and isinstance(error, OutOfMemory)):
                raise
            size = _halved(size)
        else:
            first += size


class OutOfMemory(TonespanError):
    """A step that can be made no smaller from inside does not fit into memory."""


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | OutOfMemory) or "allocate memory" in str(error)


def _halved(size: int) -> int:
    if size == 1:
        raise OutOfMemory("out of memory with a single pass under way; cut the utterance shorter")
    warnings.warn(f"out of memory with {size} passes under way; going on with {size // 2}", stacklevel=3)
    return size // 2


@torch.no_grad()
def _down_to_waveform(
    encoder: Encoder, clips: backward.Clips, found: Mapping[str, Tensor], frames: Tensor, reach_s: float
) -> dict[str, Tensor]:
    """From gradients at the ``cnn`` features to gradients at the waveform: layer -> (token, clip, samples)."""
    n_frames, length = _stretch(encoder, clips.n_samples, reach_s)
    last = clips.states["cnn"].shape[1] - n_frames
    layers = sorted(found, key=lambda layer: layer == "cnn")
    deep = len(layers) - ("cnn" in found)
    carried = clips.states["cnn"].new_zeros(len(layers), *frames.shape, clips.n_samples)
    bottom = clips.convolutions[0]
    widest = length * bottom.weight.shape[0] // bottom.stride
    for (token, clip), frame in np.ndenumerate(frames.cpu().numpy()):
        start = int(np.clip(frame - n_frames // 2, 0, last))
        # Gradients at the cnn layer itself are zero but at one frame; all others fill the stretch.
        for rows, at in (slice(deep), slice(start, start + n_frames)), (slice(deep, None), slice(frame, frame + 1)):
            local = [found[layer][token, clip, at] for layer in layers[rows]]
            work = partial(_pull_to_samples, clips.convolutions, local, (clip, at), carried[rows, token, clip])
            in_chunks(work, len(local), _chunk(widest, carried.device))
    return dict(zip(layers, carried, strict=True))


def _pull_to_samples(
    convolutions: Sequence[backward.Convolution],
    local: Sequence[Tensor],
    at: tuple[int, slice],
    carried: Tensor,
    part: slice,
) -> None:
    """A ``part`` of the cotangents ``local``, each (frame, channel) at one clip's frames ``at``, into ``carried``
    (cotangent, samples).
    """
    gradient = torch.stack(local[part])
    for convolution in reversed(convolutions):
        gradient, at = convolution.pull(gradient, at)
    carried[part, at[1]] = gradient[..., 0]


def _stretch(encoder: Encoder, n_samples: int, reach_s: float) -> tuple[int, int]:
    """How many frames and samples around a centre frame hold all that touches +-reach_s of the centre.

    Frames of a layer-normed front end depend on their own samples alone, so such a stretch gives what the whole
    utterance gives. Group norm ties every frame to every sample: no stretch then.
    """
    total = encoder.n_frames(n_samples)
    around = np.inf if encoder.model.config.feat_extract_norm == "group" else reach_s * SAMPLE_RATE / encoder.hop + 2
    if 2 * around + 1 >= total:
        return total, n_samples
    n_frames = 2 * int(np.ceil(around)) + 1
    return n_frames, encoder.hop * (n_frames - 1) + encoder.receptive


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


def by_utterance(tokens: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``tokens`` in the order in which they are measured: utterance by utterance."""
    return pd.concat([group for _, group in tokens.groupby("utterance_id", sort=False)])


@dataclass(frozen=True)
class Measured:
    """Energy of many tokens: layer -> (token, bins); their flat null (token, bins), utterances and names (token,); how
    probable each layer's probe finds their tones, layer -> (token,).
    """

    energy: dict[str, np.ndarray]
    null: np.ndarray
    utterances: np.ndarray
    tokens: np.ndarray
    confidence: dict[str, np.ndarray]


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
) -> Measured:
    """Energy over offset of every token and layer. Notebook: notebooks/04_gradient_energy"""
    groups = dict(list(tokens.groupby("utterance_id", sort=False)))
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    reach_s = float(np.abs(edges_ms).max()) / 1000
    null: dict[str, np.ndarray] = {}  # utterance -> (token, bins)
    energy: dict[str, dict[str, np.ndarray]] = {}  # utterance -> layer -> (token, bins)
    sure: dict[str, dict[str, np.ndarray]] = {}  # utterance -> layer -> (token,)
    asked = {"target": target, "wrt": wrt, "reach_s": reach_s}
    with tqdm(total=len(groups), desc="gradients", unit="utt") as bar:
        kinds = {name: (int(n_samples[name]), len(group)) for name, group in groups.items()}  # length, tokens
        for names in alike(kinds, lambda kind: together(encoder, kind[0])):
            clips = np.stack([corpus.audio(name) for name in names])
            centers = np.stack([groups[name]["center_s"] for name in names])
            tones = np.stack([groups[name]["tone"].to_numpy(dtype=str) for name in names])
            found, chances = gradients_and_chances(encoder, probes, clips, centers, tones, **asked)
            known = {layer: chance_of(own, probes[layer], tones) for layer, own in chances.items()}
            for i, name in enumerate(names):
                null[name] = null_energy(clips.shape[1], centers[i], edges_ms)
                energy[name] = {k: energy_over_offset(encoder, g[i], centers[i], edges_ms) for k, g in found.items()}
                sure[name] = {layer: own[i] for layer, own in known.items()}
            bar.update(len(names))
    ordered = by_utterance(tokens)
    return Measured(
        energy={layer: np.concatenate([energy[name][layer] for name in groups]) for layer in probes},
        null=np.concatenate([null[name] for name in groups]),
        utterances=ordered["utterance_id"].to_numpy(),
        tokens=ordered["token_id"].to_numpy(),
        confidence={layer: np.concatenate([sure[name][layer] for name in groups]) for layer in probes},
    )


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
        asked = (probes, corpus.audio(token.utterance_id), [token.center_s], [token.tone])
        exact, rough = (input_gradients(one, *asked, target=target) for one in (encoder, coarse))
        for layer, gradient in exact.items():
            size = np.linalg.norm(gradient)
            errors[layer].append(float(np.linalg.norm(rough[layer] - gradient) / size) if size else np.nan)
            energies = [energy_over_offset(encoder, one[layer], [token.center_s], edges_ms) for one in (exact, rough)]
            spans_ms[layer].append([float(spans.effective_span(one, offsets)[0]) for one in energies])
    means = {layer: np.mean(pairs, axis=0) for layer, pairs in spans_ms.items()}
    return pd.DataFrame({
        "layer": list(probes),
        "gradient_error": [float(np.median(errors[layer])) for layer in probes],
        "span_ms": [means[layer][0] for layer in probes],
        "coarse_span_ms": [means[layer][1] for layer in probes],
    })  # fmt: skip


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
            radii = [key | row for row in spans.radius_table(*pool, **drawing)]
            rows["radii"].append(pd.DataFrame(radii, columns=[*key, *spans.RADIUS_COLUMNS]))
            names = {"token_id": np.concatenate([one.tokens for one in measured]), "utterance_id": utterances}
            radius = spans.center_of_mass_radius(energy, offsets)
            rows["token_spans"].append(pd.DataFrame(key | names | {"seed": trained, "r_com_ms": radius}))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in rows.items()}
