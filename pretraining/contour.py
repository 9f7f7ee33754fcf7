"""The pitch contour around a frame, as a teacher names it: Praat's F0 track within +-``half_width_ms``.

Conventions: F0 as in :mod:`.banks`, frames as in :mod:`.spectra`. The contour is taken relative to the median of its
crop and kept as its first DCT coefficients: those that movements of 60 ms and slower need.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

from pretraining.banks import F0_STEP, TRACK_STEP_MS
from pretraining.spectra import HOP, RECEPTIVE

FINEST_MS = 30.0  # half a period of the quickest movement kept
VOICED_ENOUGH = 0.3  # voiced share of the contour window below which it teaches nothing


def n_coefficients(half_width_ms: float) -> int:
    """DCT coefficients of a contour within +-``half_width_ms``."""
    return round(2 * half_width_ms / FINEST_MS)


def contour_targets(f0_st: np.ndarray, frames: int, *, half_width_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Of one crop's F0 (step,): DCT coefficients of the contour (frame, coefficient) and weights (frame,).

    A frame counts by the voiced share of its contour (0 under VOICED_ENOUGH). Voiceless stretches are joined linearly;
    a crop without voice has zeros for both.
    """
    n_kept, n_steps = n_coefficients(half_width_ms), round(half_width_ms / TRACK_STEP_MS)
    voiced = np.isfinite(f0_st)
    if not voiced.any():
        return np.zeros((frames, n_kept), np.float32), np.zeros(frames, np.float32)
    centre = np.rint((HOP * np.arange(frames) + (RECEPTIVE - 1) / 2) / F0_STEP - 0.5).astype(int)
    around = centre[:, None] + np.arange(-n_steps, n_steps + 1)
    inside = np.clip(around, 0, f0_st.size - 1)
    steps = np.arange(f0_st.size)
    joined = np.interp(steps, steps[voiced], f0_st[voiced]) - np.median(f0_st[voiced])
    share = (voiced[inside] & (around == inside)).mean(axis=1)
    coefficients = dct(joined[inside], norm="ortho")[:, :n_kept]
    return coefficients.astype(np.float32), (share * (share >= VOICED_ENOUGH)).astype(np.float32)
