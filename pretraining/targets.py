"""What the encoder is asked for at every frame: log-Mel, periodicity, cepstra for the units, and the pitch contour.

Conventions: frame ``f`` covers samples ``320 f`` to ``320 f + 399``, its centre is at sample ``320 f + 199.5``.
"""

from __future__ import annotations

import librosa
import numpy as np
import torch
from scipy.fft import dct
from sklearn.cluster import MiniBatchKMeans
from torch import nn
from torch.nn import functional as F

from pretraining.banks import F0_STEP
from pretraining.crops import normalised
from tonespan_utils.audio.reading import SAMPLE_RATE

HOP, RECEPTIVE = 320, 400  # samples; one frame of the convolutional stack
WINDOW = 640  # samples (40 ms): two periods at 50 Hz
N_FFT = 1024  # so that no lag up to the longest (267) wraps around
N_MELS = 40
LAG_HZ = (60.0, 400.0)
N_LAGS = 48  # 0.7 semitones apart
N_CEPSTRA = 13
SLOPE_FRAMES = 2  # on either side: slopes over 80 ms
CONTOUR_STEPS = 12  # F0 steps on either side of a frame: +-120 ms, a syllable
N_DCT = 8  # the finest has a period of 60 ms: what a cue of 100 ms needs
VOICED_ENOUGH = 0.3  # voiced share of the contour window below which it teaches nothing


def n_frames(n_samples: int) -> int:
    """Frames of a crop."""
    return (n_samples - RECEPTIVE) // HOP + 1


class SpectralTargets(nn.Module):
    """Log-Mel and periodicity of clean samples: (crop, sample) -> (crop, frame, 40) and (crop, frame, 48)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False))
        mel = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS, fmin=50)
        self.register_buffer("mel", torch.from_numpy(mel.T))
        lags = SAMPLE_RATE / np.geomspace(*LAG_HZ, N_LAGS)
        self.register_buffer("lag", torch.from_numpy(lags.astype(np.float32)))
        self.register_buffer("window_correlation", _correlation(self.window[None])[0])

    @torch.no_grad()
    def forward(self, clean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        around = (WINDOW - RECEPTIVE) // 2  # the window is longer than the frame; both have one centre
        frames = F.pad(normalised(clean), (around, around)).unfold(-1, WINDOW, HOP)[:, : n_frames(clean.shape[-1])]
        frames = (frames - frames.mean(dim=-1, keepdim=True)) * self.window
        power = torch.fft.rfft(frames, n=N_FFT).abs() ** 2
        mel = torch.log(power @ self.mel + 1e-3)  # the floor lies some 60 dB under speech of unit variance
        correlation = torch.fft.irfft(power)[..., : WINDOW // 2]
        # Boersma (1993): the window's own correlation divided out; the constant keeps silence near 0
        normal = correlation / self.window_correlation[: WINDOW // 2] / (correlation[..., :1] + 1e-2)
        below = self.lag.long()
        part = self.lag - below
        return mel, (1 - part) * normal[..., below] + part * normal[..., below + 1]


def _correlation(frames: torch.Tensor) -> torch.Tensor:
    correlation = torch.fft.irfft(torch.fft.rfft(frames, n=2 * WINDOW).abs() ** 2)[..., :WINDOW]
    return correlation / correlation[..., :1]


def cepstra(mel: torch.Tensor) -> torch.Tensor:
    """Cepstra of log-Mel (crop, frame, 40) and their slopes, standardised within the crop: (crop, frame, 26)."""
    basis = torch.from_numpy(dct(np.eye(N_MELS), norm="ortho")[:, :N_CEPSTRA].astype(np.float32))
    still = mel @ basis
    padded = F.pad(still.transpose(1, 2), (SLOPE_FRAMES, SLOPE_FRAMES), mode="replicate").transpose(1, 2)
    slope = padded[:, 2 * SLOPE_FRAMES :] - padded[:, : -2 * SLOPE_FRAMES]
    both = torch.cat([still, slope], dim=-1)
    return (both - both.mean(dim=1, keepdim=True)) / both.std(dim=1, keepdim=True).clamp(min=1e-3)


def find_units(points: np.ndarray, n_units: int, *, seed: int) -> np.ndarray:
    """Centres of clusters of points (frame, 26): (unit, 26)."""
    fitted = MiniBatchKMeans(n_units, batch_size=4096, n_init=3, random_state=seed).fit(points)
    return fitted.cluster_centers_.astype(np.float32)


def pitch_targets(f0_st: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Of one crop's F0 (step,): (frame, N_DCT contour + F0 + voicing) and weights (frame, N_DCT + 2).

    The contour counts by its voiced share (0 under VOICED_ENOUGH), F0 at voiced frames, voicing everywhere. A crop
    without voice has zeros for both.
    """
    voiced = np.isfinite(f0_st)
    target, weight = np.zeros((frames, N_DCT + 2), np.float32), np.zeros((frames, N_DCT + 2), np.float32)
    centre = np.rint((HOP * np.arange(frames) + (RECEPTIVE - 1) / 2) / F0_STEP - 0.5).astype(int)
    target[:, -1], weight[:, -1] = voiced[centre], 1
    if not voiced.any():
        return target, weight
    steps = np.arange(f0_st.size)
    joined = np.interp(steps, steps[voiced], f0_st[voiced])
    around = centre[:, None] + np.arange(-CONTOUR_STEPS, CONTOUR_STEPS + 1)
    inside = np.clip(around, 0, f0_st.size - 1)
    target[:, :N_DCT] = dct(joined[inside] - np.median(f0_st[voiced]), norm="ortho")[:, :N_DCT]
    target[:, N_DCT] = joined[centre]
    share = (voiced[inside] & (around == inside)).mean(axis=1)
    weight[:, :N_DCT] = (share * (share >= VOICED_ENOUGH))[:, None]
    weight[:, N_DCT] = voiced[centre]
    return target, weight
