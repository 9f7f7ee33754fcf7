"""Burmese: the spelling gives every tone but one; a small model says which syllables are reduced.

=====  ===========  =================================================================  =================================
class  Chao digits  written                                                            voice
=====  ===========  =================================================================  =================================
L      22           ာ ီ ူ ေ ော် ို ယ် ည် and nasal finals (န် ံ), without a tone mark       low, modal
H      55           visarga: ား ီး န်း; ဲ and ော without a tone mark                       high, often breathy, falls at pause
C      53           dot below: ေ့ ို့ န့်; the inherent vowel, ိ and ု without a tone mark    creaky, short
S      44           a final stop: က် စ် တ် ပ်, stacked or with asat                         ends in a glottal stop, very short
R      3            not written: a minor syllable, mostly with the inherent vowel        schwa, toneless: a middling target
=====  ===========  =================================================================  =================================

Sources: J. Watkins (2001), "Burmese", Journal of the IPA 31(2); J. Okell (1969), "A Reference Grammar of Colloquial
Burmese". Chao digits are broad; they hold neither voice quality nor length, which tell C and S from H as much as pitch.

Conventions
-----------
- Spans, loans and sounds: see ``_burmese_spelling``. Words said unlike their spelling and numerals: ``_burmese_words``.
- Reduction: ``burmese_reduction``, over a run of letters without a space, number or foreign word in it. ``weak`` marks
  class R; ``uncertain`` a syllable whose probability of R lies in UNCERTAIN. :func:`may_reduce` tells which spellings
  can ever be read as R.
- Numbers up to twelve digits, Burmese or Arabic, are read out (``expanded``); longer ones are masked.
- The digits ၀ ၇ ၄ typed for the letters ဝ ရ ၎ are read as letters where a sign or a final follows.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from tonespan_utils.tone import burmese_reduction as reduction
from tonespan_utils.tone._burmese_spelling import ASAT, LETTERS, RUN, SIGNS, Written, read
from tonespan_utils.tone._burmese_words import IRREGULAR, numeral
from tonespan_utils.tone._masking import fill, spread
from tonespan_utils.tone.parts import Part, Syllable

CHAO = {"L": "22", "H": "55", "C": "53", "S": "44", "R": "3"}
SCHWA = "ə"
THRESHOLD = 0.5  # probability from which a syllable is read as reduced
UNCERTAIN = (0.3, 0.7)
LONGEST_IRREGULAR = 8  # syllables: more than any word of the list has

DIGIT = "[0-9\u1040-\u1049]"
NUMBER = f"{DIGIT}+(?:,{DIGIT}{{3}}(?!{DIGIT}))*(?:\\.{DIGIT}+)?"
PIECE = re.compile(f"(?P<run>{RUN})|(?P<number>{NUMBER})")
COUNTED = re.compile(f" ?[{LETTERS}]")  # a classifier or noun after a number
TYPED_LETTERS = (  # a digit that looks like a letter, where only the letter makes sense
    (re.compile(f"(?<!{DIGIT})၀(?=[{SIGNS}]|[\u1000-\u1021]{ASAT})|(?<=[{LETTERS}{SIGNS}])၀(?!{DIGIT})"), "ဝ"),
    (re.compile(f"(?<!{DIGIT})၇(?=[{SIGNS}]|[\u1000-\u1021]{ASAT})"), "ရ"),
    (re.compile(f"(?<!{DIGIT})၄(?=င{ASAT})"), "၎"),
)


def parse(text: str) -> list[Part]:
    """Split Burmese text into syllables and masked parts (see :mod:`tonespan_utils.tone.text_to_tone`); never raises."""
    letters = text
    for typed, letter in TYPED_LETTERS:
        letters = typed.sub(letter, letters)
    parts: list[Part] = []
    for piece in PIECE.finditer(letters):
        parts.extend(_read_run(piece) if piece["run"] else _read_number(piece))
    return fill(text, parts, script=("MYANMAR",))


def may_reduce(spelling: str) -> bool:
    """Whether one written syllable can be read as R in some context, so that spelling does not settle its tone."""
    first, *_ = read(spelling)
    listed = any(said[0][1] for _, said in _irregular().get(first.spelling, ()))
    return listed or reduction.may_reduce(_context(first, first.tone))


def contexts(run: Sequence[Written]) -> list[reduction.Context]:
    """What the reduction model sees of a run: its spelling, and its tones as said."""
    return [_context(written, said.tone) for written, (said, _) in zip(run, respell(run), strict=True)]


def respell(run: Sequence[Written]) -> list[tuple[Written, bool | None]]:
    """Each syllable as said, and whether it is reduced: None where the list of irregular words does not settle it."""
    said: list[tuple[Written, bool | None]] = []
    while len(said) < len(run):
        ahead = run[len(said) : len(said) + LONGEST_IRREGULAR]
        said.extend(_irregular_at(ahead) or [(ahead[0], None)])
    return said


def decide(run: Sequence[Written], model: reduction.Model | None = None) -> list[tuple[Written, bool, bool]]:
    """Each syllable as said, whether it is reduced, and whether the model is uncertain of that."""
    decided = []
    for (said, settled), chance in zip(respell(run), reduction.probabilities(contexts(run), model), strict=True):
        open_question = settled is None
        reduced = bool(chance >= THRESHOLD) if open_question else settled
        decided.append((said, reduced, open_question and bool(UNCERTAIN[0] < chance < UNCERTAIN[1])))
    return decided


def _irregular_at(run: Sequence[Written]) -> list[tuple[Written, bool | None]]:
    """The irregular word at the start of a run, as said; empty where there is none."""
    for word, said in _irregular().get(run[0].spelling, ()):
        ahead = run[: len(word)]
        if [syllable.spelling for syllable in ahead] == word:
            pairs = zip(ahead, said, strict=True)
            return [
                (new, reduced or (None if new.spelling == old.spelling else False)) for old, (new, reduced) in pairs
            ]
    return []


@cache
def _irregular() -> dict[str, list[tuple[list[str], list[tuple[Written, bool]]]]]:
    """Irregular words by their first syllable, the longest first: spellings, and syllables as said."""
    words = defaultdict(list)
    for word, said in sorted(IRREGULAR.items(), key=lambda item: -len(item[0])):
        spellings = [syllable.spelling for syllable in read(word)]
        words[spellings[0]].append((spellings, _said(said)))
    return dict(words)


def _said(words: str) -> list[tuple[Written, bool]]:
    """Syllables in the notation of ``_burmese_words``, each with whether it is reduced."""
    return [(read(word.removesuffix(SCHWA))[0], word.endswith(SCHWA)) for word in words.split()]


def _context(written: Written, tone: str) -> reduction.Context:
    return reduction.Context(written.spelling, written.onset_letters, written.rhyme, tone, written.stacked)


def _read_run(piece: re.Match[str]) -> list[Syllable]:
    run = read(piece["run"], piece.start())
    syllables = []
    for written, (said, reduced, doubtful) in zip(run, decide(run), strict=True):
        spoken = written.start == written.end  # a further syllable of a sign that stands for a word
        flags = written.foreign * ("foreign",) + doubtful * ("uncertain",) + spoken * ("expanded",)
        syllable = _syllable(said, reduced, flags)
        syllables.append(dataclasses.replace(syllable, start=written.start, end=written.end))
    return syllables


def _read_number(piece: re.Match[str]) -> list[Syllable]:
    counts = bool(COUNTED.match(piece.string, piece.end()))
    words = numeral(piece["number"].replace(",", ""), counts=counts)
    return spread([_syllable(said, reduced) for said, reduced in _said(words)], piece.start(), piece.end())


def _syllable(said: Written, reduced: bool, flags: tuple[str, ...] = ()) -> Syllable:
    if reduced:
        return Syllable(said.start, said.end, said.onset, SCHWA, "", "R", CHAO["R"], ("weak", *flags))
    return Syllable(said.start, said.end, said.onset, said.nucleus, said.coda, said.tone, CHAO[said.tone], flags)
