"""Each verdict at the edge of its intervals, conjunctions against their parts, and their number allowed for."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.statistics.estimates import Estimate, Seeds
from tonespan_utils.study import cue_claims, verdicts

NO_SEEDS = Seeds()


def estimate(value, sd):
    """A mean of 60 tokens whose interval at 95 % is the value plus and minus 2 sd."""
    errors = np.resize([1.0, -1.0], 60)
    return Estimate(value, pd.Series(errors * sd / np.sqrt(60 * 60 / 59), index=range(60)), {}, 60, 0)


def decide(*parts, relation=">", bound=0.0, smallest=20.0):
    estimates = [estimate(*part) for part in parts]
    return verdicts.decide(estimates, NO_SEEDS, relation=relation, bound=bound, smallest=smallest, level=0.95)


@pytest.mark.parametrize(
    ("value", "sd", "relation", "expected"),
    [
        (50.0, 10.0, ">", "supported"),  # [30, 70]
        (50.0, 10.0, "<", "contradicted"),
        (50.0, 30.0, ">", "undecided"),  # [-10, 110]
        (5.0, 2.0, ">", "too small to matter"),  # [1, 9]: surely above 0, and surely below 20
        (-5.0, 2.0, ">", "too small to matter"),
        (18.0, 4.0, ">", "supported"),  # [10, 26] may matter
        (0.0, 15.0, ">", "undecided"),
        (0.0, 40.0, "<", "undecided"),
    ],
)
def test_each_verdict_follows_from_the_interval(value, sd, relation, expected):
    assert decide((value, sd), relation=relation).verdict == expected


@pytest.mark.parametrize(
    ("value", "sd", "expected"),
    [(0.0, 5.0, "supported"), (18.0, 5.0, "undecided"), (40.0, 5.0, "contradicted"), (-40.0, 5.0, "contradicted")],
)
def test_within_a_bound_is_two_one_sided_tests(value, sd, expected):
    assert decide((value, sd), relation="within", bound=20.0, smallest=np.nan).verdict == expected


def test_a_distance_may_be_below_a_bound_and_no_smallest_effect_is_asked_for():
    assert decide((5.0, 3.0), relation="<", bound=20.0, smallest=np.nan).verdict == "supported"
    assert decide((40.0, 3.0), relation="<", bound=20.0, smallest=np.nan).verdict == "contradicted"


def test_a_conjunction_needs_every_part_and_falls_with_one():
    assert decide((50.0, 5.0), (60.0, 5.0)).verdict == "supported"
    assert decide((50.0, 5.0), (60.0, 5.0), (-50.0, 5.0)).verdict == "contradicted"
    assert decide((50.0, 5.0), (1.0, 5.0)).verdict == "too small to matter"
    assert decide((1.0, 5.0), (-50.0, 5.0)).verdict == "contradicted", "what is against it goes before what is small"
    assert decide((50.0, 5.0), (30.0, 20.0)).verdict == "undecided"


def test_many_parts_without_effect_seldom_contradict_a_claim():
    """Uncorrected, one of 20 parts without effect lies beyond 0 by chance up to 40 % of the time."""
    rng = np.random.default_rng(0)
    false, plain = [], []
    for _ in range(200):
        values = rng.normal(0, 30.0, 20)
        false.append(decide(*((value, 30.0) for value in values)).verdict == "contradicted")
        plain.append((values < -2 * 30.0).any())
    assert np.mean(plain) > 0.25 and np.mean(false) <= 0.05


def test_without_a_standard_error_nothing_is_decided():
    single = Estimate(90.0, pd.Series([0.0], index=["u"]), {}, 4, 0)
    decision = verdicts.decide([single], NO_SEEDS, relation=">", bound=0, smallest=20, level=0.95)
    assert (decision.verdict, decision.p_value) == ("undecided", 1.0)


def test_p_values_are_those_of_the_verdict():
    assert decide((50.0, 10.0)).p_value < 0.001 < decide((21.0, 10.0)).p_value < 0.05
    assert decide((0.0, 40.0)).p_value > 0.05


@pytest.mark.parametrize("relation", ["<", ">"])
def test_what_is_shown_of_a_conjunction_is_its_least_favourable_part(relation):
    shown = verdicts.worst([estimate(10.0, 2.0), estimate(-30.0, 8.0)], NO_SEEDS, relation=relation, level=0.95)
    assert shown.value == (10.0 if relation == "<" else -30.0)
    assert shown.low <= shown.value <= shown.high


def test_holm_keeps_what_is_sure_and_leaves_the_untested_alone():
    said = ["supported", "supported", "not tested", "by construction", "undecided", "contradicted"]
    corrected = verdicts.after_holm(said, [1e-6, 0.03, np.nan, np.nan, 0.6, 0.001], level=0.95)
    assert corrected == ["supported", "undecided", "not tested", "by construction", "undecided", "contradicted"]


@pytest.mark.parametrize(
    ("interval", "relation", "bound", "expected"),
    [
        ((-3, -1), "<", 0, "supported"),
        ((-3, 1), "<", 0, "undecided"),
        ((1, 3), "<", 0, "contradicted"),
        ((-3, 0), "<", 0, "undecided"),
        ((0, 3), "<", 0, "contradicted"),
        ((1, 3), ">", 0, "supported"),
        ((-3, 0), ">", 0, "contradicted"),
        ((np.nan, np.nan), "<", 0, "undecided"),
        ((np.nan, -1), "<", 0, "undecided"),
    ],
)
def test_a_cue_width_needs_its_whole_interval_on_one_side(interval, relation, bound, expected):
    assert cue_claims.verdict_of(Interval(0, *interval), relation, bound) == expected
