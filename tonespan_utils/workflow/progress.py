"""How far a run is: steps done, their share, and the time that is left.

The time left is the work that is left over the number of steps that run side by side. The work of a step is what its
rule takes (:mod:`.step_times`), times how much slower or faster the steps that have ended were, and what of it is done
goes off. A rule whose steps have ended in this run goes by them. Until enough has ended the time is called a first
guess; where nothing is known of the profile, and nothing has ended, it is not named.

Conventions: seconds of one clock, given by the caller; nothing here looks at a clock.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tonespan_utils.workflow.step_times import StepTimes

SURE_SHARE = 0.1  # of the work has to be done before the time left is more than a first guess
PRIOR_SHARE = 0.05  # of the work: how much the stored times of this profile count beside those that were measured


@dataclass(frozen=True)
class Step:
    """One step of a run: its rule, and its name for the table of times."""

    rule: str
    name: str


@dataclass
class Progress:
    """The state of a run. ``lanes``: how many steps run side by side; None where that is seen as the run goes."""

    times: StepTimes
    lanes: int | None
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # of the steps that have ended, by name
    _ended: list[tuple[str, float]] = field(default_factory=list)  # rule, seconds
    _began: dict[int, tuple[Step, float]] = field(default_factory=dict)
    _first_s: float | None = None

    def plan(self, counts: Mapping[str, int]) -> None:
        """Say how many steps of each rule there are to do."""
        self.counts = dict(counts)

    def begin(self, job: int, step: Step, at_s: float) -> None:
        """A step began; one that is tried again begins anew."""
        self._first_s = at_s if self._first_s is None else self._first_s
        self._began[job] = (step, at_s)

    def end(self, job: int, at_s: float) -> None:
        """A step has ended well."""
        step, began_s = self._began.pop(job)
        self._ended.append((step.rule, at_s - began_s))
        self.seconds[step.name] = at_s - began_s

    def fail(self, job: int) -> None:
        """A step has failed: it is still to be done."""
        self._began.pop(job, None)

    @property
    def n_steps(self) -> int:
        return sum(self.counts.values())

    @property
    def n_ended(self) -> int:
        return len(self._ended)

    @property
    def position(self) -> str:
        """``[12/52] 23 %``."""
        return f"[{self.n_ended}/{self.n_steps}] {100 * self.n_ended // max(self.n_steps, 1)} %"

    def left(self, at_s: float) -> str:
        """The time left in words: ``about 9 min left``; the empty string where nothing is left."""
        if self.n_ended == self.n_steps:
            return ""
        if not self.times.are_of_profile and not self._ended:
            return "time left not known yet"
        guess = "" if self._share_ended >= SURE_SHARE else ", at a first guess"
        return f"{in_words(self.left_s(at_s))} left{guess}"

    def left_s(self, at_s: float) -> float:
        """Seconds until the last step ends, about."""
        work = sum(n * self._expected(rule) for rule, n in self._remaining().items())
        work -= sum(min(at_s - began_s, self._expected(step.rule)) for step, began_s in self._began.values())
        return max(work, 0.0) / min(self._lanes(at_s), max(self.n_steps - self.n_ended, 1))

    @property
    def _share_ended(self) -> float:
        """The share of the work, by the stored times, that has ended."""
        return sum(self.times.of(rule) for rule, _ in self._ended) / max(self._planned_s, 1e-9)

    @property
    def _planned_s(self) -> float:
        return sum(n * self.times.of(rule) for rule, n in self.counts.items())

    def _remaining(self) -> dict[str, int]:
        ended = [rule for rule, _ in self._ended]
        return {rule: n - ended.count(rule) for rule, n in self.counts.items()}

    def _pace(self) -> float:
        """How much longer the steps that have ended took than the stored times say."""
        prior_s = PRIOR_SHARE * self._planned_s if self.times.are_of_profile else 0.0
        stored_s = sum(self.times.of(rule) for rule, _ in self._ended)
        return (sum(s for _, s in self._ended) + prior_s) / (stored_s + prior_s) if stored_s + prior_s else 1.0

    def _expected(self, rule: str) -> float:
        """Seconds of a step to come: the mean of its rule in this run, and of one step at the stored time and pace."""
        ended = [seconds for each, seconds in self._ended if each == rule]
        return (sum(ended) + self._pace() * self.times.of(rule)) / (len(ended) + 1)

    def _lanes(self, at_s: float) -> float:
        if self.lanes is not None:
            return self.lanes
        worked_s = sum(s for _, s in self._ended) + sum(at_s - began_s for _, began_s in self._began.values())
        return max(1.0, worked_s / max(at_s - (self._first_s if self._first_s is not None else at_s), 1e-9))


def in_words(seconds: float) -> str:
    """A time as one says it: ``less than a minute``, ``about 9 min``, ``about 3.5 h``."""
    if seconds < 45:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"about {max(minutes, 1)} min" if minutes < 90 else f"about {seconds / 3600:.1f} h"
