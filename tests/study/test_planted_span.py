"""What is measured on one planted width; the notebook itself runs in test_calibration."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.params import profile
from tonespan_utils.study import calibration, planted_span


def of_span(span_ms):
    given = profile.load("smoke")
    return planted_span.PlantedSpan(given, calibration.planted(given, span_ms), None, span_ms)


def test_all_front_ends_are_asked_only_where_robustness_is_looked_at():
    v = profile.load("smoke").validity
    robust, other = v.robust_span_ms[0], next(x for x in v.planted_span_ms if x not in v.robust_span_ms)
    assert planted_span.signal_frontends(of_span(other)) == [("logmel", "hann")]
    frontends = planted_span.signal_frontends(of_span(robust))
    assert len(set(frontends)) == 7 and frontends[0] == ("logmel", "hann") and frontends[-1] == ("f0", "praat")


def test_the_penalised_condition_belongs_to_the_span_of_the_sanity_checks():
    v = profile.load("smoke").validity
    other = next(x for x in v.planted_span_ms if x != v.sanity_span_ms)
    assert list(of_span(v.sanity_span_ms).conditions) == ["vanilla", "asr", "narrow_asr"]
    assert list(of_span(other).conditions) == ["vanilla", "asr"]


def test_draws_are_rows_of_their_span():
    table = of_span(100.0).draws("gradient", "asr", "1", np.array([80.0, 82.0]), 30)
    assert isinstance(table, pd.DataFrame) and table["width_ms"].tolist() == [80.0, 82.0]
    assert table["draw"].tolist() == [0, 1] and set(table["true_span_ms"]) == {100.0} and set(table["n_tokens"]) == {30}
    assert of_span(100.0).edges_ms[0] == pytest.approx(-profile.load("smoke").gradient.window_ms)
