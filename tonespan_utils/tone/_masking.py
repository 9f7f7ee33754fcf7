"""What every language masks alike, and how a list of syllables becomes a partition of the text.

A language module finds its syllables; :func:`fill` puts masked parts into the gaps, so that the parts cover
every character once. Masked reasons follow the Unicode category of each character:

========================================================  ===========
spaces, controls, zero-width characters (Z*, Cc, Cf)      space
punctuation (P*)                                          punctuation
numbers of any script (N*)                                digits
symbols, currency, emoji (S*)                             symbol
letters named LATIN                                       latin
the language's own letters and marks that no rule reads   unknown
letters and marks of every other script (L*)              script
private and unassigned (Co, Cn)                           unknown
an address, a path, a hashtag (ADDRESS)                   address
========================================================  ===========

A combining mark of no particular script, a variation selector and a joiner take the reason of what they follow.

:func:`normalise` changes the form of the text (NFC, NFD) and keeps the way back to code points of the text as given;
:func:`spread` lays the syllables spoken for a numeral over its characters.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from tonespan_utils.tone.parts import Masked, Part, Syllable

JOINER = "\u200d"  # zero-width joiner: glues emoji, belongs to what it follows
ADDRESS, TONE_DIGIT = "\ufdd0", "\ufdd1"  # noncharacters that stand for what no language reads, see _cleaning
STAND_INS = {ADDRESS: "address", TONE_DIGIT: "digits"}
BY_CATEGORY = {"Z": "space", "P": "punctuation", "N": "digits", "S": "symbol", "L": "script"}
FOLLOWS = ""  # the reason of a character that takes the reason of the one before it


@lru_cache(maxsize=8192)
def reason(char: str, script: tuple[str, ...] = ()) -> str:
    """Why one character is masked; ``script``: Unicode name prefixes of the language's script, such as ``("THAI",)``."""
    if char in STAND_INS:
        return STAND_INS[char]
    category, name = unicodedata.category(char), unicodedata.name(char, "")
    if category[0] in "LM" and script and name.startswith(script):
        return "unknown"
    if category[0] == "L" and name.startswith(("LATIN", "FULLWIDTH LATIN")):
        return "latin"
    if (category in ("Mn", "Me") and name.startswith(("COMBINING", "VARIATION"))) or char == JOINER:
        return FOLLOWS
    if category in ("Cc", "Cf"):
        return "space"
    return "script" if category[0] == "M" else BY_CATEGORY.get(category[0], "unknown")


def mask(text: str, start: int, end: int, *, script: tuple[str, ...] = ()) -> list[Masked]:
    """``text[start:end]`` as masked parts, one for each run of characters with the same reason."""
    reasons, previous = [], "unknown"
    for char in text[start:end]:
        previous = reason(char, script) or previous
        reasons.append(previous)
    parts = []
    for why, run in groupby(reasons):
        stop = start + len(list(run))
        parts.append(Masked(start, stop, why))
        start = stop
    return parts


def fill(text: str, pieces: Iterable[Part], *, script: tuple[str, ...] = ()) -> list[Part]:
    """The parts ``pieces``, in reading order and without overlap, with every gap between them masked."""
    parts: list[Part] = []
    position = 0
    for part in pieces:
        if part.start > position:
            parts.extend(mask(text, position, part.start, script=script))
        parts.append(part)
        position = part.end
    parts.extend(mask(text, position, len(text), script=script))
    return parts


def covers(text: str, parts: Sequence[Part]) -> bool:
    """Whether the parts are in order and hold each character of the text exactly once."""
    edges = [0, *(edge for part in parts for edge in (part.start, part.end)), len(text)]
    return edges[0::2] == edges[1::2] and edges == sorted(edges)


def spread(spoken: Sequence[Syllable], start: int, end: int) -> list[Syllable]:
    """Syllables spoken for ``text[start:end]`` (a numeral, a sign): the first holds its characters, the rest are empty.

    Each is flagged ``expanded``; the empty spans lie at ``end``.
    """
    placed = []
    for index, syllable in enumerate(spoken):
        flags = tuple(dict.fromkeys((*syllable.flags, "expanded")))
        placed.append(dataclasses.replace(syllable, start=end if index else start, end=end, flags=flags))
    return placed


def normalise(text: str, form: str) -> tuple[str, list[int]]:
    """The text in Unicode ``form`` and, for each of its characters and its end, the offset in ``text``.

    A base and its marks are normalised together. Where their number changes, each maps to the first of them:
    cut the result at bases only, and ``text[offsets[i]:offsets[j]]`` is what ``result[i:j]`` was written with.
    """
    if unicodedata.is_normalized(form, text):
        return text, list(range(len(text) + 1))
    pieces, offsets, start = [], [], 0
    while start < len(text):
        end = _cluster_end(text, start)
        piece = unicodedata.normalize(form, text[start:end])
        aligned = len(piece) == end - start
        pieces.append(piece)
        offsets.extend(range(start, end) if aligned else [start] * len(piece))
        start = end
    return "".join(pieces), [*offsets, len(text)]


def _cluster_end(text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end
