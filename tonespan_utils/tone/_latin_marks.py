"""Marks that were parted from their letters in Vietnamese, Yoruba and Mboshi text, joined again where that is safe.

Three ways in which they come: a combining mark after a space (``nga ̀ y``: text taken out of a PDF), an accent with a
width of its own behind its letter (``la` nê´u``), and Vietnamese as it is typed (see ``_vietnamese_typing``).

In Vietnamese, pieces that a parted mark stands between become one word where they make one legal syllable, the longest
first. Where the last piece would be a word too (``hò a``), the line has to show that its words are broken so, or the
word is doubted. In Yoruba and Mboshi only the mark moves: tone does not depend on where a word ends there.
"""

from __future__ import annotations

import re
import unicodedata

from tonespan_utils.tone._draft import Draft
from tonespan_utils.tone.vietnamese import read_word

LETTERS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff"
MBOSHI = LETTERS + "\u0254\u025b\u0388\u038f\u0395\u03a9\u03ad\u03b5\u03c9\u03ce"  # with open e and o, Greek or IPA
SPACES = " \t\u00a0\u2000-\u200a\u202f\u205f\u3000"
ACCENTS = {  # accents with a width of their own -> the combining mark
    "\u0300": "\u02cb\u1fef\uff40", "\u0301": "\u00b4\u02ca\u0384\u1ffd", "\u0303": "\u02dc", "\u0309": "\u02c0",
    "\u0302": "\u02c6", "\u0306": "\u02d8", "\u0304": "\u00af\u02c9", "\u030c": "\u02c7", "\u0323": "\u02f3",
}  # fmt: skip
COMBINING = {accent: mark for mark, accents in ACCENTS.items() for accent in accents}
COMBINING_GRAVE, ACUTE = "\u0300", "\u0301"
_MARK = "\u0300-\u036f" + "".join(COMBINING)
CHAIN = re.compile(
    rf"(?:(?<![{LETTERS}])|(?<=\A))[{LETTERS}]+[{_MARK}]*"
    rf"(?:[{SPACES}]+[{_MARK}]+(?:[{SPACES}]?[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff][{LETTERS}]*[{_MARK}]*)?)+"
)
PIECE = re.compile(rf"([{SPACES}]*)((?:[{LETTERS}]|[{_MARK}])+)")
WIDE_GAP = re.compile(
    rf"[{LETTERS}][{SPACES}][{_MARK}]+[{SPACES}]{{2}}[{LETTERS}]"
)  # where a mark takes a space, words take two
PARTED = re.compile(rf"(?<=[{LETTERS}])[{SPACES}]+(?=[\u0300-\u036f])")
PARTED_IN_MBOSHI = re.compile(rf"(?<=[AEIOUaeiou\u0254\u025b\u0395\u03a9\u03b5\u03c9])[{SPACES}]+(?=\u0301)")
BEHIND_IN_MBOSHI = re.compile(f"(?<=[AEIOUaeiou\u0254\u025b\u0395\u03a9\u03b5\u03c9])[{ACCENTS[ACUTE]}]")
BEHIND = re.compile(f"(?<=[AEIOUYaeiouymnMN\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff])[{''.join(COMBINING)}`]")
SIGNS_BELOW = "\u0323\u0329\u0331"
ZERO_WIDTH_SPACES = re.compile(rf"[{LETTERS}]+(?:\u200b+[{LETTERS}]+)+")
UNSURE_DOT = re.compile(r"(?<=[eosEOS])\.(?=[a-z])")


def join(draft: Draft, language: str) -> None:
    """Join parted marks in a draft, and doubt what stays open."""
    if language == "yo":
        _join_yoruba(draft)
    elif language == "mdw":
        draft.substitute(PARTED_IN_MBOSHI, lambda match: "")
        draft.substitute(BEHIND_IN_MBOSHI, _accent)
    else:
        _join_vietnamese(draft)


def _join_yoruba(draft: Draft) -> None:
    draft.substitute(PARTED, _closed_up)
    draft.substitute(BEHIND, _accent)
    for match in UNSURE_DOT.finditer(draft.text):
        draft.doubt(match.start() - 1, match.end() + 1)


def _closed_up(match: re.Match[str]) -> str:
    """Nothing for the space before a mark, unless the mark is a sign below a letter that never has one."""
    cluster = unicodedata.normalize("NFD", match.string[max(0, match.start() - 4) : match.start()])
    base = re.sub("[\u0300-\u036f]", "", cluster)[-1:].lower()
    return match[0] if match.string[match.end()] in SIGNS_BELOW and base not in tuple("eos") else ""


def _accent(match: re.Match[str]) -> str:
    """The mark of an accent behind a letter, unless a word is quoted between two of them."""
    before = re.split(f"[{SPACES}]", match.string[: match.start()])[-1]
    return match[0] if match[0] in before[:1] else COMBINING.get(match[0], COMBINING_GRAVE)


def _join_vietnamese(draft: Draft) -> None:
    draft.substitute(ZERO_WIDTH_SPACES, _without_zero_width_spaces)
    chains = [_Chain(match) for match in CHAIN.finditer(draft.text)]
    broken_so = any(chain.is_certain for chain in chains) or WIDE_GAP.search(draft.text)
    if not broken_so:
        for chain in chains:
            for start, end in chain.open:
                draft.doubt(start, end)
    joined = iter(chains)
    draft.substitute(CHAIN, lambda match: next(joined).text)
    _one_tone_mark(draft)


def _without_zero_width_spaces(match: re.Match[str]) -> str:
    """Words with zero-width spaces in them: those spaces go that lie inside a legal syllable, the others part words."""
    joined = match[0].replace("\u200b", "")
    return joined if read_word(joined) else match[0]


class _Chain:
    """Pieces of words with parted marks: ``text`` joined; ``is_certain``: a piece joined that is no word by itself.

    ``open``: (start, end) of the words joined with a piece that could be a word by itself.
    """

    def __init__(self, match: re.Match[str]) -> None:
        self.is_certain, self.open, self.text = False, [], ""
        pieces = list(PIECE.finditer(match[0]))
        at = 0
        while at < len(pieces):
            end = self._end_of_word(pieces, at, read_word)
            word = "".join(_letters(piece) for piece in pieces[at:end])
            self.text += (pieces[at][1] if at else "") + word
            heads = [piece for piece in pieces[at + 1 : end] if not _is_mark(piece)]
            if heads and all(read_word(_letters(piece)) for piece in heads):
                self.open.append((match.start() + pieces[at].start(2), match.start() + pieces[end - 1].end()))
            elif heads:
                self.is_certain = True
            at = end

    @staticmethod
    def _end_of_word(pieces: list[re.Match[str]], at: int, read_word) -> int:
        """Where the longest legal syllable that begins at a piece ends; without one, after the marks that follow it."""
        for end in range(len(pieces), at, -1):
            ends_here = end == len(pieces) or not _is_mark(pieces[end])
            if ends_here and read_word("".join(_letters(piece) for piece in pieces[at:end])):
                return end
        end = at + 1
        while end < len(pieces) and _is_mark(pieces[end]):
            end += 1
        return end


def _letters(piece: re.Match[str]) -> str:
    return "".join(COMBINING.get(char, char) for char in piece[2])


def _is_mark(piece: re.Match[str]) -> bool:
    """Whether a piece begins with a mark, so that it belongs to the letters before it."""
    return unicodedata.combining(_letters(piece)[0]) > 0


def _one_tone_mark(draft: Draft) -> None:
    """A letter with several tone marks keeps the first; it is doubted where they differ."""

    def first(match: re.Match[str]) -> str:
        seen, kept = "", ""
        for char in unicodedata.normalize("NFD", match[0]):
            if char in TONE_MARKS and seen:
                if char not in seen:
                    draft.doubt(*match.span())
                continue
            seen += char if char in TONE_MARKS else ""
            kept += char
        return unicodedata.normalize("NFC", kept) if len(seen) < _tones(match[0]) else match[0]

    draft.substitute(MARKED, first)


TONE_MARKS = "\u0300\u0301\u0303\u0309\u0323"
MARKED = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][\u0300-\u036f]+")


def _tones(letter: str) -> int:
    return sum(char in TONE_MARKS for char in unicodedata.normalize("NFD", letter))
