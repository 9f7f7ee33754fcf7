"""What a token sounds and looks like around its centre: sound, waveform outline, log-Mel spectrogram, F0.

Conventions: everything runs over the window of the energy, +-W around the tone centre, and is silent beyond the
recording. Sound is Ogg Opus at 16 kHz, scaled to one peak for listening; the outline holds the lowest and the highest
sample of every ``OUTLINE_MS`` in 1/127; the spectrogram is the baseline's log-Mel (``front_ends``) in 255 steps of its
80 dB under the clip's loudest band; F0 is Praat's, in tenths of a hertz, 0 where unvoiced.

Notebook: notebooks/explorer
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from tqdm.auto import tqdm

from tonespan_utils.audio import ogg
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import sources
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import f0, front_ends
from tonespan_utils.params import tables
from tonespan_utils.params.profile import Params

OUTLINE_MS = 2.0  # finer than a pixel of any screen
HOP_MS = 5.0
N_BANDS = 64
SERIAL = 1  # of every Ogg stream: encoders draw it at random, and the same seed would not give the same bytes
PEAK = 0.8  # of full scale: loud enough, and Opus' overshoot is not clipped
_ABOUT = ("seed", "speech", "synthetic", "gradient", "f0", "baseline")  # sections that change what a clip shows


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips of tokens: ``outline`` int8 (token, column, 2), ``mel`` uint8 (token, frame, band), ``f0`` uint16 (token,
    frame), ``side_ms`` float32 (token, 2) of audio before and after the centre, ``sound`` uint8, all Opus streams one
    after the other, ``sound_end`` int64 (token,).
    """

    token_ids: np.ndarray
    outline: np.ndarray
    mel: np.ndarray
    f0: np.ndarray
    side_ms: np.ndarray
    sound: np.ndarray
    sound_end: np.ndarray

    def take(self, rows: Sequence[int]) -> Clips:
        """Some of them, in that order."""
        starts = np.concatenate([[0], self.sound_end[:-1]])
        streams = [self.sound[starts[row] : self.sound_end[row]] for row in rows]
        arrays = {f.name: getattr(self, f.name)[list(rows)] for f in fields(self) if not f.name.startswith("sound")}
        return Clips(**arrays, sound=np.concatenate(streams), sound_end=np.cumsum([len(stream) for stream in streams]))


def of_utterance(samples: np.ndarray, centers_s: Sequence[float], names: Sequence[str], params: Params) -> Clips:
    """The clips around ``centers_s`` of one utterance (n,) at 16 kHz. Notebook: notebooks/explorer"""
    window_ms = params.gradient.window_ms
    offsets_ms = front_ends.frame_offsets_ms(2 * window_ms, HOP_MS)
    times_s, hz = f0.track(
        samples, floor_hz=params.f0.floor_hz, ceiling_hz=params.f0.ceiling_hz, step_ms=params.f0.step_ms
    )
    cuts = [_cut(samples, center, window_ms) for center in centers_s]
    mel = [_log_mel(samples, center, offsets_ms, params.baseline.analysis_window_ms) for center in centers_s]
    tracks = [_f0(times_s, hz, center, offsets_ms) for center in centers_s]
    sides = [(1000 * center, 1000 * (samples.size / SAMPLE_RATE - center)) for center in centers_s]
    streams = [_opus(cut) for cut in cuts]
    return Clips(
        token_ids=np.array(names),
        outline=np.stack([_outline(cut) for cut in cuts]),
        mel=np.stack(mel),
        f0=np.stack(tracks),
        side_ms=np.array(sides, dtype=np.float32),
        sound=np.concatenate(streams),
        sound_end=np.cumsum([len(stream) for stream in streams]),
    )


def join(parts: Sequence[Clips]) -> Clips:
    """Several one after the other."""
    joined = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Clips)}
    before = np.cumsum([0, *(part.sound.size for part in parts[:-1])])
    ends = np.concatenate([part.sound_end + start for part, start in zip(parts, before, strict=True)])
    return Clips(**joined | {"sound_end": ends})


def stored(params: Params, tokens: pd.DataFrame) -> Clips:
    """The clips of ``tokens``, row by row, from ``results/<profile>/clips.npz``; cut from the speech where that holds
    others or is not there. Raises TonespanError where neither can be had. Notebook: notebooks/explorer
    """
    path, key = params.results / "clips.npz", _key(params, tokens)
    clips = _load(path, key)
    if clips is None:
        clips = cut(params, tokens)
        save(path, clips, params, tokens)
    return clips


def cut(params: Params, tokens: pd.DataFrame) -> Clips:
    """The clips of ``tokens``, row by row, from the profile's speech."""
    parts = []
    for language, rows in tokens.groupby("language", sort=False):
        corpus = sources.load(params, language)
        parts += _cut_from(corpus, rows, params, desc=f"clips {language}")
    joined = join(parts)
    row = {name: number for number, name in enumerate(joined.token_ids)}
    return joined.take([row[name] for name in tokens["token_id"]])


def _cut_from(corpus: Corpus, tokens: pd.DataFrame, params: Params, *, desc: str) -> list[Clips]:
    """The clips of each utterance of one language; in threads, for Opus and Praat do most of it outside Python."""
    by_utterance = tokens.groupby("utterance_id", sort=False)

    def work(item: tuple[str, pd.DataFrame]) -> Clips:
        utterance_id, rows = item
        return of_utterance(corpus.audio(utterance_id), rows["center_s"].tolist(), rows["token_id"].tolist(), params)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(tqdm(pool.map(work, by_utterance), total=len(by_utterance), desc=desc, unit="utt"))


def save(path: Path, clips: Clips, params: Params, tokens: pd.DataFrame) -> None:
    """Keep clips for the next time, with what they were made for."""
    arrays = {f.name: getattr(clips, f.name) for f in fields(clips)} | {"key": np.array(_key(params, tokens))}
    tables.write_atomically(path, lambda file: np.savez_compressed(file, **arrays), mode="wb")


def _load(path: Path, key: str) -> Clips | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if str(arrays["key"]) == key:
                return Clips(**{f.name: arrays[f.name] for f in fields(Clips)})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError):
        pass  # missing, damaged or of another version: all the same, it is cut again
    return None


def _key(params: Params, tokens: pd.DataFrame) -> str:
    settings = f"{params.section(*_ABOUT)} {HOP_MS} {N_BANDS} {OUTLINE_MS} {PEAK} {SERIAL}"
    rows = tokens[["token_id", "center_s"]].to_csv(index=False)
    return hashlib.sha256((settings + rows).encode()).hexdigest()[:16]


def _cut(samples: np.ndarray, center_s: float, window_ms: float) -> np.ndarray:
    half = round(window_ms * SAMPLE_RATE / 1000)
    middle = round(center_s * SAMPLE_RATE)
    padded = np.pad(samples, half)[middle : middle + 2 * half]
    return padded * (PEAK / max(np.abs(padded).max(), 1e-6))


def _outline(cut: np.ndarray) -> np.ndarray:
    step = round(OUTLINE_MS * SAMPLE_RATE / 1000)
    columns = cut[: cut.size // step * step].reshape(-1, step)
    return np.round(127 * np.stack([columns.min(axis=1), columns.max(axis=1)], axis=1)).astype(np.int8)


def _log_mel(samples: np.ndarray, center_s: float, offsets_ms: np.ndarray, window_ms: float) -> np.ndarray:
    power = front_ends.power_frames(samples, center_s, offsets_ms, analysis_window_ms=window_ms)
    bands = front_ends.frontend_features(power, "logmel", n_bands=N_BANDS, n_mfcc=N_BANDS)
    decibels = 10 / np.log(10) * (bands - bands.max())
    return np.round(255 * (1 + np.maximum(decibels, -front_ends.FLOOR_DB) / front_ends.FLOOR_DB)).astype(np.uint8)


def _f0(times_s: np.ndarray, hz: np.ndarray, center_s: float, offsets_ms: np.ndarray) -> np.ndarray:
    if times_s.size < 2:
        return np.zeros(offsets_ms.size, dtype=np.uint16)
    at = np.interp(center_s + offsets_ms / 1000, times_s, hz, left=np.nan, right=np.nan)
    return np.round(10 * np.nan_to_num(at)).astype(np.uint16)


def _opus(cut: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    try:
        soundfile.write(stream, cut, SAMPLE_RATE, format="OGG", subtype="OPUS")
    except (soundfile.LibsndfileError, ValueError) as error:
        raise TonespanError(f"this libsndfile writes no Opus ({error}); install soundfile 0.13 or later") from None
    return np.frombuffer(ogg.with_serial(stream.getvalue(), SERIAL), dtype=np.uint8)
