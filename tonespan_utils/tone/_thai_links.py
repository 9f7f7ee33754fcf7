"""Linking vowels: the short vowel said between the parts of an Indic compound, written nowhere (ราช + นิเวศน์: *-cha-*).

Where the dictionary has no entry for a compound, it is cut into words that it has. Whether a light syllable is said
between two of them depends on the words: ผลผลิต *phon-la-pha-lit*, ผลกรรม *phon-kam*. A logistic regression on hashed
features of both words gives the probability. What it knows is which words link (ราช, พุทธ, เอก ...), how linking words
end, and how Indic words are spelled. Trained by :mod:`tools.train_thai_links`, which also says how often
it is right. In running text nearly all neighbours are words of their own (โลก + ที่), so a chain is offered only where a word
list has it, or where it is all there is to read. Dictionaries differ in many such words: a linking syllable is light, and flagged ``weak`` as all are.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from math import exp
from pathlib import Path

import numpy as np
from pythainlp.corpus import thai_orst_words, thai_volubilis_words, thai_words

from tonespan_utils.tone._thai_letters import CLUSTERS, KILLER, ONSETS, PREPOSED, TONE_MARKS, letter_class, tone
from tonespan_utils.tone._thai_reader import Phones

WEIGHTS = Path(__file__).with_name("thai_links.npz")
N_BUCKETS = 1 << 16  # about 45,000 feature strings occur in training
THRESHOLD = 0.5
INDIC_LETTERS = frozenset("ฆฌญฎฏฐฑฒณธภศษฬ")
SAID_AT_LAST = {"ิ": "i", "ุ": "u"}  # silent at the end of a word, said where it links: ประวัติ, ประวัติการณ์

Piece = tuple[int, int, Sequence[Phones]]  # start and end in a run, syllables


def joined(pieces: Sequence[Piece], run: str) -> list[Piece]:
    """Each chain of neighbouring words of ``run`` that link, as one word with its linking syllables."""
    chains: list[Piece] = []
    by_start: dict[int, list[Piece]] = {}
    for piece in pieces:
        by_start.setdefault(piece[0], []).append(piece)
    ahead = list(pieces)
    while ahead:
        start, middle, phones = ahead.pop()
        for _, end, after in by_start.get(middle, ()):
            last = max((p for p in pieces if p[1] == middle and p[0] >= start), key=lambda p: p[0])
            link = linking(run[last[0] : middle], tuple(last[2]), run[middle:end], tuple(after))
            if link:
                chain = (start, end, (*phones, link, *after))
                chains.append(chain)
                ahead.append(chain)
    return [(start, end, phones) for start, end, phones in chains if is_compound(run[start:end], run)]


def is_compound(word: str, run: str) -> bool:
    """Whether a chain of words of ``run`` is one word: the whole run, or a word of PyThaiNLP's lists."""
    return word == run or word in listed()


@cache
def listed() -> frozenset[str]:
    """The words of PyThaiNLP's own list, the Royal Institute's dictionary and Volubilis."""
    return frozenset(thai_words()) | frozenset(thai_orst_words()) | frozenset(thai_volubilis_words())


@lru_cache(maxsize=65536)
def linking(first: str, sounds: tuple[Phones, ...], second: str, after: tuple[Phones, ...]) -> Phones | None:
    """The light syllable between two words, or None where none is said."""
    if any(mark in second for mark in TONE_MARKS):
        return None  # words of Pali and Sanskrit are written without tone marks
    link = light(first)
    return link if link and probability(features(first, sounds, second, after)) >= THRESHOLD else None


def light(word: str) -> Phones | None:
    """How the letters at the end of ``word`` are said where it links; None where they cannot be."""
    nucleus = SAID_AT_LAST.get(word[-1:], "a")
    letters = word.removesuffix(word[-1:]) if word[-1:] in SAID_AT_LAST else word
    if letters[-1:] == "ร" and letters[-2:-1] in ONSETS and letters[-2:] != "รร":  # จักร, บุตร; เพชร
        pair = letters[-2:] if "ร" in CLUSTERS.get(letters[-2], "") else letters[-2]
    else:
        pair = letters[-1:]
    if not pair or any(letter not in ONSETS for letter in pair):
        return None
    spoken = tone(letter_class(pair[0]), "", dead=True, short=True)
    return Phones("".join(ONSETS[letter] for letter in pair), nucleus, "", spoken)


def features(first: str, sounds: Sequence[Phones], second: str, after: Sequence[Phones]) -> list[str]:
    """What the model sees of two words: their spelling at the seam, their sizes, and signs of Indic spelling."""
    indic, both = is_indic(second), (is_indic(first), is_indic(second))
    last, coda, nucleus, n, m = first[-1], sounds[-1].coda, sounds[-1].nucleus, len(sounds), len(after)
    marked = any(mark in second for mark in TONE_MARKS)
    keys = [
        *(("first", size, first[-size:]) for size in (1, 2, 3, 4)), ("first", first),
        *(("second", size, second[:size]) for size in (1, 2, 3, 4)), ("second", second),
        ("end", second[-3:]), ("end", second[-4:]), ("last letters", second[-1], last),
        ("indic", *both), ("first, indic", first, indic), ("last, indic", last, *both), ("3, indic", first[-3:], indic),
        ("first, letter", first, second[0]), ("first, size", first, m), ("sizes", n, m), ("letters", len(second), m),
        ("rime", n, coda, nucleus), ("coda", n, coda, last), ("rime, indic", nucleus, coda, last, indic),
        ("preposed", second[0] in PREPOSED, indic), ("marks", marked, any(mark in first for mark in TONE_MARKS)),
        ("mark, coda", marked, last, coda), ("onset", after[0].onset, last), ("4, last", second[:4], last),
        ("second, last", second, last),
    ]  # fmt: skip
    return ["|".join(map(str, key)) for key in keys]


def is_indic(word: str) -> bool:
    """Whether a word shows letters of Pali and Sanskrit, a killed letter or ร written twice."""
    return bool(INDIC_LETTERS & set(word)) or KILLER in word or "รร" in word


def bucket(name: str) -> int:
    """The index of a feature's weight: CRC-32, equal on every machine."""
    return zlib.crc32(name.encode()) % N_BUCKETS


def probability(names: Sequence[str]) -> float:
    """Probability of a light syllable between two words, by the weights in the package."""
    weights, bias = shipped()
    return 1 / (1 + exp(-bias - sum(weights[bucket(name)] for name in names)))


@cache
def shipped() -> tuple[list[float], float]:
    """Weights (bucket,) and bias."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return (stored["weights"].astype(np.float32) * stored["scale"]).tolist(), float(stored["bias"])
