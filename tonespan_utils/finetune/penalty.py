"""What it costs a model to look far: the share of its input gradients' energy outside a given span.

At one random frame of each utterance the logits are projected on random signs v; the gradient of v . logits with
respect to the ``cnn`` features has, in expectation over v, the energy of the logits' whole Jacobian there (Hutchinson
1990). Its share beyond +-span/2 of the frame, between 0 and 1, is what is penalised, in the manner of Drucker & LeCun's
(1992) double backpropagation: its own gradient goes through the gradient.

Conventions: features stand for the waveform, since the convolutional front end is frozen and sees 25 ms; a feature
frame lies outside where its centre does.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel


def differentiable_attention() -> object:
    """A context in which attention can be differentiated twice: the fused kernels cannot."""
    return sdpa_kernel(SDPBackend.MATH)


def draw(n_frames: Tensor, n_classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One frame of each utterance (utterance,), of its own ``n_frames``, and signs (utterance, class)."""
    frames = (torch.rand(len(n_frames), generator=generator) * n_frames.cpu()).long()
    return frames, 2 * torch.randint(2, (len(n_frames), n_classes), generator=generator) - 1


def share_beyond(logits: Tensor, features: Tensor, frames: Tensor, signs: Tensor, *, reach_frames: float) -> Tensor:
    """The share of gradient energy further than ``reach_frames`` from ``frames`` (utterance,): (utterance,).

    ``logits`` (utterance, frame, class), projected on ``signs`` (utterance, class), were computed from ``features``
    (utterance, channel, frame), which require a gradient. An utterance without any gradient has share 0.
    """
    frames, signs = frames.to(logits.device), signs.to(logits)
    at = logits[torch.arange(len(frames), device=logits.device), frames]
    (gradient,) = torch.autograd.grad((signs * at).sum(), features, create_graph=True)
    energy = gradient.square().sum(dim=1)  # (utterance, frame)
    distance = (torch.arange(energy.shape[1], device=energy.device) - frames[:, None]).abs()
    beyond = (energy * (distance > reach_frames)).sum(dim=1)
    return beyond / energy.sum(dim=1).clamp_min(torch.finfo(energy.dtype).tiny)
