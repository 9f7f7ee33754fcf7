"""Numerals as Thai and Lao speak them: both count alike, with words of their own.

:func:`spell` gives the words of a numeral written in ASCII digits, with commas between thousands and a point before
decimals. A last 1 after tens has its own word (Thai *et*, Lao *et*), 2 before ten too (Thai *yi sip*, Lao *sao*), and
a million begins anew. A leading zero, or more than MAX_DIGITS digits, is a code: it is read digit by digit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+(?:\.[0-9]+)?(?![0-9])"
MAX_DIGITS = 12  # longer ones are codes and telephone numbers
MAX_CODE = 24  # digits that are still read out one by one


@dataclass(frozen=True)
class Numerals:
    """The words of one language; ``powers``: from the largest down, 10 left out."""

    digits: tuple[str, ...]
    ten: str
    twenty: str
    last_one: str
    powers: tuple[tuple[int, str], ...]
    point: str


def spell(numeral: str, numerals: Numerals) -> list[str]:
    """The words of a numeral as matched by NUMBER; empty where it is too long to be read at all."""
    whole, _, decimals = numeral.replace(",", "").partition(".")
    if len(whole) + len(decimals) > MAX_CODE:
        return []
    code = len(whole) > MAX_DIGITS or bool(re.match("0[0-9]", whole))
    words = _one_by_one(whole, numerals) if code else _count(int(whole), numerals)
    return [*words, numerals.point, *_one_by_one(decimals, numerals)] if decimals else words


def _one_by_one(digits: str, numerals: Numerals) -> list[str]:
    return [numerals.digits[int(digit)] for digit in digits]


def _count(number: int, numerals: Numerals) -> list[str]:
    for power, word in numerals.powers:
        if number >= power:
            rest = number % power
            last = [numerals.last_one] if rest == 1 else _count(rest, numerals) if rest else []
            return [*_count(number // power, numerals), word, *last]
    if number < 10:
        return [numerals.digits[number]]
    tens, ones = divmod(number, 10)
    words = [numerals.ten] if tens == 1 else [numerals.twenty] if tens == 2 else [numerals.digits[tens], numerals.ten]
    return [*words, numerals.last_one if ones == 1 else numerals.digits[ones]] if ones else words
