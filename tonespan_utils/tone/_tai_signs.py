"""Thai and Lao text in the one form that their spelling rules expect: signs in order and whole, ASCII digits.

The two scripts are encoded alike, and typed wrongly alike: a tone mark before the vowel sign it stands over, sara am
as two characters (Lao mostly), *ae* as two *e*, marks typed twice, invisible joiners inside a word. :func:`tidy` undoes
this and keeps, for each character, the way back to the text as given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TRANSPARENT = "\u00ad\u200c\u200d\u2060\ufeff"  # inside a word; a zero-width space parts words
TONE_ORDER = 3


@dataclass(frozen=True)
class Signs:
    """One script; ``below``, ``vowels``, ``tones``, ``killer``: its signs as they follow a letter."""

    letters: re.Pattern[str]
    below: str
    vowels: str
    tones: str
    killer: str
    nikhahit: str
    aa: str
    am: str
    e: str
    ae: str
    zero: str
    dropped: str

    def order(self, char: str) -> int:
        """1 to 4 for signs, 0 for every other character."""
        for order, signs in enumerate((self.below, self.vowels, self.tones, self.killer), start=1):
            if char in signs:
                return order
        return 0


def tidy(text: str, signs: Signs) -> tuple[str, list[int]]:
    """The tidied text and, for each of its characters and its end, the offset in ``text``; offsets never fall."""
    chars: list[tuple[str, int]] = []
    for offset, char in enumerate(text):
        if chars and char in signs.dropped + TRANSPARENT and signs.letters.match(chars[-1][0]):
            continue
        digit = ord(char) - ord(signs.zero)
        chars.append((str(digit) if 0 <= digit <= 9 else char, offset))
        if signs.order(char):
            _settle(chars, signs)
        else:
            _merge(chars, signs)
    offsets = [offset for _, offset in chars] + [len(text)]
    for index in range(len(chars) - 1, -1, -1):
        offsets[index] = min(offsets[index], offsets[index + 1])
    return "".join(char for char, _ in chars), offsets


def _settle(chars: list[tuple[str, int]], signs: Signs) -> None:
    """Put the newest sign where it belongs among those before it; a letter has one of each kind, the first."""
    sign, offset = chars.pop()
    order, at = signs.order(sign), len(chars)
    while at and _after(chars[at - 1][0], order, signs):
        at -= 1
    if not at or signs.order(chars[at - 1][0]) != order:
        chars.insert(at, (sign, offset))


def _after(char: str, order: int, signs: Signs) -> bool:
    """Whether a sign of this order stands before ``char``."""
    return signs.order(char) > order or (order == TONE_ORDER and char in signs.aa + signs.am)


def _merge(chars: list[tuple[str, int]], signs: Signs) -> None:
    """e + e is ae; nikhahit + aa, a tone mark between them or not, is am."""
    newest = chars[-1][0]
    if newest == signs.e and len(chars) > 1 and chars[-2][0] == signs.e:
        chars[-2:] = [(signs.ae, chars[-2][1])]
    if newest == signs.aa:
        back = 3 if len(chars) > 2 and chars[-2][0] in signs.tones else 2
        if len(chars) >= back and chars[-back][0] == signs.nikhahit:
            offset = chars.pop(-back)[1]
            chars[-1] = (signs.am, offset if back == 2 else chars[-1][1])
