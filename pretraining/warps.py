"""Vocal tract length normalisation without labels (Lee & Rose 1996): one warp of the frequency axis per voice.

A long vocal tract lowers all resonances by one factor. Read at frequencies so much lower, its spectra fall on those of
the average voice, and clusters of spectra stand for sounds rather than voices.
"""

from __future__ import annotations

import librosa
import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans

from pretraining.crops import Crops, speaker_of
from pretraining.targets import N_MELS, SpectralTargets, cepstra
from tonespan_utils.audio.reading import SAMPLE_RATE

MEL_HZ = librosa.mel_frequencies(N_MELS + 2, fmin=50, fmax=SAMPLE_RATE / 2)[1:-1]  # band centres
WARPS = 1.04 ** np.arange(-6, 7)
WARP_STEPS, WARP_TURNS = 600, 10  # six seconds of each voice of each bank
N_CLUSTERS = 256


def warped(mel: torch.Tensor, warp: torch.Tensor) -> torch.Tensor:
    """Log-Mel (crop, frame, 40) read at frequencies times ``warp`` (crop,), linearly between bands, ends held."""
    place = np.interp((MEL_HZ * warp.numpy()[:, None]).clip(MEL_HZ[0], MEL_HZ[-1]), MEL_HZ, np.arange(N_MELS))
    below = torch.from_numpy(place.astype(int).clip(max=N_MELS - 2))[:, None].expand(mel.shape)
    part = torch.from_numpy((place - place.astype(int).clip(max=N_MELS - 2)).astype(np.float32))[:, None]
    return (1 - part) * mel.gather(-1, below) + part * mel.gather(-1, below + 1)


def fit_warps(crops: Crops, *, seed: int) -> dict[str, float]:
    """The warp of each voice that brings its spectra nearest to the clusters of all, found by turns (Lee & Rose 1996).

    A synthetic voice is the same in every language. No label is read.
    """
    spectral = SpectralTargets()
    pieces: dict[str, list[torch.Tensor]] = {}
    for which, bank in enumerate(crops.banks):
        for voice in crops.by_voice[which]:
            samples, _ = crops.joined(which, voice, WARP_STEPS)
            pieces.setdefault(speaker_of(bank.voices[voice]), []).append(spectral(torch.from_numpy(samples)[None])[0])
    names = sorted(pieces)
    points = {
        name: [
            torch.cat([cepstra(warped(mel, torch.tensor([warp]))).flatten(0, 1) for mel in pieces[name]]).numpy()
            for warp in WARPS
        ]
        for name in names
    }
    chosen = dict.fromkeys(names, len(WARPS) // 2)
    for turn in range(WARP_TURNS):
        pool = np.concatenate([points[name][chosen[name]] for name in names])
        centres = MiniBatchKMeans(N_CLUSTERS, batch_size=8192, n_init=2, random_state=seed + turn).fit(pool)
        for name in names:
            chosen[name] = int(np.argmax([centres.score(part) for part in points[name]]))
        middle = round(np.mean(list(chosen.values()))) - len(WARPS) // 2  # else all voices drift to one end
        chosen = {name: int(np.clip(place - middle, 0, len(WARPS) - 1)) for name, place in chosen.items()}
    return {name: float(WARPS[place]) for name, place in chosen.items()}
