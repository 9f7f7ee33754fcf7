"""How far does a layer look? The gradient of a probe's tone logit with respect to the input, squared, over time.

For a token with centre c and a layer with probe ``(W, b)``: the hidden vector h at the centre frame gives logits
``W h + b``; the energy of input sample t is ``(d logit / d x_t)^2``, and ``E(tau)`` sums it over bins of ``tau = t -
c``.

Conventions: the input is the prepared waveform of the whole utterance (what the model sees), its ``cnn`` features, or
the ``input_features`` of a model that takes in log-Mel bands (``Encoder.inputs``); the energy of these two is summed
over channels at frame centres. Which logit it is says :mod:`readouts`. Parameters are frozen;
the model, its hooks and the input are left as they were. All layers and tokens of an utterance, and utterances of one
length, share one way up and one way down (``encoders.backward``); a logit that moves with nothing has gradient 0 and,
in ``spans``, no radius.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import backward
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks
from tonespan_utils.instrument.chunks import OutOfMemory, chunk_size, in_chunks, is_out_of_memory
from tonespan_utils.instrument.readouts import Readout, logits, read_out
from tonespan_utils.statistics.classifier import LinearClassifier

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
    """Gradients of each token's logit: layer -> (token, samples), or (token, frame, channel) where ``wrt`` is
    ``cnn`` or ``input_features``.

    ``samples`` (n,) is one utterance at 16 kHz; ``centers_s`` and ``tones`` (token,) lie in it. Utterances of one
    length, with as many tokens each, may come together as (clip, n) and (clip, token), which shares work; the arrays
    then have the clip as their first axis. Waveform gradients further than ``reach_s`` from the centre may be left at
    0, which spares work; nearer ones are exact. The ``cnn`` layer's own gradient with respect to ``cnn`` features is
    the probe's weight at the centre frame. Raises TonespanError for a tone no probe knows, a clip shorter than one
    frame, or hidden states that are not finite. Notebook: notebooks/04_gradient_energy
    """
    batch = (np.atleast_2d(samples), np.atleast_2d(centers_s), np.atleast_2d(tones))
    by_layer, _ = gradients_and_probabilities(encoder, probes, *batch, target=target, wrt=wrt, reach_s=reach_s)
    return by_layer if np.ndim(samples) > 1 else {layer: gradient[0] for layer, gradient in by_layer.items()}


def gradients_and_probabilities(
    encoder: Encoder, probes: Mapping[str, LinearClassifier], clips: np.ndarray, centers_s: np.ndarray,
    tones: np.ndarray, *, target: str, wrt: str, reach_s: float,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:  # fmt: skip
    """:func:`input_gradients` of ``clips`` (clip, n), and the probability that each layer's probe gives to each of its
    classes: layer -> (clip, token, class), the softmax of its logits, which is what its training made likely.
    """
    if wrt not in encoder.inputs:
        raise TonespanError(f"no gradient with respect to {wrt!r}; {encoder.name} has {', '.join(encoder.inputs)}")
    frames = np.array(
        [[encoder.frame_at(float(center), clips.shape[1]) for center in clip_centers] for clip_centers in centers_s]
    )
    slopes, probabilities = ({layer: [] for layer in probes} for _ in range(2))

    def work(part: slice) -> None:
        prepared = torch.cat([encoder.prepare(clip) for clip in clips[part]])
        traced = trace(encoder, prepared)
        readout = read_out(traced.states, probes, frames[part], tones[part], target=target)
        for layer, gradient in pull_down(encoder, traced, readout, wrt=wrt, reach_s=reach_s).items():
            slopes[layer].append(gradient)
            hidden = traced.states[layer][backward.single(readout.frames)]
            shares = torch.softmax(logits(hidden, probes[layer]).float(), dim=-1)
            probabilities[layer].append(shares.transpose(0, 1).cpu().numpy())

    with exact_products():
        in_chunks(work, len(clips), chunks.together(encoder, clips.shape[1]))
    slopes, probabilities = (
        {layer: np.concatenate(parts) for layer, parts in each.items()} for each in (slopes, probabilities)
    )
    return slopes, probabilities


def exact_products() -> AbstractContextManager:
    """No TF32 in convolutions inside: ten bits of mantissa would show."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def trace(encoder: Encoder, prepared: Tensor) -> backward.Clips | backward.PlainClips:
    """``backward.trace`` of prepared waveforms (clip, samples); raises OutOfMemory where they do not fit."""
    try:
        return backward.trace(encoder, prepared)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        seconds = prepared.shape[1] / SAMPLE_RATE
    raise OutOfMemory(f"out of memory on the way up with an utterance of {seconds:.1f} s; cut it shorter")


def pull_down(
    encoder: Encoder,
    clips: backward.Clips | backward.PlainClips,
    readout: Readout,
    *,
    wrt: str = "waveform",
    reach_s: float = np.inf,
) -> dict[str, np.ndarray]:
    """Gradients of ``readout`` at the input of ``clips``: layer -> (clip, token, samples), or (clip, token, frame,
    channel) for ``wrt="cnn"`` and ``"input_features"``.
    """
    by_layer = {layer: [] for layer in readout.weight}
    batch = max(1, MAX_STORED_VALUES // (len(by_layer) * clips.states["0"].numel()))
    for i in range(0, len(readout.frames), batch):
        weights = {layer: weight[i : i + batch] for layer, weight in readout.weight.items()}
        frames = readout.frames[i : i + batch]
        for layer, gradient in _down(encoder, clips, weights, frames, wrt, reach_s).items():
            by_layer[layer].append(gradient.transpose(0, 1))
    return {layer: torch.cat(parts, dim=1).cpu().to(_stored_as(clips)).numpy() for layer, parts in by_layer.items()}


def _down(
    encoder: Encoder, clips: backward.Clips | backward.PlainClips, starts: Mapping[str, Tensor], frames: Tensor,
    wrt: str, reach_s: float,
) -> dict[str, Tensor]:  # fmt: skip
    """From gradients at each layer's centre ``frames`` to gradients at the input: layer -> (token, clip, ...)."""
    if isinstance(clips, backward.PlainClips):
        return clips.pull(starts, frames, wrt)
    at_features = _down_to_features(clips, starts, frames)
    if wrt == "cnn":
        return at_features
    if clips.bands is not None:
        return clips.bands.pull(at_features, wrt)
    return _down_to_waveform(encoder, clips, at_features, frames, reach_s)


def _stored_as(clips: backward.Clips | backward.PlainClips) -> torch.dtype:
    """numpy has no bfloat16."""
    return torch.float32 if clips.states["cnn"].dtype == torch.bfloat16 else clips.states["cnn"].dtype


@torch.no_grad()
def _down_to_features(clips: backward.Clips, starts: Mapping[str, Tensor], frames: Tensor) -> dict[str, Tensor]:
    """From gradients at each layer's centre ``frames`` (token, clip), each (token, clip, hidden), to gradients at
    ``cnn``: (token, clip, frame, channel).
    """
    names = [layer for layer in reversed(clips.states) if layer in starts and layer != "cnn"]
    carried = _down_the_blocks(clips, [starts[layer] for layer in names], names, frames).flatten(0, 1)
    if "final" not in clips.states:
        _pull_in_place(clips.closing.pull, carried, 1)
    _pull_in_place(clips.positions.pull, carried, 1)
    features = clips.projection.pull(carried).unflatten(0, (len(names), len(frames)))
    at_features = dict(zip(names, features, strict=True))
    if "cnn" in starts:
        at_features["cnn"] = torch.zeros_like(clips.states["cnn"]).repeat(len(frames), 1, 1, 1)
        backward.add_at(at_features["cnn"], starts["cnn"], backward.single(frames))
    return {layer: at_features[layer] for layer in starts}


def _down_the_blocks(clips: backward.Clips, starts: Sequence[Tensor], names: Sequence[str], frames: Tensor) -> Tensor:
    """From ``starts``, each (token, clip, hidden) at the ``frames`` of the layers ``names``, top down, to gradients at
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
            start = clips.closing.pull(starts[done], at) if names[done] == "final" else starts[done]
            carried[done] = block.pull_at(start, at)
            done += 1
    if done < len(names):  # layer 0 has no block
        backward.add_at(carried[done], starts[done], at)
    return carried


def _pull_in_place(pull: Callable[[Tensor], Tensor], carried: Tensor, widening: int) -> None:
    """``pull`` applied to ``carried`` (cotangent, clip, frame, hidden); inside it tensors are ``widening`` times as
    large.
    """

    def work(part: slice) -> None:
        carried[part] = pull(carried[part])

    in_chunks(work, len(carried), chunk_size(widening * carried.shape[1:].numel(), carried.device))


@torch.no_grad()
def _down_to_waveform(
    encoder: Encoder, clips: backward.Clips, at_features: Mapping[str, Tensor], frames: Tensor, reach_s: float
) -> dict[str, Tensor]:
    """From gradients at the ``cnn`` features to gradients at the waveform: layer -> (token, clip, samples)."""
    n_frames, length = _stretch(encoder, clips.n_samples, reach_s)
    last = clips.states["cnn"].shape[1] - n_frames
    layers = sorted(at_features, key=lambda layer: layer == "cnn")
    deep = len(layers) - ("cnn" in at_features)
    carried = clips.states["cnn"].new_zeros(len(layers), *frames.shape, clips.n_samples)
    bottom = clips.convolutions[0]
    widest = length * bottom.weight.shape[0] // bottom.stride
    for (token, clip), frame in np.ndenumerate(frames.cpu().numpy()):
        start = int(np.clip(frame - n_frames // 2, 0, last))
        # Gradients at the cnn layer itself are zero but at one frame; all others fill the stretch.
        for rows, at in (slice(deep), slice(start, start + n_frames)), (slice(deep, None), slice(frame, frame + 1)):
            local = [at_features[layer][token, clip, at] for layer in layers[rows]]
            work = partial(_pull_to_samples, clips.convolutions, local, (clip, at), carried[rows, token, clip])
            in_chunks(work, len(local), chunk_size(widest, carried.device))
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
    around = np.inf if encoder.ties_frames else reach_s * SAMPLE_RATE / encoder.hop + 2
    if 2 * around + 1 >= total:
        return total, n_samples
    n_frames = 2 * int(np.ceil(around)) + 1
    return n_frames, encoder.hop * (n_frames - 1) + encoder.receptive
