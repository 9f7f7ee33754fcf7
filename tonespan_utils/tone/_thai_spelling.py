"""Thai spelling: every way one syllable can be written from a place in the text, and what each way is read as.

Thai leaves much open: vowels that are not written (ผม, สบาย), letters that are not spoken (จันทร์, จักร, จริง), letters
that close one syllable and open the next (ราชการ). :func:`readings` answers all candidates with their tones;
:mod:`tonespan_utils.tone._thai_reader` chooses among them.

Conventions
-----------
- The text holds Thai letters and signs only, marks in the order vowel, tone mark, killer, and sara am as one character.
- A reading covers ``text[start:end]``. If it *borrows*, its coda is ``text[end]``, which also opens the next syllable.
- A reading holds two syllables where a light one leads the next (ขนุน, เสมอ): the first letter gives both their class.
- Tone follows from the class of the letter, the mark, and whether the syllable is dead (a stop, or a short open vowel).
- Nuclei carry length (``a``, ``aː``); diphthongs (``ia ɯa ua``) are long.

Source: the spelling rules as in M. R. Haas (1956), The Thai System of Writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MIDDLE, HIGH = set("กจฎฏดตบปอ"), set("ขฃฉฐถผฝศษสห")  # every other consonant letter is of the low class
ONSETS = {
    "ก": "k", "ข": "kʰ", "ฃ": "kʰ", "ค": "kʰ", "ฅ": "kʰ", "ฆ": "kʰ", "ง": "ŋ", "จ": "tɕ", "ฉ": "tɕʰ", "ช": "tɕʰ",
    "ซ": "s", "ฌ": "tɕʰ", "ญ": "j", "ฎ": "d", "ฏ": "t", "ฐ": "tʰ", "ฑ": "tʰ", "ฒ": "tʰ", "ณ": "n", "ด": "d", "ต": "t",
    "ถ": "tʰ", "ท": "tʰ", "ธ": "tʰ", "น": "n", "บ": "b", "ป": "p", "ผ": "pʰ", "ฝ": "f", "พ": "pʰ", "ฟ": "f", "ภ": "pʰ",
    "ม": "m", "ย": "j", "ร": "r", "ล": "l", "ว": "w", "ศ": "s", "ษ": "s", "ส": "s", "ห": "h", "ฬ": "l",
    "อ": "ʔ", "ฮ": "h",
}  # fmt: skip
CODAS = {
    **dict.fromkeys("กขฃคฅฆ", "k"), **dict.fromkeys("บปพฟภ", "p"), **dict.fromkeys("จฉชซฌฎฏฐฑฒดตถทธศษส", "t"),
    **dict.fromkeys("ญณนรลฬ", "n"), "ม": "m", "ง": "ŋ", "ย": "j", "ว": "w",
}  # fmt: skip
OBSTRUENTS = {"k", "p", "t", "ʔ", "f", "s", "tɕʰ"}  # the last three end loans
SONORANTS = set("งญณนมยรลวฬ")  # letters that take the class of the letter leading them
LED_BY_HO = set("งญนมยรลว")
CLUSTERS = {**dict.fromkeys("กขฃคฅ", "รลว"), **dict.fromkeys("พปผบดฟทสต", "รล")}
SILENT_R = {"ทร": "s", "สร": "s", "ศร": "s", "ซร": "s", "จร": "tɕ"}  # ทราย, สร้าง, เศร้า, ไซร้, จริง
SECOND_ONSET = {"ฑ": "d"}  # บัณฑิต, then of the middle class

PREPOSED = "เแโใไ"
UPPER = "ัิีึืุู็"
TONE_MARKS = {"่": "ek", "้": "tho", "๊": "tri", "๋": "chattawa"}
NATIVE_MARKS = {"ek", "tho"}  # of words whose syllables share no letters; the other two are in ตุ๊กตา
KILLER, LAKKHANGYAO = "์", "ๅ"
VOWEL_LETTERS = {"ฤ": "r", "ฦ": "l"}
DEPENDENT = {*UPPER, *TONE_MARKS, KILLER, "ะ", "า", "ำ", LAKKHANGYAO}
MAX_KILLED = 3  # letters silenced by one killer: ลักษมณ์
MAX_CODA = 8  # characters from the vowel to the end of the longest coda: ร์ก and a killed pair

MARKED = {
    "ek": {"M": "L", "H": "L", "L": "F"}, "tho": {"M": "F", "H": "F", "L": "H"},
    "tri": dict.fromkeys("MHL", "H"), "chattawa": dict.fromkeys("MHL", "R"),
}  # fmt: skip

# (sign on the onset, letters after the tone mark) -> [(nucleus, coda, whether a coda letter follows)]
PLAIN_RIMES = {
    ("", ""): [("o", "", "must")], ("", "ร"): [("ɔː", "n", "no")], ("", "รร"): [("a", "", "must"), ("a", "n", "no")],
    ("", "ะ"): [("a", "ʔ", "no")], ("ั", ""): [("a", "", "must")], ("ั", "ว"): [("ua", "", "no")],
    ("ั", "วะ"): [("ua", "ʔ", "no")], ("", "ว"): [("ua", "", "must")], ("", "า"): [("aː", "", "may"), ("a", "", "must")],
    ("", "ำ"): [("a", "m", "no"), ("aː", "m", "no")], ("ิ", ""): [("i", "", "may")], ("ี", ""): [("iː", "", "may")],
    ("ึ", ""): [("ɯ", "", "may")], ("ื", ""): [("ɯː", "", "must")], ("ื", "อ"): [("ɯː", "", "no")],
    ("ุ", ""): [("u", "", "may")], ("ู", ""): [("uː", "", "may")], ("", "อ"): [("ɔː", "", "may"), ("ɔ", "", "must")],
    ("็", "อ"): [("ɔ", "", "must")], ("", "อะ"): [("ɔ", "ʔ", "no")],
    ("", "ฤ"): [("i", "", "may"), ("ɯ", "", "may"), ("ɤː", "", "must")],
}  # fmt: skip
PREPOSED_RIMES = {
    "เ": {
        ("", ""): [("eː", "", "may"), ("e", "", "must")], ("", "ะ"): [("e", "ʔ", "no")], ("็", ""): [("e", "", "must")],
        ("", "า"): [("a", "w", "no"), ("aː", "w", "no")], ("", "าะ"): [("ɔ", "ʔ", "no")],
        ("", "ย"): [("ɤː", "j", "no")],
        ("ิ", ""): [("ɤː", "", "must"), ("ɤ", "", "must")], ("", "อ"): [("ɤː", "", "may"), ("ɤ", "", "must")],
        ("", "อะ"): [("ɤ", "ʔ", "no")], ("ี", "ย"): [("ia", "", "may")], ("ี", "ยะ"): [("ia", "ʔ", "no")],
        ("ื", "อ"): [("ɯa", "", "may")], ("ื", "อะ"): [("ɯa", "ʔ", "no")],
    },
    "แ": {
        ("", ""): [("ɛː", "", "may"), ("ɛ", "", "must")], ("", "ะ"): [("ɛ", "ʔ", "no")], ("็", ""): [("ɛ", "", "must")],
    },
    "โ": {("", ""): [("oː", "", "may"), ("o", "", "must")], ("", "ะ"): [("o", "ʔ", "no")]},
    "ไ": {("", ""): [("a", "j", "no"), ("aː", "j", "no")], ("", "ย"): [("a", "j", "no")]},
    "ใ": {("", ""): [("a", "j", "no"), ("aː", "j", "no")]},
}  # fmt: skip


class Sound(NamedTuple):
    """One spoken syllable; ``start`` and ``end`` are offsets into the text that was read."""

    start: int
    end: int
    onset: str
    nucleus: str
    coda: str
    tone: str
    weak: bool = False


class Reading(NamedTuple):
    """One way to read ``text[start:end]``; the other fields name how it was spelled."""

    start: int
    end: int
    borrows: bool
    sounds: tuple[Sound, ...]
    kind: str  # of onset: single, cluster, led, ...
    onset_letters: str
    rime: str  # with C for the onset letters
    mark: str
    coda_kind: str
    coda_letters: str
    loan: bool = False  # a tone that loans have against the rules


class _Onset(NamedTuple):
    size: int  # letters
    sound: str
    letter_class: str  # M, H or L
    kind: str
    weak: str = ""  # the letter of a light syllable before this one


class _Rime(NamedTuple):
    size: int  # characters after the onset letters
    nucleus: str
    coda: str  # "" if the coda is still to be read
    rime: str
    mark: str
    closed: str  # whether a coda letter follows: no, may, must


class _Coda(NamedTuple):
    size: int
    sound: str
    borrows: bool
    letters: str
    kind: str


def letter_class(letter: str) -> str:
    """M (middle), H (high) or L (low)."""
    return "M" if letter in MIDDLE else "H" if letter in HIGH else "L"


def tone(of: str, mark: str, *, dead: bool, short: bool) -> str:
    """Tone class of a syllable from its letter's class ``of`` and the name of its mark ("" for none)."""
    if mark:
        return MARKED[mark][of]
    if not dead:
        return "R" if of == "H" else "M"
    return "L" if of != "L" else "H" if short else "F"


def is_short(nucleus: str) -> bool:
    """Whether a nucleus is short; diphthongs count as long."""
    return len(nucleus) == 1


def readings(text: str, start: int) -> list[Reading]:
    """Every reading that begins at ``text[start]``."""
    return [*_bare(text, start), *_full(text, start)]


def _at(text: str, index: int) -> str:
    return text[index] if index < len(text) else ""


def _bare(text: str, start: int) -> Iterator[Reading]:
    """Letters without a vowel sign, read as an open syllable: ส-บาย, ณ, บ-ริษัท, ก็, บ่, เกษ-ตร-กร, ฤ-ดู."""
    letter, after = text[start], _at(text, start + 1)
    if letter in VOWEL_LETTERS:
        yield from _vowel_letter(text, start)
    if letter not in ONSETS:
        return
    if after not in DEPENDENT:
        yield _open(start, letter, "a")
        yield _open(start, letter, "ɔː")
    if after and after in CLUSTERS.get(letter, ()) and after != "ว" and _at(text, start + 2) not in DEPENDENT:
        yield _open(start, letter + after, "a")
    elif after == "ร" and _at(text, start + 2) not in DEPENDENT:
        yield _open(start, letter, "a", silent=after)  # เพชรบุรี
    if after == "็" or (after in TONE_MARKS and _at(text, start + 2) not in DEPENDENT):
        mark = TONE_MARKS.get(after, "tho")  # ก็ falls as if it were marked so
        spoken = tone(letter_class(letter), mark, dead=False, short=False)
        sound = Sound(start, start + 2, ONSETS[letter], "ɔː", "", spoken)
        yield Reading(start, start + 2, False, (sound,), "bare", letter, after, mark, "", "")


def _open(start: int, letters: str, nucleus: str, *, silent: str = "") -> Reading:
    short, end = is_short(nucleus), start + len(letters + silent)
    spoken = tone(letter_class(letters[0]), "", dead=short, short=short)
    sound = Sound(start, end, "".join(ONSETS[letter] for letter in letters), nucleus, "", spoken, weak=short)
    return Reading(start, end, False, (sound,), "bare", letters, nucleus, "", "", silent)


def _vowel_letter(text: str, start: int) -> Iterator[Reading]:
    letter, long = text[start], _at(text, start + 1) == LAKKHANGYAO
    onset = _Onset(1, VOWEL_LETTERS[letter], "L", "vowel-letter")
    for nucleus in ["ɯː"] if long else ["ɯ", "i", "ɤː"]:
        rime = _Rime(int(long), nucleus, "", letter + nucleus, "", "must" if nucleus == "ɤː" else "may")
        yield from _close(text, start, start + 1, onset, rime)


def _full(text: str, start: int) -> Iterator[Reading]:
    preposed = text[start] if text[start] in PREPOSED else ""
    first = start + len(preposed)
    before = text[start - 1] if start else ""
    for onset in _onsets(before, preposed, text[first : first + 3]):
        after = first + onset.size
        for rime in _rimes(preposed, text[after : after + 4]):
            if rime.rime == "ไCย" and text[after - 1] == "ห":
                continue  # ไหย: ho hip leads
            yield from _close(text, start, after, onset, rime)


@lru_cache(maxsize=65536)
def _onsets(before: str, preposed: str, ahead: str) -> tuple[_Onset, ...]:
    """What the letters ``ahead`` can be as an onset; ``before``: the character before the syllable."""
    letter, second, third = (ahead + "   ")[:3]
    if letter not in ONSETS:
        return ()
    of = letter_class(letter)
    found = [_Onset(1, ONSETS[letter], of, "single")]
    if letter in SECOND_ONSET:
        found.append(_Onset(1, SECOND_ONSET[letter], "M", "second"))
    if letter in SONORANTS and before:  # the class of the syllable before carries over: ประโยชน์, อำนาจ, สไลด์
        found.append(_Onset(1, ONSETS[letter], "H" if before in HIGH else "M", "carried"))
    found += [_Onset(2, sound, of, kind) for sound, of, kind in _pairs(letter, second)]
    if second == "ฤ":
        found.append(_Onset(1, ONSETS[letter] + "r", of, "ru"))
    return (*found, *_led(preposed, letter, second, third))


def _pairs(letter: str, second: str) -> Iterator[tuple[str, str, str]]:
    of = letter_class(letter)
    if second in CLUSTERS.get(letter, ()):
        yield ONSETS[letter] + ONSETS[second], of, "cluster"
    if letter + second in SILENT_R:
        yield SILENT_R[letter + second], of, "silent-r"
    if letter == "ห" and second in LED_BY_HO:
        yield ONSETS[second], "H", "ho"
    if letter + second == "อย":
        yield "j", "M", "o"


def _led(preposed: str, letter: str, second: str, third: str) -> Iterator[_Onset]:
    """A light syllable and the onset it leads: นุก is high, ส-นุก low. A preposed vowel stands before both letters."""
    of = letter_class(letter)
    if second in SONORANTS and of != "L":
        yield _Onset(2, ONSETS[second], of, "led", letter)
    if preposed and second in ONSETS:
        yield _Onset(2, ONSETS[second], letter_class(second), "after-weak", letter)
        for sound, own, kind in _pairs(second, third):
            yield _Onset(3, sound, own, f"after-weak-{kind}", letter)


@lru_cache(maxsize=65536)
def _rimes(preposed: str, ahead: str) -> tuple[_Rime, ...]:
    """Vowel and tone mark written around and after the onset letters, ``ahead`` being what follows those."""
    sign = ahead[:1] if ahead and ahead[0] in UPPER else ""
    mark = TONE_MARKS.get(_at(ahead, len(sign)), "")
    size, found = len(sign) + bool(mark), []
    for (wanted, tail), vowels in (PREPOSED_RIMES[preposed] if preposed else PLAIN_RIMES).items():
        if sign == wanted and ahead.startswith(tail, size):
            name = f"{preposed}C{wanted}{tail}"
            found += [_Rime(size + len(tail), nucleus, coda, name, mark, closed) for nucleus, coda, closed in vowels]
    return tuple(found)


def _close(text: str, start: int, at: int, onset: _Onset, rime: _Rime) -> Iterator[Reading]:
    """Readings with each coda; ``at``: where the onset letters end."""
    letters, after = text[at - onset.size : at], at + rime.size
    ahead = text[after : after + MAX_CODA]
    codas = () if rime.closed == "no" else _codas(ahead)
    if rime.closed != "must":
        sound = rime.coda or ("ʔ" if is_short(rime.nucleus) else "")
        codas = (*_no_coda(ahead, sound), *codas)
    for coda in codas:
        if coda.borrows and rime.mark in NATIVE_MARKS:
            continue
        yield from _voice(start, after + coda.size, letters, onset, rime, coda)


@lru_cache(maxsize=65536)
def _no_coda(ahead: str, sound: str) -> tuple[_Coda, ...]:
    """No coda letter, but perhaps killed ones: เสาร์, เสน่ห์, โพธิ์."""
    killed, found = _killed(ahead, 0), []
    if _at(ahead, 0) not in DEPENDENT:
        found.append(_Coda(0, sound, False, "", ""))
    if killed and _at(ahead, killed) not in DEPENDENT:
        found.append(_Coda(killed, sound, False, ahead[:killed], "killed"))
    if _at(ahead, 0) == "ร" and _at(ahead, 1) in ONSETS:
        found.append(_Coda(1, sound, False, "ร", "mute"))  # ศีรษะ
    return tuple(found)


@lru_cache(maxsize=65536)
def _codas(ahead: str) -> tuple[_Coda, ...]:
    """Every coda that the letters ``ahead`` begin with, silent ones among them."""
    found = []
    for before, kind in _before_coda(ahead):
        if _at(ahead, before) not in CODAS:
            continue
        sound = CODAS[ahead[before]]
        if before + 1 < MAX_CODA:
            found.append(_Coda(before, sound, True, ahead[: before + 1], f"{kind}borrowed"))
        for end, how in _after_coda(ahead, before + 1):
            if _at(ahead, end) not in DEPENDENT:
                found.append(_Coda(end, sound, False, ahead[:end], kind + how))
    return tuple(found)


def _before_coda(ahead: str) -> Iterator[tuple[int, str]]:
    """Silent letters between vowel and coda: สามารถ, พรหม, and killed ones: ฟิล์ม, เสิร์ฟ."""
    yield 0, ""
    killed = _killed(ahead, 0)
    if killed:
        yield killed, "killed+"
    if _at(ahead, 0) in ("ร", "ห", "ล"):
        yield 1, "mute+"


def _after_coda(ahead: str, at: int) -> Iterator[tuple[int, str]]:
    """Silent letters after the coda: จันทร์, จักร, พุทธ, ชาติ, เกษตร."""
    yield at, "K"
    killed = _killed(ahead, at)
    if killed:
        yield killed, "K+killed"
        return
    if _at(ahead, at) in ("ิ", "ุ") and _killed(ahead, at + 1):
        yield _killed(ahead, at + 1), "K+sign+killed"  # ปาฏิหาริย์
    for size in (0, 1, 2):
        if size and _at(ahead, at + size - 1) not in CODAS:
            return  # no word ends in such a letter
        if _at(ahead, at + size) in ("ิ", "ุ"):
            yield at + size + 1, f"K+{size}+sign"
        if size:
            yield at + size, f"K+{size}"


def _killed(text: str, at: int) -> int:
    """End of up to three letters (and vowel signs) under a killer that begin at ``at``; 0 for none: จันทร์, กษัตริย์."""
    end = at
    for _ in range(MAX_KILLED):
        if _at(text, end) not in ONSETS:
            return 0
        end += 1 + (_at(text, end + 1) in ("ิ", "ุ", "ู"))
        if _at(text, end) == KILLER:
            return end + 1
    return 0


def _voice(start: int, end: int, letters: str, onset: _Onset, rime: _Rime, coda: _Coda) -> Iterator[Reading]:
    """The reading by the rules, and the one loans may have against them."""
    short, dead = is_short(rime.nucleus), coda.sound in OBSTRUENTS
    by_rule = tone(onset.letter_class, rime.mark, dead=dead, short=short)
    if onset.kind == "carried" and (rime.mark or by_rule == "M"):
        return  # as without carrying
    weak = _lead(start, onset.weak, rime.rime)
    begin = weak[0].end if weak else start
    for spoken, loan in ((by_rule, False), (_loan_tone(by_rule, rime.mark, coda.sound, dead), True)):
        if spoken:
            sound = Sound(begin, end, onset.sound, rime.nucleus, coda.sound, spoken)
            yield Reading(
                start, end, coda.borrows, (*weak, sound), onset.kind, letters,
                f"{rime.rime}{rime.nucleus}", rime.mark, coda.kind, coda.letters, loan,
            )  # fmt: skip


def _lead(start: int, letter: str, rime: str) -> tuple[Sound, ...]:
    """The light syllable of a leading letter ("" for none), with the vowel preposed to both."""
    if not letter:
        return ()
    spoken = tone(letter_class(letter), "", dead=True, short=True)
    return (Sound(start, start + 1 + (rime[0] in PREPOSED), ONSETS[letter], "a", "", spoken, weak=True),)


def _loan_tone(by_rule: str, mark: str, coda: str, dead: bool) -> str:
    """Unmarked loans may be high where dead (เน็ต, กราฟ) and falling where live (มอเตอร์, วิตามิน)."""
    if mark or (dead and (by_rule == "H" or coda == "ʔ")) or (not dead and by_rule != "M"):
        return ""
    return "H" if dead else "F"
