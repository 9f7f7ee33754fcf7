"""Confusions of a sweep, and readers of the sounds alone, on tokens whose answer is counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_tokens

from tonespan_utils.instrument import confusions
from tonespan_utils.instrument.cue_width import Sweep
from tonespan_utils.params import profile


def test_confusions_are_those_of_the_window_with_the_highest_f1():
    tone = np.array(["a", "a", "a", "b", "b"])
    predicted = np.array([["b", "b", "b", "a", "a"], ["a", "a", "b", "b", "b"]])
    table = confusions.of_sweep(Sweep(np.array([20.0, 100.0]), tone, predicted, np.zeros(5), tone))
    assert set(table["window_ms"]) == {100.0}
    counted = table.set_index(["tone", "predicted"])["n"].to_dict()
    assert counted == {("a", "a"): 2, ("a", "b"): 1, ("b", "a"): 0, ("b", "b"): 2}
    assert table.groupby("tone")["share"].sum().tolist() == pytest.approx([1, 1])


@pytest.fixture
def given():
    return profile.load("smoke").baseline


SETTINGS = {"n_resamples": 50, "level": 0.95, "seed": 0}


@pytest.mark.parametrize("column", ["ipa", "syllable"])
def test_sounds_that_go_with_a_tone_give_it_away(given, column):
    tokens = make_tokens(24, 3)
    names = {"ipa": "", "syllable": ""} | {column: tokens["tone"].map({"rise": "ta", "fall": "to"})}
    scored = confusions.by_sounds(tokens.assign(**names), given, **SETTINGS).set_index("reader")
    assert scored.loc["sounds", ["macro_f1", "ci_low", "ci_high"]].tolist() == [1, 1, 1]
    assert scored.loc["sounds", "chance_f1"] == pytest.approx(0.5, abs=0.05)
    assert scored.loc["commonest tone", "macro_f1"] < 0.6


def test_sounds_that_go_with_no_tone_give_nothing_away(given):
    tokens = make_tokens(40, 3)
    scored = confusions.by_sounds(tokens.assign(ipa="ta"), given, **SETTINGS).set_index("reader")
    row = scored.loc["sounds"]
    assert row["macro_f1"] < 0.55 and row["n_tokens"] == len(tokens) and row["ci_low"] <= row["macro_f1"]
    pd.testing.assert_series_equal(row, scored.loc["commonest tone"], check_names=False)
