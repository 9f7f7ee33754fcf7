"""Breath, creak and noise as Praat measures them, on simulated syllables and on signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from phonation import syllable

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.instrument import phonation

CLOCK_S = np.arange(SAMPLE_RATE) / SAMPLE_RATE


def middles(kind: str) -> np.ndarray:
    """Mean tilt, HNR and CPP over the middle of the vowel of eight speakers."""
    means = []
    for seed in range(8):
        made = syllable(phonation=kind, contour="level", onset="", coda="", seed=seed)
        at_s = made.start_s + (made.end_s - made.start_s) * np.linspace(0.3, 0.7, 5)
        means.append(phonation.of_frames(made.samples, at_s).mean(axis=0))
    return np.mean(means, axis=0)


def test_breath_lowers_harmonics_and_the_cepstral_peak():
    modal, breathy = middles("modal"), middles("breathy")
    assert breathy[1] < modal[1] - 3 and breathy[2] < modal[2] - 3


def test_creak_lowers_harmonics():
    assert middles("creaky")[1] < middles("modal")[1] - 3


def test_harmonics_to_noise_is_the_ratio_that_was_mixed():
    tone = np.sqrt(2) * np.sin(2 * np.pi * 150 * CLOCK_S)
    noise = np.random.default_rng(1).normal(0, 1, CLOCK_S.size)
    for ratio_db in (0.0, 10.0, 20.0):
        mixed = 0.05 * (tone * 10 ** (ratio_db / 20) + noise)
        measured = phonation.of_frames(mixed, np.linspace(0.2, 0.8, 13))[:, 1].mean()
        assert measured == pytest.approx(ratio_db, abs=1.5)
        share = phonation.periodicity(np.array([measured]))[0]
        assert share == pytest.approx(10 ** (measured / 10) / (1 + 10 ** (measured / 10)))


def test_tilt_is_the_level_above_1_khz_over_that_below():
    both = np.sin(2 * np.pi * 500 * CLOCK_S) + 0.1 * np.sin(2 * np.pi * 2000 * CLOCK_S)
    tilt = phonation.of_frames(both, [0.4, 0.6])[:, 0]
    assert tilt == pytest.approx(-20, abs=0.1)


def test_loudness_changes_nothing():
    made = syllable(phonation="modal", contour="rising", onset="m", coda="", seed=3)
    at_s = [(made.start_s + made.end_s) / 2]
    loud, soft = (phonation.of_frames(gain * made.samples, at_s) for gain in (1.0, 0.1))
    assert loud == pytest.approx(soft, abs=1e-3)


def test_silence_and_what_lies_beyond_the_audio():
    assert phonation.of_frames(np.zeros(SAMPLE_RATE), [0.5])[0].tolist() == list(phonation.QUIET)
    assert phonation.of_frames(np.ones(SAMPLE_RATE // 100), [0.005])[0, 1] == phonation.LEAST_HNR_DB
    tone = np.sin(2 * np.pi * 150 * CLOCK_S)
    assert phonation.of_frames(tone, [-0.1, 1.5]).tolist() == [list(phonation.QUIET)] * 2
    assert phonation.periodicity(np.array([phonation.LEAST_HNR_DB])).tolist() == [0.0]
