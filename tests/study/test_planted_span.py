"""What is measured on one planted width; the notebook itself runs in test_calibration."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.instrument.margins import Margins
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


def test_knees_are_draws_of_every_layer_and_nan_where_the_probe_knows_nothing(monkeypatch):
    widths = [20.0, 40.0, 60.0, 90.0, 150.0]
    rng, gain = np.random.default_rng(0), 3 * np.minimum(np.array(widths) / 60, 1)
    by_token = np.concatenate([[3.0, 0.0], gain, 3 - gain]) + rng.normal(0, 0.1, (20, 12))
    rows = pd.DataFrame({"token_id": [f"t{i}" for i in range(20)], "utterance_id": [f"u{i}" for i in range(20)]})
    measured = Margins({"cnn": by_token, "1": by_token}, rows, widths)
    monkeypatch.setattr(planted_span.PlantedSpan, "eligible", lambda self, n_tokens: rows)
    monkeypatch.setattr(planted_span.pitch_versions, "of_corpus", lambda *a, **k: None)
    monkeypatch.setattr(planted_span.margins, "measure", lambda *a: measured)
    truth = np.array(["rise", "fall"] * 20)
    guessed = rng.permutation(truth)
    answers = {"cnn": guessed, "1": truth}
    names = np.array([f"u{i}" for i in range(40)])
    scored = [({"condition": "asr", "layer": k, "metric": "f1_probe"}, truth, a, names) for k, a in answers.items()]
    none, knee = planted_span.margin_knees(of_span(100.0), "asr", None, {}, scored)
    assert set(none["estimator"]) == {"margin_knee"} and none["width_ms"].isna().all()
    assert knee["width_ms"].iloc[0] == pytest.approx(120, abs=6) and knee["layer"].iloc[0] == "1"
    assert knee["draw"].tolist() == list(range(len(knee))) and knee["width_ms"].iloc[1:].between(100, 140).all()
