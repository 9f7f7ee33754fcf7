"""The tasks an encoder is fine-tuned on: what each learns from, its head, and how it is scored on test speech.

A task is built from one backbone's encoder and the speech to learn from, and then holds ``train`` (examples),
``model`` with a head of a ``kind`` (:mod:`tonespan_utils.finetune.heads`), ``loss`` (None: the model's own) and
``scores(predict)``, where ``predict(examples, pick)`` gives ``pick(outputs)`` (frame or nothing, dimension) of each
example in order. Learning uses the train and dev split, scoring the test split, which shares no sentence and, where
they are known, no speaker.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import heads, scores
from tonespan_utils.finetune.examples import NO_TARGET, Example, Speech, clips, crops
from tonespan_utils.finetune.recognition import Asr
from tonespan_utils.finetune.scores import Score
from tonespan_utils.finetune.setting import Predict, Setting, need_test
from tonespan_utils.instrument.features import center_frames
from tonespan_utils.statistics import splits

XVECTOR_FRAMES = 2  # that the statistics of an x-vector need
LABELS = {"emotion": "macro_f1", "gender": "accuracy"}  # column of the utterances -> metric


class Classification:
    """Emotion or gender of an utterance, from the mean of its frames."""

    kind, loss = "classification", None

    def __init__(self, setting: Setting, label: str) -> None:
        self.setting, self.label = setting, label
        train, test = _labelled(setting, label)
        self.classes = _classes(train, label)
        self.train = setting.targets([self._example(*clip) for clip in train])
        scorable = [clip for clip in test if clip[2] in self.classes]
        self.test = [self._example(*clip) for clip in scorable]
        self.references = np.array([name for *_, name in scorable])
        need_test(self.test, label)
        self.model = heads.build(setting.encoder, self.kind, seed=setting.seed, num_labels=len(self.classes))

    def _example(self, utterance_id: str, features: np.ndarray, name: str) -> Example:
        return Example(utterance_id, features, self.classes.index(name))

    def scores(self, predict: Predict) -> list[Score]:
        logits = np.stack(predict(self.test, lambda outputs: outputs.logits))
        guessed = np.array(self.classes)[logits.argmax(axis=-1)]
        clusters = np.array([example.utterance_id for example in self.test])
        settings = {"level": self.setting.level, "seed": self.setting.seed}
        return [scores.classification(LABELS[self.label], self.references, guessed, clusters, **settings)]

    def save(self, folder: Path) -> None:
        """The class names go with the model's configuration."""
        _write_classes(folder, self.classes)


class Speaker:
    """Speaker verification: x-vectors (Snyder et al. 2018) with an additive angular margin, scored by cosine.

    It learns from crops, so that an update meets more people, and embeds whole utterances. One frame-wise layer lies
    below the statistics, not five: the encoder has context enough, and a few hundred updates do not train five layers
    from nothing. The cosine is taken between linear discriminants of the training speakers.
    """

    kind, loss = "xvector", None

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        train, test = _labelled(setting, "speaker")
        self.classes = _classes(train, "speaker")
        examples = [Example(name, features, self.classes.index(person)) for name, features, person in train]
        self.whole_train = setting.targets(examples)
        n_frames = max(XVECTOR_FRAMES, setting.encoder.n_frames(round(setting.crop_ms * SAMPLE_RATE / 1000)))
        self.train = [crop for example in self.whole_train for crop in crops(example, n_frames)]
        self.test = [Example(name, features, 0) for name, features, _ in test]
        self.speakers = np.array([person for *_, person in test])
        need_test(self.test, "speaker")
        self.utterances = np.array([example.utterance_id for example in self.test])
        scores.need_pairs(self.speakers, self.utterances)
        _check_length(self.whole_train + self.test)
        width = setting.encoder.model.config.hidden_size
        self.model = heads.build(
            setting.encoder, self.kind, seed=setting.seed, num_labels=len(self.classes),
            tdnn_dim=(min(1500, 3 * width),), tdnn_kernel=(1,), tdnn_dilation=(1,), xvector_output_dim=min(512, width),
        )  # fmt: skip

    def scores(self, predict: Predict) -> list[Score]:
        training, test = (
            np.stack(predict(part, lambda outputs: outputs.embeddings)) for part in (self.whole_train, self.test)
        )
        speakers = np.array([example.target for example in self.whole_train])
        embeddings = scores.discriminants(test, training=training, speakers=speakers)
        settings = {"level": self.setting.level, "seed": self.setting.seed}
        return [scores.equal_error_rate(embeddings, self.speakers, self.utterances, **settings)]

    def save(self, folder: Path) -> None:
        """The names of the training speakers."""
        _write_classes(folder, self.classes)


def _check_length(examples: Sequence[Example]) -> None:
    shortest = min(examples, key=lambda example: len(example.features))
    if (frames := len(shortest.features)) < XVECTOR_FRAMES:
        raise TonespanError(
            f"utterance {shortest.utterance_id}: {frames} frame is too few for an x-vector, which needs "
            f"{XVECTOR_FRAMES}; leave it out, or raise finetune.clip_ms"
        )


class Tone:
    """The tone of each token, from the frame at its centre: the probe's question, asked of the whole encoder."""

    kind = "frames"

    def __init__(self, setting: Setting, tokens: pd.DataFrame) -> None:
        (speech,) = setting.speech
        self.setting, self.tokens = setting, tokens
        train, test = splits.train_test(tokens)
        self.classes = _classes_of(tokens["tone"].iloc[train], "tone")
        self.frames = pd.Series(center_frames(setting.encoder, speech.corpus, tokens), index=tokens.index)
        self.train = setting.targets(self._examples(speech, tokens.iloc[train]))
        self.test_tokens = tokens.iloc[test]
        self.test = self._examples(speech, self.test_tokens)
        self.model = heads.build(setting.encoder, self.kind, seed=setting.seed, num_labels=len(self.classes))

    def _examples(self, speech: Speech, tokens: pd.DataFrame) -> list[Example]:
        return [
            Example(name, speech.features(name), self._targets(speech, name, group))
            for name, group in tokens.groupby("utterance_id", sort=False)
        ]

    def _targets(self, speech: Speech, utterance_id: str, group: pd.DataFrame) -> np.ndarray:
        targets = np.full(len(speech.features(utterance_id)), NO_TARGET)
        with_class = group[group["tone"].isin(self.classes)]
        targets[self.frames[with_class.index]] = [self.classes.index(tone) for tone in with_class["tone"]]
        return targets

    @staticmethod
    def loss(outputs: object, labels: torch.Tensor, num_items_in_batch: object = None) -> torch.Tensor:
        """Cross-entropy at the frames that hold a tone centre: transformers' own counts every frame."""
        return F.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten(), ignore_index=NO_TARGET)

    def predictions(self, predict: Predict) -> pd.DataFrame:
        """Test tokens with the predicted tone: token_id, utterance_id, tone, predicted."""
        logits = predict(self.test, lambda outputs: outputs.logits)
        predicted = pd.Series(index=self.test_tokens.index, dtype=object)
        for example, frames in zip(self.test, logits, strict=True):
            group = self.test_tokens[self.test_tokens["utterance_id"] == example.utterance_id]
            best = frames[self.frames[group.index]].argmax(axis=-1)
            predicted[group.index] = [self.classes[number] for number in best]
        return self.test_tokens[["token_id", "utterance_id", "tone"]].assign(predicted=predicted)

    def scores(self, predict: Predict) -> list[Score]:
        self.predicted = self.predictions(predict)
        columns = ("tone", "predicted", "utterance_id")
        reference, predicted, utterances = (self.predicted[name].to_numpy(str) for name in columns)
        settings = {"level": self.setting.level, "seed": self.setting.seed}
        return [scores.classification("macro_f1", reference, predicted, utterances, **settings)]

    def save(self, folder: Path) -> None:
        """The names of the tones."""
        _write_classes(folder, self.classes)


def _labelled(setting: Setting, label: str) -> tuple[list, list]:
    """(utterance, features, label) of train and of test, whole or in clips."""
    sides: tuple[list, list] = ([], [])
    for speech in setting.speech:
        for side, table in zip(sides, (speech.utterances(test=False), setting.test_utterances(speech)), strict=True):
            for row in table[table[label] != ""].itertuples():
                parts = clips(setting.encoder, speech, row.utterance_id, clip_ms=setting.clip_ms)
                side += [(row.utterance_id, part, getattr(row, label)) for part in parts if len(part)]
    return sides


def _classes(train: list, label: str) -> list[str]:
    return _classes_of([name for *_, name in train], label)


def _classes_of(labels: Iterable[str], label: str) -> list[str]:
    names = sorted(set(labels))
    if len(names) < 2:
        there = f"only {names[0]!r}" if names else "none"
        advice = "" if label == "tone" else f"; name a folder of labelled speech in finetune.corpora.{label}"
        raise TonespanError(
            f"{label}: fine-tuning needs two or more classes among the training utterances, found {there}{advice}"
        )
    return names


def _write_classes(folder: Path, classes: Sequence[str]) -> None:
    text = json.dumps({str(number): name for number, name in enumerate(classes)}, ensure_ascii=False, indent=1)
    (folder / "classes.json").write_text(text + "\n", encoding="utf-8")


def build(objective: str, setting: Setting, *, tokens: pd.DataFrame | None = None):
    """The task of an objective (``conditions.Condition.objective``), ready to be trained."""
    if objective == "asr":
        return Asr(setting)
    if objective == "speaker":
        return Speaker(setting)
    if objective == "tone":
        return Tone(setting, tokens)
    return Classification(setting, objective)
