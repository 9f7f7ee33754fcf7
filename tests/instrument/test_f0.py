"""F0 contours against a pitch we drew ourselves."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tokens

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.instrument import f0

PRAAT = {"floor_hz": 75.0, "ceiling_hz": 400.0, "step_ms": 10.0}
CLOSE_ST = 0.3  # semitones: Praat's 40 ms window smooths a glide this much


def voice(hz: np.ndarray) -> np.ndarray:
    """A buzz with eight harmonics on the frequency contour ``hz`` (samples,)."""
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 9))).astype(np.float32)


def test_contour_follows_a_glide_of_an_octave_per_second():
    time_s = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    times, hz = f0.track(voice(100 * 2 ** (time_s - 1)), **PRAAT)
    offsets = np.arange(-100.0, 101.0, 20.0)
    contour = f0.contour(times, hz, 1.0, offsets, reference_hz=100.0)
    assert contour == pytest.approx(12 * offsets / 1000, abs=CLOSE_ST)


def test_noise_is_unvoiced_and_a_click_has_no_track():
    times, hz = f0.track(np.random.default_rng(0).normal(size=SAMPLE_RATE), **PRAAT)
    assert np.isnan(hz).mean() > 0.8 and times.size == hz.size
    assert f0.track(np.zeros(100), **PRAAT)[0].size == 0
    assert np.isnan(f0.contour(np.empty(0), np.empty(0), 0.1, np.array([0.0]), reference_hz=100)).all()


def test_token_contours_are_relative_to_the_speaker():
    tokens = make_tokens(n_utterances=2, per_utterance=1)
    audio = {"u0": voice(np.full(SAMPLE_RATE, 110.0)), "u1": voice(np.full(SAMPLE_RATE, 220.0))}
    corpus = Corpus(tokens, tokens, audio.__getitem__, pd.DataFrame())
    offsets, contours = f0.token_contours(corpus, tokens, window_ms=100, **PRAAT)
    assert offsets.tolist() == list(range(-50, 51, 10)) and contours.shape == (2, 11)
    assert np.nanmax(np.abs(contours)) < CLOSE_ST  # two speakers, each level on the own median
    _, together = f0.token_contours(corpus, tokens.assign(speaker=""), window_ms=100, **PRAAT)
    assert np.nanmean(together[1] - together[0]) == pytest.approx(12, abs=2 * CLOSE_ST)  # one: an octave apart


def test_summary_takes_quartiles_of_voiced_tokens_only():
    contours = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [np.nan]])
    row = f0.summary(np.array([0.0]), contours, np.array(["M"] * 6)).iloc[0]
    assert (row["low_st"], row["f0_st"], row["high_st"], row["n_tokens"]) == (2.0, 3.0, 4.0, 5)
    few = f0.summary(np.array([0.0]), contours[:4], np.array(["M"] * 4)).iloc[0]
    assert np.isnan(few["f0_st"]) and few["n_tokens"] == 4
