"""Mel filter banks that gradients pass through: those of transformers' feature extractors, in torch.

Kaldi's for Wav2Vec2-BERT (``SeamlessM4TFeatureExtractor``) and OpenAI's for Whisper (``WhisperFeatureExtractor``); the
filters are transformers' own.

Conventions: 16 kHz, frames of 25 ms every 10 ms; results are (clip, frame, band).

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from transformers.audio_utils import mel_filter_bank, window_function

from tonespan_utils.audio.reading import SAMPLE_RATE

WIDTH, HOP = 400, 160  # samples
TRANSFORM = 512  # points of Kaldi's transform of 400
PREEMPHASIS = 0.97
KALDI_FLOOR = 1.192092955078125e-07  # the smallest step of single precision at 1
WHISPER_FLOOR = 1e-10
WHISPER_RANGE = 8.0  # powers of ten below the loudest band of a canvas, where it is cut off


def kaldi(waveform: Tensor, n_bands: int) -> Tensor:
    """Log filter banks (clip, frame, band) of ``waveform`` (clip, n) within +-1, in double precision.

    Frames without a whole window are left out; fewer than ``WIDTH`` samples have none.
    """
    if waveform.shape[1] < WIDTH:
        return waveform.new_zeros(len(waveform), 0, n_bands, dtype=torch.float64)
    frames = (waveform.double() * 2**15).unfold(1, WIDTH, HOP)  # Kaldi's samples are whole numbers of 16 bits
    frames = frames - frames.mean(dim=-1, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    shaped = (frames - PREEMPHASIS * before) * _like(window_function(WIDTH, "povey", periodic=False), frames)
    power = torch.fft.rfft(shaped, n=TRANSFORM).abs().square()
    filters = mel_filter_bank(
        num_frequency_bins=TRANSFORM // 2 + 1, num_mel_filters=n_bands, min_frequency=20,
        max_frequency=SAMPLE_RATE // 2, sampling_rate=SAMPLE_RATE, norm=None, mel_scale="kaldi",
        triangularize_in_mel_space=True,
    )  # fmt: skip
    return (power @ _like(filters, power)).clamp(min=KALDI_FLOOR).log()


def whisper(canvas: Tensor, n_bands: int) -> Tensor:
    """Whisper's log-Mel bands (clip, frame, band) of a ``canvas`` (clip, n): frame ``f`` is centred at sample 160 f.

    What lies more than 80 dB below the loudest band of its canvas is cut off there.
    """
    window = torch.hann_window(WIDTH, device=canvas.device, dtype=canvas.dtype)
    spectrum = torch.stft(canvas, WIDTH, HOP, window=window, return_complex=True)
    power = (spectrum[..., :-1].abs() ** 2).contiguous()  # (clip, bin, frame)
    filters = mel_filter_bank(
        num_frequency_bins=WIDTH // 2 + 1, num_mel_filters=n_bands, min_frequency=0.0, max_frequency=8000.0,
        sampling_rate=SAMPLE_RATE, norm="slaney", mel_scale="slaney",
    )  # fmt: skip
    bands = (_like(filters, power).T @ power).clamp(min=WHISPER_FLOOR).log10()
    loudest = bands.amax(dim=(1, 2), keepdim=True)
    return ((torch.maximum(bands, loudest - WHISPER_RANGE) + 4) / 4).mT


def _like(values: np.ndarray, tensor: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=tensor.dtype, device=tensor.device)
