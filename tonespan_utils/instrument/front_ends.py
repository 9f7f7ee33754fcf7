"""What a window of speech looks like: spectral frames around the tone centre, pitch alone, or phonation.

A window of W ms holds ``W / hop`` frames at offsets ``+-hop/2, +-3 hop/2, ...`` from the exact centre, so that
windows nest. Each frame is one analysis window (``hann`` or ``rectangular``).

Conventions: times in ms; spectral features are natural-log energies floored 80 dB under the token's maximum; ``f0`` is
Praat's pitch in semitones over the speaker's median and whether there is voicing, ``f0_periodicity`` the same and how
periodic the sound is, ``phonation`` tilt, HNR and CPP (:mod:`phonation`) without any pitch; 16 kHz.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import librosa
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import f0, phonation

FLOOR_DB = 80.0  # under the token's loudest band: the range of speech above room noise


N_FFT = 1024  # 15.6 Hz bins: fine enough that the lowest mel bands are not empty


SHAPES = {"hann": np.hanning, "rectangular": np.ones}


F0_FLOOR_HZ, F0_CEILING_HZ = 75.0, 500.0  # Praat's defaults for speech


F0_WINDOW_MS = 3000 / F0_FLOOR_HZ  # Praat's pitch tracker looks at three periods of its floor


BY_PRAAT = ("f0", "f0_periodicity", "phonation")  # all three look at three periods of the same floor


def frame_offsets_ms(window_ms: float, hop_ms: float) -> np.ndarray:
    """Offsets of the frames of one window, symmetric about 0. Raises ValueError unless W is a multiple of 2 hops."""
    if (window_ms / (2 * hop_ms)) % 1:
        raise ValueError(f"a window of {window_ms} ms is not a multiple of two hops of {hop_ms} ms")
    n_frames = round(window_ms / hop_ms)
    return (np.arange(n_frames) + 0.5) * hop_ms - window_ms / 2


def frame_width_ms(frontend: str, *, analysis_window_ms: float) -> float:
    """What one frame of a front end sees: the analysis window, or that of Praat's trackers."""
    return F0_WINDOW_MS if frontend in BY_PRAAT else analysis_window_ms


def power_frames(
    samples: np.ndarray, center_s: float, offsets_ms: np.ndarray, *, analysis_window_ms: float, shape: str = "hann"
) -> np.ndarray:
    """Power spectra (frame, N_FFT / 2 + 1) at ``offsets_ms`` from the centre; beyond the audio it is silent.

    ``shape`` is one of SHAPES.
    """
    length = round(analysis_window_ms * SAMPLE_RATE / 1000)
    first = np.round((center_s + offsets_ms / 1000) * SAMPLE_RATE - length / 2).astype(int)
    index = first[:, None] + np.arange(length)
    inside = (index >= 0) & (index < samples.size)
    frames = np.where(inside, samples[np.clip(index, 0, samples.size - 1)], 0.0)
    return np.abs(np.fft.rfft(frames * SHAPES[shape](length), n=N_FFT)) ** 2


@lru_cache
def _filters(frontend: str, n_bands: int) -> np.ndarray:
    if frontend == "linear":
        return _linear_filters(n_bands)
    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=n_bands, fmin=50)


def _linear_filters(n_bands: int) -> np.ndarray:
    """Overlapping triangles of equal width in Hz, up to 8 kHz: (band, bin)."""
    points = np.linspace(0, SAMPLE_RATE / 2, n_bands + 2)
    bins = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)
    width = points[1] - points[0]
    return np.maximum(0, 1 - np.abs(bins[None, :] - points[1:-1, None]) / width)


def frontend_features(power: np.ndarray, frontend: str, *, n_bands: int, n_mfcc: int) -> np.ndarray:
    """``logmel``, ``linear`` or ``mfcc`` features (frame, feature) of power spectra (frame, bin).

    MFCCs are the first ``n_mfcc`` coefficients of the log-Mel bands: they smooth the harmonics away.
    """
    bands = power @ _filters(frontend, n_bands).T
    peak = max(bands.max(), np.finfo(float).tiny)
    log_bands = np.log(np.maximum(bands, peak * 10 ** (-FLOOR_DB / 10)))
    if frontend != "mfcc":
        return log_bands
    return librosa.feature.mfcc(S=log_bands.T, n_mfcc=n_mfcc).T


def token_features(
    corpus: Corpus,
    tokens: pd.DataFrame,
    *,
    frontend: str,
    max_window_ms: float,
    hop_ms: float,
    analysis_window_ms: float,
    n_bands: int,
    n_mfcc: int,
    shape: str = "hann",
) -> np.ndarray:
    """Features of every token in the widest window: (token, frame, feature), float32; a narrower window is its middle.

    The front end is one of ``logmel``, ``mfcc``, ``linear``, and those of ``BY_PRAAT``, whose analysis window and bands
    are Praat's own. Raises TonespanError for a clip shorter than the widest window. Notebook:
    notebooks/01_baseline_spans
    """
    offsets = frame_offsets_ms(max_window_ms, hop_ms)
    if frontend in BY_PRAAT:
        return _by_praat(corpus, tokens, offsets, frontend)
    rows: dict[object, np.ndarray] = {}
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc=frontend, unit="utt", leave=False):
        samples = corpus.audio(utterance_id)
        length_ms = 1000 * samples.size / SAMPLE_RATE
        if length_ms < max_window_ms:
            raise TonespanError(
                f"utterance {utterance_id}: {length_ms:.0f} ms of audio, shorter than the widest window of "
                f"{max_window_ms:.0f} ms; leave it out or narrow baseline.windows_ms"
            )
        for row, center_s in group["center_s"].items():
            power = power_frames(samples, center_s, offsets, analysis_window_ms=analysis_window_ms, shape=shape)
            rows[row] = frontend_features(power, frontend, n_bands=n_bands, n_mfcc=n_mfcc).astype(np.float32)
    return np.stack([rows[row] for row in tokens.index])


def _by_praat(corpus: Corpus, tokens: pd.DataFrame, offsets_ms: np.ndarray, frontend: str) -> np.ndarray:
    if frontend == "phonation":
        return _along(corpus, tokens, offsets_ms, phonation.of_frames, desc=frontend)
    pitch = _f0_features(corpus, tokens, offsets_ms)
    if frontend == "f0":
        return pitch
    return np.concatenate([pitch, _along(corpus, tokens, offsets_ms, _periodicity, desc=frontend)], axis=-1)


def _periodicity(samples: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """How periodic an utterance is at some times: (time, 1), 0 to 1."""
    return phonation.periodicity(phonation.hnr_at(*phonation.harmonicity(samples), at_s))[:, None]


def _along(
    corpus: Corpus,
    tokens: pd.DataFrame,
    offsets_ms: np.ndarray,
    measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    desc: str,
) -> np.ndarray:
    """``measure(samples, times in s)`` (time, feature) at the offsets from each centre: (token, frame, feature)."""
    rows: dict[object, np.ndarray] = {}
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc=desc, unit="utt", leave=False):
        at_s = group["center_s"].to_numpy(dtype=float)[:, None] + offsets_ms / 1000  # (token, frame)
        measured = measure(corpus.audio(utterance_id), at_s.ravel())
        rows |= dict(zip(group.index, measured.reshape(*at_s.shape, -1).astype(np.float32), strict=True))
    return np.stack([rows[row] for row in tokens.index])


def _f0_features(corpus: Corpus, tokens: pd.DataFrame, offsets_ms: np.ndarray) -> np.ndarray:
    """Pitch alone: (token, frame, 2), semitones over the speaker's median (0 where unvoiced) and voicing (0 or 1)."""
    settings = {"floor_hz": F0_FLOOR_HZ, "ceiling_hz": F0_CEILING_HZ, "step_ms": 5.0}
    contours = f0.contours(corpus, tokens, offsets_ms, **settings)
    voiced = ~np.isnan(contours)
    return np.stack([np.where(voiced, contours, 0), voiced], axis=-1).astype(np.float32)


def outwards(features: np.ndarray) -> np.ndarray:
    """(token, frame, feature) flattened to (token, frame feature), from the middle frames outwards.

    The features of any narrower window are then the first ones.
    """
    n_frames = features.shape[1]
    nearest_first = np.argsort(np.abs(np.arange(n_frames) - (n_frames - 1) / 2), kind="stable")
    return features[:, nearest_first].reshape(len(features), -1)
