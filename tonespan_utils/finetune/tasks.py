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
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from tqdm.auto import tqdm
from transformers import Wav2Vec2CTCTokenizer

from tonespan_utils.alignment import spelling
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import heads, scores
from tonespan_utils.finetune.examples import NO_TARGET, Example, Speech, clips, crops, dealt
from tonespan_utils.finetune.scores import Score
from tonespan_utils.instrument.features import center_frames
from tonespan_utils.statistics import splits

PAD, UNKNOWN, SPACE = "<pad>", "<unk>", "|"
XVECTOR_FRAMES = 2  # that the statistics of an x-vector need
LABELS = {"emotion": "macro_f1", "gender": "accuracy"}  # column of the utterances -> metric

Predict = Callable[[Sequence[Example], Callable], list[np.ndarray]]


@dataclass(frozen=True)
class Setting:
    """What is common to all tasks of a run."""

    encoder: Encoder
    speech: Sequence[Speech]
    seed: int
    shuffled: bool
    clip_ms: float | None
    crop_ms: float
    max_test_utterances: int
    level: float

    def targets(self, examples: list[Example]) -> list[Example]:
        """The examples as they are trained on: with their own targets, or for the control with dealt ones."""
        return dealt(examples, seed=self.seed) if self.shuffled else examples

    def test_utterances(self, speech: Speech) -> pd.DataFrame:
        """The test utterances of one corpus, or as many of them as are wanted, drawn at random."""
        table = speech.utterances(test=True)
        return table.sample(n=min(len(table), self.max_test_utterances), random_state=self.seed).sort_index()


class Asr:
    """CTC over the characters of the language's own script, in the order of speech (:mod:`alignment.spelling`)."""

    kind, loss = "ctc", None

    def __init__(self, setting: Setting) -> None:
        (speech,) = setting.speech
        self.setting = setting
        train, test = _transcribed(speech, speech.utterances(test=False), setting.test_utterances(speech))
        self.vocabulary = vocabulary([spelling.spoken(text) for *_, text in train])
        self.train = fitting(setting.targets([Example(name, part, self.encode(text)) for name, part, text in train]))
        self.test = [Example(name, part, np.array([0])) for name, part, _ in test]
        self.references = [text for *_, text in test]
        _need_test(self.test, "asr")
        if strange := set(spelling.spoken("".join(self.references))) - {" "} - set(self.vocabulary):
            tqdm.write(f"test transcripts hold characters no training transcript has: {' '.join(sorted(strange))}")
        self.model = heads.build(
            setting.encoder, self.kind, seed=setting.seed,
            vocab_size=len(self.vocabulary), pad_token_id=self.vocabulary[PAD], ctc_loss_reduction="mean",
            spelling=spelling.SPOKEN,
        )  # fmt: skip

    def encode(self, text: str) -> np.ndarray:
        """Written text as numbers; a character that the vocabulary lacks is ``<unk>``."""
        spaced = spelling.spoken(text).replace(" ", SPACE)
        return np.array([self.vocabulary.get(character, self.vocabulary[UNKNOWN]) for character in spaced])

    def scores(self, predict: Predict) -> list[Score]:
        logits = predict(self.test, lambda outputs: outputs.logits)
        names = list(self.vocabulary)
        heard = [spelling.written(greedy_text(frames.argmax(axis=-1), names)) for frames in logits]
        return [scores.character_error_rate(self.references, heard, level=self.setting.level, seed=self.setting.seed)]

    def save(self, folder: Path) -> None:
        """The tokenizer beside the weights, so that the folder is a whole recogniser; it gives text as it is spoken,
        which ``spelling.written`` puts into the script's own order.
        """
        (folder / "vocab.json").write_text(json.dumps(self.vocabulary, ensure_ascii=False), encoding="utf-8")
        Wav2Vec2CTCTokenizer(
            str(folder / "vocab.json"), pad_token=PAD, unk_token=UNKNOWN, word_delimiter_token=SPACE,
            bos_token=None, eos_token=None,
        ).save_pretrained(folder)  # fmt: skip


def _transcribed(speech: Speech, *tables: pd.DataFrame) -> list[list[tuple[str, np.ndarray, str]]]:
    """(utterance, features, text) of each table; what has no transcript or no frame is said and left out."""
    found, left_out = [], 0
    for table in tables:
        texts = map(normalised_text, table["text"])
        spoken = [(name, speech.features(name), text) for name, text in zip(table["utterance_id"], texts, strict=True)]
        found.append([one for one in spoken if len(one[1]) and one[2]])
        left_out += len(spoken) - len(found[-1])
    if left_out:
        tqdm.write(f"{left_out} utterances without a transcript, or shorter than one frame, are left out")
    return found


def normalised_text(text: str) -> str:
    """What is recognised: composed, lower case, letters with their marks and digits, single spaces."""
    kept = [c if unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else "" for c in text]
    return " ".join(unicodedata.normalize("NFC", "".join(kept).lower()).split())


def vocabulary(texts: Sequence[str]) -> dict[str, int]:
    """Every character of the training transcripts, numbered. Raises TonespanError where there is none."""
    characters = sorted(set("".join(texts)) - {" "})
    if not characters:
        raise TonespanError("no training transcript has a character; speech recognition needs transcripts")
    return {name: number for number, name in enumerate([PAD, UNKNOWN, SPACE, *characters])}


def fitting(examples: list[Example]) -> list[Example]:
    """The examples whose audio is long enough for CTC: a frame per character and one between equal neighbours.

    Says how many are left out. Raises TonespanError where none is left.
    """
    kept = [example for example in examples if len(example.features) >= _needed_frames(example.target)]
    if not kept:
        raise TonespanError(f"none of {len(examples)} utterances is long enough for its transcript; are they in step?")
    if left_out := len(examples) - len(kept):
        tqdm.write(f"{left_out} of {len(examples)} utterances are too short for their transcripts and left out")
    return kept


def _needed_frames(target: np.ndarray) -> int:
    return max(1, len(target) + int((target[1:] == target[:-1]).sum()))


def greedy_text(numbers: np.ndarray, names: Sequence[str]) -> str:
    """The text of the best class per frame (frame,): repeats collapsed, blanks dropped."""
    changes = np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]
    characters = [names[number] for number in numbers[changes] if names[number] not in (PAD, UNKNOWN)]
    return " ".join("".join(characters).replace(SPACE, " ").split())


class Classification:
    """Emotion or gender of an utterance, from the mean of its frames."""

    kind, loss = "classification", None

    def __init__(self, setting: Setting, label: str) -> None:
        self.setting, self.label = setting, label
        train, test = _labelled(setting, label)
        self.classes = _classes(train, label)
        self.train = setting.targets([self._example(*one) for one in train])
        known = [one for one in test if one[2] in self.classes]
        self.test, self.references = [self._example(*one) for one in known], np.array([name for *_, name in known])
        _need_test(self.test, label)
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
        self.heard = setting.targets(examples)
        n_frames = max(XVECTOR_FRAMES, setting.encoder.n_frames(round(setting.crop_ms * SAMPLE_RATE / 1000)))
        self.train = [crop for example in self.heard for crop in crops(example, n_frames)]
        self.test = [Example(name, features, 0) for name, features, _ in test]
        self.speakers = np.array([person for *_, person in test])
        _need_test(self.test, "speaker")
        self.utterances = np.array([example.utterance_id for example in self.test])
        scores.need_pairs(self.speakers, self.utterances)
        _check_length(self.heard + self.test)
        width = setting.encoder.model.config.hidden_size
        self.model = heads.build(
            setting.encoder, self.kind, seed=setting.seed, num_labels=len(self.classes),
            tdnn_dim=(min(1500, 3 * width),), tdnn_kernel=(1,), tdnn_dilation=(1,), xvector_output_dim=min(512, width),
        )  # fmt: skip

    def scores(self, predict: Predict) -> list[Score]:
        heard, met = (np.stack(predict(part, lambda outputs: outputs.embeddings)) for part in (self.heard, self.test))
        speakers = np.array([example.target for example in self.heard])
        embeddings = scores.discriminants(met, heard=heard, speakers=speakers)
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
        known = group[group["tone"].isin(self.classes)]
        targets[self.frames[known.index]] = [self.classes.index(tone) for tone in known["tone"]]
        return targets

    @staticmethod
    def loss(outputs: object, labels: torch.Tensor, num_items_in_batch: object = None) -> torch.Tensor:
        """Cross-entropy at the frames that hold a tone centre: transformers' own counts every frame."""
        return F.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten(), ignore_index=NO_TARGET)

    def predictions(self, predict: Predict) -> pd.DataFrame:
        """Test tokens with the tone that was heard: token_id, utterance_id, tone, predicted."""
        logits = predict(self.test, lambda outputs: outputs.logits)
        heard = pd.Series(index=self.test_tokens.index, dtype=object)
        for example, frames in zip(self.test, logits, strict=True):
            group = self.test_tokens[self.test_tokens["utterance_id"] == example.utterance_id]
            best = frames[self.frames[group.index]].argmax(axis=-1)
            heard[group.index] = [self.classes[number] for number in best]
        return self.test_tokens[["token_id", "utterance_id", "tone"]].assign(predicted=heard)

    def scores(self, predict: Predict) -> list[Score]:
        self.predicted = self.predictions(predict)
        reference, heard, utterances = (self.predicted[k].to_numpy(str) for k in ("tone", "predicted", "utterance_id"))
        settings = {"level": self.setting.level, "seed": self.setting.seed}
        return [scores.classification("macro_f1", reference, heard, utterances, **settings)]

    def save(self, folder: Path) -> None:
        """The names of the tones."""
        _write_classes(folder, self.classes)


def _labelled(setting: Setting, label: str) -> tuple[list, list]:
    """(utterance, features, label) of train and of test, whole or in clips."""
    found: tuple[list, list] = ([], [])
    for speech in setting.speech:
        for side, table in zip(found, (speech.utterances(test=False), setting.test_utterances(speech)), strict=True):
            for row in table[table[label] != ""].itertuples():
                heard = clips(setting.encoder, speech, row.utterance_id, clip_ms=setting.clip_ms)
                side += [(row.utterance_id, part, getattr(row, label)) for part in heard if len(part)]
    return found


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


def _need_test(test: list[Example], label: str) -> None:
    if not test:
        raise TonespanError(f"{label}: no labelled utterance in the test split; the model could not be scored")


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
