"""Keys in one form: values that look the same are the same, and missing values are empty strings.

A key is a name by which recordings are grouped, compared or split: speaker, syllable, tone, text, gender, emotion,
language, split. All are in Unicode's composed form (NFC, Unicode Standard Annex 15), without white space or invisible
characters (zero-width, byte order mark, soft hyphen) at their ends, and with single spaces inside.

Further, by the kind of key:

- ``speaker``: full-width and superscript letters and digits are plain ones, and ``3.0``, as a spreadsheet writes a
  number, is ``3``. Spellings that differ in case only are one person, under the spelling that sorts first, and a
  warning says so: to take two people for one costs little; one person in train and in test makes the scores wrong.
- ``tone``: likewise, so that ``¹``, ``１`` and ``1.0`` are ``1``; case is kept. Several tones stay separated by spaces.
- ``gender``: ``female`` or ``male`` for the usual words (``F``, ``Woman``, ``女``), else the word in lower case.
- ``emotion``, ``language``: lower case.
- ``text``: zero-width characters between letters stay, since they part words in Thai, Lao and Burmese.

Missing values (``MISSING``: ``nan``, ``NA``, ``N/A``, ``null``, ``None``, ``<NA>``, and signs alone such as ``-`` and
``?``) are recognised in every key but ``syllable`` and ``text``, for ``na`` and ``nan`` are syllables; ``Na`` and
``na`` may be names of speakers too. Missing objects (None, NaN, ``pandas.NA``) are missing everywhere.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable

import pandas as pd

MISSING = frozenset(
    ["", "nan", "na", "n/a", "n.a.", "#n/a", "#na", "null", "none", "nil", "nat", "<na>", "<nan>", "<none>", "<null>"]
)
SIGNS_ALONE = re.compile(r"[-‐-―−?？.*_/\\]+")  # what is typed into a cell that has no value
NAMES = frozenset(["na", "Na"])  # spellings of a missing value that are names of people, or labels, as well
NEVER_IN_TEXT = "\ufeff\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = NEVER_IN_TEXT + "\u200b\u200c\u200d\u00ad\u180e"
BLANKS = re.compile(r"[^\S\u2028\u2029\x85]+")  # Unicode's line separators inside a sentence belong to it
EDGES = re.compile(rf"^[\s{INVISIBLE}]+|[\s{INVISIBLE}]+$")
WHOLE_NUMBER = re.compile(r"(\d+)\.0+")
PLAIN_FORMS = ("<wide>", "<super>", "<sub>", "<circle>", "<font>")  # of Unicode's compatibility decompositions
GENDERS = {
    "female": ("f", "female", "fem", "woman", "women", "girl", "w", "女", "女性", "nữ", "หญิง"),
    "male": ("m", "male", "masc", "man", "men", "boy", "男", "男性", "nam", "ชาย"),
}
GENDER_OF = {unicodedata.normalize("NFC", word): gender for gender, words in GENDERS.items() for word in words}


def is_missing(value: object) -> bool:
    """Whether a value is no value: None, NaN, ``pandas.NA``, ``pandas.NaT``."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def text(value: object) -> str:
    """A text in one form; zero-width characters inside stay. Missing objects are empty."""
    if is_missing(value):
        return ""
    composed = unicodedata.normalize("NFC", str(value))
    visible = "".join(sign for sign in composed if sign not in NEVER_IN_TEXT)
    return EDGES.sub("", BLANKS.sub(" ", visible))


def word(value: object) -> str:
    """A syllable or label in one form: as :func:`text`, without invisible characters anywhere."""
    visible = "".join(sign for sign in text(value) if sign not in INVISIBLE)
    return " ".join(visible.split())


def name(value: object) -> str:
    """A speaker or group in one form, empty where it is missing; case is kept (see :func:`one_case`)."""
    plain = _plain(value)
    return "" if _says_missing(plain) and plain not in NAMES else plain


def label(value: object) -> str:
    """The label of a class in one form: as :func:`tone`, but ``na`` and ``none`` may be labels."""
    plain = _plain(value)
    return "" if _says_missing(plain) and plain not in NAMES | {"none", "nil"} else tone_number(plain)


def tone(value: object) -> str:
    """A tone, or several separated by spaces, in one form; empty where it is missing."""
    plain = _plain(value)
    return "" if _says_missing(plain) else tone_number(plain)


def tone_number(value: str) -> str:
    """The value with ``.0`` removed from whole numbers, which spreadsheets and tables of floats write behind them."""
    return " ".join(WHOLE_NUMBER.sub(r"\1", part) if WHOLE_NUMBER.fullmatch(part) else part for part in value.split())


def lower(value: object) -> str:
    """An emotion, language or split in one form: in lower case, empty where it is missing."""
    plain = word(value).lower()
    return "" if _says_missing(plain) else plain


def split(value: object) -> str:
    """A split in one form; case is kept, for only the names of Hugging Face's folders count."""
    plain = word(value)
    return "" if _says_missing(plain) else plain


def gender(value: object) -> str:
    """``female``, ``male``, or another word in lower case; empty where it is missing."""
    plain = lower(value)
    return GENDER_OF.get(plain.rstrip("."), plain)


FORMS: dict[str, Callable[[object], str]] = {
    "text": text, "transcription": text, "syllable": word, "speaker": name, "tone": tone, "gender": gender,
    "emotion": lower, "language": lower, "split": split,
}  # fmt: skip


def of_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every column that is a key (FORMS) in one form; the other columns stay as they are."""
    formed = {column: [FORMS[column](value) for value in table[column]] for column in table if column in FORMS}
    if "speaker" in formed:
        formed["speaker"] = one_case(formed["speaker"])
    return table.assign(**{column: pd.Series(values, table.index, dtype=object) for column, values in formed.items()})


def one_case(names: Iterable[str]) -> list[str]:
    """The names, with those that differ in case only replaced by the one that sorts first; warns of such names."""
    names = list(names)
    spellings: dict[str, set[str]] = {}
    for spelling in names:
        spellings.setdefault(spelling.casefold(), set()).add(spelling)
    if several := sorted(", ".join(sorted(group)) for group in spellings.values() if len(group) > 1):
        warnings.warn(f"taken for one speaker each, as they differ in case only: {'; '.join(several)}", stacklevel=2)
    return [min(spellings[spelling.casefold()]) for spelling in names]


def without_width(value: str) -> str:
    """The value with full-width, superscript and circled letters and digits as plain ones."""
    return "".join(map(_without_width, value))


def _without_width(sign: str) -> str:
    plain = unicodedata.normalize("NFKC", sign)
    is_form = unicodedata.decomposition(sign).startswith(PLAIN_FORMS)
    return plain if is_form and plain.isascii() and plain.strip() else sign


def _plain(value: object) -> str:
    plain = word(without_width(word(value)))
    return WHOLE_NUMBER.sub(r"\1", plain) if WHOLE_NUMBER.fullmatch(plain) else plain


def _says_missing(value: str) -> bool:
    return value.lower() in MISSING or bool(SIGNS_ALONE.fullmatch(value))
