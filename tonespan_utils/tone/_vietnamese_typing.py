"""Vietnamese as it is typed, with signs or digits for its marks, left unconverted: VIQR ``Vie^.t``, VNI ``Vie65t``.

A word with signs in it is converted where it makes a legal syllable that way. Signs that are punctuation too (``. ' ?``)
count at the end of a word only in a line that shows, by signs that are none, that it is typed so. What may be typed but
stays open is doubted. A word in Telex (``Vieejt``) is no legal syllable, and masked as one of another language.
"""

from __future__ import annotations

import re
import unicodedata

from tonespan_utils.tone._draft import Draft
from tonespan_utils.tone._latin_marks import COMBINING, LETTERS, TONE_MARKS
from tonespan_utils.tone.vietnamese import read_word

SIGN = {
    **COMBINING,
    "`": "\u0300", "'": "\u0301", "’": "\u0301", "?": "\u0309", "~": "\u0303", ".": "\u0323",
    "^": "\u0302", "(": "\u0306", "+": "\u031b", "*": "\u031b",
}  # fmt: skip
AMBIGUOUS = ".'’?(+*"  # punctuation as well
DIGIT = {
    "1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323", "6": "\u0302", "7": "\u031b",
    "8": "\u0306", "9": "\u0335",
}  # fmt: skip
STROKE = "\u0335"
FITS = {"\u0302": "aeo", "\u0306": "a", "\u031b": "ou", STROKE: "d"}
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_SIGNS = re.escape("".join(SIGN))
SIGNED = re.compile(
    rf"(?<![{LETTERS}0-9@])[{_LETTER}][{LETTERS}]*(?:[{_SIGNS}]+[{LETTERS}]+)*[{_SIGNS}]*(?<=[{_SIGNS}{LETTERS}])(?![0-9])"
)
NUMBERED = re.compile(rf"(?<![{LETTERS}0-9])[{_LETTER}]+[1-9](?:[{_LETTER}]*[1-9])*[{_LETTER}]*(?![{LETTERS}0-9])")


def join(draft: Draft) -> None:
    """Convert typed words of a draft where that is safe, and doubt what may be one."""
    if re.search(f"[{_LETTER}][{_SIGNS}]", draft.text):
        _convert(draft, SIGNED, _signed)
    if re.search(f"[{_LETTER}][1-9]", draft.text):
        _convert(draft, NUMBERED, _numbered)


def _convert(draft: Draft, pattern: re.Pattern[str], read) -> None:
    """Replace words by what ``read(match, typed)`` gives: the word, whether it proves typing, whether it is open."""
    words = [read(match, False) for match in pattern.finditer(draft.text)]
    typed = any(proves for _, proves, _ in words)
    words = [read(match, typed) for match in pattern.finditer(draft.text)]
    for match, (_, _, is_open) in zip(pattern.finditer(draft.text), words, strict=True):
        if is_open:
            draft.doubt(*match.span())
    converted = iter(words)
    draft.substitute(pattern, lambda match: next(converted)[0])


def _signed(match: re.Match[str], typed: bool) -> tuple[str, bool, bool]:
    word = match[0]
    core = word.rstrip("".join(SIGN))
    tail = word[len(core) :]
    quoted = match.string[max(0, match.start() - 1) : match.start()] in tuple("`'’´") and tail[:1] != ""
    sure_tail = "" if quoted else _sure(tail, match.string[match.end() :], typed)
    letters = apply(core + sure_tail)
    changed = any(char in SIGN for char in core + sure_tail) or (typed and core[:2].lower() == "dd")
    if changed and letters and read_word(letters):
        inner = [char for char in core + sure_tail if char in SIGN]
        proves = any(char not in AMBIGUOUS for char in inner) or (len(inner) > 1 and "." not in inner)
        open_tail = bool(typed and tail[len(sure_tail) :][:1] in tuple(".?'’") and not _has_tone(letters))
        if proves or typed:
            return letters + tail[len(sure_tail) :], proves, open_tail
        part = re.split(f"[{_SIGNS}]", core)[-1]
        return word, False, not read_word(part) and len(part) < len(core)
    if quoted:
        return word, False, False
    strange = any(char in SIGN and char not in AMBIGUOUS for char in core + sure_tail) or "?" in core
    open_tail = bool(typed and tail[:1] in tuple(".?'’") and read_word(core) and not _has_tone(core))
    return word, False, strange or open_tail


def _sure(tail: str, after: str, typed: bool) -> str:
    """The signs after a word's last letter that are marks: the sure ones, and in typed text those before others."""
    signs = ""
    for place, sign in enumerate(tail):
        last = place == len(tail) - 1
        if (
            sign in AMBIGUOUS
            and not (typed and (sign in "'’+*" or (not last and sign != "(")))
            and not (typed and sign == "(" and ")" not in after)
        ):
            break
        signs += sign
    return signs


def apply(typed: str) -> str:
    """A word typed with signs, in letters; empty where a sign has no letter to stand on."""
    letters = ""
    for char in typed:
        mark = SIGN.get(char, "")
        base = unicodedata.normalize("NFD", letters[-1:])[:1].lower()
        if mark and base not in FITS.get(mark, "aeiouy"):
            return ""
        letters = unicodedata.normalize("NFC", letters + (mark or char))
    return re.sub("^dd", "đ", re.sub("^D[Dd]", "Đ", letters))


def _has_tone(word: str) -> bool:
    return any(char in TONE_MARKS for char in unicodedata.normalize("NFD", word))


def _numbered(match: re.Match[str], typed: bool) -> tuple[str, bool, bool]:
    word = match[0]
    letters = numbered(word)
    if not letters or not read_word(letters) or _has_tone(re.sub("[1-9]", "", word)) or word.isupper():
        return word, False, False
    inside = bool(re.search(r"[1-9][^\W\d_]", word)) or bool(re.search("[1-9]{2}$", word) and re.search("[6-9]", word))
    if inside or typed:
        return letters, inside, False
    return word, False, len(re.sub("[1-9]", "", word)) > 1


def numbered(word: str) -> str:
    """A word typed with digits, in letters: each mark on the letter before it that can have it; empty where none can."""
    letters: list[str] = []
    for char in word:
        mark = DIGIT.get(char)
        if mark is None:
            letters.append(char)
            continue
        fits = [at for at, letter in enumerate(letters) if _base(letter) in FITS.get(mark, "aeiouy")]
        if not fits:
            return ""
        at = fits[-1]
        letters[at] = {"d": "đ", "D": "Đ"}[letters[at]] if mark == STROKE else letters[at] + mark
        if mark == "\u031b" and at and letters[at - 1].lower() == "u":  # one 7 is for both letters of ươ
            letters[at - 1] += mark
    return unicodedata.normalize("NFC", "".join(letters))


def _base(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0].lower()
