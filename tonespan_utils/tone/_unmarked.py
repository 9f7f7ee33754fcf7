"""Sentences whose tones were not written: what spellings that mark tone by accents have to look for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from tonespan_utils.tone.parts import Syllable

SENTENCE_END = re.compile(r"[.!?…]+(?=\W)|\n")


def flag_sentences(
    text: str, syllables: Sequence[Syllable], is_unmarked: Callable[[Sequence[Syllable]], bool]
) -> list[Syllable]:
    """The syllables of a text, ``uncertain`` in each sentence of which ``is_unmarked`` says that it has no accents."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    flagged: list[Syllable] = []
    for _, group in groupby(syllables, key=lambda syllable: sum(end <= syllable.start for end in ends)):
        sentence = list(group)
        unsure = is_unmarked(sentence)
        flagged += [flag(syllable, "uncertain") if unsure else syllable for syllable in sentence]
    return flagged


def flag(syllable: Syllable, name: str) -> Syllable:
    """The syllable with one flag more, each of them once."""
    return dataclasses.replace(syllable, flags=tuple(dict.fromkeys((*syllable.flags, name))))
