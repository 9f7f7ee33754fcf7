"""Cleaning of a text before a language reads it: what is alike in all languages, and which places stay doubtful.

:func:`clean` makes a :class:`Draft` of a text:

- Other forms of letters become plain ones (``_letterforms``); digits of any script are digits, except Burmese ones in
  Burmese, which may be typed for letters.
- Invisible characters between two letters go: soft hyphens, joiners, direction marks, variation selectors. A zero-width
  space parts words in Thai, Lao and Burmese, and stays there unless a sign follows, which no word begins with.
- Addresses become ADDRESS, which every language masks (``_addresses``).
- A space between a letter and a sign or mark that stands on it goes. Where words are parted by spaces (Vietnamese,
  Yoruba) see ``_latin_marks``; in Thai and Lao a single space after such a mark goes too.
- Letters that only look like the language's own become its own where they stand in its words.

Doubted: whatever touches a character lost in conversion, an unread private-use glyph, a mark of another script, or a
mark that stands on no letter; a letter with two different tone marks or two vowel signs of one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tonespan_utils.tone import _chinese_digits, _latin_marks, _vietnamese_typing
from tonespan_utils.tone._addresses import ADDRESS as ADDRESS_FORMS
from tonespan_utils.tone._addresses import MAY_HOLD
from tonespan_utils.tone._draft import Draft
from tonespan_utils.tone._letterforms import FOLDED, GLYPHS, LOOK_ALIKES, plain
from tonespan_utils.tone._masking import ADDRESS

SPACES = " \t\u00a0\u2000-\u200a\u202f\u205f\u3000"
INVISIBLE = "\u00ad\u034f\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
ZERO_WIDTH_SPACE = "\u200b"
LETTERS = {  # a language's own letters, with its signs and marks
    "my": "\u1000-\u103f\u104c-\u109f", "th": "\u0e01-\u0e4e", "lo": "\u0e81-\u0ede",
    "vi": _latin_marks.LETTERS, "yo": _latin_marks.LETTERS, "mdw": _latin_marks.MBOSHI,
    "cmn": "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    "yue": "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af",
}  # fmt: skip
SIGNS = {  # signs that follow a letter; no word begins with one
    "my": "\u102b-\u1030\u1032\u1036-\u103e", "th": "\u0e30-\u0e3a\u0e45\u0e47-\u0e4e",
    "lo": "\u0eb0-\u0ebd\u0ec8-\u0ecd", "vi": "\u0300-\u036f", "yo": "\u0300-\u036f",
    "mdw": "\u0300-\u036f",
}  # fmt: skip
ONE_OF = {  # sets of signs of which a letter has one
    "my": ("\u1037\u1038",), "th": ("่้๊๋", "ิีึืั็", "ุู"), "lo": ("່້໊໋", "ິີຶືັົ", "ຸູ"),
}  # fmt: skip
SIBLING = {"th": "lo", "lo": "th"}  # two scripts encoded alike, 0x80 apart
FOREIGN_DIGITS = {"my": re.compile("[^\\D0-9\u1040-\u1049]"), "": re.compile(r"[^\D0-9]")}
FORMS = re.compile(f"[{FOLDED}]")
LOOKS_LATIN = re.compile(
    f"(?<=[{_latin_marks.LETTERS}])[{''.join(LOOK_ALIKES)}]+|[{''.join(LOOK_ALIKES)}]+(?=[{_latin_marks.LETTERS}])"
)
LOST = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010fffd]+")


def clean(text: str, language: str) -> Draft:
    """The text tidied for a language, with doubts; its offsets lead back to ``text``."""
    draft = Draft(text)
    if text.isascii() and not MAY_HOLD.search(text) and language not in ("vi", "yo", "mdw", "cmn", "yue"):
        return draft
    draft.substitute(re.compile(f"[{ADDRESS}]"), lambda match: "\ufffe")  # a noncharacter in the text is not ours
    _letterforms(draft, language)
    _invisible(draft, language)
    if MAY_HOLD.search(draft.text):
        draft.substitute(ADDRESS_FORMS, lambda match: ADDRESS * len(match[0]))
    BY_LANGUAGE[language](draft, language)
    _distrust(draft, language)
    return draft


def _letterforms(draft: Draft, language: str) -> None:
    chinese = language in ("cmn", "yue")
    if not draft.text.isascii():
        fold = lambda match: plain(match[0], chinese=chinese)  # noqa: E731
        draft.substitute(FORMS, fold)
        draft.substitute(FOREIGN_DIGITS.get(language, FOREIGN_DIGITS[""]), fold)


def _invisible(draft: Draft, language: str) -> None:
    letters, signs = LETTERS[language], SIGNS.get(language, "")
    gone = f"(?<=[{letters}])[{INVISIBLE}]+(?=[{letters}])"
    if language in ("cmn", "yue", "yo", "mdw"):
        gone = f"(?<=[{letters}])[{INVISIBLE}{ZERO_WIDTH_SPACE}]+(?=[{letters}])"
    elif signs:
        gone += f"|(?<=[{letters}])[{INVISIBLE}{ZERO_WIDTH_SPACE}]+(?=[{signs}])"
    draft.substitute(re.compile(gone), lambda match: "")


def _latin(draft: Draft, language: str) -> None:
    for _ in range(2):  # a look-alike between two look-alikes
        draft.substitute(LOOKS_LATIN, lambda match: "".join(LOOK_ALIKES[char] for char in match[0]))
    _latin_marks.join(draft, language)
    if language == "vi":
        _vietnamese_typing.join(draft)


def _tai(draft: Draft, language: str) -> None:
    if language == "th":
        draft.substitute(re.compile(f"[{''.join(GLYPHS)}]"), lambda match: GLYPHS[match[0]])
    _siblings(draft, language)
    letters, signs = LETTERS[language], SIGNS[language]
    draft.substitute(
        re.compile(f"(?<=[{letters}])[{SPACES}]+([{signs}]+)(?:[{SPACES}](?=[ก-ฮກ-ຮ]))?"), lambda match: match[1]
    )


def _siblings(draft: Draft, language: str) -> None:
    """Signs of the sibling script on the language's letters are its own; so is a lone letter between its letters."""
    letters, other = LETTERS[language], LETTERS[SIBLING[language]]
    signs = SIGNS[SIBLING[language]]
    shift = 0x80 if language == "lo" else -0x80

    def in_its_script(match: re.Match[str]) -> str:
        moved = "".join(chr(ord(char) + shift) for char in match[0])
        if not re.fullmatch(f"[{letters}]+", moved) or not moved.isprintable():
            draft.doubt(match.start() - 1, match.end())
            return match[0]
        if not re.fullmatch(f"[{signs}]+", match[0]):
            draft.doubt(*match.span())
        return moved

    draft.substitute(
        re.compile(
            f"(?<=[{letters}])[{signs}]+|(?<=[{letters}])[{other}](?=[{letters}])|(?<![{other}])[{other}](?=[{letters}])"
        ),
        in_its_script,
    )


def _burmese(draft: Draft, language: str) -> None:
    letters, signs = LETTERS[language], SIGNS[language]
    draft.substitute(re.compile(f"(?<=[{letters}])[{SPACES}]+(?=[{signs}])"), lambda match: "")


def _chinese(draft: Draft, language: str) -> None:
    _chinese_digits.mask_tone_digits(draft)


BY_LANGUAGE: dict[str, Callable[[Draft, str], None]] = {
    "my": _burmese, "th": _tai, "lo": _tai, "vi": _latin, "yo": _latin, "mdw": _latin, "cmn": _chinese, "yue": _chinese,
}  # fmt: skip


def _distrust(draft: Draft, language: str) -> None:
    text, letters, signs = draft.text, LETTERS[language], SIGNS.get(language, "")
    for match in LOST.finditer(text):
        draft.doubt(max(0, match.start() - 1), min(len(text), match.end() + 1))
    if not signs:
        return
    for match in re.finditer(f"(?<![{letters}])[{signs}]+[{SPACES}]?", text):  # on no letter
        draft.doubt(max(0, match.start() - 2), min(len(text), match.end() + 1))
    if language in ONE_OF:
        for match in re.finditer(
            f"(?<=[{letters}])[\u0300-\u036f\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u102b-\u103e]+", text
        ):
            _distrust_signs(draft, match, language)


def _distrust_signs(draft: Draft, match: re.Match[str], language: str) -> None:
    """Signs after a letter: doubted where one is of another script, or two of one set differ."""
    foreign = not re.fullmatch(f"[{LETTERS[language]}]+", match[0])
    if foreign or any(len(set(match[0]) & set(kind)) > 1 for kind in ONE_OF[language]):
        draft.doubt(match.start() - 1, min(len(draft.text), match.end() + 1))
