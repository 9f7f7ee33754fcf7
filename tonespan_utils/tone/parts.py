"""The parts of a text: syllables with their tone, masked characters that carry none, and sounds not yet chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable: its sounds, its tone, and the characters ``text[start:end]`` that write it.

    ``flags`` is a subset of ``weak`` (light or reduced, tone by convention), ``foreign``, ``uncertain``
    and ``expanded`` (spoken for a digit, sign or repetition mark). ``lexical_tone`` differs from ``tone`` only
    under sandhi.
    """

    start: int
    end: int
    onset: str
    nucleus: str
    coda: str
    tone: str
    chao: str
    flags: tuple[str, ...] = ()
    lexical_tone: str = ""

    @property
    def ipa(self) -> str:
        """Segments in IPA without the tone: what a segment-only classifier may see."""
        return self.onset + self.nucleus + self.coda


class Sound(NamedTuple):
    """One spoken syllable that ``text[start:end]`` can be read as, before the readings of a word are compared.

    Onset, nucleus and coda are IPA without tone; ``weak`` marks a light syllable; ``cost`` orders the readings, where a
    script's rules choose by it.
    """

    start: int
    end: int
    onset: str
    nucleus: str
    coda: str
    tone: str
    weak: bool = False
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Masked:
    """Characters that carry no tone token; ``reason`` is one of these:

    space, punctuation, digits, latin (letters), symbol, script (of another language), address (a web or mail address,
    a path, a file name, a hashtag, a handle), or unknown (letters that no rule reads).
    """

    start: int
    end: int
    reason: str


Part = Syllable | Masked
