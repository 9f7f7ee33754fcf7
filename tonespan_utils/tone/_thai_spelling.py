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

from tonespan_utils.tone._thai_codas import MAX_CODA, Coda, char_at, codas, no_coda
from tonespan_utils.tone._thai_letters import (
    CLUSTERS,
    DEPENDENT,
    HIGH,
    LAKKHANGYAO,
    LED_BY_HO,
    OBSTRUENTS,
    ONSETS,
    PLAIN_RIMES,
    PREPOSED,
    PREPOSED_RIMES,
    SECOND_ONSET,
    SILENT_R,
    SONORANTS,
    TONE_MARKS,
    UPPER,
    VOWEL_LETTERS,
    is_short,
    letter_class,
    tone,
)
from tonespan_utils.tone.parts import Sound

NATIVE_MARKS = {"ek", "tho"}  # of words whose syllables share no letters; the other two are in ตุ๊กตา


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


def readings(text: str, start: int) -> list[Reading]:
    """Every reading that begins at ``text[start]``."""
    return [*_bare(text, start), *_full(text, start)]


def _bare(text: str, start: int) -> Iterator[Reading]:
    """Letters without a vowel sign, read as an open syllable: ส-บาย, ณ, บ-ริษัท, ก็, บ่, เกษ-ตร-กร, ฤ-ดู."""
    letter, after = text[start], char_at(text, start + 1)
    if letter in VOWEL_LETTERS:
        yield from _vowel_letter(text, start)
    if letter not in ONSETS:
        return
    if after not in DEPENDENT:
        yield _open(start, letter, "a")
        yield _open(start, letter, "ɔː")
    if after and after in CLUSTERS.get(letter, ()) and after != "ว" and char_at(text, start + 2) not in DEPENDENT:
        yield _open(start, letter + after, "a")
    elif after == "ร" and char_at(text, start + 2) not in DEPENDENT:
        yield _open(start, letter, "a", silent=after)  # เพชรบุรี
    if after == "็" or (after in TONE_MARKS and char_at(text, start + 2) not in DEPENDENT):
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
    letter, long = text[start], char_at(text, start + 1) == LAKKHANGYAO
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
    onsets = [_Onset(1, ONSETS[letter], of, "single")]
    if letter in SECOND_ONSET:
        onsets.append(_Onset(1, SECOND_ONSET[letter], "M", "second"))
    if letter in SONORANTS and before:  # the class of the syllable before carries over: ประโยชน์, อำนาจ, สไลด์
        onsets.append(_Onset(1, ONSETS[letter], "H" if before in HIGH else "M", "carried"))
    onsets += [_Onset(2, sound, of, kind) for sound, of, kind in _pairs(letter, second)]
    if second == "ฤ":
        onsets.append(_Onset(1, ONSETS[letter] + "r", of, "ru"))
    return (*onsets, *_led(preposed, letter, second, third))


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
        for sound, second_class, kind in _pairs(second, third):
            yield _Onset(3, sound, second_class, f"after-weak-{kind}", letter)


@lru_cache(maxsize=65536)
def _rimes(preposed: str, ahead: str) -> tuple[_Rime, ...]:
    """Vowel and tone mark written around and after the onset letters, ``ahead`` being what follows those."""
    sign = ahead[:1] if ahead and ahead[0] in UPPER else ""
    mark = TONE_MARKS.get(char_at(ahead, len(sign)), "")
    size, rimes = len(sign) + bool(mark), []
    for (wanted, tail), vowels in (PREPOSED_RIMES[preposed] if preposed else PLAIN_RIMES).items():
        if sign == wanted and ahead.startswith(tail, size):
            name = f"{preposed}C{wanted}{tail}"
            rimes += [_Rime(size + len(tail), nucleus, coda, name, mark, closed) for nucleus, coda, closed in vowels]
    return tuple(rimes)


def _close(text: str, start: int, at: int, onset: _Onset, rime: _Rime) -> Iterator[Reading]:
    """Readings with each coda; ``at``: where the onset letters end."""
    letters, after = text[at - onset.size : at], at + rime.size
    ahead = text[after : after + MAX_CODA]
    closings = () if rime.closed == "no" else codas(ahead)
    if rime.closed != "must":
        sound = rime.coda or ("ʔ" if is_short(rime.nucleus) else "")
        closings = (*no_coda(ahead, sound), *closings)
    for coda in closings:
        if coda.borrows and rime.mark in NATIVE_MARKS:
            continue
        yield from _voice(start, after + coda.size, letters, onset, rime, coda)


def _voice(start: int, end: int, letters: str, onset: _Onset, rime: _Rime, coda: Coda) -> Iterator[Reading]:
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
