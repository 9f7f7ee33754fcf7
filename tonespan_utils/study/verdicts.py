"""From estimates to a verdict: supported, contradicted, too small to matter, undecided; or not tested.

- *supported*: the whole interval of the statistic satisfies the claim.
- *contradicted*: none of it does.
- *too small to matter*: two one-sided tests place the effect within plus and minus the smallest effect of interest.
  This goes before the other two: an effect that is surely there and surely negligible is negligible.
- *undecided*: none of these.
- *not tested*: what it needs is not there, is no finding, or a model of it has not learned its task.
- *by construction*: the answer was planted in synthetic speech, and counts as no support.

A claim that says several things at once is the conjunction of its parts. It is supported where every part is (an
intersection-union test, which needs no correction), and contradicted, or too small to matter, where some part is: there
each of k parts is tested at 1/k of the error, since one of many will seem so by chance.

Conventions: ``p_value`` is that of the verdict, two-sided where there are two sides, to be held against 1 - level; of
what is undecided, the smallest of its alternatives. It is what Holm's correction is made of.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tonespan_utils.statistics import decisions, estimates
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.statistics.estimates import Estimate, Seeds

SUPPORTED, CONTRADICTED, TOO_SMALL = "supported", "contradicted", "too small to matter"
UNDECIDED, NOT_TESTED, BY_CONSTRUCTION = "undecided", "not tested", "by construction"
VERDICTS = {
    SUPPORTED: "✓", CONTRADICTED: "✗", TOO_SMALL: "≈", UNDECIDED: "?", BY_CONSTRUCTION: "=", NOT_TESTED: "–",
}  # fmt: skip
EVERY = "all"  # in the place of a language: their mean
TESTED = (SUPPORTED, CONTRADICTED, TOO_SMALL, UNDECIDED)  # what a tally counts


@dataclass(frozen=True)
class Decision:
    """A verdict with its p value."""

    verdict: str
    p_value: float


def decide(
    parts: Sequence[Estimate], seeds: Seeds, *, relation: str, bound: float, smallest: float, level: float
) -> Decision:
    """The verdict on the conjunction of ``parts``; ``smallest``: an effect that just matters, nan where none is stated.

    Raises KeyError for a relation that there is not. Notebook: notebooks/05_rcom_comparison
    """
    k = len(parts)
    p_of = [_p_values(part, seeds, relation=relation, bound=bound, smallest=smallest, k=k) for part in parts]
    verdicts = [_verdict(p, level) for p in p_of]
    for verdict in (CONTRADICTED, TOO_SMALL):
        if verdict in verdicts:
            return Decision(verdict, min(p[verdict] for p, of in zip(p_of, verdicts, strict=True) if of == verdict))
    p_supported = max(p[SUPPORTED] for p in p_of)
    if set(verdicts) == {SUPPORTED}:
        return Decision(SUPPORTED, p_supported)
    return Decision(UNDECIDED, min(p_supported, *(p[name] for p in p_of for name in (CONTRADICTED, TOO_SMALL))))


def _p_values(
    part: Estimate, seeds: Seeds, *, relation: str, bound: float, smallest: float, k: int
) -> Mapping[str, float]:
    """P values of each verdict on one of ``k`` parts, to be held against 1 - level."""
    above, below = decisions.p_above(part, seeds, bound), decisions.p_below(part, seeds, bound)
    small = 1.0 if np.isnan(smallest) else decisions.p_small(part, seeds, smallest)
    supported, contradicted = {
        "<": (2 * below, 2 * above),
        ">": (2 * above, 2 * below),
        "within": (decisions.p_small(part, seeds, bound), 2 * min(above, decisions.p_below(part, seeds, -bound))),
    }[relation]
    raw = {SUPPORTED: supported, CONTRADICTED: k * contradicted, TOO_SMALL: k * small}
    return {verdict: min(p, 1.0) for verdict, p in raw.items()}


def _verdict(p: Mapping[str, float], level: float) -> str:
    reached = (verdict for verdict in (TOO_SMALL, CONTRADICTED, SUPPORTED) if p[verdict] < 1 - level)
    return next(reached, UNDECIDED)


def worst(parts: Sequence[Estimate], seeds: Seeds, *, relation: str, level: float) -> Interval:
    """What is shown of a conjunction: the least favourable value and ends among the intervals of its parts.

    The favourable side of ``within`` is 0: there the part that is furthest from it is shown.
    """
    intervals = [estimates.interval(part, seeds, level=level) for part in parts]
    if relation == "within":
        return max(intervals, key=lambda each: abs(each.value))
    pick = np.max if relation == "<" else np.min
    return Interval(*(float(pick([getattr(part, end) for part in intervals])) for end in ("value", "low", "high")))


def after_holm(verdicts: Sequence[str], p_values: Sequence[float], *, level: float) -> list[str]:
    """The verdicts that stand when their number is allowed for (Holm 1979), the others undecided; what was not tested,
    or is by construction, stays as it is.
    """
    tested_p = [p if verdict in TESTED else np.nan for verdict, p in zip(verdicts, p_values, strict=True)]
    corrected = decisions.holm(tested_p)
    return [
        UNDECIDED if verdict in TESTED and not p < 1 - level else verdict
        for verdict, p in zip(verdicts, corrected, strict=True)
    ]
