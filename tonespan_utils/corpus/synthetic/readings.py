"""The plan of the embedded corpus: its sentences, speakers, styles, and readings in their order.

Conventions: frame and tone are drawn independently; splits share neither sentences nor speakers; everything random
depends on (seed, language, sentence, reading) alone.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller, speller
from tonespan_utils.errors import TonespanError

SPLITS = ("train", "dev", "test")
SPLIT_CYCLE = ("train", "test", "dev", "train", "train", "test", "train", "train")  # of speaker pairs, and of sentences
MIN_SYLLABLES, MAX_SYLLABLES = 4, 9
BASE_HZ = {"male": (145, 165), "female": (200, 225)}  # high for men: 25 ms windows blur harmonics under 120 Hz
VARIANTS = {  # eSpeak variant and a factor on all its formants; variants with an echo would smear tones
    "male": (
        ("m3", 1.0), ("Nguyen", 1.0), ("m6", 0.96), ("Alex", 1.0), ("Michael", 1.04), ("Mario", 0.97), ("m1", 1.0), ("ed", 1.0),
        ("m4", 1.0), ("paul", 1.0), ("max", 1.03), ("Denis", 1.0), ("m5", 0.98), ("pablo", 1.02), ("antonio", 0.97), ("robert", 1.0),
    ),
    "female": (
        ("linda", 1.0), ("steph", 1.0), ("f1", 0.97), ("Annie", 1.0), ("m3", 1.16), ("belinda", 0.97), ("Alex", 1.17), ("m6", 1.14),
        ("f2", 1.0), ("f3", 1.0), ("f5", 1.03), ("Andrea", 1.0), ("m4", 1.15), ("aunty", 0.98), ("max", 1.16), ("anika", 1.1),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """A way of speaking; values follow the order that the literature on emotional prosody gives (Scherer 2003)."""

    shift_st: float
    pitch_range: float
    rate: float
    gain_db: float
    tilt: float  # first-order filter 1 - tilt z^-1: positive is brighter


STYLES = {
    "neutral": Style(0.0, 1.0, 1.0, 0.0, 0.0),
    "happy": Style(2.0, 1.2, 1.04, 3.0, 0.2),
    "sad": Style(-1.5, 0.8, 0.9, -6.0, -0.4),
    "angry": Style(0.7, 1.1, 1.08, 7.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: eSpeak variant, factor on its formants, base frequency, speed, and the split it belongs to."""

    name: str
    gender: str
    split: str
    variant: str
    formants: float
    base_hz: float
    rate: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence read by one speaker in one style; ``key`` seeds all that is random about it."""

    sentence_id: int
    syllables: tuple[tuple[Frame, str], ...]
    speaker: Speaker
    style: str
    key: tuple[int, ...]

    @property
    def file_name(self) -> str:
        """Name inside the archive, unique within a language."""
        return f"{self.sentence_id:05d}_{self.speaker.name}.wav"


def speakers(n_speakers: int) -> list[Speaker]:
    """Women and men by turns, spread evenly over base frequency and speed; raises for fewer than three of each."""
    if n_speakers < 6 or n_speakers % 2:
        raise TonespanError(
            f"n_speakers is {n_speakers}: use an even number from 6, so that each split has both genders"
        )
    return [_speaker(index) for index in range(n_speakers)]


def _speaker(index: int) -> Speaker:
    pair, gender = index // 2, ("female", "male")[index % 2]
    variant, formants = VARIANTS[gender][pair % len(VARIANTS[gender])]
    low, high = BASE_HZ[gender]
    base_hz = low * (high / low) ** ((0.5 + pair * 0.618) % 1)  # golden ratio: any first few lie well apart
    rate = 0.95 + 0.1 * ((0.25 + index * 0.618) % 1)
    again = 1 + 0.02 * (pair // len(VARIANTS[gender]))  # a variant used again gets another tract length
    name = f"{gender[0]}{pair:02d}"
    return Speaker(name, gender, SPLIT_CYCLE[pair % len(SPLIT_CYCLE)], variant, formants * again, base_hz, rate)


def draw_sentences(
    language: str, *, seed: int, n_sentences: int | None = None
) -> Iterator[tuple[tuple[Frame, str], ...]]:
    """Sentences as (frame, tone) pairs, both drawn uniformly and independently; by default there is no end of them.

    Mandarin sentences have no two third tones in a row: sandhi would change the first.
    """
    spelling = speller(language)
    for index in itertools.islice(itertools.count(), n_sentences):
        yield _sentence(spelling, np.random.default_rng((seed, zlib.crc32(language.encode()), index)))


def _sentence(spelling: Speller, rng: np.random.Generator) -> tuple[tuple[Frame, str], ...]:
    n_syllables = int(rng.integers(MIN_SYLLABLES, MAX_SYLLABLES + 1))
    frames = [spelling.frames[i] for i in rng.integers(len(spelling.frames), size=n_syllables)]
    tones: list[str] = []
    for _ in frames:
        choice = [
            tone
            for tone in spelling.tones or ("",)
            if not (spelling.language == "cmn" and tone == "3" == "".join(tones[-1:]))
        ]
        tones.append(choice[rng.integers(len(choice))])
    return tuple(zip(frames, tones, strict=True))


def readings(language: str, *, n_speakers: int, seed: int) -> Iterator[Reading]:
    """Readings in the order of the corpus, without end: splits, speakers and styles alternate in a fixed order."""
    cast = {split: [person for person in speakers(n_speakers) if person.split == split] for split in SPLITS}
    turns = {split: itertools.cycle(people) for split, people in cast.items()}
    styles = {person.name: itertools.cycle(STYLES) for people in cast.values() for person in people}
    for sentence_id, syllables in enumerate(draw_sentences(language, seed=seed)):
        split = SPLIT_CYCLE[sentence_id % len(SPLIT_CYCLE)]
        for take in range(1 + sentence_id // len(SPLIT_CYCLE) % 2):
            person = next(turns[split])
            key = (seed, zlib.crc32(language.encode()), sentence_id, 1 + take)
            yield Reading(sentence_id, syllables, person, next(styles[person.name]), key)
