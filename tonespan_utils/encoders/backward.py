"""Vector-Jacobian products of a wav2vec 2.0 style encoder, part by part: from cotangents at any layer to the input.

What it computes: clips of one length go up once and leave what their way down needs; then ``pull(g)`` turns ``g``, the
gradients of many scalars with respect to a part's output, into their gradients with respect to its input. A clip's
scalars share what it left (a GELU's slope is computed once, not once a scalar), and a linear map meets those of all
clips in one matrix product. Equal to plain autograd up to rounding; ``tests/encoders/test_backward.py`` checks each
part. Here are the transformer blocks and the whole encoder; ``backward_attention`` has attention, ``backward_parts``
norms, feed-forward and projection, ``backward_convolutions`` the convolutions. Families whose blocks are of another
kind go by plain autograd (``backward_plain``), and so do the log-Mel bands and convolutions of Whisper.

Conventions: channels last. ``x`` is (clip, frame, channel), ``g`` is (cotangent, clip, frame, channel): every clip has
the same number of scalars. Frame-wise parts take ``at``, an index into (clip, frame) that says what ``g`` stands for:
all of it; one frame per cotangent and clip (``single``), ``g`` then being (cotangent, clip, channel); or one clip's
stretch of frames, ``g`` then being (cotangent, frame, channel). Weights are frozen, dropout is off.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tonespan_utils.encoders.backward_attention import Attention, add_at, attention, position_bias, single
from tonespan_utils.encoders.backward_convolutions import Convolution, Positions, convolution, positions
from tonespan_utils.encoders.backward_parts import (
    FeedForward,
    Norm,
    Plain,
    Projection,
    Unchanged,
    feed_forward,
    norm,
    projection,
    two_maps,
)
from tonespan_utils.encoders.backward_plain import PlainClips, PlainFront, plain_clips, plain_front
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.whisper import WhisperEncoder

__all__ = ["Clips", "PlainClips", "add_at", "block", "single", "trace", "widest"]


@dataclass(frozen=True, eq=False)
class StableBlock:
    """A block that normalises before it computes (XLS-R, MMS)."""

    attention_norm: Norm
    attention: Attention
    forward_norm: Norm
    feed_forward: FeedForward

    def pull(self, g: Tensor) -> Tensor:
        g = self.forward_norm.pull(self.feed_forward.pull(g)).add_(g)
        return self.attention_norm.pull(self.attention.pull(g)).add_(g)

    def pull_at(self, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        g = self.forward_norm.pull(self.feed_forward.pull(g, at), at).add_(g)
        return add_at(self.attention_norm.pull(self.attention.pull_at(g, at)), g, at)


@dataclass(frozen=True, eq=False)
class PostNormBlock:
    """A block that normalises after each residual sum (wav2vec 2.0 base, HuBERT base)."""

    attention: Attention
    attention_norm: Norm
    feed_forward: FeedForward
    forward_norm: Norm

    def pull(self, g: Tensor) -> Tensor:
        g = self.forward_norm.pull(g)
        g = self.attention_norm.pull(self.feed_forward.pull(g).add_(g))
        return self.attention.pull(g).add_(g)

    def pull_at(self, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        g = self.forward_norm.pull(g, at)
        g = self.attention_norm.pull(self.feed_forward.pull(g, at).add_(g), at)
        return add_at(self.attention.pull_at(g, at), g, at)


class PlainBlock(Plain):
    """Any other block (adapters)."""

    def pull_at(self, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        return self.pull(add_at(g.new_zeros(len(g), *self.x.shape), g, at))


Block = StableBlock | PostNormBlock | PlainBlock


def block(module: nn.Module, x: Tensor, *, stable: bool, bias: Tensor | None = None) -> tuple[Tensor, Block]:
    """One transformer block on ``x`` (clip, frame, hidden); ``bias`` (head, frame, frame) is WavLM's, by position."""
    if getattr(module, "adapter_layer", None) is not None:
        return module(x), PlainBlock(module, x)
    attend = module.self_attn if hasattr(module, "self_attn") else module.attention
    attention_norm = module.self_attn_layer_norm if hasattr(module, "self_attn") else module.layer_norm
    if stable:
        y, normed = norm(attention_norm, x)
        y, attended = attention(attend, y, bias)
        x = x + y
        y, forward_norm = norm(module.final_layer_norm, x)
        y, fed = _feed_forward(module, y)
        return x + y, StableBlock(normed, attended, forward_norm, fed)
    y, attended = attention(attend, x, bias)
    x, normed = norm(attention_norm, x + y)
    y, fed = _feed_forward(module, x)
    x, forward_norm = norm(module.final_layer_norm, x + y)
    return x, PostNormBlock(attended, normed, fed, forward_norm)


def _feed_forward(module: nn.Module, x: Tensor) -> tuple[Tensor, FeedForward]:
    if hasattr(module, "fc1"):  # Whisper's
        return two_maps(module.fc1, module.activation_fn, module.fc2, x)
    return feed_forward(module.feed_forward, x)


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips of ``n_samples`` on their way down: ``states`` layer -> (clip, frame, hidden), and the parts between them,
    bottom up.

    ``widening``: how many times larger than a hidden state the largest tensor inside a block is, per cotangent.
    ``closing`` normalises the bottom state of a post-norm encoder (between positions and ``0``) or the top one of a
    stable one (between ``L`` and ``final``). ``bands`` stands in for ``convolutions`` where the model takes in log-Mel
    bands.
    """

    n_samples: int
    widening: int
    states: dict[str, Tensor]
    convolutions: list[Convolution]
    projection: Projection | Unchanged
    positions: Positions | Plain | Unchanged
    blocks: list[Block]
    closing: Norm
    bands: PlainFront | None = None


@torch.no_grad()
def trace(encoder: Encoder, waveforms: Tensor) -> Clips | PlainClips:
    """Take prepared ``waveforms`` (clip, samples) up through all layers of ``encoder``."""
    if not encoder.blocks_are_known:
        return plain_clips(encoder, waveforms)
    if isinstance(encoder, WhisperEncoder):
        return _trace_whisper(encoder, waveforms)
    model, stable = encoder.model, encoder.has_final
    x, convolutions = waveforms[..., None], []
    for module in model.feature_extractor.conv_layers:
        x, traced = convolution(module, x)
        convolutions.append(traced)
    states = {"cnn": x}
    x, projected = projection(model.feature_projection, x)
    x, placed = positions(model.encoder.pos_conv_embed, x)
    if not stable:
        x, closing = norm(model.encoder.layer_norm, x)
    upper, blocks = _up_the_blocks(model.encoder.layers, x, stable=stable)
    states |= upper
    if stable:
        states["final"], closing = norm(model.encoder.layer_norm, states[str(len(blocks))])
    n_samples = waveforms.shape[1]
    return Clips(
        n_samples, _widening(encoder, states, n_samples), states, convolutions, projected, placed, blocks, closing
    )


def _up_the_blocks(modules: nn.ModuleList, x: Tensor, *, stable: bool) -> tuple[dict[str, Tensor], list[Block]]:
    """Layers ``0``, which is ``x``, to ``L``, and the blocks between them."""
    states, blocks, bias = {"0": x}, [], position_bias(modules, x.shape[1])
    for number, module in enumerate(modules, start=1):
        x, traced = block(module, x, stable=stable, bias=bias)
        states[str(number)] = x
        blocks.append(traced)
    return states, blocks


def _trace_whisper(encoder: WhisperEncoder, waveforms: Tensor) -> Clips:
    front = plain_front(encoder, waveforms)
    cnn, n_samples = front.cnn.detach(), waveforms.shape[1]
    upper, blocks = _up_the_blocks(
        encoder.model.layers, cnn + encoder.model.embed_positions.weight[: cnn.shape[1]], stable=True
    )
    top, closing = norm(encoder.model.layer_norm, upper[str(len(blocks))])
    states = {"cnn": cnn, **upper, "final": top}
    widening = _widening(encoder, states, n_samples)
    return Clips(n_samples, widening, states, [], Unchanged(), Unchanged(), blocks, closing, front)


def _widening(encoder: Encoder, states: dict[str, Tensor], n_samples: int) -> int:
    return -(-widest(encoder, n_samples) // states["0"][0].numel())


def widest(encoder: Encoder, n_samples: int) -> int:
    """Numbers in the largest tensor inside a block, for one cotangent of one clip of ``n_samples``."""
    n_frames = encoder.n_frames(n_samples)
    return n_frames * max(encoder.model.config.num_attention_heads * n_frames, encoder.inner_width)
