"""Tone sandhi of Mandarin in one phrase; the rules are listed in :mod:`tonespan_utils.tone.mandarin`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import jieba

from tonespan_utils.tone._hanzi import NUMERIC
from tonespan_utils.tone._mandarin_readings import tags
from tonespan_utils.tone._mandarin_words import CONJUNCTIONS, ORDINAL_NOUNS, SURNAMES, WILLING

ORDINALS = frozenset("第初")
CALENDAR = frozenset("月号日")  # 一月 is the first month, an ordinal
LEANING = frozenset("以给使往也很可已挺与每")  # a preposition or an adverb goes with what follows before what precedes
POINTING = frozenset("这那每另某哪同任")  # a word that ends in 一 goes on after these: 这一年


@dataclass(slots=True)
class Spoken:
    """One syllable of a phrase: character, pinyin, tone in the dictionary and as spoken.

    ``number`` counts the words of the phrase; ``first`` and ``last`` are the units of it that write the syllable.
    """

    char: str
    number: int
    first: int
    last: int
    pinyin: str
    lexical: str
    tone: str
    is_uncertain: bool = False


def apply(phrase: Sequence[Spoken]) -> None:
    """Set ``tone`` of every syllable of a phrase to what is spoken."""
    for index, syllable in enumerate(phrase):
        if syllable.char == "一":
            syllable.tone = _yi(phrase, index)
        elif syllable.char == "不" and syllable.lexical != "5":
            syllable.tone = _bu(phrase, index)
    _third(phrase)


def _neighbours(phrase: Sequence[Spoken], index: int) -> tuple[Spoken | None, Spoken | None]:
    before = phrase[index - 1] if index else None
    return before, phrase[index + 1] if index + 1 < len(phrase) else None


def _bu(phrase: Sequence[Spoken], index: int) -> str:
    before, after = _neighbours(phrase, index)
    if before and after and before.char == after.char and not (index > 1 and phrase[index - 2].char in WILLING):
        return "5"
    return "2" if after and after.lexical == "4" else "4"


def _yi(phrase: Sequence[Spoken], index: int) -> str:
    before, after = _neighbours(phrase, index)
    if (
        after is None
        or after.char in CALENDAR | ORDINAL_NOUNS | NUMERIC
        or (before and before.char in ORDINALS | NUMERIC)
    ):
        return "1"
    if before and before.char == after.char and not (index > 1 and phrase[index - 2].char == "一"):
        return "5"
    ends_word = before and before.number == phrase[index].number != after.number
    if ends_word and before.char not in POINTING:
        return "1"
    return "2" if after.lexical in "45" else "4"  # neutral 个 is a 4 underneath


def _third(phrase: Sequence[Spoken]) -> None:
    """Third tones from the inside out: feet, then words, then a leaning word with what it leans on, then all edges."""
    words = _words(phrase)
    for foot in _feet(phrase):
        for index in foot[:-1]:
            _dissimilate(phrase, index)
    edges = range(len(phrase) - 1)
    for index in edges:
        if phrase[index].number == phrase[index + 1].number:
            _dissimilate(phrase, index)
    for index in edges:
        if words[phrase[index].number] in LEANING:
            _dissimilate(phrase, index)
    for index in edges:
        left, right = (words[phrase[at].number] for at in (index, index + 1))
        if not {left, right} & CONJUNCTIONS:
            is_changed = _dissimilate(phrase, index)
            phrase[index].is_uncertain |= is_changed and min(len(left), len(right)) > 1


def _words(phrase: Sequence[Spoken]) -> dict[int, str]:
    words: dict[int, str] = {}
    for syllable in phrase:
        words[syllable.number] = words.get(syllable.number, "") + syllable.char
    return words


def _dissimilate(phrase: Sequence[Spoken], index: int) -> bool:
    is_changed = phrase[index].tone == phrase[index + 1].tone == "3"
    if is_changed:
        phrase[index].tone = "2"
    return is_changed


def _feet(phrase: Sequence[Spoken]) -> list[list[int]]:
    """Indices of the syllables that go together first: parts of words, and pairs of one-syllable words."""
    feet: list[list[int]] = []
    single = False  # whether the last foot is one single word still without a partner
    for _, group in groupby(range(len(phrase)), key=lambda index: phrase[index].number):
        indices = list(group)
        if len(indices) == 1 and single:
            feet[-1] += indices
        else:
            feet += [indices] if len(indices) < 3 else _parts(phrase, indices)
        single = len(indices) == 1 and not single
    return feet


def _parts(phrase: Sequence[Spoken], indices: list[int]) -> list[list[int]]:
    if len(indices) == 3 and _splits_after_first("".join(phrase[index].char for index in indices)):
        return [indices[:1], indices[1:]]
    return [indices[start : start + 2] for start in range(0, len(indices), 2)]


@lru_cache(maxsize=16384)
def _splits_after_first(word: str) -> bool:
    """Whether a word of three characters is one and two (小-老虎) rather than two and one (展览-馆)."""
    if word[0] in SURNAMES and (word not in tags() or tags()[word].startswith("nr")):
        return True
    inside = jieba.lcut_for_search(word)
    return word[1:] in inside and word[:2] not in inside
