"""Vector-Jacobian products of a wav2vec 2.0 style encoder, part by part: from cotangents at any layer to the input.

What it computes: clips of one length go up once and leave what their way down needs; then ``pull(g)`` turns ``g``, the
gradients of many scalars with respect to a part's output, into their gradients with respect to its input. A clip's
scalars share what it left (a GELU's slope is computed once, not once a scalar), and a linear map meets those of all
clips in one matrix product. Equal to plain autograd up to rounding; ``tests/encoders/test_backward.py`` checks each
part. Here are attention, the transformer blocks and the whole encoder; ``backward_parts`` has norms, feed-forward and
projection, ``backward_convolutions`` the convolutions.

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

from tonespan_utils.encoders.backward_convolutions import Convolution, Positions, convolution, positions
from tonespan_utils.encoders.backward_parts import (
    FeedForward,
    Norm,
    Projection,
    feed_forward,
    norm,
    projection,
)
from tonespan_utils.encoders.encoder import Encoder


def single(frames: Tensor) -> tuple[Tensor, Tensor]:
    """``at`` of one frame each, ``frames`` (cotangent, clip)."""
    return torch.arange(frames.shape[1], device=frames.device).expand_as(frames), frames


@dataclass(frozen=True, eq=False)
class Attention:
    """Softmax attention within each clip; the inverse square root of the head's width is folded into query and key.

    ``query, key, value, mixed`` (clip, head, frame, width), ``weights`` (clip, head, query frame, key frame), ``into``
    the query, key and value maps, ``out`` like them (hidden, hidden).
    """

    query: Tensor
    key: Tensor
    value: Tensor
    mixed: Tensor
    weights: Tensor
    into: tuple[Tensor, Tensor, Tensor]
    out: Tensor

    def pull(self, g: Tensor) -> Tensor:
        n_clips, n_heads, n_frames, width = self.query.shape
        n, each = len(g), (n_clips, n_heads)
        # (clip, head, query frame, cotangent, width): every product below is then one matrix product a clip and head
        mixed = (g @ self.out).view(n, n_clips, n_frames, n_heads, width).permute(1, 3, 2, 0, 4).contiguous()
        along = (mixed * self.mixed[..., None, :]).sum(dim=-1, keepdim=True)
        weights = (mixed.view(*each, -1, width) @ self.value.mT).view(*each, n_frames, n, n_frames)
        scores = weights.sub_(along).mul_(self.weights[..., None, :])
        query = scores.view(*each, -1, n_frames) @ self.key
        key = self.query.mT @ scores.view(*each, n_frames, -1)
        value = self.weights.mT @ mixed.view(*each, n_frames, -1)
        query = query.view(*each, n_frames, n, width).permute(3, 0, 2, 1, 4)
        key = key.view(*each, width, n, n_frames).permute(3, 0, 4, 1, 2)
        value = value.view(*each, n_frames, n, width).permute(3, 0, 2, 1, 4)
        query, key, value = (x.reshape(-1, n_heads * width) for x in (query, key, value))
        below = (query @ self.into[0]).addmm_(key, self.into[1]).addmm_(value, self.into[2])
        return below.view_as(g)

    def pull_at(self, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        """``pull`` of cotangents (cotangent, clip, hidden), zero but at one frame each, at a fraction of the cost."""
        n_clips, n_heads, _, width = self.query.shape
        mixed = self._by_head((g @ self.out).view(len(g), n_clips, n_heads, width))
        query, mixed_at, weights_at = (
            self._by_head(x.transpose(1, 2)[at]) for x in (self.query, self.mixed, self.weights)
        )
        scores = (mixed @ self.value.mT).sub_((mixed * mixed_at).sum(dim=-1, keepdim=True)).mul_(weights_at)
        into = [weight.view(n_heads, width, -1) for weight in self.into]
        # A query row moves every key, along one direction a head: (cotangent, frame, 2 heads) by (2 heads, hidden)
        along = torch.cat([query @ into[1], mixed @ into[2]], dim=1).permute(2, 0, 1, 3)
        everywhere = torch.cat([scores, weights_at], dim=1).permute(2, 0, 3, 1) @ along
        return add_at(everywhere, (scores @ self.key @ into[0]).sum(dim=1).transpose(0, 1), at)

    @staticmethod
    def _by_head(x: Tensor) -> Tensor:
        """(cotangent, clip, head, ...) to (clip, head, cotangent, ...)."""
        return x.permute(1, 2, 0, 3)


def attention(module: nn.Module, x: Tensor) -> tuple[Tensor, Attention]:
    """Hugging Face's ``attention`` on ``x`` (clip, frame, hidden), every frame of a clip seeing its every other."""
    maps = (module.q_proj, module.k_proj, module.v_proj)
    heads = (linear(x).unflatten(-1, (module.num_heads, -1)).transpose(1, 2).contiguous() for linear in maps)
    query, key, value = heads
    query, root = query * module.scaling, module.scaling
    weights = torch.softmax(query @ key.mT, dim=-1)
    mixed = weights @ value
    into, out = tuple(linear.weight for linear in maps), module.out_proj
    traced = Attention(query, key * root, value, mixed, weights, into, out.weight)
    return out(mixed.transpose(1, 2).flatten(2)), traced


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


@dataclass(frozen=True, eq=False)
class PlainBlock:
    """Any other block (adapters), by autograd on one copy of the clips per cotangent."""

    block: nn.Module
    x: Tensor

    def pull(self, g: Tensor) -> Tensor:
        with torch.enable_grad():
            source = self.x.repeat(len(g), 1, 1).requires_grad_(True)
            return torch.autograd.grad(self.block(source), source, g.flatten(0, 1))[0].view_as(g)

    def pull_at(self, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        return self.pull(add_at(g.new_zeros(len(g), *self.x.shape), g, at))


Block = StableBlock | PostNormBlock | PlainBlock


def add_at(everywhere: Tensor, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
    """``everywhere`` (cotangent, clip, frame, channel) plus ``g`` (cotangent, clip, channel) at the frames ``at``."""
    cotangent = torch.arange(len(g), device=g.device)[:, None]
    everywhere[cotangent, *at] += g
    return everywhere


def block(module: nn.Module, x: Tensor, *, stable: bool) -> tuple[Tensor, Block]:
    """One transformer block on ``x`` (clip, frame, hidden)."""
    if getattr(module, "adapter_layer", None) is not None:
        return module(x), PlainBlock(module, x)
    if stable:
        y, attention_norm = norm(module.layer_norm, x)
        y, attended = attention(module.attention, y)
        x = x + y
        y, forward_norm = norm(module.final_layer_norm, x)
        y, fed = feed_forward(module.feed_forward, y)
        return x + y, StableBlock(attention_norm, attended, forward_norm, fed)
    y, attended = attention(module.attention, x)
    x, attention_norm = norm(module.layer_norm, x + y)
    y, fed = feed_forward(module.feed_forward, x)
    x, forward_norm = norm(module.final_layer_norm, x + y)
    return x, PostNormBlock(attended, attention_norm, fed, forward_norm)


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips of ``n_samples`` on their way down: ``states`` layer -> (clip, frame, hidden), and the parts between them,
    bottom up.

    ``widening``: how many times larger than a hidden state the largest tensor inside a block is, per cotangent.
    ``closing`` normalises the bottom state of a post-norm encoder (between positions and ``0``) or the top one of a
    stable one (between ``L`` and ``final``).
    """

    n_samples: int
    widening: int
    states: dict[str, Tensor]
    convolutions: list[Convolution]
    projection: Projection
    positions: Positions
    blocks: list[Block]
    closing: Norm


@torch.no_grad()
def trace(encoder: Encoder, waveforms: Tensor) -> Clips:
    """Take prepared ``waveforms`` (clip, samples) up through all layers of ``encoder``."""
    model, stable = encoder.model, "final" in encoder.layers
    x, convolutions = waveforms[..., None], []
    for module in model.feature_extractor.conv_layers:
        x, traced = convolution(module, x)
        convolutions.append(traced)
    states = {"cnn": x}
    x, projected = projection(model.feature_projection, x)
    x, placed = positions(model.encoder.pos_conv_embed, x)
    if not stable:
        x, closing = norm(model.encoder.layer_norm, x)
    states["0"], blocks = x, []
    for number, module in enumerate(model.encoder.layers, start=1):
        x, traced = block(module, x, stable=stable)
        states[str(number)] = x
        blocks.append(traced)
    if stable:
        states["final"], closing = norm(model.encoder.layer_norm, x)
    n_samples = waveforms.shape[1]
    widening = -(-widest(encoder, n_samples) // states["0"][0].numel())
    return Clips(n_samples, widening, states, convolutions, projected, placed, blocks, closing)


def widest(encoder: Encoder, n_samples: int) -> int:
    """Numbers in the largest tensor inside a block, for one cotangent of one clip of ``n_samples``."""
    config, n_frames = encoder.model.config, encoder.n_frames(n_samples)
    return n_frames * max(config.num_attention_heads * n_frames, config.intermediate_size)
