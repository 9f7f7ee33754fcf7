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
}
LANGUAGES = tuple(LANGUAGE_NAMES)
