"""The languages of the study by their ISO 639 code, and their English names."""

from __future__ import annotations

LANGUAGE_NAMES = {
    "my": "Burmese",
    "th": "Thai",
    "lo": "Lao",
    "vi": "Vietnamese",
    "cmn": "Mandarin",
    "yue": "Cantonese",
    "yo": "Yoruba",
    "en": "English",
    "mdw": "Mboshi",
    "cmn_syllables": "Mandarin syllables",
}
CODES = {"cmn_syllables": "cmn"}  # a second corpus of a language, under a key of its own -> its language
LANGUAGES = tuple(LANGUAGE_NAMES)


def code(language: str) -> str:
    """The ISO 639 code of a language of the study, or of a corpus that has a key of its own."""
    return CODES.get(language, language)
