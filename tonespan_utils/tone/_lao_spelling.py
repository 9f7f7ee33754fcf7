"""Lao spelling: the syllables that a run of letters can be made of, and the path through it of least cost.

Conventions: IPA without tone; classes of letters are H (high), M (middle) and L (low); tones are ``LR HR M LF HF``.
Offsets are of the run. Costs order the readings: a plain one wins over one that only loans or old spelling have.

Source: N. J. Enfield (2007), A Grammar of Lao; the orthography of 1975.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from tonespan_utils.tone.parts import Sound

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
# what a path costs, so that the plain reading wins: the figures order the cases, nothing more
COST_SYLLABLE = 0.1  # fewer syllables are better
COST_UNREAD = 20.0  # a character that no syllable takes
COST_BARE = 4.0  # a consonant alone
COST_LOAN = 1.0  # a coda letter, or letters silenced, as in loans
COST_CLUSTER = 0.05  # below a syllable: the letter before is rather a coda (ພາກ-ວິຊາ)


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
                    yield Sound(start, end, onset.sound, nucleus, sound, spoken, cost=price + cost)
    if not preposed and run[start] in ONSETS:
        yield _bare(run, start)


def _bare(run: str, start: int) -> Sound:
    of = letter_class(run[start])
    spoken = tone(of, "", dead=True, short=True)
    return Sound(start, start + 1, ONSETS[run[start]], "a", "", spoken, weak=True, cost=COST_BARE)


def named(letter: str) -> Sound:
    """A letter that stands alone, read by its name."""
    spoken = tone(letter_class(letter), "", dead=False, short=False)
    return Sound(0, 1, ONSETS[letter], "ɔː", "", spoken)


def letter_class(letter: str) -> str:
    """The class of a consonant letter: H (high), M (middle) or L (low)."""
    return "H" if letter in HIGH else "M" if letter in MIDDLE else "L"


@lru_cache(maxsize=4096)
def _onsets(ahead: str) -> tuple[_Onset, ...]:
    letter, second = (ahead + "  ")[:2]
    if letter not in ONSETS:
        return ()
    of = letter_class(letter)
    onsets = [_Onset(1, ONSETS[letter], of, 0.0)]
    if letter == "ຫ" and (second in LED_BY_HO or second == SUBJOINED_LO):
        onsets.append(_Onset(2, "l" if second == SUBJOINED_LO else ONSETS[second], "H", 0.0))
    elif second == "ວ" and letter in BEFORE_WO:
        onsets.append(_Onset(2, ONSETS[letter] + "w", of, COST_CLUSTER))
    elif second in LIQUID_COSTS and letter in BEFORE_LIQUID:
        onsets.append(_Onset(2, ONSETS[letter] + "l", of, LIQUID_COSTS[second]))
    return tuple(onsets)


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
    """The syllables of a run of tidied Lao letters on the path of least cost; unread characters are skipped."""
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
        if first.weak and run[first.start] in HIGH and run[second.start] in LED_BY_HO and second.tone == "HR":
            led[index] = second._replace(tone="LR")
    return led
