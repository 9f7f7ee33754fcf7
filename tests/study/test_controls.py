"""The board's controls: effects made on purpose are called, seeds and shuffled names are not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_results import CLAIMS, LAYERS, make_study
from fake_results import _scores as scores_of

from tonespan_utils.params import conditions
from tonespan_utils.study import controls, learned, token_values


def scores(*names, better=True):
    table = pd.concat([scores_of(conditions.parse(name)) for name in names])
    if better:
        return table
    return table.assign(value=table["value"].where(~table["metric"].str.endswith("_null"), 0.5))


@pytest.fixture(scope="module")
def counted():
    made = make_study(["vanilla", "asr-th", "asr-cmn", "asr-en", "emotion", "gender", "narrow_asr-th"])
    narrow = made.values["mini/asr-th", "th"], made.values["mini/narrow_asr-th", "th"]
    shorter = {
        measure: replace(each, values=each.values - 60.0 * (measure == "span_ms"))
        for measure, each in narrow[0].by_measure.items()
    }
    values = dict(made.values) | {("mini/narrow_asr-th", "th"): replace(narrow[1], by_measure=shorter)}
    table = controls.table(
        values, made.predictions, scores("mini/emotion", "mini/shuffled_emotion"), params=CLAIMS, level=0.95, seed=0
    )
    return table.set_index(["control", "measure"])


def test_what_was_made_on_purpose_is_called(counted):
    assert counted.loc[("narrow penalty", "span_ms"), ["n_asked", "n_called", "share"]].tolist() == [1, 1, 1.0]
    assert counted.loc[("planted effect", "span_ms"), "share"] == counted.loc[("tone lost", "f1"), "share"] == 1.0
    assert counted.loc[("tone lost", "f1"), "n_asked"] == 1
    assert (counted.loc[["wide penalty", "pitch teacher"], "n_asked"] == 0).all()
    assert counted.loc[["wide penalty", "pitch teacher"], "share"].isna().all()


def test_two_trainings_of_one_condition_are_seldom_told_apart(counted):
    spans, f1 = counted.loc[("two seeds", "span_ms")], counted.loc[("two seeds", "f1")]
    assert spans["n_asked"] == f1["n_asked"] == 6 and spans["n_called"] == 0 and f1["n_called"] <= 1


def test_shuffled_names_are_called_as_often_as_the_level_says(counted):
    n = counted.loc["shuffled names"]
    assert (n["n_asked"] == 6 * controls.N_SHUFFLES).all() and (n["share"] <= 0.05 + 2 * 0.02).all()


def test_a_training_on_shuffled_labels_that_passes_is_counted():
    assert learned.why_not(scores("mini/emotion", "mini/shuffled_emotion", better=False)).keys() == {"mini/emotion"}
    made = make_study(["vanilla"])
    table = controls.table(
        made.values, made.predictions, scores("mini/shuffled_emotion"), params=CLAIMS, level=0.95, seed=0
    )
    assert table.set_index("control").loc["shuffled labels", ["n_asked", "n_called"]].tolist() == [2, 0]
    passing = scores("mini/shuffled_emotion")
    passing = passing.assign(value=passing["value"].where(~passing["metric"].str.endswith("_null"), 0.1))
    table = controls.table(made.values, made.predictions, passing, params=CLAIMS, level=0.95, seed=0).set_index(
        "control"
    )
    assert table.loc["shuffled labels", "n_called"] == 2


@pytest.mark.parametrize(
    ("metric", "low", "high", "null", "reason"),
    [
        ("cer", 0.2, 0.3, 0.9, ""),
        ("cer", 0.8, 0.95, 0.9, "cer 0.50 [0.80, 0.95], chance 0.90"),
        ("eer", 0.1, 0.2, 0.5, ""),
        ("accuracy", 0.6, 0.7, 0.5, ""),
        ("accuracy", 0.45, 0.7, 0.5, "accuracy 0.50 [0.45, 0.70], chance 0.50"),
        ("macro_f1", np.nan, np.nan, 0.2, "macro_f1 0.50 [nan, nan], chance 0.20"),
    ],
)
def test_learned_is_an_interval_wholly_better_than_chance(metric, low, high, null, reason):
    values = {"": 0.5, "_ci_low": low, "_ci_high": high, "_null": null}
    assert learned.reason(pd.Series({metric + name: value for name, value in values.items()})) == reason


def test_an_asr_that_reads_but_does_not_tell_tones_apart_has_learned_its_task():
    values = {"cer": 0.3, "cer_ci_low": 0.25, "cer_ci_high": 0.35, "cer_null": 0.9}
    tones = {"tone_error_rate": 0.8, "tone_error_rate_ci_low": 0.7, "tone_error_rate_ci_high": 0.9}
    assert (
        learned.reason(pd.Series(values | tones | {"tone_error_rate_null": 0.8, "minimal_pair_error_null": 0.5})) == ""
    )


def test_one_seed_that_has_not_learned_stands_for_its_condition():
    table = scores("mini/emotion", better=False)
    null = (table["metric"].str.endswith("_null")) & (table["seed"] == 0)
    table = table.assign(value=table["value"].mask(null, 0.2))
    assert learned.why_not(table).keys() == {"mini/emotion"}
    assert learned.why_not(table)["mini/emotion"].startswith("seed 1: ")


def test_the_encoders_with_a_narrow_and_a_wide_teacher_are_read_from_the_parameters():
    made = make_study(["vanilla"], languages=("th", "vi"))
    values = {}
    for name, shift_ms in (("narrow", -40.0), ("wide", 40.0)):
        for (_, language), each in made.values.items():
            span = each.by_measure["span_ms"]
            moved = dict(each.by_measure) | {"span_ms": replace(span, values=span.values + shift_ms)}
            condition = conditions.parse(f"{name}/vanilla")
            values[condition.name, language] = replace(each, condition=condition, by_measure=moved)
    made = replace(made, predictions=made.predictions.iloc[:0])
    named = CLAIMS.model_copy(update={"narrow_encoder": "narrow", "wide_encoder": "wide"})
    table = controls.table(
        values, made.predictions, scores("mini/emotion"), params=named, level=0.95, seed=0
    ).set_index("control")
    assert table.loc["pitch teacher", ["n_asked", "n_called"]].tolist() == [2, 2]
    turned = named.model_copy(update={"narrow_encoder": "wide", "wide_encoder": "narrow"})
    table = controls.table(
        values, made.predictions, scores("mini/emotion"), params=turned, level=0.95, seed=0
    ).set_index("control")
    assert table.loc["pitch teacher", ["n_asked", "n_called"]].tolist() == [2, 0]


def test_values_of_a_missing_layer_are_not_measured():
    values = make_study(["vanilla"]).values["mini/vanilla", "th"]
    assert values.sample("span_ms", ["9"]) is None and values.sample("influence", ["2"]) is None
    assert token_values.halves(LAYERS, 0.5) == (["2", "3", "4"], ["1"])
