"""What a fine-tuning task learns from: utterances as convolutional features, each with its target.

Conventions: features are (frame, channel), computed from the utterance alone (:mod:`instrument.features`); targets
are a class (int), characters (int, ...) or one class per frame with ``NO_TARGET`` elsewhere. A batch is padded with
zeros; its attention mask counts *samples*, as transformers wants it, so that every model sees its own frames only.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch.nn.utils.rnn import pad_sequence

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import features
from tonespan_utils.instrument.features import Features

NO_TARGET = -100  # what transformers leaves out of a loss


@dataclass(frozen=True)
class Speech:
    """One corpus and the features of its utterances under one backbone."""

    corpus: Corpus
    features: Features

    def utterances(self, *, test: bool) -> pd.DataFrame:
        """Rows of the test split, or of train and dev: nothing is chosen on dev, and what fits neither side is left."""
        table = self.corpus.utterances
        return table[table["split"].isin(["test"] if test else ["train", "dev"])]


@dataclass(frozen=True, eq=False)
class Example:
    """One utterance or clip: ``features`` (frame, channel) and its target; both ends of its name.

    ``level_features`` (frame, channel): of the same speech with its pitch flattened, where a training needs them.
    """

    utterance_id: str
    features: np.ndarray
    target: int | np.ndarray
    level_features: np.ndarray | None = None

    def as_item(self) -> dict[str, object]:
        """What a Trainer's data set holds."""
        item = {"features": self.features, "target": self.target}
        return item if self.level_features is None else item | {"level_features": self.level_features}


class Collate:
    """Examples into a padded batch for one encoder's transformers model."""

    def __init__(self, encoder: Encoder) -> None:
        self.hop, self.receptive = encoder.hop, encoder.receptive

    def __call__(self, items: Sequence[dict[str, object]]) -> dict[str, torch.Tensor]:
        """``input_values`` (batch, channel, frame), ``attention_mask`` (batch, sample) and ``labels``; with flattened
        pitch, where the examples bring it, ``level_values`` (batch, channel, frame).
        """
        parts = [torch.from_numpy(np.asarray(item["features"])) for item in items]
        n_samples = torch.tensor([self.receptive + self.hop * (len(part) - 1) for part in parts])
        mask = (torch.arange(int(n_samples.max())) < n_samples[:, None]).long()
        targets = [torch.as_tensor(item["target"]) for item in items]
        if targets[0].ndim == 0:
            labels = torch.stack(targets)
        else:
            labels = pad_sequence(targets, batch_first=True, padding_value=NO_TARGET)
        batch = {"input_values": _padded(parts), "attention_mask": mask, "labels": labels}
        if "level_features" in items[0]:
            batch["level_values"] = _padded([torch.from_numpy(item["level_features"]) for item in items])
        return batch


def _padded(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return pad_sequence(parts, batch_first=True).transpose(1, 2)


def clips(encoder: Encoder, speech: Speech, utterance_id: str, *, clip_ms: float | None) -> list[np.ndarray]:
    """The features of an utterance, or of each whole clip of ``clip_ms`` cut from it, each encoded by itself."""
    if clip_ms is None:
        return [speech.features(utterance_id)]
    samples, length = speech.corpus.audio(utterance_id), round(clip_ms * SAMPLE_RATE / 1000)
    starts = range(0, samples.size - length + 1, length)
    return [features.of_samples(encoder, samples[start : start + length]) for start in starts]


def crops(example: Example, n_frames: int) -> list[Example]:
    """As many whole crops of ``n_frames`` as fit into an example with one target, from its middle; a shorter one
    itself.
    """
    count = len(example.features) // n_frames
    if count == 0:
        return [example]
    first = (len(example.features) - count * n_frames) // 2
    parts = example.features[first : first + count * n_frames].reshape(count, n_frames, -1)
    return [replace(example, features=part) for part in parts]


def shuffled_targets(examples: list[Example], *, seed: int) -> list[Example]:
    """The same speech with shuffled targets: utterances swap theirs, tone tokens swap their tones."""
    rng = np.random.default_rng(seed)
    if any(NO_TARGET in np.atleast_1d(example.target) for example in examples):
        return _shuffled_frames(examples, rng)
    order = rng.permutation(len(examples))
    return [replace(example, target=examples[i].target) for example, i in zip(examples, order, strict=True)]


def _shuffled_frames(examples: list[Example], rng: np.random.Generator) -> list[Example]:
    together = np.concatenate([example.target for example in examples])
    held = together != NO_TARGET
    together[held] = rng.permutation(together[held])
    ends = np.cumsum([len(example.target) for example in examples])[:-1]
    return [replace(example, target=part) for example, part in zip(examples, np.split(together, ends), strict=True)]
