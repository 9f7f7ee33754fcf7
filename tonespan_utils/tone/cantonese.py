"""Cantonese (Hong Kong): readings in context by ToJyutping, whose jyutping carries the tone.

=====  ==========================  ==================  =====================
class  Chao digits                 written (jyutping)  example
=====  ==========================  ==================  =====================
1      55; 5 before a stop         si1                 詩 poem, 色 colour
2      25                          si2                 史 history
3      33; 3 before a stop         si3                 試 try, 錫 tin
4      21                          si4                 時 time
5      23                          si5                 市 market
6      22; 2 before a stop         si6                 事 matter, 食 eat
=====  ==========================  ==================  =====================

Sources: R. S. Bauer and P. K. Benedict (1997), *Modern Cantonese Phonology*, ch. 2; E. Zee (1991), "Chinese (Hong Kong
Cantonese)", Journal of the IPA 21(1). The characters show no tone: it comes from a dictionary. Changed tones (a
second tone for other tones in some words) are as the dictionary has them; no sandhi is applied.

Conventions: a syllable that ends in p, t or k has tone 1, 3 or 6 and one Chao digit, or tone 2 by a changed tone.
Numerals are read as in :mod:`tonespan_utils.tone._hanzi`. A character that stands for two syllables (卅) has the second
as an empty span, flagged ``expanded``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ToJyutping import get_jyutping_list

from tonespan_utils.tone._hanzi import TRADITIONAL, Unit, phrases
from tonespan_utils.tone._masking import fill
from tonespan_utils.tone.parts import Part, Syllable

CHAO = {"1": "55", "2": "25", "3": "33", "4": "21", "5": "23", "6": "22"}
CHAO_CHECKED = {"1": "5", "3": "3", "6": "2"}

INITIALS = {
    "": "", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ",
    "ng": "ŋ", "h": "h", "gw": "kʷ", "kw": "kʷʰ", "w": "w", "z": "ts", "c": "tsʰ", "s": "s", "j": "j",
}  # fmt: skip
NUCLEI = {
    "aai": "aːi", "aau": "aːu", "aa": "aː", "ai": "ɐi", "au": "ɐu", "a": "ɐ", "ei": "ei", "eu": "ɛːu", "e": "ɛː",
    "iu": "iːu", "i": "iː", "oi": "ɔːi", "ou": "ou", "o": "ɔː", "ui": "uːi", "u": "uː", "eoi": "ɵy", "eo": "ɵ",
    "oe": "œː", "yu": "yː",
}  # fmt: skip
BEFORE_VELAR = {"i": "ɪ", "u": "ʊ"}  # sik, luk
CODAS = {"": "", "m": "m", "n": "n", "ng": "ŋ", "p": "p", "t": "t", "k": "k"}
SYLLABIC = {"m": "m̩", "ng": "ŋ̍"}
JYUTPING = re.compile(
    rf"(?P<initial>{'|'.join(sorted(filter(None, INITIALS), key=len, reverse=True))}|)"
    rf"(?P<nucleus>{'|'.join(sorted(NUCLEI, key=len, reverse=True))})"
    r"(?P<coda>ng|[mnptk]|)"
)


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a text in Chinese characters; a character without a reading is ``unknown``."""
    parts: list[Part] = []
    for phrase in phrases(text, script=TRADITIONAL, readable=lambda char: True):
        parts.extend(_parse_phrase(phrase))
    return fill(text, parts, script=("CJK",))


def _parse_phrase(phrase: list[Unit]) -> list[Syllable]:
    read = get_jyutping_list("".join(unit.spoken for unit in phrase))
    units = [unit for unit in phrase for _ in unit.spoken]
    syllables: list[Syllable] = []
    begun: Unit | None = None
    for unit, (_, jyutping) in zip(units, read, strict=True):
        for reading in (jyutping or "").split():
            start = unit.end if unit is begun else unit.start
            syllables.append(_syllable(reading, start, unit))
            begun = unit
    return syllables


def _syllable(reading: str, start: int, unit: Unit) -> Syllable:
    onset, nucleus, coda = segments(reading[:-1])
    tone = reading[-1]
    chao = CHAO_CHECKED.get(tone, CHAO[tone]) if coda and coda in "ptk" else CHAO[tone]
    flags = ("expanded",) if unit.is_numeral or start == unit.end else ()
    return Syllable(start, unit.end, onset, nucleus, coda, tone, chao, flags)


@lru_cache(maxsize=2048)
def segments(jyutping: str) -> tuple[str, str, str]:
    """Onset, nucleus and coda in IPA of a jyutping syllable without its tone."""
    match = JYUTPING.fullmatch(jyutping)
    if match is None:  # m, ng, hm, hng
        return ("h" if jyutping[0] == "h" else "", SYLLABIC[jyutping.removeprefix("h")], "")
    nucleus, coda = match["nucleus"], match["coda"]
    vowel = BEFORE_VELAR.get(nucleus, NUCLEI[nucleus]) if coda in ("ng", "k") else NUCLEI[nucleus]
    return INITIALS[match["initial"]], vowel, CODAS[coda]
