"""How far does a layer look? The gradient of a probe's tone logit with respect to the input, squared, over time.

For a token with centre c and a layer with probe ``(W, b)``: the hidden vector h at the centre frame gives logits
``W h + b``; the energy of input sample t is ``(d logit / d x_t)^2``, and ``E(tau)`` sums it over bins of ``tau = t -
c``.

Conventions: the input is the prepared waveform of the whole utterance (what the model sees), or its ``cnn``
features, whose energy is summed over channels at frame centres. ``target`` names the logit: ``true`` the labelled tone,
``predicted`` the winner, ``margin`` the labelled tone minus the best other. Parameters are frozen; the model, its hooks
and the input are left as found. All layers and tokens of an utterance share one way up and one way down (``vjp``); a
logit that moves with nothing has gradient 0 and, in ``spans``, no radius.

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
from torch import Tensor
from tqdm.auto import tqdm

from tonespan_utils import spans, vjp
from tonespan_utils.classify import LinearClassifier
from tonespan_utils.corpus import SAMPLE_RATE, Corpus
from tonespan_utils.encoders import Encoder
from tonespan_utils.errors import TonespanError

CPU_CHUNK_VALUES = 2**20  # numbers in the largest tensor of one step: 4 MB stays near the core
GPU_CHUNK_VALUES = 2**26  # and 256 MB keeps a GPU busy
MAX_STORED_VALUES = 2**27  # numbers in all cotangents of the tokens that go down together: 0.5 GB


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
    Raises TonespanError for a tone no probe knows, a clip shorter than one frame, or hidden states that are not finite.
    Notebook: notebooks/04_gradient_energy
    """
    frames = [encoder.frame_at(center, samples.size) for center in centers_s]
    with exact_products():
        clip = trace(encoder, encoder.prepare(samples)[0])
        readout = read_out(clip.states, probes, frames, tones, target=target)
        return pull_down(encoder, clip, readout, wrt=wrt, reach_s=reach_s)


def exact_products() -> AbstractContextManager:
    """No TF32 in convolutions inside: ten bits of mantissa would show."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def trace(encoder: Encoder, prepared: Tensor) -> vjp.Clip:
    """``vjp.trace`` of a prepared waveform (samples,); raises TonespanError where it does not fit into memory."""
    try:
        return vjp.trace(encoder, prepared)
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        seconds = len(prepared) / SAMPLE_RATE
    raise TonespanError(f"out of memory on the way up with an utterance of {seconds:.1f} s; cut it shorter")


@dataclass(frozen=True, eq=False)
class Readout:
    """What is asked of each layer and token: the scalar ``weight @ hidden + bias`` of the hidden vector at its frame.

    ``weight`` layer -> (token, hidden), ``bias`` layer -> (token,), ``frames`` (token,).
    """

    frames: list[int]
    weight: dict[str, Tensor]
    bias: dict[str, Tensor]

    def values(self, states: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The scalars of ``states``, layer -> (..., frame, hidden): layer -> (..., token)."""
        return {
            layer: torch.linalg.vecdot(states[layer][..., self.frames, :], weight) + self.bias[layer]
            for layer, weight in self.weight.items()
        }


@torch.no_grad()
def read_out(
    states: Mapping[str, Tensor],
    probes: Mapping[str, LinearClassifier],
    frames: Sequence[int],
    tones: Sequence[str],
    *,
    target: str,
) -> Readout:
    """The target logits as linear readouts of ``states``, layer -> (frame, hidden), of one utterance.

    ``target`` is settled on these states: ``predicted`` stays the tone that won there, and ``margin`` the rival there,
    whatever the input is changed to afterwards. Raises TonespanError for a tone that no probe knows and for hidden
    states that are not finite.
    """
    weight, bias = {}, {}
    for layer, probe in probes.items():
        hidden = states[layer][frames]
        if not torch.isfinite(hidden).all():
            raise TonespanError(f"layer {layer} holds NaN or infinite values; are the checkpoint's weights finite?")
        maps = [torch.as_tensor(x, dtype=hidden.dtype, device=hidden.device) for x in (probe.weight, probe.bias)]
        signs = _target_signs(hidden @ maps[0].T + maps[1], probe, tones, target=target)
        weight[layer], bias[layer] = signs @ maps[0], signs @ maps[1]
    return Readout(list(frames), weight, bias)


def pull_down(
    encoder: Encoder, clip: vjp.Clip, readout: Readout, *, wrt: str = "waveform", reach_s: float = np.inf
) -> dict[str, np.ndarray]:
    """Gradients of ``readout`` at the input that ``clip`` was traced from; shapes as in :func:`input_gradients`."""
    found = {layer: [] for layer in readout.weight}
    batch = max(1, MAX_STORED_VALUES // (len(found) * clip.states["0"].numel()))
    for i in range(0, len(readout.frames), batch):
        own = {layer: weight[i : i + batch] for layer, weight in readout.weight.items()}
        frames = readout.frames[i : i + batch]
        local = _down_to_features(clip, own, frames)
        if wrt == "waveform":
            local = _down_to_waveform(encoder, clip, local, frames, reach_s)
        for layer, gradient in local.items():
            found[layer].append(gradient)
    return {layer: torch.cat(parts).cpu().to(_stored_as(clip)).numpy() for layer, parts in found.items()}


def _stored_as(clip: vjp.Clip) -> torch.dtype:
    """numpy has no bfloat16."""
    return torch.float32 if clip.states["cnn"].dtype == torch.bfloat16 else clip.states["cnn"].dtype


@torch.no_grad()
def _down_to_features(clip: vjp.Clip, own: Mapping[str, Tensor], frames: Sequence[int]) -> dict[str, Tensor]:
    """From gradients at each layer's centre frames (token, hidden) to gradients at ``cnn``: (token, frame, channel)."""
    at = torch.tensor(frames, device=clip.states["cnn"].device)
    names = [layer for layer in reversed(clip.states) if layer in own and layer != "cnn"]
    carried = _down_the_blocks(clip, [own[layer] for layer in names], names, at).flatten(0, 1)
    if "final" not in clip.states:
        _pull_in_place(clip.closing.pull, carried, 1)
    _pull_in_place(clip.positions.pull, carried, 1)
    features = clip.projection.pull(carried).unflatten(0, (len(names), len(frames)))
    found = dict(zip(names, features, strict=True))
    if "cnn" in own:
        found["cnn"] = torch.zeros_like(clip.states["cnn"]).repeat(len(frames), 1, 1)
        found["cnn"][torch.arange(len(frames), device=at.device), at] = own["cnn"]
    return {layer: found[layer] for layer in own}


def _down_the_blocks(clip: vjp.Clip, own: Sequence[Tensor], names: Sequence[str], at: Tensor) -> Tensor:
    """From ``own``, each (token, hidden) at the frames ``at`` of the layers ``names``, top down, to gradients at ``0``:
    (layer, token, frame, hidden).

    At block k the cotangents of every layer above it go through together; those of layer k itself, which are zero but
    at one frame, take the short cut ``pull_at`` and join them.
    """
    carried = clip.states["0"].new_zeros(len(names), len(at), *clip.states["0"].shape)
    done = 0
    for number, block in reversed(list(enumerate(clip.blocks, start=1))):
        _pull_in_place(block.pull, carried[:done].flatten(0, 1), clip.widening)
        here = ("final", str(number)) if number == len(clip.blocks) else (str(number),)
        while done < len(names) and names[done] in here:
            start = clip.closing.pull(own[done], at) if names[done] == "final" else own[done]
            carried[done] = block.pull_at(start, at)
            done += 1
    if done < len(names):  # layer 0 has no block
        carried[done, torch.arange(len(at), device=at.device), at] = own[done]
    return carried


def _pull_in_place(pull: Callable[[Tensor], Tensor], carried: Tensor, widening: int) -> None:
    """``pull`` applied to ``carried`` (cotangent, frame, hidden); inside it tensors are ``widening`` times as large."""

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
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            size = _halved(size)
        else:
            first += size


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _halved(size: int) -> int:
    if size == 1:
        raise TonespanError("out of memory with a single pass under way; cut the utterance shorter")
    warnings.warn(f"out of memory with {size} passes under way; going on with {size // 2}", stacklevel=3)
    return size // 2


@torch.no_grad()
def _down_to_waveform(
    encoder: Encoder, clip: vjp.Clip, found: Mapping[str, Tensor], frames: Sequence[int], reach_s: float
) -> dict[str, Tensor]:
    """From gradients at the ``cnn`` features to gradients at the waveform: layer -> (token, samples)."""
    first, n_frames, length = _segments(encoder, clip.n_samples, frames, reach_s)
    layers = sorted(found, key=lambda layer: layer == "cnn")
    deep = len(layers) - ("cnn" in found)
    carried = clip.states["cnn"].new_zeros(len(layers), len(frames), clip.n_samples)
    bottom = clip.convolutions[0]
    widest = length * bottom.weight.shape[0] // bottom.stride
    for token, (start, frame) in enumerate(zip(first, frames, strict=True)):
        # Gradients at the cnn layer itself are zero but at one frame; all others fill the stretch.
        for rows, at in (slice(deep), slice(start, start + n_frames)), (slice(deep, None), slice(frame, frame + 1)):
            local = [found[layer][token, at] for layer in layers[rows]]
            work = partial(_pull_to_samples, clip.convolutions, local, at, carried[rows, token])
            in_chunks(work, len(local), _chunk(widest, carried.device))
    return dict(zip(layers, carried, strict=True))


def _pull_to_samples(
    convolutions: Sequence[vjp.Convolution], local: Sequence[Tensor], at: slice, carried: Tensor, part: slice
) -> None:
    """A ``part`` of the cotangents ``local``, each (frame, channel) at the frames ``at``, into ``carried`` (cotangent,
    samples).
    """
    gradient = torch.stack(local[part])
    for convolution in reversed(convolutions):
        gradient, at = convolution.pull(gradient, at)
    carried[part, at] = gradient[..., 0]


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


def _target_signs(logits: Tensor, probe: LinearClassifier, tones: Sequence[str], *, target: str) -> Tensor:
    """How each logit counts in the target, (token, class): 1 for the named tone, -1 for the rival of ``margin``."""
    signs = torch.zeros_like(logits)
    if target == "predicted":
        return signs.scatter_(1, logits.argmax(dim=1, keepdim=True), 1)
    unknown = set(tones) - set(probe.classes)
    if unknown:
        raise TonespanError(f"the probe knows the tones {', '.join(probe.classes)}, not {', '.join(sorted(unknown))}")
    true = torch.tensor([[probe.classes.index(tone)] for tone in tones], device=logits.device)
    signs.scatter_(1, true, 1)
    if target == "margin":
        signs.scatter_(1, logits.scatter(1, true, -torch.inf).argmax(dim=1, keepdim=True), -1)
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
