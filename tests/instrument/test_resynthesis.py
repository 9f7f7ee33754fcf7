"""Resynthesis: pitch goes where it is taken away and stays where not; formants and level stay within stated bounds."""

import numpy as np
import parselmouth
import pytest
from phonation import VOWELS, syllable
from scipy.signal import lfilter

from tonespan_utils.audio import reading
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import resynthesis

BOUNDS = {"floor_hz": 75.0, "ceiling_hz": 400.0}
FORMANT_BOUND, LEVEL_BOUND_DB = 0.08, 0.5  # what the module promises


def voice(hz):
    """Glottal pulses at ``hz`` (sample,) through the formants of an [e]: a vowel whose spectrum is known."""
    cycle = np.cumsum(hz) / SAMPLE_RATE
    pulses = np.diff(np.floor(cycle), prepend=0.0)
    sound = lfilter([1], [1, -0.95], pulses)
    for formant_hz, width_hz in zip((*VOWELS["e"], 3600), (70, 100, 150, 250), strict=True):
        radius = np.exp(-np.pi * width_hz / SAMPLE_RATE)
        sound = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant_hz / SAMPLE_RATE), radius**2], sound)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.fixture(scope="module")
def moving():
    """Two seconds of a vowel whose pitch goes half an octave up and down, and its pitch (sample,)."""
    time_s = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    hz = 150 * 2 ** (0.45 * np.sin(2 * np.pi * 1.5 * time_s))
    return voice(hz), hz


def speak(samples, center_s, half_width_ms, side, method="overlap_add"):
    tracked = resynthesis.track(samples, **BOUNDS)
    return resynthesis.resynthesiser(samples, tracked, method=method, **BOUNDS)(center_s, half_width_ms, side)


def off_st(samples, hz):
    """Times from 1 s in ms and the distance of the tracked pitch from ``hz`` (sample,) in semitones."""
    tracked = resynthesis.track(samples, **BOUNDS)
    expected = hz[np.round(tracked.times_s * SAMPLE_RATE).astype(int)]
    return 1000 * (tracked.times_s - 1), 12 * np.log2(tracked.hz / expected)


@pytest.mark.parametrize("method", ["overlap_add", "level_restored"])
def test_pitch_is_kept_on_one_side_and_level_on_the_other(moving, method):
    samples, hz = moving
    level = np.full(hz.shape, resynthesis.track(samples, **BOUNDS).median_hz)
    assert np.abs(off_st(samples, level)[1]).max() > 5, "there is a movement to take away"
    for side in ("inside", "outside"):
        changed = speak(samples, 1.0, 150, side, method)
        kept, flat = off_st(changed, hz), off_st(changed, level)
        within, beyond = np.abs(kept[0]) < 110, np.abs(kept[0]) > 190
        is_kept, is_flat = (within, beyond) if side == "inside" else (beyond, within)
        assert is_kept.sum() > 15 and is_flat.sum() > 15
        assert np.abs(kept[1][is_kept]).max() < 0.5 and np.abs(flat[1][is_flat]).max() < 0.3
    assert np.abs(off_st(speak(samples, 1.0, 0, "inside", method), level)[1]).max() < 0.3
    assert np.abs(off_st(speak(samples, 1.0, np.inf, "outside", method), level)[1]).max() < 0.3
    assert np.abs(off_st(speak(samples, 1.0, np.inf, "inside", method), hz)[1]).max() < 0.5


def formants_hz(samples):
    """The medians of F1 to F3 by Praat."""
    tracked = parselmouth.Sound(samples.astype(float), SAMPLE_RATE).to_formant_burg(maximum_formant=5000)
    times_s = np.arange(0.1, samples.size / SAMPLE_RATE - 0.1, 0.02)
    return np.array([np.nanmedian([tracked.get_value_at_time(n, t) for t in times_s]) for n in (1, 2, 3)])


def level_off_db(original, changed):
    """Where there is sound: the difference of the level, over 40 ms each, (block,)."""
    blocks = [samples[: samples.size // 640 * 640].reshape(-1, 640) for samples in (original, changed)]
    before, after = (np.square(block, dtype=float).mean(axis=1) for block in blocks)
    loud = before > before.max() / 300
    return 10 * np.log10(after[loud] / before[loud])


@pytest.mark.parametrize("method", ["overlap_add", "level_restored"])
def test_formants_stay(moving, method):
    level = speak(moving[0], 1.0, 0, "inside", method)
    assert np.abs(formants_hz(level) / formants_hz(moving[0]) - 1).max() < FORMANT_BOUND


def test_level_moves_with_overlap_add_alone_and_stays_where_it_is_restored(moving):
    plain, restored = (
        level_off_db(moving[0], speak(moving[0], 1.0, 0, "inside", method))
        for method in ("overlap_add", "level_restored")
    )
    assert np.abs(plain).max() > 1 > LEVEL_BOUND_DB > np.abs(restored).max()


def test_a_real_voice_keeps_formants_and_level(shared_data):
    paths = sorted((shared_data / "speech" / "cmn_syllables" / "audio").iterdir())[:12]
    off, level = [], []
    for path in paths:
        samples = reading.read(path)
        changed = speak(samples, samples.size / SAMPLE_RATE / 2, 0, "inside", "level_restored")
        off.append(np.abs(formants_hz(changed) / formants_hz(samples) - 1))
        level.append(np.median(np.abs(level_off_db(samples, changed))))
    assert np.median(off, axis=0).max() < FORMANT_BOUND and np.median(level) < LEVEL_BOUND_DB


def test_speech_without_voicing_comes_back_as_it_is():
    noise = np.random.default_rng(0).normal(0, 0.01, 8000).astype(np.float32)
    assert np.array_equal(speak(noise, 0.2, 30, "inside"), noise)


def test_the_length_stays_and_silence_stays_silent(moving):
    samples = np.concatenate([moving[0], np.zeros(4001, dtype=np.float32)])
    changed = speak(samples, 1.0, 40, "outside", "level_restored")
    assert changed.shape == samples.shape and changed.dtype == np.float32
    assert np.abs(changed[-3000:]).max() < 1e-6


def test_an_unknown_method_lists_those_there_are(moving):
    with pytest.raises(TonespanError, match="level_restored"):
        speak(moving[0], 1.0, 40, "inside", "vocoder")


def test_creak_is_not_voiced_near_its_middle():
    creaky, modal = (
        syllable(phonation=phonation, contour="dipping", onset="m", coda="n", seed=3)
        for phonation in ("creaky middle", "modal")
    )
    for spoken, is_voiced in ((creaky, False), (modal, True)):
        tracked = resynthesis.track(spoken.samples, **BOUNDS)
        assert tracked.voiced_near((spoken.start_s + spoken.end_s) / 2, 0.02) == is_voiced
