"""A text that is tidied before a language reads it, with the way back to the text as given.

A :class:`Draft` is edited by rules, each a substitution. It keeps, for every character, the offset in the given text
that it comes from, so that places in the draft become places in the given text; a character that is dropped belongs
to the one before it. *Doubts* are stretches of the given text whose tone cannot be trusted.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from tonespan_utils.tone.parts import Masked, Part, Syllable


class Draft:
    """``text`` as edited so far; ``offsets[i]``: where character ``i`` (and, last, the end) lies in the given text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets = list(range(len(text) + 1))
        self.doubts: list[tuple[int, int]] = []

    def substitute(self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> None:
        """Replace each match. A replacement as long as its match keeps each offset; else see :func:`_places`."""
        pieces: list[str] = []
        offsets: list[int] = []
        position = 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            new = replace(match)
            if new == match[0]:
                continue
            pieces += [self.text[position:start], new]
            offsets += self.offsets[position:start]
            offsets += [self.offsets[start + place] for place in _places(match[0], new)]
            position = end
        if pieces:
            self.text = "".join([*pieces, self.text[position:]])
            self.offsets = [*offsets, *self.offsets[position:]]

    def doubt(self, start: int, end: int) -> None:
        """Distrust ``text[start:end]`` as it is now."""
        self.doubts.append((self.offsets[start], max(self.offsets[end], self.offsets[start] + 1)))

    def given(self, parts: Sequence[Part]) -> list[Part]:
        """Parts of the draft as parts of the given text, with ``uncertain`` where there is a doubt."""
        placed: list[Part] = []
        for part in parts:
            start, end = self.offsets[part.start], self.offsets[part.end]
            if isinstance(part, Masked):
                placed += [Masked(start, end, part.reason)] if end > start else []
            else:
                placed.append(self._flagged(dataclasses.replace(part, start=start, end=end)))
        return placed

    def _flagged(self, syllable: Syllable) -> Syllable:
        last = max(syllable.end, syllable.start + 1)
        doubtful = any(
            (start < last and syllable.start < end) or (syllable.start == syllable.end == end)
            for start, end in self.doubts
        )
        return uncertain(syllable) if doubtful else syllable


def uncertain(syllable: Syllable) -> Syllable:
    """The syllable, flagged ``uncertain``."""
    return dataclasses.replace(syllable, flags=tuple(dict.fromkeys((*syllable.flags, "uncertain"))))


def _places(old: str, new: str) -> list[int]:
    """For each character of ``new`` the place in ``old`` that it comes from; places never fall.

    Equal lengths: the same place. Else a character that also stands in ``old``, in order, keeps its place, and every
    other has the place of the one before it.
    """
    if len(old) == len(new):
        return list(range(len(new)))
    places, at = [], 0
    for char in new:
        seen = old.find(char, at)
        if seen >= 0:
            places.append(seen)
            at = seen + 1
        else:
            places.append(min(at, len(old) - 1))
    return [min(places[index:]) for index in range(len(places))]
