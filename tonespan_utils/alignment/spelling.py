"""Transcripts as CTC learns them: letters in the order in which they are spoken, tone marks by themselves.

CTC emits labels in the order of time, one at a time. Thai and Lao write some vowels before the consonant that is spoken
first; Unicode's collation swaps the two (UTS #10, logical order exceptions), and so does this. A Vietnamese letter such
as ế is a vowel and a tone: taken apart into ê and an acute, a tone is the same label on every vowel, and a recogniser
can learn it from all of them. Marks of a vowel's quality stay on their letter.

Convention: *written* text is composed (NFC) and in the script's own order; *spoken* text is what CTC learns.
"""

from __future__ import annotations

import re
import unicodedata

SPOKEN = "spoken"  # what a checkpoint's configuration says of its labels, where they are these
_TONE_MARKS = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook above, dot below
_PREPOSED = "เแโใไເແໂໃໄ"
_CONSONANT = "ก-ฮກ-ຮໜໝ"
_BEFORE = re.compile(f"([{_PREPOSED}])([{_CONSONANT}])")
_AFTER = re.compile(f"([{_CONSONANT}])([{_PREPOSED}])")


def spoken(text: str) -> str:
    """Written text with every tone mark behind its letter and every preposed vowel behind its consonant."""
    return _BEFORE.sub(r"\2\1", "".join(map(_apart, unicodedata.normalize("NFC", text))))


def _apart(letter: str) -> str:
    signs = unicodedata.normalize("NFD", letter)
    marks = "".join(sign for sign in signs if sign in _TONE_MARKS)
    return unicodedata.normalize("NFC", "".join(sign for sign in signs if sign not in _TONE_MARKS)) + marks


def written(text: str) -> str:
    """What :func:`spoken` was made of: its inverse where each preposed vowel has its consonant."""
    return unicodedata.normalize("NFC", _AFTER.sub(r"\2\1", text))
