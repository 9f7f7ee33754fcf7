"""The page on open question 1 tells the numbers of its tables, what was not found, and what was not measured."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.paper import real_speech
from tonespan_utils.params import profile

KEY = {"condition": "mini/vanilla", "language": "yue"}


@pytest.fixture
def params():
    return profile.load("recordings")


@pytest.fixture
def loaded():
    """Two readers and two layers of Cantonese by one speaker; Mandarin without a width and without names."""
    tokens = pd.DataFrame({"language": ["yue", "yue", "cmn"], "speaker": ["kt", "kt", ""]})
    cues = pd.DataFrame({
        "language": ["yue", "yue", "cmn"], "frontend": ["logmel", "f0", "logmel"], "span_ms": [151, 182, np.nan],
        "span_low_ms": [140, 170, np.nan], "span_high_ms": [160, 190, np.nan], "peak_f1": [0.81, 0.92, 0.31],
        "chance_f1": [0.16, 0.17, 0.26],
    })  # fmt: skip
    notes = cues[["language", "frontend"]].assign(
        n_tokens=[40, 40, 30], f1_low=[0.7, 0.9, 0.2], f1_high=[0.9, 0.95, 0.4], chance_high=0.3,
        reason=["", "", "F1 is not above chance"],
    )  # fmt: skip
    layers = pd.DataFrame({
        "layer": ["0", "1"], "f1": [0.5, 0.94], "f1_low": [0.4, 0.9], "f1_high": [0.6, 0.97], "span_ms": [101.0, 203.0],
        "span_low_ms": [90.0, 190.0], "span_high_ms": [110.0, 220.0],
    }).assign(**KEY)  # fmt: skip
    tuned = layers.assign(condition="mini/emotion", f1=0.77)
    weights = layers[["layer"]].assign(
        **KEY, weight="power", span_ms=[61.0, 72.0], ci_low_ms=[51.0, 62.0], ci_high_ms=[71.0, 82.0], null_span_ms=313.0
    )
    knee = pd.DataFrame({
        "layer": ["0", "1"], "knee_ms": [np.nan, 133.0], "ci_low_ms": [np.nan, 120.0], "ci_high_ms": [np.nan, 150.0],
        "note": ["the margin does not bend", ""],
    }).assign(**KEY)  # fmt: skip
    return {
        "tokens": tokens, "baseline_spans": cues, "baseline_notes": notes, "layer_curves": pd.concat([layers, tuned]),
        "span_weights": pd.concat([weights, weights.assign(weight="none", span_ms=999.0)]), "margin_knee": knee,
        "spans": layers[["layer"]].assign(**KEY, null_span_ms=488.0),
        "probe_chance": layers[["layer"]].assign(**KEY, chance_f1=[0.17, 0.18]),
    }  # fmt: skip


def test_every_reader_has_its_width_or_says_why_it_has_none(loaded, params):
    cues = real_speech.tables(loaded, params)["real_cues"].set_index(["language", "reader"])
    assert cues.loc[("Cantonese", "log-Mel"), "cue width (ms)"] == "151 [140, 160]"
    assert cues.loc[("Cantonese", "F0 alone"), "cue width (ms)"] == "182 [170, 190]"
    assert cues.loc[("Mandarin", "log-Mel"), "cue width (ms)"] == "none: F1 is not above chance"
    assert cues.loc[("Cantonese", "log-Mel"), ["speakers", "tokens", "F1", "chance"]].tolist() == [
        1, 40, "0.81 [0.70, 0.90]", "0.16",
    ]  # fmt: skip


def test_every_layer_has_both_spans_their_nulls_and_its_knee(loaded, params):
    layers = real_speech.tables(loaded, params)["real_layers"]
    assert layers.iloc[1].tolist() == [
        "Cantonese", "mini", "1", "0.94 [0.90, 0.97]", "0.18", "203 [190, 220]", "488", "72 [62, 82]", "313",
        "133 [120, 150]",
    ]  # fmt: skip
    assert layers["margin knee (ms)"].iloc[0] == "none: the margin does not bend"
    assert "0.77" not in layers.to_csv(), "what fine-tuning changes is not told here"


def test_a_language_without_recordings_says_so(loaded, params):
    for table in real_speech.tables(loaded, params).values():
        absent = table[table.eq(real_speech.NOT_MEASURED).any(axis=1)]["language"].tolist()
        assert absent == ["Burmese", "Thai", "Lao", "Vietnamese", "Yoruba", "Mboshi", "Mandarin syllables"]


def test_the_text_counts_speakers_and_names_what_is_missing(loaded, params):
    text = real_speech.text(loaded, params)
    assert "Mandarin (speakers not named), Cantonese (1 speaker)." in text
    assert "Of the paper's four languages not measured here: Burmese, Thai, Lao, Vietnamese." in text
    assert "Mandarin, Cantonese: too few voices" in text


def test_synthetic_speech_has_no_such_page():
    assert real_speech.tables({}, SimpleNamespace(speech=SimpleNamespace(source="synthetic"))) == {}
