"""Windows and front ends: frames, bands, pitch, and what is refused."""

import numpy as np
import pytest
from conftest import make_tokens

from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import front_ends, phonation

SETTINGS = {"hop_ms": 10.0, "analysis_window_ms": 25.0, "n_bands": 80, "n_mfcc": 13}


def test_frames_tile_the_window():
    assert np.allclose(front_ends.frame_offsets_ms(40, 10), [-15, -5, 5, 15])
    with pytest.raises(ValueError, match="multiple of two hops"):
        front_ends.frame_offsets_ms(50, 10)


def test_power_frames_are_centred_on_the_offset():
    samples = np.zeros(16000)
    samples[8000 + 160] = 1.0  # 10 ms after a centre at 0.5 s
    power = front_ends.power_frames(samples, 0.5, np.array([-20.0, 0.0, 10.0, 40.0]), analysis_window_ms=25)
    loudness = power.sum(axis=1)
    assert loudness.argmax() == 2 and loudness[0] == 0 and loudness[3] == 0 and loudness[1] > 0


def test_beyond_the_audio_is_silence():
    power = front_ends.power_frames(np.ones(1600), 0.0, np.array([-100.0, 50.0]), analysis_window_ms=25)
    assert power[0].sum() == 0 and power[1].sum() > 0


def test_a_rectangular_window_hears_its_edges_and_a_hann_window_does_not():
    samples = np.zeros(1600)
    samples[800 + 190] = 1.0  # 11.9 ms after a centre at 50 ms: just inside a window of 25 ms
    power = [
        front_ends.power_frames(samples, 0.05, np.array([0.0]), analysis_window_ms=25, shape=shape).sum()
        for shape in ("rectangular", "hann")
    ]
    assert power[0] > 1000 * power[1]


def test_pitch_features_follow_the_glide(glide_corpus):
    tokens = make_tokens(n_utterances=8, per_utterance=1)
    time_s = np.arange(16000) / 16000
    hum = {
        row.utterance_id: sum(
            np.sin(2 * np.pi * k * 150 * 2 ** ((1 if row.tone == "rise" else -1) * (time_s - 0.6)) * (time_s - 0.6)) / k
            for k in range(1, 6)
        ).astype(np.float32)
        for row in tokens.itertuples()
    }
    corpus = glide_corpus.__class__(tokens.assign(n_samples=16000), tokens, hum.__getitem__, glide_corpus.rejected)
    pitch = front_ends.token_features(corpus, tokens, frontend="f0", max_window_ms=200, **SETTINGS)
    assert pitch.shape == (8, 20, 2) and (pitch[:, :, 1] == 1).all()
    rises = pitch[:, -1, 0] - pitch[:, 0, 0]
    assert ((rises > 0) == (tokens["tone"] == "rise")).all()
    periodic = front_ends.token_features(corpus, tokens, frontend="f0_periodicity", max_window_ms=200, **SETTINGS)
    assert np.array_equal(periodic[..., :2], pitch) and (periodic[..., 2] > 0.9).all(), "a hum without noise"


def test_phonation_is_read_frame_by_frame_and_tells_noise_from_a_hum(glide_corpus):
    tokens = make_tokens(n_utterances=2, per_utterance=1).iloc[::-1]
    hum = sum(np.sin(2 * np.pi * k * 150 * np.arange(16000) / 16000) / k for k in range(1, 9)).astype(np.float32)
    audio = {"u0": hum, "u1": np.random.default_rng(0).normal(0, 0.3, 16000).astype(np.float32)}
    corpus = glide_corpus.__class__(tokens.assign(n_samples=16000), tokens, audio.__getitem__, glide_corpus.rejected)
    read = front_ends.token_features(corpus, tokens, frontend="phonation", max_window_ms=100, **SETTINGS)
    assert read.shape == (2, 10, 3) and read.dtype == np.float32
    noise, voiced = read
    assert (voiced[:, 1] > noise[:, 1] + 10).all() and (voiced[:, 2] > noise[:, 2] + 5).all()
    at_s = 0.6 + front_ends.frame_offsets_ms(100, SETTINGS["hop_ms"]) / 1000
    assert np.allclose(voiced, phonation.of_frames(hum, at_s), atol=1e-4)
    assert front_ends.frame_width_ms("phonation", analysis_window_ms=25) == 40


@pytest.mark.parametrize("frontend", ["logmel", "linear", "mfcc"])
def test_a_tone_shows_in_its_band(frontend):
    time_s = np.arange(16000) / 16000
    power = front_ends.power_frames(np.sin(2 * np.pi * 4000 * time_s), 0.5, np.array([0.0]), analysis_window_ms=25)
    features = front_ends.frontend_features(power, frontend, n_bands=40, n_mfcc=13)
    assert features.shape == (1, 13 if frontend == "mfcc" else 40) and np.isfinite(features).all()
    if frontend == "linear":
        assert abs(features[0].argmax() - 19.5) <= 1


def test_level_changes_every_band_alike():
    samples = np.random.default_rng(0).normal(size=4000)
    quiet, loud = (
        front_ends.frontend_features(
            front_ends.power_frames(gain * samples, 0.125, np.array([0.0]), analysis_window_ms=25),
            "logmel",
            n_bands=40,
            n_mfcc=13,
        )
        for gain in (1.0, 10.0)
    )
    assert np.allclose(loud - quiet, np.log(100), atol=1e-6)


def test_outwards_puts_every_window_first():
    features = np.arange(12).reshape(2, 6, 1)
    flat = front_ends.outwards(features)
    assert [sorted(row) for row in flat[:, :2].tolist()] == [[2, 3], [8, 9]]
    assert [sorted(row) for row in flat[:, :4].tolist()] == [[1, 2, 3, 4], [7, 8, 9, 10]]
    assert front_ends.outwards(np.arange(8).reshape(1, 4, 2))[0, :4].tolist() == [2, 3, 4, 5]


def test_a_clip_shorter_than_the_widest_window_is_named(glide_corpus):
    short = glide_corpus.__class__(
        glide_corpus.utterances, glide_corpus.tokens, lambda _: np.zeros(800), glide_corpus.rejected
    )
    with pytest.raises(TonespanError, match="utterance u0: 50 ms of audio, shorter than the widest window of 100 ms"):
        front_ends.token_features(short, short.tokens, frontend="logmel", max_window_ms=100, **SETTINGS)
