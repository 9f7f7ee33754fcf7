"""Yoruba: the accent on a vowel or a syllabic nasal is its tone, where the writer put accents at all.

=====  ===========  ===================================  ==================
class  Chao digits  written                              example
=====  ===========  ===================================  ==================
H      55           acute: á ẹ́ ń                         bá meet
M      33           no accent, rarely macron: a ẹ n̄      ba hide
L      21           grave: à ẹ̀ ǹ                         bà perch
=====  ===========  ===================================  ==================

Sources: A. Bamgboṣe (1966), *A Grammar of Yoruba*, ch. 1; A. Akinlabi (2004), "The sound system of Yoruba". H rises
after L and L falls after H on the surface; the classes are the lexical ones.

Conventions
-----------
- Much text has no accents, or only dots below. A sentence in which fewer than a fifth of the syllables have an accent
  says nothing about tone: all its syllables are flagged ``uncertain``. So are, in an accented sentence, a capitalised
  word of several syllables without accent or dot, an unmarked syllabic nasal, and a vowel with two different accents.
- ``n`` after a vowel and before no vowel nasalises it; ``n`` or ``m`` with an accent, or before a consonant, is a
  syllable of its own.
- A circumflex (high, low) or caron (low, high) writes two syllables on one vowel: the second has an empty span.
- The sign below e, o, s may be a dot, a vertical line, a macron, an ogonek or a cedilla.
- A word that does not split into such syllables (clusters, c q v x z, final consonants) is masked as ``latin``.
  Numerals stay masked: their forms change with what is counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tonespan_utils.tone._masking import fill, normalise
from tonespan_utils.tone._unmarked import flag, flag_sentences
from tonespan_utils.tone.parts import Part, Syllable

TONES_OF_MARK = {"\u0301": "H", "\u0300": "L", "\u0304": "M", "\u0302": "HL", "\u030c": "LH"}
BELOW = frozenset("\u0323\u0329\u0331\u0328\u0327")
IGNORED = frozenset("\u0303\u0308\u030d")  # tilde (length or nasality in old print) and slips of the keyboard
CHAO = {"H": "55", "M": "33", "L": "21"}
MIN_MARKED = 0.2  # texts fall in two heaps, below 0.05 and from 0.25 to 0.9 accents a vowel, with little between

VOWELS = {"a": "a", "e": "e", "ẹ": "ɛ", "i": "i", "o": "o", "ọ": "ɔ", "u": "u"}
NASAL_VOWELS = {"a": "ɔ̃", "e": "ɛ̃", "ẹ": "ɛ̃", "i": "ĩ", "o": "ɔ̃", "ọ": "ɔ̃", "u": "ũ"}
CONSONANTS = {
    "b": "b", "d": "d", "f": "f", "g": "ɡ", "gb": "ɡ͡b", "h": "h", "j": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n",
    "p": "k͡p", "r": "ɾ", "s": "s", "ṣ": "ʃ", "t": "t", "w": "w", "y": "j",
}  # fmt: skip
SYLLABIC = {"m": "m̩", "n": "n̩"}

LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
WORD = re.compile(rf"[{LETTER}][{LETTER}\u0300-\u036f]*(?:['’ʼ][{LETTER}][{LETTER}\u0300-\u036f]*)*")


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a word: lower case, with its sign below; offsets are of the text.

    ``tones`` is what its accents say: ``H``, ``HL`` for a circumflex, ``L/H`` for two accents that disagree.
    """

    char: str
    tones: str
    start: int
    end: int


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a Yoruba text; spans are code points of ``text``, composed or decomposed."""
    syllables = [part for match in WORD.finditer(text) for part in _word(text, *match.span())]
    return fill(text, flag_sentences(text, syllables, _is_unmarked))


def _word(text: str, start: int, end: int) -> list[Syllable]:
    letters = _letters(text, start, end)
    syllables = _split(letters) if letters else None
    if syllables is None:
        return []
    plain = not any(letter.tones or letter.char in "ẹọṣ" for letter in letters or [])
    if plain and len(syllables) > 1 and text[start].isupper():
        return [flag(syllable, "uncertain") for syllable in syllables]
    return syllables


def _letters(text: str, start: int, end: int) -> list[Letter] | None:
    """The letters of a word, apostrophes left out; None where a mark is not one of Yoruba's."""
    apart, offsets = normalise(text[start:end].lower(), "NFD")
    if len(text[start:end].lower()) != end - start:
        return None  # İ, the one letter whose lower case is longer
    letters: list[Letter] = []
    for match in re.finditer(r"([^\u0300-\u036f])([\u0300-\u036f]*)", apart):
        char, marks = match.groups()
        if not set(marks) <= BELOW | IGNORED | set(TONES_OF_MARK):
            return None
        below = "\u0323" if BELOW & set(marks) else ""
        tones = "/".join(dict.fromkeys(TONES_OF_MARK[mark] for mark in marks if mark in TONES_OF_MARK))
        if char.isalpha():
            letter = unicodedata.normalize("NFC", char + below)
            letters.append(Letter(letter, tones, start + offsets[match.start()], start + offsets[match.end()]))
    return letters


def _split(letters: list[Letter]) -> list[Syllable] | None:
    """All letters as syllables (consonant) vowel (n), or syllabic nasals; None where that fails."""
    syllables: list[Syllable] = []
    at = 0
    while at < len(letters):
        begin, onset = at, ""
        if _is_syllabic(letters, at):
            syllables += _voice(letters[at : at + 1], "", SYLLABIC[letters[at].char], letters[at].tones)
            at += 1
            continue
        if letters[at].char not in VOWELS:
            onset = "gb" if "".join(letter.char for letter in letters[at : at + 2]) == "gb" else letters[at].char
            at += len(onset)
        if (onset and onset not in CONSONANTS) or at == len(letters) or letters[at].char not in VOWELS:
            return None
        vowel, is_nasal = letters[at], _is_nasalised(letters, at)
        at += 2 if is_nasal else 1
        nucleus = (NASAL_VOWELS if is_nasal else VOWELS)[vowel.char]
        syllables += _voice(letters[begin:at], CONSONANTS.get(onset, ""), nucleus, vowel.tones)
    return syllables


def _is_syllabic(letters: list[Letter], at: int) -> bool:
    if letters[at].char not in SYLLABIC:
        return False
    before_vowel = at + 1 < len(letters) and letters[at + 1].char in VOWELS
    return bool(letters[at].tones) or (not before_vowel and (at == 0 or at + 1 < len(letters)))


def _is_nasalised(letters: list[Letter], at: int) -> bool:
    """Whether an unmarked n follows that no vowel follows."""
    if at + 1 >= len(letters) or letters[at + 1].char != "n" or letters[at + 1].tones:
        return False
    return at + 2 >= len(letters) or letters[at + 2].char not in VOWELS


def _voice(letters: list[Letter], onset: str, nucleus: str, tones: str) -> list[Syllable]:
    """The syllable of these letters, or two of them where its vowel has a contour accent."""
    start, end = letters[0].start, letters[-1].end
    if tones in ("HL", "LH"):
        second = Syllable(end, end, "", nucleus, "", tones[1], CHAO[tones[1]], ("expanded",))
        return [Syllable(start, end, onset, nucleus, "", tones[0], CHAO[tones[0]]), second]
    tone = tones[:1] or "M"
    unsure = "/" in tones or (not tones and nucleus in SYLLABIC.values())
    return [Syllable(start, end, onset, nucleus, "", tone, CHAO[tone], ("uncertain",) if unsure else ())]


def _is_unmarked(sentence: Sequence[Syllable]) -> bool:
    """Whether a sentence has next to no accents."""
    return sum(syllable.tone != "M" for syllable in sentence) < MIN_MARKED * len(sentence)
