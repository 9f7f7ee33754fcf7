"""Convolutions of an encoder on the way down: the strided ones of the front end and the positional one.

Conventions: those of :mod:`tonespan_utils.encoders.backward`, whose ``x``, ``g`` and ``at`` are meant here.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

from tonespan_utils.encoders.backward_parts import (
    ClipNorm,
    Norm,
    Plain,
    Scale,
    clip_norm,
    elementwise,
    norm,
)


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


def positions(module: nn.Module, x: Tensor) -> tuple[Tensor, Positions | Plain]:
    """Hugging Face's ``pos_conv_embed`` on ``x`` (clip, frame, hidden), residual included."""
    if hasattr(module, "layers"):  # data2vec-audio has a stack of short convolutions with norms
        return x + module(x), Plain(lambda source: source + module(source), x)
    source, scale = x.mT, None
    if getattr(module, "batch_norm", None) is not None:  # some HuBERTs; frozen, it is a factor per channel
        source, scale = elementwise(module.batch_norm, source)
        scale = scale.mT
    inner, slope = elementwise(module.activation, module.padding(module.conv(source)).mT)
    return x + inner, Positions(module.conv, slope, scale)


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
