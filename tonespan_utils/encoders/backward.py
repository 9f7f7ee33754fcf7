"""From cotangents at any layer back to the input: a wav2vec 2.0 style encoder's Jacobian, transposed, part by part.

What it computes: clips of one length go up once and leave what their way down needs; then ``pull(g)`` turns ``g``, the
gradients of many scalars with respect to a part's output, into their gradients with respect to its input. A clip's
scalars share what it left (a GELU's slope is computed once, not once a scalar), and a linear map meets those of all
clips in one matrix product. Equal to plain autograd up to rounding; ``tests/test_vjp.py`` checks each part.

Conventions: channels last. ``x`` is (clip, frame, channel), ``g`` is (cotangent, clip, frame, channel): every clip has
the same number of scalars. Frame-wise parts take ``at``, an index into (clip, frame) that says what ``g`` stands for:
all of it; one frame per cotangent and clip (``single``), ``g`` then being (cotangent, clip, channel); or one clip's
stretch of frames, ``g`` then being (cotangent, frame, channel). Weights are frozen, dropout is off.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from types import EllipsisType

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

from tonespan_utils.encoders.encoder import Encoder

At = EllipsisType | tuple[Tensor, Tensor] | tuple[int, slice]
EVERY = ...


def single(frames: Tensor) -> tuple[Tensor, Tensor]:
    """``at`` of one frame each, ``frames`` (cotangent, clip)."""
    return torch.arange(frames.shape[1], device=frames.device).expand_as(frames), frames


@dataclass(frozen=True, eq=False)
class Norm:
    """Layer norm over channels: ``normed`` (clip, frame, channel), no affine map yet; ``scale`` weight / deviation."""

    normed: Tensor
    scale: Tensor

    def pull(self, g: Tensor, at: At = EVERY) -> Tensor:
        normed, scaled = self.normed[at], g * self.scale[at]
        along = torch.linalg.vecdot(scaled, normed).unsqueeze(-1) / -normed.shape[-1]
        return scaled.sub_(scaled.mean(dim=-1, keepdim=True)).addcmul_(normed, along)


def norm(module: nn.LayerNorm, x: Tensor) -> tuple[Tensor, Norm]:
    """``x`` (clip, frame, channel) normalised by ``module``."""
    y, mean, inverse = torch.native_layer_norm(x, x.shape[-1:], module.weight, module.bias, module.eps)
    return y, Norm((x - mean) * inverse, inverse * module.weight)


def elementwise(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """An elementwise function at ``x`` and its derivative there."""
    with torch.enable_grad():
        source = x.detach().requires_grad_(True)
        y = function(source)
        (slope,) = torch.autograd.grad(y.sum(), source)
    return y.detach(), slope


@dataclass(frozen=True, eq=False)
class FeedForward:
    """Two linear maps, weights (out, in), around an activation of ``slope`` (clip, frame, inner)."""

    first: Tensor
    slope: Tensor
    second: Tensor

    def pull(self, g: Tensor, at: At = EVERY) -> Tensor:
        return (g @ self.second).mul_(self.slope[at]) @ self.first


def feed_forward(module: nn.Module, x: Tensor) -> tuple[Tensor, FeedForward]:
    """Hugging Face's ``feed_forward`` on ``x`` (clip, frame, hidden)."""
    inner, slope = elementwise(module.intermediate_act_fn, module.intermediate_dense(x))
    traced = FeedForward(module.intermediate_dense.weight, slope, module.output_dense.weight)
    return module.output_dense(inner), traced


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
        query, heard, own = (self._by_head(x.transpose(1, 2)[at]) for x in (self.query, self.mixed, self.weights))
        scores = (mixed @ self.value.mT).sub_((mixed * heard).sum(dim=-1, keepdim=True)).mul_(own)
        into = [weight.view(n_heads, width, -1) for weight in self.into]
        # A query row moves every key, along one direction a head: (cotangent, frame, 2 heads) by (2 heads, hidden)
        along = torch.cat([query @ into[1], mixed @ into[2]], dim=1).permute(2, 0, 1, 3)
        everywhere = torch.cat([scores, own], dim=1).permute(2, 0, 3, 1) @ along
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
class Positions:
    """``x`` plus its positional convolution; ``slope`` (clip, frame, hidden) of its activation, ``scale`` of its
    input.

    The kernel of ``conv`` is as long as many clips: a product of spectra takes a fifth of the time of autograd's way
    on a CPU.
    """

    conv: nn.Conv1d
    slope: Tensor
    scale: Tensor | None

    @property
    def length(self) -> int:
        """Frames that a transform spans: enough for no frame to meet another from the far end."""
        return next_fast_len(self.slope.shape[1] + self.conv.kernel_size[0] - 1, real=True)

    @cached_property
    def spectrum(self) -> Tensor:
        """The kernel's, (frequency, group, out, in); left until clips go down, for some only go up."""
        kernel = self.conv.weight.to(torch.promote_types(self.slope.dtype, torch.float32))  # no transform in bfloat16
        bins = torch.fft.rfft(kernel, n=self.length).unflatten(0, (self.conv.groups, -1))
        return bins.permute(3, 0, 1, 2).contiguous()

    def pull(self, g: Tensor) -> Tensor:
        first, n_frames = self.conv.padding[0], g.shape[-2]
        inner = (g * self.slope).flatten(0, 1).to(self.spectrum.dtype.to_real())
        bins = torch.fft.rfft(inner, n=self.length, dim=1).unflatten(2, (self.conv.groups, -1)).permute(1, 2, 0, 3)
        bins = (bins @ self.spectrum).permute(2, 0, 1, 3).flatten(2)
        through = torch.fft.irfft(bins, n=self.length, dim=1)[:, first : first + n_frames].view_as(g).to(g.dtype)
        return through + g if self.scale is None else through * self.scale + g


def positions(module: nn.Module, x: Tensor) -> tuple[Tensor, Positions]:
    """Hugging Face's ``pos_conv_embed`` on ``x`` (clip, frame, hidden), residual included."""
    source, scale = x.mT, None
    if getattr(module, "batch_norm", None) is not None:  # some HuBERTs; frozen, it is a factor per channel
        source, scale = elementwise(module.batch_norm, source)
        scale = scale.mT
    inner, slope = elementwise(module.activation, module.padding(module.conv(source)).mT)
    return x + inner, Positions(module.conv, slope, scale)


@dataclass(frozen=True, eq=False)
class Scale:
    """A factor per clip, frame and channel: an activation without a norm before it."""

    scale: Tensor

    def pull(self, g: Tensor, at: At = EVERY) -> Tensor:
        return g * self.scale[at]


@dataclass(frozen=True, eq=False)
class ClipNorm:
    """Group norm of one channel a group: over the clip, so gradients at some frames give gradients at all."""

    normed: Tensor
    scale: Tensor

    def pull(self, g: Tensor, at: tuple[int, slice]) -> Tensor:
        clip, frames = at
        normed = self.normed[clip]
        scaled = g.new_zeros(len(g), *normed.shape)
        torch.mul(g, self.scale[at], out=scaled[:, frames])
        along = torch.einsum("cfk,fk->ck", scaled, normed)[:, None] / -len(normed)
        return scaled.sub_(scaled.mean(dim=-2, keepdim=True)).addcmul_(normed, along)


@dataclass(frozen=True, eq=False)
class Convolution:
    """A strided convolution, ``weight`` (out, kernel, in), and what follows it: norm and activation in one."""

    weight: Tensor
    stride: int
    after: Norm | ClipNorm | Scale

    def pull(self, g: Tensor, at: tuple[int, slice]) -> tuple[Tensor, tuple[int, slice]]:
        """``g`` (cotangent, frame, out) at one clip's frames ``at``: gradients at input frames, and which these are."""
        g = self.after.pull(g, at)
        clip, frames = at
        first = 0 if isinstance(self.after, ClipNorm) else frames.start * self.stride
        through = transposed_convolution(g, self.weight, self.stride)
        return through, (clip, slice(first, first + through.shape[1]))


def transposed_convolution(g: Tensor, weight: Tensor, stride: int) -> Tensor:
    """(cotangent, frame, out) and (out, kernel, in) to (cotangent, (frame - 1) stride + kernel, in).

    One matrix product and a few shifted sums: three to four times as fast as autograd's own on a CPU.
    """
    n_out, kernel, n_in = weight.shape
    n_cotangents, n_frames, _ = g.shape
    steps = -(-kernel // stride)
    # Frames apart by one lie ``stride`` inputs apart, so tap ``stride * step + phase`` lands ``step`` rows below.
    taps = (g @ weight.view(n_out, -1)).view(n_cotangents, n_frames, kernel * n_in)
    rows = g.new_zeros(n_cotangents, n_frames + steps - 1, stride * n_in)
    for step in range(steps):
        part = taps[:, :, step * stride * n_in : (step + 1) * stride * n_in]
        rows[:, step : step + n_frames, : part.shape[-1]] += part
    return rows.view(n_cotangents, -1, n_in)[:, : (n_frames - 1) * stride + kernel]


def convolution(module: nn.Module, x: Tensor) -> tuple[Tensor, Convolution]:
    """One layer of Hugging Face's ``feature_extractor`` on ``x`` (clip, frame, in)."""
    conv, weight = module.conv, module.conv.weight.transpose(1, 2).contiguous()
    stride = conv.stride[0]
    inner = x.unfold(1, weight.shape[1], stride).mT.flatten(2) @ weight.flatten(1).T  # (clip, frame, kernel in)
    inner = inner if conv.bias is None else inner + conv.bias
    if not hasattr(module, "layer_norm"):
        y, slope = elementwise(module.activation, inner)
        return y, Convolution(weight, stride, Scale(slope))
    over_channels = isinstance(module.layer_norm, nn.LayerNorm)
    inner, normed = (norm if over_channels else clip_norm)(module.layer_norm, inner)
    y, slope = elementwise(module.activation, inner)
    return y, Convolution(weight, stride, replace(normed, scale=normed.scale * slope))


def clip_norm(module: nn.GroupNorm, x: Tensor) -> tuple[Tensor, ClipNorm]:
    """``x`` (clip, frame, channel) normalised over frames by ``module``, one channel a group."""
    variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
    inverse = torch.rsqrt(variance + module.eps)
    normed = (x - mean) * inverse
    return normed * module.weight + module.bias, ClipNorm(normed, (inverse * module.weight).expand_as(x))


@dataclass(frozen=True, eq=False)
class Projection:
    """From ``cnn`` features to the hidden width: a norm, where there is one, and a linear map, weight (out, in)."""

    norm: Norm | None
    weight: Tensor

    def pull(self, g: Tensor) -> Tensor:
        g = g @ self.weight
        return g if self.norm is None else self.norm.pull(g)


def projection(module: nn.Module, x: Tensor) -> tuple[Tensor, Projection]:
    """Hugging Face's ``feature_projection`` on ``x`` (clip, frame, channel)."""
    x, normed = norm(module.layer_norm, x) if hasattr(module, "layer_norm") else (x, None)
    return module.projection(x), Projection(normed, module.projection.weight)


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
