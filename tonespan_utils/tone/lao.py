"""Lao (Vientiane): spelling gives the tone outright: the class of the letter, the mark, and how the syllable ends.

=====  ===========  =====================================================================================
class  Chao digits  written
=====  ===========  =====================================================================================
LR     13           high or middle class, live, no mark: ຂາ ກາ; middle with mai chattawa: ກ໋າ
HR     35           low class, live, no mark: ຄາ; high or middle, dead, short: ຂະ ກັດ; middle with mai ti: ກ໊າ
M      33           any class with mai ek: ຂ່າ ກ່າ ຄ່າ; low class, dead, short: ຄະ ລັດ
LF     31           high class with mai tho: ຂ້າ; high or middle, dead, long: ຂາດ ກາບ
HF     52           middle or low class with mai tho: ກ້າ ຄ້າ; low class, dead, long: ຄາດ
=====  ===========  =====================================================================================

A dead syllable ends in a stop or a short open vowel. Sources: N. J. Enfield (2007), A Grammar of Lao; Chao digits as
Wiktionary has them for Vientiane; the orthography of 1975, in which every vowel is written.

How a text is read
------------------
- No words are needed: a run of letters is cut into the syllables that it can be made of, on the path of least cost.
  A letter that no syllable takes costs most; a lone consonant, read with the vowel that old spelling left out, and a
  coda that only loans have cost something. Where two paths cost the same, the first syllable takes the coda.
- A short open syllable before another one is flagged ``weak``; a lone consonant ``weak`` and ``uncertain``.
- Letters silenced by the cancellation mark belong to the syllable before them; ຯ after a shortened name is masked.
- Numerals, the repetition mark ໆ (it repeats one syllable, or the two of a light one and the next) and the per cent
  sign are spoken out and flagged ``expanded``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from tonespan_utils.tone import _tai_signs
from tonespan_utils.tone._lao_spelling import ONSETS, named, read
from tonespan_utils.tone._masking import fill, spread
from tonespan_utils.tone._tai_numerals import NUMBER, Numerals, spell
from tonespan_utils.tone._tai_signs import Signs
from tonespan_utils.tone.parts import Masked, Part, Sound, Syllable

CHAO = {"LR": "13", "HR": "35", "M": "33", "LF": "31", "HF": "52"}
LETTERS = re.compile("[ກ-ຮະ-ູົ-ຽເ-ໄ່-ໍໜ-ໟ]+")
SIGNS = Signs(
    letters=LETTERS, below="ຼ", vowels="ັິີຶືຸູົໍ", tones="່້໊໋", killer="໌", nikhahit="ໍ", aa="າ", am="ຳ",
    e="ເ", ae="ແ", zero="໐", dropped="",
)  # fmt: skip
NUMERALS = Numerals(
    digits=("ສູນ", "ໜຶ່ງ", "ສອງ", "ສາມ", "ສີ່", "ຫ້າ", "ຫົກ", "ເຈັດ", "ແປດ", "ເກົ້າ"), ten="ສິບ", twenty="ຊາວ",
    last_one="ເອັດ", point="ຈຸດ", powers=((10**9, "ຕື້"), (10**6, "ລ້ານ"), (10**5, "ແສນ"), (10**3, "ພັນ"), (100, "ຮ້ອຍ")),
)  # fmt: skip
PER_CENT = "ເປີເຊັນ"
ABBREVIATIONS = {
    "ກມ/ຊມ": "ກິໂລແມັດຕໍ່ຊົ່ວໂມງ", "ກມ": "ກິໂລແມັດ", "ຊມ": "ຊັງຕີແມັດ", "ມມ": "ມິນລິແມັດ", "ກກ": "ກິໂລກຼາມ",
    "ດຣ.": "ດ໊ອກເຕີ", "ຄສ": "ຄຣິດສັກກະລາດ", "ຯລຯ": "ແລະອື່ນອື່ນ",
}  # fmt: skip
TOKEN = re.compile(
    rf"(?P<short>(?<![ກ-ໝ])(?:{'|'.join(map(re.escape, ABBREVIATIONS))})(?![ກ-ໝ]))|(?P<silent>ຯ)"
    rf"|(?P<run>{LETTERS.pattern})|(?P<again>ໆ)|(?<![A-Za-z0-9])(?P<number>{NUMBER})(?![A-Za-z])(?P<percent>\s?%)?"
)
MISPLACED = re.compile("([່-໋])ວ(?=າ)")  # ກ່ວາ, often typed for ກວ່າ; it can be read no other way


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a Lao text; every character belongs to exactly one of them."""
    clean, offsets = _tai_signs.tidy(text, SIGNS)
    parts: list[Part] = []
    for match in TOKEN.finditer(clean):
        start, end = offsets[match.start()], offsets[match.end()]
        if match["run"]:
            parts += [_shifted(syllable, match.start(), offsets) for syllable in _syllables(match["run"])]
        elif match["silent"]:
            parts.append(Masked(start, end, "punctuation"))
        elif match["again"]:
            parts += spread(_last_word(parts), start, end)
        else:
            parts += spread([syllable for word in _spoken(match) for syllable in _syllables(word)], start, end)
    return fill(text, parts, script=("LAO",))


def _spoken(match: re.Match[str]) -> list[str]:
    """The words that an abbreviation or a numeral stands for."""
    if match["short"]:
        return [ABBREVIATIONS[match["short"]]]
    words = spell(match["number"], NUMERALS)
    return [*words, PER_CENT] if words and match["percent"] else words


def _last_word(parts: list[Part]) -> list[Syllable]:
    """The last syllable, with a light one before it."""
    spoken = [part for part in parts[-2:] if isinstance(part, Syllable)]
    return spoken if len(spoken) > 1 and "weak" in spoken[0].flags else spoken[-1:]


def _shifted(syllable: Syllable, start: int, offsets: list[int]) -> Syllable:
    return replace(syllable, start=offsets[start + syllable.start], end=offsets[start + syllable.end])


@lru_cache(maxsize=4096)
def _syllables(run: str) -> tuple[Syllable, ...]:
    """The syllables of a run, with offsets in it; what none takes belongs to the one before."""
    sounds = [named(run)] if run in ONSETS else read(MISPLACED.sub(r"ວ\1", run))
    ends = [*(sound.start for sound in sounds[1:]), len(run)]
    return tuple(_syllable(sound, end, last=sound is sounds[-1]) for sound, end in zip(sounds, ends, strict=False))


def _syllable(sound: Sound, end: int, *, last: bool) -> Syllable:
    weak = sound.weak or (not last and sound.coda == "ʔ")
    flags = (*(("weak",) if weak else ()), *(("uncertain",) if sound.weak else ()))
    return Syllable(
        sound.start, end, sound.onset, sound.nucleus, "" if weak else sound.coda, sound.tone, CHAO[sound.tone], flags,
        sound.tone,
    )  # fmt: skip
