"""Gain is no feature: any recording or speaker may be made 20 dB louder or softer."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import level
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.instrument import front_ends
from tonespan_utils.params.tables import UTTERANCE_COLUMNS

RATE = SAMPLE_RATE


def speech(*, seconds: float = 0.8, hz: float = 150.0, seed: int = 0) -> np.ndarray:
    """A vowel that swells and fades twice over a faint noise floor."""
    times_s = np.arange(round(seconds * RATE)) / RATE
    envelope = np.abs(np.sin(2 * np.pi * times_s / seconds))
    vowel = sum(np.sin(2 * np.pi * k * hz * times_s) / k for k in range(1, 12))
    return (0.1 * envelope * vowel + 1e-4 * np.random.default_rng(seed).normal(size=times_s.size)).astype(np.float32)


def quiet(seconds: float) -> np.ndarray:
    return (1e-4 * np.random.default_rng(1).normal(size=round(seconds * RATE))).astype(np.float32)


def corpus_of(clips: dict[str, np.ndarray], speakers: dict[str, str]) -> Corpus:
    rows = [{"utterance_id": name, "speaker": speakers[name], "n_samples": len(clips[name])} for name in clips]
    utterances = pd.DataFrame(rows).reindex(columns=UTTERANCE_COLUMNS, fill_value="")
    return Corpus(utterances, pd.DataFrame(), lambda name: clips[name].copy(), pd.DataFrame(columns=["item", "reason"]))


def test_the_level_of_a_steady_sound_is_its_power():
    times_s = np.arange(RATE) / RATE
    assert level.active_db(0.5 * np.sin(2 * np.pi * 200 * times_s)) == pytest.approx(
        20 * np.log10(0.5) - 3.01, abs=0.01
    )


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_scaling_a_recording_changes_nothing(scale):
    plain = corpus_of({"a": speech()}, {"a": ""})
    scaled = corpus_of({"a": np.float32(scale) * speech()}, {"a": ""})
    expected = level.levelled(plain, by="recording").audio("a")
    np.testing.assert_allclose(level.levelled(scaled, by="recording").audio("a"), expected, rtol=1e-5, atol=1e-7)
    assert level.active_db(expected) == pytest.approx(level.TARGET_DB, abs=1e-3)


def test_pauses_before_and_after_change_nothing():
    padded = np.concatenate([quiet(3.0), speech(), quiet(5.0)])
    assert level.active_db(padded) == pytest.approx(level.active_db(speech()), abs=0.1)
    silent = np.concatenate([np.zeros(3 * RATE, np.float32), speech(), np.zeros(RATE, np.float32)])
    assert level.active_db(silent) == pytest.approx(level.active_db(speech()), abs=0.1)


@pytest.mark.parametrize("click_ms", [0.1, 2, 20])
def test_one_loud_click_changes_little(click_ms):
    struck = np.concatenate([quiet(0.3), 0.05 * speech(), quiet(0.3)])
    before = level.active_db(struck)
    struck[1000 : 1000 + max(1, round(click_ms * RATE / 1000))] = 1.0
    assert level.active_db(struck) == pytest.approx(before, abs=1.0)


def test_an_offset_is_no_sound():
    assert level.active_db(speech() + np.float32(0.3)) == pytest.approx(level.active_db(speech()), abs=0.01)


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(10), np.empty(0), np.full(RATE, 0.2)])
def test_silence_keeps_its_gain(samples):
    silent = corpus_of({"a": samples.astype(np.float32)}, {"a": "x"})
    for by in ("recording", "speaker"):
        np.testing.assert_array_equal(level.levelled(silent, by=by).audio("a"), samples.astype(np.float32))


def test_a_clip_shorter_than_a_frame_is_levelled():
    short = 0.01 * np.sin(np.arange(200))
    assert level.active_db(level.with_gain(short, level.gain_db(short))) == pytest.approx(level.TARGET_DB, abs=0.01)


def test_a_speaker_keeps_what_is_loud_and_soft_in_the_voice():
    clips = {"a1": speech(), "a2": 0.5 * speech(), "a3": 2 * speech(), "b1": 0.01 * speech(), "n1": 9 * speech()}
    spoken = corpus_of(clips, {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "n1": ""})
    even = level.levelled(spoken, by="speaker")
    levels = {name: level.active_db(even.audio(name)) for name in clips}
    assert [levels[name] for name in ("a1", "b1", "n1")] == pytest.approx([level.TARGET_DB] * 3, abs=0.01)
    assert levels["a3"] - levels["a2"] == pytest.approx(20 * np.log10(4), abs=0.01)
    scaled = {name: clip * np.float32(10 if name[0] == "a" else 1) for name, clip in clips.items()}
    louder = corpus_of(scaled, dict(spoken.utterances[["utterance_id", "speaker"]].to_numpy()))
    np.testing.assert_allclose(level.levelled(louder, by="speaker").audio("a2"), even.audio("a2"), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("by", ["recording", "speaker"])
def test_a_long_recording_is_in_memory_once(by):
    """numpy tells tracemalloc of its arrays; beside the samples there is their power, a number per 5 ms."""
    spoken = corpus_of({"a": np.tile(speech(), 100)}, {"a": "x"})
    even = level.levelled(spoken, by=by)
    tracemalloc.start()
    try:
        samples = even.audio("a")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * samples.nbytes
    assert level.active_db(samples) == pytest.approx(level.TARGET_DB, abs=0.01)


def test_none_leaves_everything():
    spoken = corpus_of({"a": speech()}, {"a": ""})
    assert level.levelled(spoken, by="none") is spoken


@pytest.mark.parametrize("frontend", ["logmel", "mfcc", "linear", "f0"])
def test_no_feature_depends_on_the_gain(frontend):
    clips = {"a": speech(), "b": speech(hz=210)}
    tokens = pd.DataFrame({"utterance_id": ["a", "b"], "center_s": [0.2, 0.6], "speaker": ["x", "y"]})
    settings = {"max_window_ms": 300, "hop_ms": 10, "analysis_window_ms": 25, "n_bands": 40, "n_mfcc": 13}

    def features(scale: float, by: str) -> np.ndarray:
        scaled = corpus_of({"a": clips["a"] * np.float32(scale), "b": clips["b"]}, {"a": "x", "b": "y"})
        return front_ends.token_features(level.levelled(scaled, by=by), tokens, frontend=frontend, **settings)

    for by in ("recording", "speaker"):
        np.testing.assert_allclose(features(10, by), features(0.1, by), atol=2e-3)
    if frontend in ("logmel", "linear"):
        assert np.abs(features(10, "none") - features(0.1, "none")).max() > 9  # log of a hundredfold power
