"""Text to tone: a sentence in its own script becomes syllables with tone and character span.

Each language is one module with one function, ``parse(text)``. Its answer is a *partition*: syllables
and masked parts in reading order, whose character spans cover every character of the text exactly once.

Before a language reads it, a text is tidied: marks parted from their letters are joined, other forms of letters made
plain, addresses masked (:mod:`tonespan_utils.tone._cleaning`). Where that may have gone wrong, and in a text that is in an
old encoding (Zawgyi, TCVN3, VNI ...), syllables are flagged ``uncertain``.

Conventions
-----------
- Spans are half-open code-point offsets into the text as given (no normalisation moves them).
- A syllable that is spoken but has no characters of its own (the second syllable of a numeral, a Thai
  linking syllable that shares its consonant) has an empty span at the end of the part it comes from.
- Onset, nucleus and coda are IPA without tone; the nucleus holds vowel length and diphthongs.
- Tone classes: Thai ``M L F H R``; Lao ``LR HR M LF HF``; Burmese ``L H C S R``; Vietnamese
  ``ngang huyen sac hoi nga nang``; Mandarin ``1``-``5`` (surface, sandhi applied); Cantonese ``1``-``6``; Yoruba
  ``H M L``; Mboshi ``H L``.
- Languages go by their ISO 639 code: ``my th lo vi cmn yue yo mdw``, or by the key of a second corpus of theirs.
"""

from __future__ import annotations

import importlib

from tonespan_utils import languages
from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import _cleaning, _encodings
from tonespan_utils.tone.parts import Part, Syllable

MODULES = {
    "my": "burmese",
    "th": "thai",
    "lo": "lao",
    "vi": "vietnamese",
    "cmn": "mandarin",
    "yue": "cantonese",
    "yo": "yoruba",
    "mdw": "mboshi",
}


def parse(text: str, language: str) -> list[Part]:
    """Split ``text`` into syllables and masked parts that cover each character exactly once.

    Raises :class:`TonespanError` for a language without a module.
    """
    language = languages.code(language)
    if language not in MODULES:
        raise TonespanError(f"no text-to-tone rules for language {language!r}; known: {', '.join(MODULES)}")
    reader = importlib.import_module(f"tonespan_utils.tone.{MODULES[language]}")
    draft = _cleaning.clean(text, language)
    if _encodings.detect(text, language):
        draft.doubt(0, len(draft.text))
    return draft.given(reader.parse(draft.text))


def wrong_encoding(text: str, language: str) -> str:
    """Why a text cannot be read, in words: it is in an old encoding, or was read in a wrong one; empty where it is not.

    :func:`parse` reads such a text nevertheless, and flags each syllable ``uncertain``.
    """
    language = languages.code(language)
    encoding = _encodings.detect(text, language) if language in MODULES else ""
    return f"the text is {encoding}, not Unicode: {_encodings.advice(encoding)}" if encoding else ""


def syllables(text: str, language: str) -> list[Syllable]:
    """The syllables of :func:`parse` alone, in order."""
    return [part for part in parse(text, language) if isinstance(part, Syllable)]
