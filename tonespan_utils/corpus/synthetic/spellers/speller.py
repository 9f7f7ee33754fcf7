"""Spellers of the embedded corpus: syllables that exist in every tone, as script and as eSpeak NG phonemes.

A *frame* is a syllable without its tone. Every frame can be written in every tone of its language, so tone is
independent of the segments: segments alone do not predict it. One module per language defines ``speller()``; text to
tone (:mod:`tonespan_utils.tone`) has to give back what was written.

Conventions
-----------
- Languages go by their ISO 639 code: ``my th lo vi cmn en``; tone classes are those of :mod:`tonespan_utils.tone`.
- Places of syllables are half-open code-point offsets into the written sentence; the joiner belongs to no syllable.
- eSpeak mnemonics belong to the phoneme table of ``Speller.voice`` and carry no tone: pitch is imposed later.
- Chao digits are 1 (low) to 5 (high), from the start of the syllable to its end.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from tonespan_utils.errors import TonespanError

MODULES = {
    "my": "burmese",
    "th": "thai",
    "lo": "lao",
    "vi": "vietnamese",
    "cmn": "mandarin",
    "en": "english",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A syllable without its tone; onset, nucleus and coda are IPA.

    ``espeak``: (role, phoneme mnemonic) in spoken order, role being ``onset``, ``nucleus`` or ``coda``.
    ``spelling``: tone class -> the syllable in the language's own script. An English frame is a word of one
    or two syllables, its only tone is the empty string, and it has as many ``nucleus`` phonemes as syllables.
    """

    onset: str
    nucleus: str
    coda: str
    espeak: tuple[tuple[str, str], ...]
    spelling: Mapping[str, str] = field(hash=False)

    @property
    def ipa(self) -> str:
        """Segments in IPA without the tone."""
        return self.onset + self.nucleus + self.coda


@dataclass(frozen=True)
class Speller:
    """All frames of one language and what is needed to write and speak them.

    ``voice``: the eSpeak NG voice whose phoneme table the mnemonics belong to. ``chao``: tone -> Chao digits.
    ``joiner``: what stands between the syllables of a sentence.
    """

    language: str
    voice: str
    tones: tuple[str, ...]
    frames: tuple[Frame, ...]
    chao: Mapping[str, str] = field(hash=False)
    joiner: str


@cache
def speller(language: str) -> Speller:
    """The speller of a language; raises :class:`TonespanError` for a language without one."""
    if language not in MODULES:
        raise TonespanError(f"no speller for language {language!r}; known: {', '.join(MODULES)}")
    return importlib.import_module(f"tonespan_utils.corpus.synthetic.spellers.{MODULES[language]}").speller()


def write(speller: Speller, syllables: Sequence[tuple[Frame, str]]) -> tuple[str, list[tuple[int, int]]]:
    """Write (frame, tone) pairs as one sentence: its text, and the place of each syllable, (start, end) in characters.

    Raises :class:`TonespanError` for a tone that the language does not have.
    """
    spans: list[tuple[int, int]] = []
    text = ""
    for frame, tone in syllables:
        if tone not in frame.spelling:
            raise TonespanError(f"{speller.language}: no tone {tone!r}; use one of {', '.join(frame.spelling)}")
        text += speller.joiner if spans else ""
        spans.append((len(text), len(text) + len(frame.spelling[tone])))
        text += frame.spelling[tone]
    return text, spans
