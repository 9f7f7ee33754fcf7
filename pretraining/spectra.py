"""Narrow-band spectra of speech, whose clusters are the first units that the encoder predicts.

Conventions: frame ``f`` of the encoder covers samples ``320 f`` to ``320 f + 399``, its centre is at ``320 f + 199.5``.
A window of 64 ms resolves the harmonics of a voice from about 80 Hz. The spectrum is cut into four parts, each
clustered by itself (product quantisation, Jegou et al. 2011): one set of clusters for all of it would be used up by the
vowels. Nothing here names pitch: no F0, no autocorrelation, no tracker.
"""

from __future__ import annotations

import librosa
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from pretraining.crops import normalised
from tonespan_utils.audio.reading import SAMPLE_RATE

HOP, RECEPTIVE = 320, 400  # samples; one frame of the convolutional stack
WINDOW = 1024  # samples (64 ms): a main lobe of 62 Hz between its zeros
N_FFT = 2048  # so that the narrow filters each have bins of their own
N_BANDS = 160  # 19 Hz apart below 1 kHz, where harmonics are told apart; wider above
FLOOR = 1e-3  # lies some 60 dB under speech of unit variance
EDGES_HZ = (50, 500, 1000, 3000, 8000)  # of the parts


def n_frames(n_samples: int) -> int:
    """Frames of a crop."""
    return (n_samples - RECEPTIVE) // HOP + 1


class NarrowSpectra(nn.Module):
    """Clean samples (crop, sample) to the log spectrum of each part, without its level: tuple (crop, frame, band)."""

    def __init__(self) -> None:
        super().__init__()
        mel = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_BANDS, fmin=EDGES_HZ[0], fmax=EDGES_HZ[-1])
        centres_hz = librosa.mel_frequencies(N_BANDS + 2, fmin=EDGES_HZ[0], fmax=EDGES_HZ[-1])[1:-1]
        self.sizes = np.histogram(centres_hz, EDGES_HZ)[0].tolist()
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False))
        self.register_buffer("mel", torch.from_numpy(mel.T))

    @torch.no_grad()
    def forward(self, clean: torch.Tensor) -> tuple[torch.Tensor, ...]:
        around = (WINDOW - RECEPTIVE) // 2  # the window is longer than the frame; both have one centre
        frames = F.pad(normalised(clean), (around, around)).unfold(-1, WINDOW, HOP)[:, : n_frames(clean.shape[-1])]
        power = torch.fft.rfft(frames * self.window, n=N_FFT).abs() ** 2
        parts = torch.log(power @ self.mel + FLOOR).split(self.sizes, dim=-1)
        return tuple(part - part.mean(dim=-1, keepdim=True) for part in parts)
