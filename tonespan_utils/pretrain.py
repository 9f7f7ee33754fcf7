"""Train the shipped encoder ``tonespan-mini`` without labels: masked regression of sound and pitch.

Objective. Spans of projected frames are replaced by a learned vector, as in wav2vec 2.0 (Baevski et al. 2020), and the
encoder regresses, at every frame, what was computed from the clean signal, as HuBERT (Hsu et al. 2021) predicts
targets under a mask and PASE (Pascual et al. 2019) regresses signal features with small heads. The usual MFCC
targets throw pitch away, so these keep it:

- ``mel``: log-Mel energies of the frame (40 bands, one 40 ms window),
- ``periodicity``: the normalised autocorrelation of the same window at 48 lags, equally spaced in log frequency,
- ``units``: which of 128 clusters the frame's sound falls into, as in HuBERT's first iteration (13 cepstra and their
  slopes, clustered by k-means); mean and deviation of the crop are taken out, so that voices share their units,
- ``pitch``: the log-F0 track within +-120 ms of the frame as 8 DCT coefficients, relative to the median of the crop; F0
  itself; voicing. The track is Praat's, joined through voiceless stretches, and counts where speech is voiced.

``mel``, ``periodicity`` and F0 are also regressed from the convolutional features alone, so that the convolutions find
pitch early. The heads are dropped afterwards. No tone, text or speaker label is read; folder names only say which
clips may stand in one crop (those of one voice). The +-120 ms of the pitch target are the one place where a time
scale enters.

Conventions: audio is 16 kHz mono; F0 in semitones re 100 Hz every 10 ms, NaN where voiceless; frame ``f`` has
its centre at sample ``320 f + 199.5`` (see ``encoders``).

Command: python -m tonespan_utils.pretrain --help
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soxr
import torch
from scipy.fft import dct
from sklearn.cluster import MiniBatchKMeans
from torch import nn
from torch.nn import functional as F
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from tonespan_utils import classify, probes, splits
from tonespan_utils.corpus import SAMPLE_RATE, TOKEN_COLUMNS, UTTERANCE_COLUMNS, Corpus, audio, recordings, synthetic
from tonespan_utils.encoders import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.f0 import track
from tonespan_utils.params import ROOT

HOP, RECEPTIVE = 320, 400  # samples; one frame of the convolutional stack
F0_STEP = 160  # samples between F0 values; clips are cut to whole steps so that tracks can be joined
F0_FLOOR_HZ, F0_CEILING_HZ, F0_REFERENCE_HZ = 75.0, 500.0, 100.0  # a low floor would smear pitch over a longer window
WINDOW = 640  # samples (40 ms): two periods at 50 Hz
N_FFT = 1024  # so that no lag up to the longest (267) wraps around
N_MELS = 40
LAG_HZ = (60.0, 400.0)
TRACK_STEP_MS = 10.0
N_LAGS = 48  # 0.7 semitones apart
N_CEPSTRA, N_UNITS = 13, 128
SLOPE_FRAMES = 2  # on either side: slopes over 80 ms
CONTOUR_STEPS = 12  # F0 steps on either side of a frame: +-120 ms, a syllable
N_DCT = 8  # the finest has a period of 60 ms: what a cue of 100 ms needs
SPEED_RANGE = 1.2  # crops are resampled by up to this factor either way: other voices, rates and pitches
SPANS_MS = (60.0, 240.0)  # planted cue widths; the demo's are inside, at none of its sentences
N_SPEAKERS = 48
SYNTHETIC_SHARE = 2.0  # of the crops, per language; the recordings' shares follow what they can teach about pitch
RECORDINGS = {"cmn_syllables": 2.0, "cmn_words": 2.0, "yue_syllables": 1.5, "yo_sentences": 0.5, "en_digits": 0.3}
MASK_SHARE, MASK_SPAN = 0.2, 5  # frames: 100 ms; wider masks hide whole tones, which no context can give back
LOSS_WEIGHT = {
    "mel": 0.5, "units": 3.0, "periodicity": 1.0, "contour": 3.0, "f0": 1.0,
    "cnn_mel": 0.5, "cnn_periodicity": 1.0, "cnn_f0": 1.0,
}  # fmt: skip
FOR_FINE_TUNING = {  # a few minutes of speech are seen many times: what pre-training does not need
    "hidden_dropout": 0.1, "attention_dropout": 0.1, "activation_dropout": 0.1, "feat_proj_dropout": 0.1,
    "apply_spec_augment": False,
}  # fmt: skip
WARM_UP_STEPS, FALL = 100, 0.25
SCALE_BATCHES = 100
VOICED_ENOUGH = 0.3  # voiced share of the contour window below which it teaches nothing


# ---------------------------------------------------------------- speech: clips of int16 samples with their F0


@dataclass(frozen=True)
class Bank:
    """Clips end to end: ``samples`` int16, ``f0_st`` one value per F0_STEP, ``clips`` (clip, [voice, first, last])
    in steps.
    """

    samples: np.ndarray
    f0_st: np.ndarray
    clips: np.ndarray
    voices: tuple[str, ...]

    @property
    def hours(self) -> float:
        return len(self.f0_st) * F0_STEP / SAMPLE_RATE / 3600


def track_f0(samples: np.ndarray) -> np.ndarray:
    """F0 in semitones at the middle of every whole F0_STEP of ``samples``; NaN where voiceless: (step,)."""
    n_steps = samples.size // F0_STEP
    middles_s = (np.arange(n_steps) + 0.5) * F0_STEP / SAMPLE_RATE
    if samples.size < 4 * SAMPLE_RATE / F0_FLOOR_HZ:  # Praat wants three periods of the floor
        return np.full(n_steps, np.nan, dtype=np.float32)
    times_s, hz = track(samples, floor_hz=F0_FLOOR_HZ, ceiling_hz=F0_CEILING_HZ, step_ms=TRACK_STEP_MS)
    nearest = np.clip(np.rint((middles_s - times_s[0]) * 1000 / TRACK_STEP_MS).astype(int), 0, hz.size - 1)
    return (12 * np.log2(hz / F0_REFERENCE_HZ))[nearest].astype(np.float32)


def write_bank(folder: Path, clips: Iterable[tuple[str, np.ndarray]]) -> None:
    """Store (voice, samples float32) clips in ``folder``; it is complete once ``bank.json`` is there."""
    folder.mkdir(parents=True, exist_ok=True)
    voices: dict[str, int] = {}
    rows, step = [], 0
    with (folder / "samples.i16").open("wb") as samples_file, (folder / "f0.f32").open("wb") as f0_file:
        for voice, samples in clips:
            n_steps = samples.size // F0_STEP
            cut = samples[: n_steps * F0_STEP] / max(1.0, np.abs(samples).max())
            (cut * 32767).astype("<i2").tofile(samples_file)
            track_f0(cut).astype("<f4").tofile(f0_file)
            rows.append([voices.setdefault(voice, len(voices)), step, step + n_steps])
            step += n_steps
    np.save(folder / "clips.npy", np.array(rows))
    (folder / "bank.json").write_text(json.dumps({"voices": list(voices)}))


def read_bank(folder: Path) -> Bank:
    """What :func:`write_bank` stored; the samples stay on disk. Raises TonespanError where it is not complete."""
    if not (folder / "bank.json").is_file():
        raise TonespanError(f"{folder}: no complete bank of clips there; build it again")
    voices = tuple(json.loads((folder / "bank.json").read_text())["voices"])
    samples = np.memmap(folder / "samples.i16", dtype="<i2", mode="r")
    f0 = np.fromfile(folder / "f0.f32", dtype="<f4")
    return Bank(samples, f0, np.load(folder / "clips.npy"), voices)


def synthetic_clips(language: str, *, minutes: float, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """(voice, samples) of the embedded corpus' generator: a span of 60 to 240 ms per sentence, no voice of its test
    split.
    """
    wanted, rng = minutes * 60 * SAMPLE_RATE, np.random.default_rng(seed)
    for reading in synthetic.readings(language, n_speakers=N_SPEAKERS, seed=seed):
        span_ms = rng.uniform(*SPANS_MS)
        if reading.speaker.split == "test":
            continue
        samples, _ = synthetic.render(reading, language=language, span_ms=span_ms)
        wanted -= samples.size
        yield f"{language}/{reading.speaker.name}", samples.astype(np.float32) / 32768
        if wanted <= 0:
            return


def recorded_clips(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(voice, samples) of a folder with ``labels.csv``, without its held-out speaker and syllable types."""
    labels = pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False)
    for row in labels[~held_out(labels)].itertuples():
        yield f"{folder.name}/{row.speaker}", audio.read(folder / row.file)


def held_out(labels: pd.DataFrame) -> pd.Series:
    """Rows of the test split that ``recordings`` makes: a fifth of the speakers, or of the syllable types or texts."""
    kinds = labels["syllable"].where(labels["syllable"] != "", labels["text"])
    names = labels["speaker"] if labels["speaker"].nunique() > 1 else kinds
    splits_of = recordings.deal(set(names))
    return names.map(splits_of) == "test"


# ---------------------------------------------------------------- crops: what the encoder hears


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
        """One crop of one voice, clips joined until it is full."""
        which = self.rng.choice(len(self.banks), p=self.weights)
        speed = SPEED_RANGE ** self.rng.uniform(-1, 1)
        samples, f0 = self._joined(which, math.ceil(self.n_samples / F0_STEP * speed) + 2)
        samples = soxr.resample(samples, speed * SAMPLE_RATE, SAMPLE_RATE, quality="MQ")[: self.n_samples]
        steps = ((np.arange(self.n_samples // F0_STEP) + 0.5) * speed).astype(int)
        return samples, f0[steps] + 12 * math.log2(speed)

    def _joined(self, which: int, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        bank, clips = self.banks[which], self._voice(which)
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

    def _voice(self, which: int) -> np.ndarray:
        """The clips of a voice, drawn in proportion to its number of clips."""
        bank = self.banks[which]
        return self.by_voice[which][bank.clips[self.rng.integers(len(bank.clips)), 0]]

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


# ---------------------------------------------------------------- targets: what it is asked for


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


def find_units(mels: Sequence[torch.Tensor], *, seed: int) -> torch.Tensor:
    """Centres of N_UNITS clusters of :func:`cepstra` over some batches: (unit, 26)."""
    points = torch.cat([cepstra(mel).flatten(0, 1) for mel in mels]).numpy()
    found = MiniBatchKMeans(N_UNITS, batch_size=4096, n_init=3, random_state=seed).fit(points)
    return torch.from_numpy(found.cluster_centers_.astype(np.float32))


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


# ---------------------------------------------------------------- model and loss


def new_encoder(seed: int) -> Wav2Vec2Model:
    """The untrained encoder: wav2vec 2.0 with layer norm, 3 million parameters, 6 blocks of width 192."""
    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        conv_dim=(32, 64, 128, 128, 128, 128, 128),  # the first two see 3,200 and 1,600 frames a second: half the time
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        hidden_size=192,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=768,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=16,
        hidden_dropout=0.0,  # no crop is seen twice alike: nothing to overfit in this many steps
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
    )
    return Wav2Vec2Model(config)


class Heads(nn.Module):
    """Linear maps to the standardised targets, from the top layer and from the convolutional features."""

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        self.top = nn.Linear(config.hidden_size, N_MELS + N_LAGS + N_DCT + 2)
        self.units = nn.Linear(config.hidden_size, N_UNITS)
        self.cnn = nn.Linear(config.conv_dim[-1], N_MELS + N_LAGS + 1)


def span_mask(n_crops: int, frames: int, *, share: float, span: int, rng: np.random.Generator) -> torch.Tensor:
    """Which frames are hidden from the encoder: whole spans, about ``share`` of all frames: (crop, frame) bool."""
    chance = 1 - (1 - share) ** (1 / span)  # that a span starts at a frame
    starts = rng.random((n_crops, frames)) < chance
    mask = np.zeros_like(starts)
    for shift in range(span):
        mask[:, shift:] |= starts[:, : frames - shift]
    return torch.from_numpy(mask)


@dataclass(frozen=True)
class Batch:
    """One step's input (crop, sample) and targets: spectral (crop, frame, 88), pitch and weight (crop, frame, 10)."""

    waveform: torch.Tensor
    spectral: torch.Tensor
    pitch: torch.Tensor
    weight: torch.Tensor


class Batches:
    """Batches without end; everything random hangs on the two generators, whose state can be stored."""

    def __init__(self, crops: Crops, *, n_crops: int, seed: int) -> None:
        self.crops, self.n_crops = crops, n_crops
        self.spectral = SpectralTargets()
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self) -> Batch:
        clean, f0 = self.crops.batch(self.n_crops)
        spectral = torch.cat(self.spectral(clean), dim=-1)
        pitch, weight = zip(*(pitch_targets(track, spectral.shape[1]) for track in f0.numpy()), strict=True)
        waveform = augmented(clean, self.generator)
        return Batch(waveform, spectral, torch.from_numpy(np.stack(pitch)), torch.from_numpy(np.stack(weight)))


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each target over some batches, pitch by its weights; the units' centres (unit, 26)."""

    spectral: tuple[torch.Tensor, torch.Tensor]
    pitch: tuple[torch.Tensor, torch.Tensor]
    units: torch.Tensor

    @classmethod
    def of(cls, batches: list[Batch], *, seed: int) -> Scale:
        spectral = torch.cat([batch.spectral.flatten(0, 1) for batch in batches])
        pitch = torch.cat([batch.pitch.flatten(0, 1) for batch in batches])
        weight = torch.cat([batch.weight.flatten(0, 1) for batch in batches])
        weight = weight / weight.sum(dim=0).clamp(min=1e-6)
        mean = (weight * pitch).sum(dim=0)
        deviation = (weight * (pitch - mean) ** 2).sum(dim=0).sqrt()
        units = find_units([batch.spectral[..., :N_MELS] for batch in batches], seed=seed)
        return cls((spectral.mean(0), spectral.std(0).clamp(min=1e-3)), (mean, deviation.clamp(min=1e-3)), units)


def losses(
    model: Wav2Vec2Model, heads: Heads, batch: Batch, scale: Scale, mask: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The parts of the objective, each about 1 for an encoder that knows only the mean."""
    features = model.feature_extractor(batch.waveform).transpose(1, 2)
    hidden, _ = model.feature_projection(features)
    hidden = torch.where(mask[..., None], model.masked_spec_embed, hidden)
    hidden = model.encoder(hidden).last_hidden_state
    top, units = heads.top(hidden), torch.cdist(cepstra(batch.spectral[..., :N_MELS]), scale.units).argmin(dim=-1)
    cnn = heads.cnn(features)
    spectral = (batch.spectral - scale.spectral[0]) / scale.spectral[1]
    pitch = (batch.pitch - scale.pitch[0]) / scale.pitch[1]
    f0, f0_weight = pitch[..., N_DCT : N_DCT + 1], batch.weight[..., N_DCT : N_DCT + 1]
    n_spectral = spectral.shape[-1]
    return {
        "mel": F.mse_loss(top[..., :N_MELS], spectral[..., :N_MELS]),
        "units": F.cross_entropy(heads.units(hidden).flatten(0, 1), units.flatten()) / math.log(N_UNITS),
        "periodicity": F.mse_loss(top[..., N_MELS:n_spectral], spectral[..., N_MELS:]),
        "contour": _weighted(top[..., n_spectral:-2], pitch[..., :N_DCT], batch.weight[..., :N_DCT]),
        "f0": _weighted(top[..., -2:], pitch[..., N_DCT:], batch.weight[..., N_DCT:]),
        "cnn_mel": F.mse_loss(cnn[..., :N_MELS], spectral[..., :N_MELS]),
        "cnn_periodicity": F.mse_loss(cnn[..., N_MELS:n_spectral], spectral[..., N_MELS:]),
        "cnn_f0": _weighted(cnn[..., n_spectral:], f0, f0_weight),
    }


def _weighted(guess: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    # Smooth L1 (twice, so that it is the squared error near 0): an octave error of the tracker must not rule the step
    error = 2 * F.smooth_l1_loss(guess, target, reduction="none")
    return (error * weight).sum() / weight.sum().clamp(min=1)


# ---------------------------------------------------------------- monitor: linear probes on voices it never heard


def synthetic_corpus(language: str, *, span_ms: float, n_tokens: int, seed: int) -> Corpus:
    """Tone tokens of the generator's test voices, in memory; pre-training never hears those voices."""
    utterances, tokens, sounds, count = [], [], {}, 0
    for reading in synthetic.readings(language, n_speakers=16, seed=seed):
        if reading.speaker.split != "test":
            continue
        samples, rows = synthetic.render(reading, language=language, span_ms=span_ms)
        name, person = reading.file_name, reading.speaker
        sounds[name] = samples.astype(np.float32) / 32768
        common = {
            "utterance_id": name, "sentence_id": str(reading.sentence_id), "language": language, "split": "test",
            "speaker": person.name, "gender": person.gender, "emotion": reading.style,
        }  # fmt: skip
        utterances.append(common | {"text": "", "n_samples": samples.size})
        for row in rows.itertuples():
            ipa = row.onset + row.nucleus + row.coda
            center_s = (row.nucleus_start_s + row.nucleus_end_s) / 2
            tokens.append(common | {
                "token_id": f"{name}:{row.index}", "syllable": ipa, "ipa": ipa, "tone": row.tone,
                "start_s": row.start_s, "end_s": row.end_s, "center_s": center_s, "align_score": 1.0,
            })  # fmt: skip
        count += len(rows)
        if count >= n_tokens:
            break
    tables = pd.DataFrame(utterances)[UTTERANCE_COLUMNS], pd.DataFrame(tokens)[TOKEN_COLUMNS]
    return Corpus(*tables, sounds.__getitem__, pd.DataFrame(columns=["item", "reason"]))


def probe_f1(model: Wav2Vec2Model, corpus: Corpus) -> dict[str, float]:
    """Macro-F1 of a linear probe per layer, cross-validated over speakers (or syllable types) of a corpus."""
    encoder = Encoder(model.eval(), "tonespan-mini", "", scale_input=True)
    vectors = probes.hidden_vectors(encoder, corpus, corpus.tokens)
    tone = corpus.tokens["tone"].to_numpy(dtype=str)
    model.train()
    return {layer: _cross_validated_f1(values, tone, corpus.tokens) for layer, values in vectors.items()}


def _cross_validated_f1(values: np.ndarray, tone: np.ndarray, tokens: pd.DataFrame) -> float:
    predicted = np.empty_like(tone)
    for train, test in splits.folds(tokens, n_folds=4, seed=0):
        predicted[test] = classify.fit(values[train], tone[train], regularisation_c=0.01).predict(values[test])
    return float(classify.macro_f1(classify.confusion(tone, predicted, np.unique(tone))))


# ---------------------------------------------------------------- the loop


@dataclass(frozen=True)
class Schedule:
    """Steps in all, and the learning rate's course: a short rise, a plateau, a fall to 0 over the last ``FALL``.

    The plateau needs no end in sight: a run that is resumed with more steps goes on as if it had been planned so.
    """

    steps: int
    peak_rate: float

    def rate(self, step: int) -> float:
        left = (self.steps - step) / max(1.0, FALL * self.steps)
        return self.peak_rate * min(1.0, (step + 1) / WARM_UP_STEPS, max(0.0, left))


class Trainer:
    """Encoder, heads, optimiser and data, whose whole state goes into one file and comes back from it."""

    def __init__(self, batches: Batches, *, seed: int) -> None:
        self.batches = batches
        self.model = new_encoder(seed).train()
        self.heads = Heads(self.model.config)
        self.parameters = [*self.model.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, betas=(0.9, 0.98), weight_decay=0.01)
        self.rng = np.random.default_rng(seed)
        self.frames = n_frames(batches.crops.n_samples)
        self.scale = Scale.of([batches.draw() for _ in range(SCALE_BATCHES)], seed=seed)
        self.done, self.seconds = 0, 0.0

    def step(self, rate: float) -> dict[str, float]:
        """One update; the parts of its loss. Raises TonespanError where the loss is not finite."""
        began = time.monotonic()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        mask = span_mask(self.batches.n_crops, self.frames, share=MASK_SHARE, span=MASK_SPAN, rng=self.rng)
        parts = losses(self.model, self.heads, self.batches.draw(), self.scale, mask)
        loss = sum(LOSS_WEIGHT[name] * part for name, part in parts.items())
        if not torch.isfinite(loss):
            raise TonespanError(f"the loss is not finite at step {self.done}; the last checkpoint is kept")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.done += 1
        self.seconds += time.monotonic() - began
        return {name: part.item() for name, part in parts.items()}

    @property
    def hours(self) -> float:
        """Hours of speech heard so far."""
        return self.done * self.batches.n_crops * self.batches.crops.n_samples / SAMPLE_RATE / 3600

    def save(self, path: Path) -> None:
        """Everything the run needs to go on, in one file that is whole or absent."""
        state = {
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scale": [*self.scale.spectral, *self.scale.pitch, self.scale.units],
            "random": [json.dumps(rng.bit_generator.state) for rng in (self.rng, self.batches.crops.rng)],
            "generator": self.batches.generator.get_state(),
            "done": self.done,
            "seconds": self.seconds,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Go on from what :meth:`save` wrote."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scale = Scale(tuple(state["scale"][:2]), tuple(state["scale"][2:4]), state["scale"][4])
        for rng, stored in zip((self.rng, self.batches.crops.rng), state["random"], strict=True):
            rng.bit_generator.state = json.loads(stored)
        self.batches.generator.set_state(state["generator"])
        self.done, self.seconds = state["done"], state["seconds"]


def export(model: Wav2Vec2Model, folder: Path) -> None:
    """The encoder as a Hugging Face checkpoint; each file is replaced in one move."""
    partial = folder / ".partial"
    exported = copy.deepcopy(model)
    exported.config.update(FOR_FINE_TUNING)
    exported.save_pretrained(partial)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(partial)
    for path in partial.iterdir():
        path.chmod(0o644)
        os.replace(path, folder / path.name)
    partial.rmdir()


def write_curves(folder: Path, row: dict[str, float]) -> None:
    """Add a row to ``curves.csv``."""
    path = folder / "curves.csv"
    is_new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def run(
    trainer: Trainer, schedule: Schedule, monitors: dict[str, Corpus], *, every: int, out: Path, work: Path
) -> None:
    """Train to the end of the schedule; every ``every`` steps probe, store the checkpoint, and export the weights.

    The weights after the last step are the ones that stay. Long work reports to the terminal as it goes.
    """
    mean: dict[str, float] = {}
    if trainer.done == 0:
        _report(trainer, mean, monitors, out)
    while trainer.done < schedule.steps:
        for name, part in trainer.step(schedule.rate(trainer.done)).items():
            mean[name] = 0.98 * mean.get(name, part) + 0.02 * part
        if trainer.done % 50 == 0:
            shown = " ".join(f"{name} {value:.3f}" for name, value in mean.items())
            print(f"step {trainer.done} of {schedule.steps}, {trainer.seconds:.0f} s: {shown}", flush=True)
        if trainer.done % every == 0 or trainer.done == schedule.steps:
            trainer.save(work / "checkpoint.pt")
            _report(trainer, mean, monitors, out)
            export(trainer.model, out)


def _report(trainer: Trainer, mean: dict[str, float], monitors: dict[str, Corpus], out: Path) -> None:
    row: dict[str, float] = {"step": trainer.done, "hours": round(trainer.hours, 3), "seconds": round(trainer.seconds)}
    row |= {f"loss_{name}": round(mean.get(name, math.nan), 4) for name in LOSS_WEIGHT}
    for name, corpus in monitors.items():
        f1 = probe_f1(trainer.model, corpus)
        row |= {f"f1_{name}_{layer}": round(value, 4) for layer, value in f1.items()}
        best = max(f1, key=f1.__getitem__)
        print(f"step {trainer.done}: {name} macro-F1 {f1[best]:.3f} in layer {best}", flush=True)
    write_curves(out, row)


def open_banks(folder: Path, *, recordings_root: Path, minutes: float, seed: int) -> list[tuple[Bank, float]]:
    """Every bank with its share of the crops, built where it is not there; real speech only where its folder is."""
    makers = {name: partial(synthetic_clips, name, minutes=minutes, seed=seed) for name in synthetic.FOLDERS}
    makers |= {name: partial(recorded_clips, recordings_root / name) for name in RECORDINGS}
    banks = []
    for name, make in makers.items():
        if not (folder / name / "bank.json").is_file():
            if name in RECORDINGS and not (recordings_root / name).is_dir():
                print(f"{recordings_root / name}: not there; going on without it", flush=True)
                continue
            print(f"building {folder / name} ...", flush=True)
            write_bank(folder / name, make())
        banks.append((read_bank(folder / name), RECORDINGS.get(name, SYNTHETIC_SHARE)))
    return banks


def monitor_corpora(recordings_root: Path, cache_dir: Path) -> dict[str, Corpus]:
    """Small held-out sets: Thai and Vietnamese synthetic voices, and real Mandarin syllables where they are."""
    spans_ms = {"th": 100.0, "vi": 180.0}
    sets = {name: synthetic_corpus(name, span_ms=span, n_tokens=400, seed=7) for name, span in spans_ms.items()}
    if (recordings_root / "cmn_syllables").is_dir():
        whole = recordings.load(recordings_root / "cmn_syllables", language="cmn", cache_dir=cache_dir)
        sets["cmn"] = replace(whole, tokens=whole.tokens[whole.tokens["split"] == "test"])
    return sets


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="tonespan_utils.pretrain", description="Pre-train tonespan-mini without labels."
    )
    parser.add_argument("--steps", type=int, default=14_700, help="updates in all; a resumed run may be given more")
    parser.add_argument("--peak-rate", type=float, default=3e-3, help="learning rate of the plateau")
    parser.add_argument("--crops", type=int, default=4, help="crops per step")
    parser.add_argument("--crop-s", type=float, default=1.2, help="seconds per crop")
    parser.add_argument("--minutes", type=float, default=60.0, help="synthetic speech per language")
    parser.add_argument("--every", type=int, default=1000, help="steps between probes, checkpoints and exports")
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--recordings", type=Path, default=ROOT.parent / "shared" / "data" / "speech")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "tonespan-mini", help="where the weights go")
    parser.add_argument("--work", type=Path, default=ROOT / "data" / "pretrain", help="clips and checkpoint")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    banks = open_banks(options.work, recordings_root=options.recordings, minutes=options.minutes, seed=options.seed)
    crops = Crops(banks, crop_s=options.crop_s, seed=options.seed)
    trainer = Trainer(Batches(crops, n_crops=options.crops, seed=options.seed), seed=options.seed)
    if (options.work / "checkpoint.pt").is_file():
        trainer.load(options.work / "checkpoint.pt")
        print(f"going on from step {trainer.done}", flush=True)
    monitors = monitor_corpora(options.recordings, options.work / "audio")
    run(
        trainer,
        Schedule(options.steps, options.peak_rate),
        monitors,
        every=options.every,
        out=options.out,
        work=options.work,
    )


if __name__ == "__main__":
    try:
        main()
    except TonespanError as error:
        raise SystemExit(f"error: {error}") from None
