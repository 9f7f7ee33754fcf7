"""The input of the encoder in training: random crops of one voice, changed in speed, filtered and with noise.

Conventions: samples are float32 at 16 kHz; F0 as in :mod:`.banks`.
"""

from __future__ import annotations

import math

import numpy as np
import soxr
import torch
from torch.nn import functional as F

from pretraining.banks import F0_STEP, Bank
from tonespan_utils.audio.reading import SAMPLE_RATE

SPEED_RANGE = 1.2  # crops are resampled by up to this factor either way: other voices, rates and pitches


class Crops:
    """Random crops of equal length: (samples (n,), f0_st (step,)), speed changed, drawn from banks by weight."""

    def __init__(self, banks: list[tuple[Bank, float]], *, crop_s: float, seed: int) -> None:
        self.banks = [bank for bank, _ in banks]
        weights = np.array([weight for _, weight in banks], dtype=float)
        self.weights = weights / weights.sum()
        self.n_samples = round(crop_s * SAMPLE_RATE / F0_STEP) * F0_STEP
        self.rng = np.random.default_rng(seed)
        self.by_voice = [_clips_by_voice(bank) for bank in self.banks]

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """One crop of one voice, clips joined until it is full: samples and F0."""
        which = self.rng.choice(len(self.banks), p=self.weights)
        speed = SPEED_RANGE ** self.rng.uniform(-1, 1)
        voice = self._voice(which)
        samples, f0 = self.joined(which, voice, math.ceil(self.n_samples / F0_STEP * speed) + 2)
        samples = soxr.resample(samples, speed * SAMPLE_RATE, SAMPLE_RATE, quality="MQ")[: self.n_samples]
        steps = ((np.arange(self.n_samples // F0_STEP) + 0.5) * speed).astype(int)
        return samples, f0[steps] + 12 * math.log2(speed)

    def joined(self, which: int, voice: int, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples and F0 of a voice's clips, one after another, ``n_steps`` long."""
        bank, clips = self.banks[which], self.by_voice[which][voice]
        pieces, tracks, missing = [], [], n_steps
        while missing > 0:
            _, first, last = clips[self.rng.integers(len(clips))]
            first = first + self.rng.integers(
                max(1, last - first - n_steps)
            )  # somewhere in a long clip, start of a short one
            last = min(last, first + missing)
            pieces.append(bank.samples[first * F0_STEP : last * F0_STEP])
            tracks.append(bank.f0_st[first:last])
            missing -= last - first
        return np.concatenate(pieces).astype(np.float32) / 32767, np.concatenate(tracks)

    def _voice(self, which: int) -> int:
        """A voice, drawn in proportion to its number of clips."""
        bank = self.banks[which]
        return bank.clips[self.rng.integers(len(bank.clips)), 0]

    def batch(self, n_crops: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Clean samples (crop, sample) and F0 (crop, step)."""
        samples, f0 = zip(*(self.draw() for _ in range(n_crops)), strict=True)
        return torch.from_numpy(np.stack(samples)), torch.from_numpy(np.stack(f0))


def _clips_by_voice(bank: Bank) -> dict[int, np.ndarray]:
    return {voice: bank.clips[bank.clips[:, 0] == voice] for voice in np.unique(bank.clips[:, 0])}


def normalised(waveform: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit variance per row, as the checkpoint's feature extractor does."""
    waveform = waveform - waveform.mean(dim=-1, keepdim=True)
    return waveform / torch.sqrt(waveform.var(dim=-1, keepdim=True, unbiased=False) + 1e-7)


def augmented(clean: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random tilt and band emphasis of the spectrum, and noise at 15 to 50 dB: (crop, sample), normalised."""
    n_crops, n_samples = clean.shape
    spectrum = torch.fft.rfft(clean)
    octave = torch.linspace(0, 1, spectrum.shape[1])
    gains_db = 6 * (torch.rand(n_crops, 8, generator=generator) * 2 - 1)  # eight points over 0-8 kHz
    curve_db = F.interpolate(gains_db[:, None], size=octave.numel(), mode="linear", align_corners=True)[:, 0]
    colour = 10 ** (-torch.rand(n_crops, 1, generator=generator) * octave * 1.5)  # noise falling by up to 30 dB
    noise = torch.randn(n_crops, n_samples, generator=generator)
    noise = normalised(torch.fft.irfft(torch.fft.rfft(noise) * colour, n=n_samples))
    snr_db = 15 + 35 * torch.rand(n_crops, 1, generator=generator)
    filtered = normalised(torch.fft.irfft(spectrum * 10 ** (curve_db / 20), n=n_samples))
    return normalised(filtered + noise * 10 ** (-snr_db / 20))
