"""What an exercise is: its right answer, the hints to typical mistakes, and when two answers are the same.

Conventions: numbers are right within 1 % of the answer, unless the exercise says otherwise; arrays element by element.
A wrong answer raises :class:`NotYet`, an AssertionError, as nbgrader's autograder expects.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

TOLERANCE = 0.01  # of the right number: rounding by hand is no mistake


class NotYet(AssertionError):
    """An answer that is not right yet; the message is the hint. Jupyter shows it without a stack trace."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


@dataclass(frozen=True)
class Exercise:
    """What is right: a number, a word, or a function with ``cases`` (arguments) to try it on; hint -> mistake."""

    right: object
    mistakes: Mapping[str, object] = field(default_factory=dict)
    hint: str = "work through the text above once more"
    cases: Sequence[tuple] = ()
    tolerance: float = TOLERANCE


def same(answer: object, right: object, tolerance: float = TOLERANCE) -> bool:
    """Whether two answers agree: words and truth values exactly, numbers and arrays of one shape within tolerance."""
    if isinstance(right, str | bool | np.bool_):
        return isinstance(answer, str | bool | np.bool_) and answer == right
    if isinstance(right, Mapping):
        is_alike = isinstance(answer, Mapping) and set(answer) == set(right)
        return is_alike and all(same(answer[key], right[key], tolerance) for key in right)
    if isinstance(right, tuple) and isinstance(right[0], str):
        is_alike = isinstance(answer, tuple | list) and len(answer) == len(right)
        return is_alike and all(same(*pair, tolerance) for pair in zip(answer, right, strict=True))
    try:
        given, wanted = np.asarray(answer, dtype=float), np.asarray(right, dtype=float)
    except (TypeError, ValueError):
        return False
    return given.shape == wanted.shape and np.allclose(given, wanted, rtol=tolerance, atol=1e-9, equal_nan=True)
