"""What is asked of one planted span; the notebook itself runs in test_calibration."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.params import profile
from tonespan_utils.study import calibration, planted_span


def of_span(span_ms, language="lo"):
    given = profile.load("smoke")
    planted = calibration.planted(given, span_ms, language=language)
    return planted_span.PlantedSpan(given, planted, None, span_ms, language)


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


def test_another_language_has_folders_of_its_own_and_is_asked_the_quick_half():
    v = profile.load("smoke").validity
    crossed, main = of_span(v.robust_span_ms[0], "th"), of_span(v.robust_span_ms[0])
    assert (crossed.name, main.name) == ("span100-th", "span100")
    assert crossed.planted.results != main.planted.results
    assert crossed.planted.synthetic.planted_span_ms == {"th": 100.0} and crossed.planted.speech.tonal == ["th"]
    assert planted_span.signal_frontends(crossed) == [("logmel", "hann")]
    assert list(of_span(v.sanity_span_ms, "th").conditions) == ["vanilla", "asr"] and not crossed.is_main


def test_draws_are_rows_of_their_span():
    table = of_span(100.0).draws("gradient", "asr", "1", np.array([80.0, 82.0]), 30)
    assert isinstance(table, pd.DataFrame) and table["width_ms"].tolist() == [80.0, 82.0]
    assert table["draw"].tolist() == [0, 1] and set(table["true_span_ms"]) == {100.0} and set(table["n_tokens"]) == {30}
    assert of_span(100.0).edges_ms[0] == pytest.approx(-profile.load("smoke").gradient.window_ms)
