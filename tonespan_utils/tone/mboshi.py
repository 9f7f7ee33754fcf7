"""Mboshi (Embosi, Bantu C25, Congo-Brazzaville): the acute on a vowel is its tone, high; a vowel without one is low.

=====  ===========  =========================  ==================
class  Chao digits  written                    example
=====  ===========  =========================  ==================
H      55           acute: á έ ώ               mwána child
L      11           no accent: a ε ω           kaá (L, then H)
=====  ===========  =========================  ==================

The digits only order the two tones: how far apart they are is not known from the spelling.

Sources: A. Rialland and M. Embanga Aborobongui (2016), "How intonations interact with tones in Embosi (Bantu C25), a
two-tone language without downdrift"; P. Godard and others (2018), "A very low resource language speech corpus for
computational language documentation experiments" (the corpus whose spelling is read here); G.-N. Kouarata (2014),
*Variations de formes dans la langue mbochi*. Seven vowels, short or long; an open syllable, whose onset may be
prenasalised and rounded or palatalised. The tone belongs to the mora, so that each half of a long vowel has its own.

Conventions
-----------
- A vowel letter twice is one long vowel where both have one tone, and two syllables where they differ (``kaá``): a
  centre in the middle of a rise or a fall would be of neither tone. Other neighbours (``ia``) are two syllables.
- ε and ω are Greek letters in this spelling; the IPA letters ɛ and ɔ are read alike.
- A vowel that is dropped before another word leaves its consonant, with an apostrophe or as a letter alone (``m'
  íboó``, ``n obónda``). It is spoken with what follows, and the syllable spans both.
- An acute is the only accent there is: a word with another one is masked as ``latin``, as is one that does not split
  into open syllables. Numerals stay masked.
- A sentence of ``MIN_SYLLABLES`` or more syllables without any acute is one whose tones were not written: all its
  syllables are flagged ``uncertain``. In text with accents half of all vowels have one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tonespan_utils.tone._masking import fill, normalise
from tonespan_utils.tone._unmarked import flag_sentences
from tonespan_utils.tone.parts import Part, Syllable

ACUTE = "\u0301"
CHAO = {"H": "55", "L": "11"}
MIN_SYLLABLES = 6  # one in 2 ** 6 sentences of this length has no high tone by chance

VOWELS = {"a": "a", "e": "e", "ε": "ɛ", "ɛ": "ɛ", "i": "i", "o": "o", "ω": "ɔ", "ɔ": "ɔ", "u": "u"}
CONSONANTS = {
    "b": "b", "bh": "β", "bv": "b͡v", "d": "d", "dz": "d͡z", "f": "f", "gh": "ɣ", "k": "k", "l": "l", "m": "m",
    "mb": "ᵐb", "mbv": "ᵐb͡v", "mv": "ᶬv", "n": "n", "nd": "ⁿd", "ndz": "ⁿd͡z", "ng": "ᵑɡ", "ny": "ɲ", "nz": "ⁿz", "p": "p",
    "pf": "p͡f", "r": "r", "s": "s", "t": "t", "ts": "t͡s", "w": "w", "y": "j",
}  # fmt: skip
GLIDES = {"w": "ʷ", "y": "ʲ"}  # behind another consonant

LETTER = "A-Za-zÀ-ÖØ-öø-ɏɛɔΕεΩωΈέΏώ\u1f72\u1f7c\u1e00-\u1eff"
DROPPED = rf"(?:['’ʼ][ ]?|(?<=(?<![{LETTER}\u0300-\u036f])[bdklmny])[ ])"  # what a consonant leaves its vowel with
WORD = re.compile(rf"[{LETTER}][{LETTER}\u0300-\u036f]*(?:{DROPPED}[{LETTER}][{LETTER}\u0300-\u036f]*)*")


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a word in lower case, and whether it has an acute; offsets are of the text."""

    char: str
    is_high: bool
    start: int
    end: int


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a Mboshi text; spans are code points of ``text``, composed or decomposed."""
    syllables = [part for match in WORD.finditer(text) for part in _word(text, *match.span())]
    return fill(text, flag_sentences(text, syllables, _is_unmarked))


def _word(text: str, start: int, end: int) -> list[Syllable]:
    """The syllables of a word with what is spoken with it; where it does not split, of each of its pieces that does."""
    whole = _split(_letters(text, start, end))
    if whole is not None:
        return whole
    pieces = re.finditer(r"[^\s'’ʼ]+", text[start:end])
    apart = [_split(_letters(text, start + piece.start(), start + piece.end())) for piece in pieces]
    return [syllable for piece in apart for syllable in piece or []]


def _letters(text: str, start: int, end: int) -> list[Letter]:
    """The letters of a word without apostrophes and spaces; one with another mark than an acute is no letter of any."""
    written = text[start:end].lower()
    apart, offsets = normalise(written, "NFD") if len(written) == end - start else ("\ufffd", [0, 1])
    return [
        Letter(char if set(marks) <= {ACUTE} else "\ufffd", bool(marks), start + offsets[begin], start + offsets[stop])
        for char, marks, begin, stop in (
            (*match.groups(), *match.span()) for match in re.finditer(r"([^\u0300-\u036f])([\u0300-\u036f]*)", apart)
        )
        if char.isalpha() or char == "\ufffd"
    ]


def _split(letters: list[Letter]) -> list[Syllable] | None:
    """All letters as open syllables, (consonant) vowel; None where that fails."""
    syllables, at = [], 0
    while at < len(letters):
        begin = at
        while at < len(letters) and letters[at].char not in VOWELS:
            at += 1
        onset = _onset(letters[begin:at])
        if onset is None or at == len(letters):
            return None
        at += 2 if _is_long(letters, at) else 1
        syllables.append(_spoken(letters[begin:at], onset))
    return syllables


def _onset(letters: list[Letter]) -> str | None:
    """The IPA of the consonants before a vowel: one, and at most one glide behind it; None for no such thing."""
    written = "".join(letter.char for letter in letters)
    if not written or written in CONSONANTS:
        return CONSONANTS.get(written, "")
    before, glide = CONSONANTS.get(written[:-1]), GLIDES.get(written[-1])
    return before + glide if before and glide and not any(letter.is_high for letter in letters) else None


def _is_long(letters: list[Letter], at: int) -> bool:
    """Whether the vowel is written twice with one tone, and no apostrophe or space in between."""
    if at + 1 >= len(letters):
        return False
    first, second = letters[at], letters[at + 1]
    return (first.char, first.is_high, first.end) == (second.char, second.is_high, second.start)


def _spoken(letters: list[Letter], onset: str) -> Syllable:
    vowels = [letter for letter in letters if letter.char in VOWELS]
    nucleus = VOWELS[vowels[0].char] + "ː" * (len(vowels) - 1)
    tone = "H" if vowels[0].is_high else "L"
    return Syllable(letters[0].start, letters[-1].end, onset, nucleus, "", tone, CHAO[tone])


def _is_unmarked(sentence: Sequence[Syllable]) -> bool:
    """Whether a sentence is long enough to have a high tone, and has none."""
    return len(sentence) >= MIN_SYLLABLES and all(syllable.tone == "L" for syllable in sentence)
