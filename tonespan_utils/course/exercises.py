"""What an exercise is: its right answer, typical mistakes, and three hints, of which the last alone has the formula.

A wrong answer raises :class:`NotYet`, an AssertionError, as nbgrader's autograder expects. The first wrong answer is
asked a question: that of the mistake it comes from, or the exercise's. The second gets a pointer too, the third the
formula. An answer that was given before is no new try (:class:`Tries`).

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tonespan_utils.course.answers import TOLERANCE


class NotYet(AssertionError):
    """An answer that is not right yet; the message is the hint. Jupyter shows it without a stack trace."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


@dataclass(frozen=True)
class Hints:
    """What a wrong answer is told: at the first try a question, at the second a pointer, from the third the formula."""

    question: str
    pointer: str
    formula: str

    def at(self, attempt: int) -> str:
        """The hint for an attempt, counted from 1."""
        return (self.question, self.pointer, self.formula)[min(attempt, 3) - 1]


@dataclass(frozen=True)
class Exercise:
    """What is right: a number in ``unit``, a word, or a function with ``cases`` (arguments) to try it on.

    ``mistakes``: the question that a mistake is asked -> the number, word or function it leads to. ``words``: what else
    a student may write -> the word that the exercise knows.
    """

    right: object
    hints: Hints
    mistakes: Mapping[str, object] = field(default_factory=dict)
    cases: Sequence[tuple] = ()
    tolerance: float = TOLERANCE
    unit: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def says(self, attempt: int, question: str | None) -> str:
        """The hint for an attempt, counted from 1, after the ``question`` of the mistake that was made, if any."""
        if question is None:
            return self.hints.at(attempt)
        return question if attempt == 1 else f"{question} {self.hints.at(attempt)}"


class Tries:
    """How many different wrong answers each exercise got in this kernel."""

    def __init__(self) -> None:
        self._answers: dict[str, set[str]] = {}

    def count(self, exercise: str, answer: str) -> int:
        """How many different wrong answers there are with this ``answer``, given as text."""
        answers = self._answers.setdefault(exercise, set())
        answers.add(answer)
        return len(answers)

    def forget(self, exercise: str) -> None:
        """Begin again, as after a right answer."""
        self._answers.pop(exercise, None)
