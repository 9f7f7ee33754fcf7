"""Frame-wise parts of an encoder on the way down: norms, feed-forward and the projection of ``cnn`` features.

Conventions: those of :mod:`tonespan_utils.encoders.backward`, whose ``x``, ``g`` and ``at`` are meant here.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType

import torch
from torch import Tensor, nn

At = EllipsisType | tuple[Tensor, Tensor] | tuple[int, slice]
EVERY = ...  # an index of all clips and frames


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
    return two_maps(module.intermediate_dense, module.intermediate_act_fn, module.output_dense, x)


def two_maps(
    first: nn.Linear, activation: Callable[[Tensor], Tensor], second: nn.Linear, x: Tensor
) -> tuple[Tensor, FeedForward]:
    """Two linear maps around an activation on ``x`` (clip, frame, hidden)."""
    inner, slope = elementwise(activation, first(x))
    return second(inner), FeedForward(first.weight, slope, second.weight)


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
class Plain:
    """Any other ``function`` of ``x`` (clip, frame, channel), by autograd on one copy of the clips per cotangent."""

    function: Callable[[Tensor], Tensor]
    x: Tensor

    def pull(self, g: Tensor) -> Tensor:
        with torch.enable_grad():
            source = self.x.repeat(len(g), 1, 1).requires_grad_(True)
            return torch.autograd.grad(self.function(source), source, g.flatten(0, 1))[0].view(len(g), *self.x.shape)


class Unchanged:
    """Something that adds a constant, or nothing at all."""

    def pull(self, g: Tensor) -> Tensor:
        return g
