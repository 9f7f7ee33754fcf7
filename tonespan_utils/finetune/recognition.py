"""Speech recognition as a fine-tuning task: CTC over characters, its vocabulary, and text from frames.

Conventions: text is recognised in lower case without punctuation, spelled in the order of speech
(:mod:`tonespan_utils.alignment.spelling`) and scored in the order of the script. Where a script has more characters
than the speech can teach (``finetune.phonetic``), it is recognised and scored as sounds with their tones.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm
from transformers import Wav2Vec2CTCTokenizer

from tonespan_utils.alignment import spelling
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import heads, scores, tone_errors
from tonespan_utils.finetune.examples import Example, Speech
from tonespan_utils.finetune.scores import Score
from tonespan_utils.finetune.setting import Predict, Setting, need_test
from tonespan_utils.tone import text_to_tone

PAD, UNKNOWN, SPACE = "<pad>", "<unk>", "|"


class Asr:
    """CTC over the characters of the language's own script, in the order of speech (:mod:`alignment.spelling`)."""

    kind, loss = "ctc", None

    def __init__(self, setting: Setting) -> None:
        (speech,) = setting.speech
        self.setting, self.language = setting, str(speech.corpus.utterances["language"].iloc[0])
        self.is_phonetic = self.language in setting.phonetic
        write = partial(phonetic, language=self.language) if self.is_phonetic else normalised_text
        train, test = _transcribed(speech, write, speech.utterances(test=False), setting.test_utterances(speech))
        self.vocabulary = vocabulary([spelling.spoken(text) for *_, text in train])
        self.train = fitting(setting.targets([Example(name, part, self.encode(text)) for name, part, text in train]))
        self.test = [Example(name, part, np.array([0])) for name, part, _ in test]
        self.references, self.training_texts = ([text for *_, text in part] for part in (test, train))
        need_test(self.test, "asr")
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
        transcripts = [spelling.written(greedy_text(frames.argmax(axis=-1), names)) for frames in logits]
        level, seed = self.setting.level, self.setting.seed
        errors = [scores.character_error_rate(self.references, transcripts, level=level, seed=seed)]
        if tone_errors.can_be_read(self.language) and not self.is_phonetic:
            errors += [
                tone_errors.tone_error_rate(
                    self.references, transcripts, language=self.language, level=level, seed=seed
                ),
                tone_errors.minimal_pair_error(
                    self.references,
                    self.training_texts,
                    logits,
                    self.encode,
                    language=self.language,
                    level=level,
                    seed=seed,
                ),
            ]
        return errors

    def save(self, folder: Path) -> None:
        """The tokenizer beside the weights, so that the folder is a whole recogniser; it gives text as it is spoken,
        which ``spelling.written`` puts into the script's own order.
        """
        (folder / "vocab.json").write_text(json.dumps(self.vocabulary, ensure_ascii=False), encoding="utf-8")
        Wav2Vec2CTCTokenizer(
            str(folder / "vocab.json"), pad_token=PAD, unk_token=UNKNOWN, word_delimiter_token=SPACE,
            bos_token=None, eos_token=None,
        ).save_pretrained(folder)  # fmt: skip


def _transcribed(
    speech: Speech, write: Callable[[str], str], *tables: pd.DataFrame
) -> list[list[tuple[str, np.ndarray, str]]]:
    """(utterance, features, text) of each table; what has no transcript or no frame is said and left out."""
    parts, left_out = [], 0
    for table in tables:
        texts = map(write, table["text"])
        spoken = [(name, speech.features(name), text) for name, text in zip(table["utterance_id"], texts, strict=True)]
        parts.append([utterance for utterance in spoken if len(utterance[1]) and utterance[2]])
        left_out += len(spoken) - len(parts[-1])
    if left_out:
        tqdm.write(f"{left_out} utterances without a transcript, or shorter than one frame, are left out")
    return parts


def normalised_text(text: str) -> str:
    """What is recognised: composed, lower case, letters with their marks and digits, single spaces."""
    kept = [c if unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else "" for c in text]
    return " ".join(unicodedata.normalize("NFC", "".join(kept).lower()).split())


def phonetic(text: str, *, language: str) -> str:
    """The syllables of a text as IPA, each with its tone behind it: 打词 is ``ta3 tsʰɹ̩2``.

    Raises TonespanError for a language whose tones are not single characters, which CTC could not tell from sounds.
    """
    if language not in text_to_tone.MODULES:
        raise TonespanError(f"finetune.phonetic: {language} has no reader of tones; take it off the list")
    syllables = [part for part in text_to_tone.syllables(text, language) if part.ipa]
    if long := sorted({part.tone for part in syllables if len(part.tone) > 1}):
        raise TonespanError(f"finetune.phonetic: tones of {language} are longer than a character: {', '.join(long)}")
    return " ".join(unicodedata.normalize("NFC", part.ipa) + part.tone for part in syllables)


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
