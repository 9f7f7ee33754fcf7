"""The table that the command ``tones`` prints: a row for each line of a text, and a count of what it could not read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone.parts import Masked, Part, Syllable

UNSPOKEN = ("space", "punctuation")  # masked in every text, and not shown
LOOKED_AT = 1000  # lines from which the encoding of a whole text is judged
MIN_WRONG = 0.5  # of the lines with letters beyond ASCII
NAMED = 10  # line numbers in a message


def row(text: str, parts: Sequence[Part]) -> str:
    """Five columns, tab separated: text, tones, IPA, spans, flags; the last four have an item for each shown part.

    A tab or carriage return in the text becomes a space, so that the spans still hold.
    """
    shown = [part for part in parts if isinstance(part, Syllable) or part.reason not in UNSPOKEN]
    items = [_items(text, part) for part in shown]
    columns = [" ".join(column) for column in zip(*items, strict=True)] or [""] * 4
    return "\t".join([text.translate({ord("\t"): " ", ord("\r"): " "}), *columns])


def _items(text: str, part: Part) -> tuple[str, str, str, str]:
    """Tone, IPA, span and flags of a part, none of them with a space in it."""
    span = f"{part.start}-{part.end}"
    if isinstance(part, Masked):
        written = re.sub(r"\s", "_", text[part.start : part.end])
        return f"[{part.reason}:{written}]", "-", span, "masked"
    return part.tone, part.ipa, span, "+".join(part.flags) or "-"


class Counts:
    """What was masked and flagged in the lines of a text so far."""

    def __init__(self) -> None:
        self.n_lines = self.n_syllables = 0
        self.masked: Counter[str] = Counter()  # characters by reason
        self.flagged: Counter[str] = Counter()  # syllables by flag
        self.wrong: dict[str, list[int]] = {}  # what is wrong with a line's encoding -> line numbers

    def add(self, text: str, parts: Sequence[Part], *, wrong: str = "") -> None:
        """Count the parts of one line; ``wrong``: what :func:`text_to_tone.wrong_encoding` says of it."""
        self.n_lines += 1
        if wrong:
            self.wrong.setdefault(wrong, []).append(self.n_lines)
        for part in parts:
            if isinstance(part, Masked):
                self.masked[part.reason] += part.end - part.start
            else:
                self.n_syllables += 1
                self.flagged.update(part.flags)

    @property
    def summary(self) -> str:
        """The counts in one line; empty where nothing was masked but spaces and punctuation, and nothing flagged."""
        if not (set(self.masked) - set(UNSPOKEN) or set(self.flagged) - {"expanded"}):
            return ""
        said = [f"{self.n_syllables} syllables, flagged: {_listed(self.flagged)}"]
        said.append(f"masked characters: {_listed(self.masked)}")
        for wrong, numbers in self.wrong.items():
            more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
            said.append(f"line {', '.join(map(str, numbers[:NAMED]))}{more}: {wrong}")
        return "; ".join(said)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def refuse_wrong_encoding(lines: Iterator[str], language: str, *, name: str) -> Iterator[str]:
    """The lines again; raises :class:`TonespanError` where most of the first ones are in an old or a wrong encoding."""
    first = list(islice(lines, LOOKED_AT))
    judged = [text_to_tone.wrong_encoding(line, language) for line in first if not line.isascii()]
    wrong = [why for why in judged if why] or [
        why for why in [text_to_tone.wrong_encoding("\n".join(first), language)] if why
    ]
    if len(wrong) >= MIN_WRONG * max(1, len(judged)):
        raise TonespanError(f"{name}: {Counter(wrong).most_common(1)[0][0]}")
    return chain(first, lines)
