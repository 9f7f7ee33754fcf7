"""The verdict on the two weights follows from the numbers of the tables, whichever way they point."""

import pandas as pd
import pytest

from tonespan_utils.paper.weight_text import verdict_on_weights


def rows(*, exponents, rhos):
    """Two layers of one language; each rho with an interval of 0.1 on either side, each exponent of 0.05."""
    table = [
        ("mini/vanilla", "th", layer, weight, b, b - 0.05, b + 0.05, rho, rho - 0.1, rho + 0.1)
        for layer in ("1", "2") for weight, b, rho in zip(("none", "power"), exponents, rhos, strict=True)
    ]  # fmt: skip
    names = ["condition", "language", "layer", "weight", "exponent", "exponent_low", "exponent_high", "duration_rho",
             "duration_rho_low", "duration_rho_high"]  # fmt: skip
    front_end = [("mini/vanilla", "th", "cnn", weight, None, None, None, 0.9, 0.8, 1.0) for weight in ("none", "power")]
    other = [("mini/gender", "th", "1", weight, 5.0, 5.0, 5.0, 0.9, 0.8, 1.0) for weight in ("none", "power")]
    return pd.DataFrame([*table, *front_end, *other], columns=names)


def lines(plain, weighted):
    rows = [("gradient", "1", plain), ("gradient_power", "1", weighted), ("gradient", "cnn", 9.0)]
    return pd.DataFrame(rows, columns=["estimator", "layer", "slope"])


def test_the_weighted_span_is_believed_where_it_is_nearer_in_all_three():
    loaded = {"span_weights": rows(exponents=(-0.6, 0.4), rhos=(-0.37, -0.05)), "calibration_lines": lines(0.1, 0.55)}
    text = verdict_on_weights(loaded, "mini")
    assert "to the -0.60" in text and "weighted, to the +0.40 (+0.35 to +0.45)" in text
    assert "rho of 0.37 in size, weighted 0.05; its interval excludes 0 in 2 and 0 of 2 cases" in text
    assert "slope is 0.10, weighted 0.55" in text
    assert "By 3 of the 3 questions the weighted span is the one to be believed" in text


def test_the_paper_s_own_is_believed_where_it_is_nearer():
    loaded = {"span_weights": rows(exponents=(-0.1, 0.9), rhos=(0.02, -0.3))}
    text = verdict_on_weights(loaded, "mini")
    assert "planted" not in text, "`make validity` has not run"
    assert "By 2 of the 2 questions the unweighted span is the one to be believed" in text


def test_questions_that_disagree_are_said_to():
    loaded = {"span_weights": rows(exponents=(-0.1, 0.9), rhos=(-0.4, 0.1))}
    assert "Each weight is the nearer one as often" in verdict_on_weights(loaded, "mini")


def test_where_nothing_could_be_computed_no_weight_is_preferred():
    table = rows(exponents=(-0.6, 0.4), rhos=(0.1, 0.1))
    table[["exponent", "duration_rho"]] = float("nan")
    assert verdict_on_weights({"span_weights": table}, "mini").startswith("Neither weight can be preferred")


@pytest.mark.parametrize("missing", ["gradient", "gradient_power"])
def test_a_calibration_of_one_weight_alone_is_no_answer(missing):
    half = lines(0.1, 0.55).query("estimator != @missing")
    loaded = {"span_weights": rows(exponents=(-0.6, 0.4), rhos=(-0.4, 0.1)), "calibration_lines": half}
    assert "planted" not in verdict_on_weights(loaded, "mini")
