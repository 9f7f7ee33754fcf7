"""What may close a Thai syllable: a coda letter, silent letters around it, or nothing.

Conventions: ``ahead`` is the text after the vowel, at most :data:`MAX_CODA` characters of it.

Source: M. R. Haas (1956), The Thai System of Writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tonespan_utils.tone._thai_letters import (
    CODAS,
    DEPENDENT,
    KILLER,
    ONSETS,
)

MAX_KILLED = 3  # letters silenced by one killer: ลักษมณ์
MAX_CODA = 8  # characters from the vowel to the end of the longest coda: ร์ก and a killed pair


class Coda(NamedTuple):
    """One way to close a syllable; if it ``borrows``, its last letter also opens the next syllable."""

    size: int  # characters
    sound: str
    borrows: bool
    letters: str
    kind: str  # how it is written: K for the coda letter, ``mute``, ``killed`` ...


def char_at(text: str, index: int) -> str:
    """The character at ``index``, or an empty string behind the end."""
    return text[index] if index < len(text) else ""


@lru_cache(maxsize=65536)
def no_coda(ahead: str, sound: str) -> tuple[Coda, ...]:
    """No coda letter, but perhaps killed ones: เสาร์, เสน่ห์, โพธิ์."""
    killed, closings = _killed(ahead, 0), []
    if char_at(ahead, 0) not in DEPENDENT:
        closings.append(Coda(0, sound, False, "", ""))
    if killed and char_at(ahead, killed) not in DEPENDENT:
        closings.append(Coda(killed, sound, False, ahead[:killed], "killed"))
    if char_at(ahead, 0) == "ร" and char_at(ahead, 1) in ONSETS:
        closings.append(Coda(1, sound, False, "ร", "mute"))  # ศีรษะ
    return tuple(closings)


@lru_cache(maxsize=65536)
def codas(ahead: str) -> tuple[Coda, ...]:
    """Every coda that the letters ``ahead`` begin with, silent ones among them."""
    closings = []
    for before, kind in _before_coda(ahead):
        if char_at(ahead, before) not in CODAS:
            continue
        sound = CODAS[ahead[before]]
        if before + 1 < MAX_CODA:
            closings.append(Coda(before, sound, True, ahead[: before + 1], f"{kind}borrowed"))
        for end, how in _after_coda(ahead, before + 1):
            if char_at(ahead, end) not in DEPENDENT:
                closings.append(Coda(end, sound, False, ahead[:end], kind + how))
    return tuple(closings)


def _before_coda(ahead: str) -> Iterator[tuple[int, str]]:
    """Silent letters between vowel and coda: สามารถ, พรหม, and killed ones: ฟิล์ม, เสิร์ฟ."""
    yield 0, ""
    killed = _killed(ahead, 0)
    if killed:
        yield killed, "killed+"
    if char_at(ahead, 0) in ("ร", "ห", "ล"):
        yield 1, "mute+"


def _after_coda(ahead: str, at: int) -> Iterator[tuple[int, str]]:
    """Silent letters after the coda: จันทร์, จักร, พุทธ, ชาติ, เกษตร."""
    yield at, "K"
    killed = _killed(ahead, at)
    if killed:
        yield killed, "K+killed"
        return
    if char_at(ahead, at) in ("ิ", "ุ") and _killed(ahead, at + 1):
        yield _killed(ahead, at + 1), "K+sign+killed"  # ปาฏิหาริย์
    for size in (0, 1, 2):
        if size and char_at(ahead, at + size - 1) not in CODAS:
            return  # no word ends in such a letter
        if char_at(ahead, at + size) in ("ิ", "ุ"):
            yield at + size + 1, f"K+{size}+sign"
        if size:
            yield at + size, f"K+{size}"


def _killed(text: str, at: int) -> int:
    """End of up to three letters (and vowel signs) under a killer that begin at ``at``; 0 for none: จันทร์, กษัตริย์."""
    end = at
    for _ in range(MAX_KILLED):
        if char_at(text, end) not in ONSETS:
            return 0
        end += 1 + (char_at(text, end + 1) in ("ิ", "ุ", "ู"))
        if char_at(text, end) == KILLER:
            return end + 1
    return 0
