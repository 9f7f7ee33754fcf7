"""What it costs a model to hear pitch: how much its hidden vectors change when the pitch is taken away.

Each utterance comes twice, as it was spoken and with its pitch flattened at its median
(:mod:`tonespan_utils.instrument.resynthesis`). In each block the squared distance between the two is taken over the
variance of the hidden vectors in time, so that it is about 2 for unrelated vectors and 0 for a block that is deaf to
pitch. The flattened utterance is the target, through which nothing is learned: what else the vectors say stays.

Conventions: hidden vectors (utterance, frame, dimension) of every block; padded frames count for nothing. The features
of the convolutional front end, which is frozen, still hold the pitch.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from tqdm.auto import tqdm

from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.finetune.examples import Example, Speech
from tonespan_utils.instrument import features, resynthesis
from tonespan_utils.params.knee import Knee


def with_level_pitch(examples: Sequence[Example], encoder: Encoder, speech: Speech, given: Knee) -> list[Example]:
    """The examples, each with the features of the same utterance spoken with flattened pitch beside its own.

    ``given`` says by which method, and between which bounds pitch is looked for. Speech without voicing stays as it is.
    """
    bounds = {"floor_hz": given.floor_hz, "ceiling_hz": given.ceiling_hz}

    def level(example: Example) -> Example:
        samples = speech.corpus.audio(example.utterance_id)
        tracked = resynthesis.track(samples, **bounds)
        spoken = resynthesis.resynthesiser(samples, tracked, method=given.method, **bounds)(0.0, 0.0, "inside")
        return replace(example, level_features=features.of_samples(encoder, spoken))

    return [level(example) for example in tqdm(examples, desc="pitch flattened", unit="utt", mininterval=2)]


def change(hidden: Sequence[Tensor], level: Sequence[Tensor], n_frames: Tensor) -> Tensor:
    """How much the hidden vectors of each utterance change with its pitch, the mean over blocks: (utterance,).

    ``hidden`` and ``level``: of each block (utterance, frame, dimension), of the speech as it was and with its pitch
    flattened; ``n_frames`` (utterance,) are real.
    """
    shares = [_share(block, target.detach(), n_frames) for block, target in zip(hidden, level, strict=True)]
    return torch.stack(shares).mean(dim=0)


def _share(hidden: Tensor, target: Tensor, n_frames: Tensor) -> Tensor:
    real = torch.arange(hidden.shape[1], device=hidden.device) < n_frames.to(hidden.device)[:, None]
    real, count = real[..., None], n_frames.to(hidden)[:, None, None]
    mean = (hidden * real).sum(dim=1, keepdim=True) / count
    distance = ((hidden - target).square() * real).sum(dim=(1, 2))
    spread = ((hidden - mean).square() * real).sum(dim=(1, 2))
    return distance / spread.clamp_min(torch.finfo(spread.dtype).tiny)
