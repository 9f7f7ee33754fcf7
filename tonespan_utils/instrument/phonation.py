"""How a voice is made around a tone centre, beside its pitch: breath and creak, by Praat.

- ``tilt_db``: the level of 1 to 4 kHz over that below 1 kHz. Breath lowers it, a tense or creaky voice raises it.
- ``hnr_db``: harmonics to noise, from the autocorrelation (Boersma 1993). Breath and irregular pulses lower it.
- ``cpp_db``: the prominence of the cepstral peak between 60 and 333 Hz over a line through the cepstrum (Hillenbrand,
  Cleveland and Erickson 1994). It is low wherever there is no one period, and needs no pitch track.
- ``periodicity``: the normalised autocorrelation that HNR is made of, 0 (noise) to 1.

Conventions: ms, s, dB; a frame is ``FRAME_MS`` long, three periods of the lowest pitch; silence and frames beyond the
audio have ``QUIET``.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import parselmouth
from numpy.typing import NDArray
from parselmouth.praat import call

from tonespan_utils.audio.reading import SAMPLE_RATE

FLOOR_HZ = 75.0  # Praat's default lowest pitch
FRAME_MS = 3000 / FLOOR_HZ
STEP_S = 0.005
NAMES = ("tilt_db", "hnr_db", "cpp_db")
LOW_HZ, HIGH_HZ = (0.0, 1000.0), (1000.0, 4000.0)  # bands of the tilt
CEPSTRAL_PITCH_HZ = (60.0, 333.3)  # Praat's own range for the cepstral peak
LEAST_HNR_DB = -10.0  # Praat has -200 where it sees no period: far out of the range of any voice
QUIET = (0.0, LEAST_HNR_DB, 0.0)
SILENCE = 0.1  # of the loudest sample: Praat's default, below which a frame is no voice


def harmonicity(samples: np.ndarray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in s and HNR in dB, at least ``LEAST_HNR_DB``, of an utterance (n,); both empty for one too short."""
    if samples.size < 2 * FRAME_MS / 1000 * SAMPLE_RATE or not np.any(samples):
        return np.empty(0), np.empty(0)
    tracked = _sound(samples).to_harmonicity_ac(STEP_S, FLOOR_HZ, SILENCE, 3.0)
    return tracked.xs(), np.maximum(tracked.values[0], LEAST_HNR_DB)


def hnr_at(times_s: np.ndarray, hnr_db: np.ndarray, at_s: np.ndarray) -> NDArray[np.float64]:
    """HNR in dB at some times ``at_s``, from :func:`harmonicity`; ``LEAST_HNR_DB`` outside."""
    if not times_s.size:
        return np.full(at_s.shape, LEAST_HNR_DB)
    return np.interp(at_s, times_s, hnr_db, left=LEAST_HNR_DB, right=LEAST_HNR_DB)


def periodicity(hnr_db: np.ndarray) -> NDArray[np.float64]:
    """The normalised autocorrelation (0 to 1) behind an HNR in dB; 0 where there is no period."""
    ratio = 10 ** (np.asarray(hnr_db) / 10)
    return np.where(np.asarray(hnr_db) <= LEAST_HNR_DB, 0.0, ratio / (1 + ratio))


def of_frames(samples: np.ndarray, at_s: Sequence[float] | np.ndarray) -> NDArray[np.float64]:
    """Tilt, HNR and CPP (frame, 3) of frames centred at ``at_s`` in an utterance (n,), in the order of ``NAMES``."""
    at_s = np.asarray(at_s, dtype=float)
    hnr = hnr_at(*harmonicity(samples), at_s)
    spectral = [_tilt_and_cpp(samples, moment_s) for moment_s in at_s]
    return np.array([(tilt, of_frame, cpp) for (tilt, cpp), of_frame in zip(spectral, hnr, strict=True)])


def _tilt_and_cpp(samples: np.ndarray, moment_s: float) -> tuple[float, float]:
    """Tilt and CPP of one frame, under a Hann window."""
    half = round(FRAME_MS / 2000 * SAMPLE_RATE)
    middle = round(moment_s * SAMPLE_RATE)
    frame = samples[max(0, middle - half) : max(0, middle + half)]
    if frame.size < half or not np.any(frame):
        return QUIET[0], QUIET[2]
    spectrum = _sound(frame * np.hanning(frame.size)).to_spectrum()
    tilt = spectrum.get_band_energy_difference(*LOW_HZ, *HIGH_HZ)
    cepstrum = call(spectrum, "To PowerCepstrum")
    peak = ("Parabolic", 0.001, 0.05, "Straight", "Robust")
    cpp = call(cepstrum, "Get peak prominence", *CEPSTRAL_PITCH_HZ, *peak)
    return _or(tilt, QUIET[0]), _or(cpp, QUIET[2])


def _or(value: float, otherwise: float) -> float:
    return float(value) if np.isfinite(value) else otherwise


def _sound(samples: np.ndarray) -> parselmouth.Sound:
    return parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE)
