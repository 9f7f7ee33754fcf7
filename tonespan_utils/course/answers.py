"""Answers as students write them: numbers, words, arrays, and when two of them are the same.

A number may come as a Python, NumPy or torch scalar, a 0-d array, or as text (``"125 Hz"``, ``"7/27"``, ``"7,02"``,
``"forty"``); a word in any letter case, with spaces, hyphens or underscores.

Conventions: numbers are right within 1 % of the answer, unless the exercise says otherwise; arrays element by element.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real

import numpy as np

TOLERANCE = 0.01  # of the right number: rounding by hand is no mistake
UNITS = {  # of an exercise -> how a student may write it
    "ms": {"ms", "msec", "millisecond", "milliseconds"},
    "Hz": {"hz", "hertz"},
    "st": {"st", "semitone", "semitones"},
    "bits": {"bit", "bits"},
}
NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:\s*/\s*(\d+\.?\d*))?\s*(.*)")
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SPELLED = {word: value for value, word in enumerate(_SMALL.split())}
SPELLED |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}


class OtherUnit(ValueError):
    """A number in another unit than the exercise asks for; the message is that unit."""


def plain(answer: object) -> object:
    """The answer without its wrapping: a scalar of NumPy, torch or decimal, or a 0-d array, as a number of Python.

    Tensors become arrays; what is in lists, tuples and dictionaries is unwrapped too. Everything else stays.
    """
    if hasattr(answer, "detach"):  # a tensor of torch, maybe one with a gradient
        answer = answer.detach().cpu().numpy()
    if isinstance(answer, np.generic) or (isinstance(answer, np.ndarray) and answer.ndim == 0):
        return answer.item()
    if isinstance(answer, Decimal):
        return float(answer)
    if isinstance(answer, Mapping):
        return {plain(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return type(answer)(map(plain, answer)) if type(answer) in (list, tuple) else answer
    return answer


def is_number(answer: object) -> bool:
    """Whether a plain answer is a real number; True and False are none."""
    return isinstance(answer, Real) and not isinstance(answer, bool)


def number(text: str, *, unit: str = "") -> float | None:
    """The number that a text says, in ``unit``; None where it says none. Raises :class:`OtherUnit`."""
    text = re.sub(r"(?<=\d),(?=\d)", ".", text.strip().casefold().replace("−", "-"))
    match = NUMBER.fullmatch(text)
    if match is None:
        return _spelled(text, unit)
    above, below, rest = match.group(1), float(match.group(2) or 1), match.group(3)
    if not below:
        return None
    if rest == "%" and not unit:
        return float(above) / below / 100
    _refuse_other_unit(rest, unit)
    return float(above) / below


def _spelled(text: str, unit: str) -> float | None:
    words = re.findall(r"[a-z]+", text)
    counted = [word for word in words if word in SPELLED or word in ("hundred", "and")]
    if not set(counted) - {"and"} or words[: len(counted)] != counted:
        return None
    _refuse_other_unit(" ".join(words[len(counted) :]), unit)
    value = 0
    for word in counted:
        value = max(value, 1) * 100 if word == "hundred" else value + SPELLED.get(word, 0)
    return float(value)


def _refuse_other_unit(rest: str, unit: str) -> None:
    if rest and rest not in UNITS.get(unit, set()):
        raise OtherUnit(rest)


def word(text: str) -> str:
    """A word in one form: small letters, one space for hyphens and underscores, no full stop or quotes around."""
    return re.sub(r"[\s_-]+", " ", text.casefold()).strip(" .'\"")


def same(answer: object, right: object, tolerance: float = TOLERANCE) -> bool:
    """Whether two answers agree: words in any letter case, numbers and arrays of one shape within tolerance."""
    answer, right = plain(answer), plain(right)
    if isinstance(right, str):
        return isinstance(answer, str) and word(answer) == word(right)
    if isinstance(right, bool):
        return isinstance(answer, bool) and answer == right
    if isinstance(right, Mapping):
        is_alike = isinstance(answer, Mapping) and set(answer) == set(right)
        return is_alike and all(same(answer[key], right[key], tolerance) for key in right)
    if isinstance(right, tuple) and isinstance(right[0], str):
        is_alike = isinstance(answer, tuple | list) and len(answer) == len(right)
        return is_alike and all(same(*pair, tolerance) for pair in zip(answer, right, strict=True))
    if isinstance(answer, bool | str):
        return False
    try:
        given, wanted = np.asarray(answer, dtype=float), np.asarray(right, dtype=float)
    except (TypeError, ValueError):
        return False
    return given.shape == wanted.shape and np.allclose(given, wanted, rtol=tolerance, atol=1e-9, equal_nan=True)
