"""Attention of an encoder on the way down, with WavLM's gated bias by relative position where there is one.

Conventions: those of :mod:`tonespan_utils.encoders.backward`, whose ``x``, ``g`` and ``at`` are meant here.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


def single(frames: Tensor) -> tuple[Tensor, Tensor]:
    """``at`` of one frame each, ``frames`` (cotangent, clip)."""
    return torch.arange(frames.shape[1], device=frames.device).expand_as(frames), frames


def add_at(everywhere: Tensor, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
    """``everywhere`` (cotangent, clip, frame, channel) plus ``g`` (cotangent, clip, channel) at the frames ``at``."""
    cotangent = torch.arange(len(g), device=g.device)[:, None]
    everywhere[cotangent, *at] += g
    return everywhere


@dataclass(frozen=True, eq=False)
class Gate:
    """WavLM's bias by relative position, ``bias`` (head, query frame, key frame), times a factor that each query's
    hidden state sets: ``slope`` (clip, head, frame, width) of that factor along the head's channels.
    """

    bias: Tensor
    slope: Tensor

    def pull(self, scores: Tensor, below: Tensor) -> Tensor:
        """``below`` (cotangent, clip, frame, hidden) with what comes through the factor added, from gradients at the
        ``scores`` (clip, head, query frame, cotangent, key frame).
        """
        size = torch.einsum("chqnk,hqk->nchq", scores, self.bias)
        return below.add_((size[..., None] * self.slope).transpose(2, 3).flatten(3))

    def pull_at(self, scores: Tensor, here: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        """The same for one query frame each: ``scores`` (clip, head, cotangent, frame), ``here`` (cotangent, clip,
        hidden).
        """
        bias = by_head(self.bias.transpose(0, 1)[at[1]])  # (clip, head, cotangent, frame)
        size = (scores * bias).sum(dim=-1, keepdim=True)
        through = size * by_head(self.slope.transpose(1, 2)[at])
        return here + through.permute(2, 0, 1, 3).flatten(2)


@dataclass(frozen=True, eq=False)
class Attention:
    """Softmax attention within each clip; the inverse square root of the head's width is folded into query and key.

    ``query, key, value, mixed`` (clip, head, frame, width), ``weights`` (clip, head, query frame, key frame), ``into``
    the query, key and value maps, ``out`` like them (hidden, hidden). ``gate`` is WavLM's bias, where there is such.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    mixed: Tensor
    weights: Tensor
    into: tuple[Tensor, Tensor, Tensor]
    out: Tensor
    gate: Gate | None = None

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
        return (
            below.view_as(g)
            if self.gate is None
            else self.gate.pull(scores.view(*each, n_frames, n, n_frames), below.view_as(g))
        )

    def pull_at(self, g: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        """``pull`` of cotangents (cotangent, clip, hidden), zero but at one frame each, at a fraction of the cost."""
        n_clips, n_heads, _, width = self.query.shape
        mixed = by_head((g @ self.out).view(len(g), n_clips, n_heads, width))
        query, mixed_at, weights_at = (by_head(x.transpose(1, 2)[at]) for x in (self.query, self.mixed, self.weights))
        scores = (mixed @ self.value.mT).sub_((mixed * mixed_at).sum(dim=-1, keepdim=True)).mul_(weights_at)
        into = [weight.view(n_heads, width, -1) for weight in self.into]
        # A query row moves every key, along one direction a head: (cotangent, frame, 2 heads) by (2 heads, hidden)
        along = torch.cat([query @ into[1], mixed @ into[2]], dim=1).permute(2, 0, 1, 3)
        everywhere = torch.cat([scores, weights_at], dim=1).permute(2, 0, 3, 1) @ along
        here = (scores @ self.key @ into[0]).sum(dim=1).transpose(0, 1)
        return add_at(everywhere, here if self.gate is None else self.gate.pull_at(scores, here, at), at)


def by_head(x: Tensor) -> Tensor:
    """(cotangent, clip, head, ...) to (clip, head, cotangent, ...)."""
    return x.permute(1, 2, 0, 3)


def attention(module: nn.Module, x: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Attention]:
    """Hugging Face's ``attention`` on ``x`` (clip, frame, hidden), every frame of a clip seeing its every other;
    ``bias`` (head, frame, frame) is gated and added to the scores.
    """
    maps = (module.q_proj, module.k_proj, module.v_proj)
    heads = (linear(x).unflatten(-1, (module.num_heads, -1)).transpose(1, 2).contiguous() for linear in maps)
    query, key, value = heads
    query, root = query * module.scaling, module.scaling
    scores, traced_gate = query @ key.mT, None
    if bias is not None:
        size, traced_gate = gate(module, x, bias)
        scores = scores + size[..., None] * bias
    weights = torch.softmax(scores, dim=-1)
    mixed = weights @ value
    into, out = tuple(linear.weight for linear in maps), module.out_proj
    traced = Attention(query, key * root, value, mixed, weights, into, out.weight, traced_gate)
    return out(mixed.transpose(1, 2).flatten(2)), traced


def gate(module: nn.Module, x: Tensor, bias: Tensor) -> tuple[Tensor, Gate]:
    """WavLM's factor (clip, head, frame) of the position ``bias``, from each head's channels of ``x`` (clip, frame,
    hidden): ``a (b c - 1) + 2`` of two sigmoids.
    """
    heads = x.unflatten(-1, (module.num_heads, -1)).transpose(1, 2)  # (clip, head, frame, width)
    maps = module.gru_rel_pos_linear.weight.view(2, 4, -1).sum(dim=1)
    offsets = module.gru_rel_pos_linear.bias.view(2, 4).sum(dim=1)
    a, b = torch.sigmoid(heads @ maps.T + offsets).unbind(-1)
    c = module.gru_rel_pos_const[..., 0]  # (1, head, 1)
    slope = (a * (1 - a) * (b * c - 1))[..., None] * maps[0] + (a * b * (1 - b) * c)[..., None] * maps[1]
    return a * (b * c - 1) + 2, Gate(bias, slope)


def position_bias(blocks: nn.ModuleList, n_frames: int) -> Tensor | None:
    """The bias by relative position (head, frame, frame) that the first of WavLM's blocks makes for all; None in other
    families.
    """
    first = getattr(blocks[0], "attention", None) if len(blocks) else None
    return first.compute_bias(n_frames, n_frames) if hasattr(first, "rel_attn_embed") else None
