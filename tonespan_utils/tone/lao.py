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
- No words are needed: a run of letters is cut into the syllables that it can be made of, by the way that costs least.
  A letter that no syllable takes costs most; a lone consonant, read with the vowel that old spelling left out, and a
  coda that only loans have cost something. Where two ways cost the same, the first syllable takes the coda.
- A short open syllable before another one is flagged ``weak``; a lone consonant ``weak`` and ``uncertain``.
- Letters silenced by the cancellation mark belong to the syllable before them; ຯ after a shortened name is masked.
- Numerals, the repetition mark ໆ (it repeats one syllable, or the two of a light one and the next) and the per cent
  sign are spoken out and flagged ``expanded``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from tonespan_utils.tone import _tai_signs
from tonespan_utils.tone._masking import fill, spread
from tonespan_utils.tone._tai_numerals import NUMBER, Numerals, spell
from tonespan_utils.tone._tai_signs import Signs
from tonespan_utils.tone.parts import Masked, Part, Syllable

CHAO = {"LR": "13", "HR": "35", "M": "33", "LF": "31", "HF": "52"}
LETTERS = re.compile("[ກ-ຮະ-ູົ-ຽເ-ໄ່-ໍໜ-ໟ]+")
SIGNS = Signs(
    letters=LETTERS, below="ຼ", vowels="ັິີຶືຸູົໍ", tones="່້໊໋", killer="໌", nikhahit="ໍ", aa="າ", am="ຳ",
    e="ເ", ae="ແ", zero="໐", dropped="",
)  # fmt: skip

HIGH, MIDDLE = set("ຂສຖຜຝຫໜໝ"), set("ກຈດຕບປຢອ")  # every other consonant letter is of the low class
ONSETS = {
    "ກ": "k", "ຂ": "kʰ", "ຄ": "kʰ", "ງ": "ŋ", "ຈ": "tɕ", "ສ": "s", "ຊ": "s", "ຍ": "ɲ", "ດ": "d", "ຕ": "t", "ຖ": "tʰ",
    "ທ": "tʰ", "ນ": "n", "ບ": "b", "ປ": "p", "ຜ": "pʰ", "ຝ": "f", "ພ": "pʰ", "ຟ": "f", "ມ": "m", "ຢ": "j", "ຣ": "l",
    "ລ": "l", "ວ": "w", "ຫ": "h", "ອ": "ʔ", "ຮ": "h", "ໜ": "n", "ໝ": "m",
}  # fmt: skip
CODAS = {"ກ": "k", "ງ": "ŋ", "ຍ": "j", "ຽ": "j", "ດ": "t", "ນ": "n", "ບ": "p", "ມ": "m", "ວ": "w"}
LOAN_CODAS = {
    "ສ": "t", "ຕ": "t", "ທ": "t", "ຖ": "t", "ຈ": "t", "ຊ": "t", "ພ": "p", "ປ": "p", "ຟ": "p", "ຄ": "k",
    "ຣ": "n", "ລ": "n",
}  # fmt: skip
STOPS = {"k", "p", "t", "ʔ"}
LED_BY_HO = set("ງຍນມຣລວ")
SUBJOINED_LO = "ຼ"
BEFORE_WO = set("ກຂຄງຈສຊຖທລ")  # letters that ວ clusters with
BEFORE_LIQUID = set("ກຂຄຕທປພບດຟຜຝ")  # loans and old spelling
PREPOSED = "ເແໂໃໄ"
TONE_MARKS = {"່": "ek", "້": "tho", "໊": "ti", "໋": "chattawa"}
MARKED = {
    "ek": {"H": "M", "M": "M", "L": "M"}, "tho": {"H": "LF", "M": "HF", "L": "HF"},
    "ti": {"H": "HR", "M": "HR", "L": "HR"}, "chattawa": {"H": "LR", "M": "LR", "L": "LR"},
}  # fmt: skip
KILLER = "໌"
MAX_KILLED = 2

# preposed vowel -> (sign on the onset, letters after the tone mark) -> (nucleus, coda, whether a coda letter follows)
RIMES = {
    "": {
        ("", "ະ"): ("a", "ʔ", "no"), ("", "າ"): ("aː", "", "may"), ("", "ຳ"): ("a", "m", "no"),
        ("ັ", ""): ("a", "", "must"),
        ("ິ", ""): ("i", "", "may"), ("ີ", ""): ("iː", "", "may"), ("ຶ", ""): ("ɯ", "", "may"),
        ("ື", ""): ("ɯː", "", "may"),
        ("ຸ", ""): ("u", "", "may"), ("ູ", ""): ("uː", "", "may"), ("ໍ", ""): ("ɔː", "", "may"),
        ("", "ອ"): ("ɔː", "", "must"),
        ("ັ", "ອ"): ("ɔ", "", "must"), ("", "ຽ"): ("ia", "", "must"), ("", "ຍ"): ("ia", "", "must"),
        ("ັ", "ຽ"): ("ia", "", "must"), ("ົ", "ວະ"): ("ua", "ʔ", "no"), ("ົ", "ວ"): ("ua", "", "no"),
        ("ົ", ""): ("o", "", "must"),
        ("", "ວ"): ("ua", "", "must"),
    },
    "ເ": {
        ("", "ຍ"): ("ia", "", "no"), ("", "ຽ"): ("ia", "", "no"), ("ັ", "ຍ"): ("ia", "ʔ", "no"),
        ("ັ", "ຽ"): ("ia", "", "no"),
        ("", "ະ"): ("e", "ʔ", "no"), ("", ""): ("eː", "", "may"), ("ັ", ""): ("e", "", "must"),
        ("", "າະ"): ("ɔ", "ʔ", "no"),
        ("ົ", "າ"): ("a", "w", "no"), ("ິ", ""): ("ɤ", "", "may"), ("ີ", ""): ("ɤː", "", "may"),
        ("ຶ", "ອ"): ("ɯa", "", "may"),
        ("ື", "ອ"): ("ɯa", "", "may"),
    },
    "ແ": {("", ""): ("ɛː", "", "may"), ("", "ະ"): ("ɛ", "ʔ", "no"), ("ັ", ""): ("ɛ", "", "must")},
    "ໂ": {("", ""): ("oː", "", "may"), ("", "ະ"): ("o", "ʔ", "no"), ("ັ", ""): ("o", "", "must")},
    "ໄ": {("", ""): ("a", "j", "no"), ("", "ຍ"): ("a", "j", "no")},
    "ໃ": {("", ""): ("a", "j", "no")},
}  # fmt: skip
SIGN = re.compile("[ັິີຶືຸູົໍ]?")

LIQUID_COSTS = {"ຣ": 0.05, "ລ": 0.3, SUBJOINED_LO: 0.0}  # of a cluster; ກລ is rather two syllables, as in ໂທ-ລະ-ສັບ

# what a way costs, so that the plain reading wins: the figures order the cases, nothing more
COST_SYLLABLE = 0.1  # fewer syllables are better
COST_UNREAD = 20.0  # a character that no syllable takes
COST_BARE = 4.0  # a consonant alone
COST_LOAN = 1.0  # a coda letter, or letters silenced, as in loans
COST_CLUSTER = 0.05  # below a syllable: the letter before is rather a coda (ພາກ-ວິຊາ)


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


class Sound(NamedTuple):
    """One spoken syllable of ``run[start:end]`` and what its spelling costs."""

    start: int
    end: int
    onset: str
    nucleus: str
    coda: str
    tone: str
    cost: float
    bare: bool = False


class _Onset(NamedTuple):
    size: int
    sound: str
    letter_class: str  # H, M or L
    cost: float


def tone(of: str, mark: str, *, dead: bool, short: bool) -> str:
    """Tone class of a syllable from its letter's class ``of`` (H, M, L) and the name of its mark ("" for none)."""
    if mark:
        return MARKED[mark][of]
    if not dead:
        return "HR" if of == "L" else "LR"
    if short:
        return "M" if of == "L" else "HR"
    return "HF" if of == "L" else "LF"


def candidates(run: str, start: int) -> Iterator[Sound]:
    """Every syllable that ``run`` can have at ``start``."""
    preposed = run[start] if run[start] in PREPOSED else ""
    first = start + len(preposed)
    for onset in _onsets(run[first : first + 2]):
        after = first + onset.size
        sign = SIGN.match(run, after)[0]
        mark = TONE_MARKS.get(run[after + len(sign) : after + len(sign) + 1], "")
        vowel = after + len(sign) + bool(mark)
        for (wanted, tail), (nucleus, coda, closed) in RIMES[preposed].items():
            if sign == wanted and run.startswith(tail, vowel):
                short, price = len(nucleus) == 1, onset.cost + COST_LOAN * (preposed + tail == "ໄຍ")  # ໄທຍ
                for end, sound, cost in _codas(run, vowel + len(tail), coda, closed, short):
                    spoken = tone(onset.letter_class, mark, dead=sound in STOPS, short=short)
                    yield Sound(start, end, onset.sound, nucleus, sound, spoken, price + cost)
    if not preposed and run[start] in ONSETS:
        yield _bare(run, start)


def _bare(run: str, start: int) -> Sound:
    of = letter_class(run[start])
    return Sound(start, start + 1, ONSETS[run[start]], "a", "", tone(of, "", dead=True, short=True), COST_BARE, True)


def _named(letter: str) -> Sound:
    """A letter that stands alone, read by its name."""
    spoken = tone(letter_class(letter), "", dead=False, short=False)
    return Sound(0, 1, ONSETS[letter], "ɔː", "", spoken, 0.0)


def letter_class(letter: str) -> str:
    """H (high), M (middle) or L (low)."""
    return "H" if letter in HIGH else "M" if letter in MIDDLE else "L"


@lru_cache(maxsize=4096)
def _onsets(ahead: str) -> tuple[_Onset, ...]:
    letter, second = (ahead + "  ")[:2]
    if letter not in ONSETS:
        return ()
    of = letter_class(letter)
    found = [_Onset(1, ONSETS[letter], of, 0.0)]
    if letter == "ຫ" and (second in LED_BY_HO or second == SUBJOINED_LO):
        found.append(_Onset(2, "l" if second == SUBJOINED_LO else ONSETS[second], "H", 0.0))
    elif second == "ວ" and letter in BEFORE_WO:
        found.append(_Onset(2, ONSETS[letter] + "w", of, COST_CLUSTER))
    elif second in LIQUID_COSTS and letter in BEFORE_LIQUID:
        found.append(_Onset(2, ONSETS[letter] + "l", of, LIQUID_COSTS[second]))
    return tuple(found)


def _codas(run: str, at: int, coda: str, closed: str, short: bool) -> Iterator[tuple[int, str, float]]:
    """(end, sound, cost) of what may follow the vowel, silenced letters included."""
    if closed != "must":
        yield from _silenced(run, at, coda or ("ʔ" if short else ""), 0.0)
    if closed != "no" and at < len(run):
        if run[at] in CODAS:
            yield from _silenced(run, at + 1, CODAS[run[at]], 0.0)
        elif run[at] in LOAN_CODAS:
            yield from _silenced(run, at + 1, LOAN_CODAS[run[at]], COST_LOAN)


def _silenced(run: str, at: int, sound: str, cost: float) -> Iterator[tuple[int, str, float]]:
    yield at, sound, cost
    for size in range(1, MAX_KILLED + 1):
        if run[at + size : at + size + 1] == KILLER and all(letter in ONSETS for letter in run[at : at + size]):
            yield at + size + 1, sound, cost


def read(run: str) -> list[Sound]:
    """The syllables of a run of tidied Lao letters by the way that costs least; unread characters are skipped."""
    cost: list[float] = [0.0] + [float("inf")] * len(run)
    taken: list[Sound | None] = [None] * (len(run) + 1)
    for start in range(len(run)):
        if cost[start] + COST_UNREAD < cost[start + 1]:
            cost[start + 1], taken[start + 1] = cost[start] + COST_UNREAD, None
        for sound in candidates(run, start):
            total = cost[start] + sound.cost + COST_SYLLABLE
            if total < cost[sound.end]:
                cost[sound.end], taken[sound.end] = total, sound
    sounds, at = [], len(run)
    while at:
        sound = taken[at]
        sounds += [sound] if sound else []
        at = sound.start if sound else at - 1
    return _lead(run, sounds[::-1])


def _lead(run: str, sounds: list[Sound]) -> list[Sound]:
    """A lone high-class letter gives a sonorant after it its class: ສຍາມ."""
    led = list(sounds)
    for index, (first, second) in enumerate(pairwise(sounds), start=1):
        if first.bare and run[first.start] in HIGH and run[second.start] in LED_BY_HO and second.tone == "HR":
            led[index] = second._replace(tone="LR")
    return led


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a Lao text; every character belongs to exactly one of them."""
    clean, offsets = _tai_signs.tidy(text, SIGNS)
    found: list[Part] = []
    for match in TOKEN.finditer(clean):
        start, end = offsets[match.start()], offsets[match.end()]
        if match["run"]:
            found += [_shifted(syllable, match.start(), offsets) for syllable in _syllables(match["run"])]
        elif match["silent"]:
            found.append(Masked(start, end, "punctuation"))
        elif match["again"]:
            found += spread(_last_word(found), start, end)
        else:
            found += spread([syllable for word in _spoken(match) for syllable in _syllables(word)], start, end)
    return fill(text, found, own=("LAO",))


def _spoken(match: re.Match[str]) -> list[str]:
    """The words that an abbreviation or a numeral stands for."""
    if match["short"]:
        return [ABBREVIATIONS[match["short"]]]
    words = spell(match["number"], NUMERALS)
    return [*words, PER_CENT] if words and match["percent"] else words


def _last_word(found: list[Part]) -> list[Syllable]:
    """The last syllable, with a light one before it."""
    spoken = [part for part in found[-2:] if isinstance(part, Syllable)]
    return spoken if len(spoken) > 1 and "weak" in spoken[0].flags else spoken[-1:]


def _shifted(syllable: Syllable, start: int, offsets: list[int]) -> Syllable:
    return replace(syllable, start=offsets[start + syllable.start], end=offsets[start + syllable.end])


@lru_cache(maxsize=4096)
def _syllables(run: str) -> tuple[Syllable, ...]:
    """The syllables of a run, with offsets in it; what none takes belongs to the one before."""
    sounds = [_named(run)] if run in ONSETS else read(MISPLACED.sub(r"ວ\1", run))
    ends = [*(sound.start for sound in sounds[1:]), len(run)]
    return tuple(_syllable(sound, end, last=sound is sounds[-1]) for sound, end in zip(sounds, ends, strict=False))


def _syllable(sound: Sound, end: int, *, last: bool) -> Syllable:
    weak = sound.bare or (not last and sound.coda == "ʔ")
    flags = (*(("weak",) if weak else ()), *(("uncertain",) if sound.bare else ()))
    return Syllable(
        sound.start, end, sound.onset, sound.nucleus, "" if weak else sound.coda, sound.tone, CHAO[sound.tone], flags,
        sound.tone,
    )  # fmt: skip
