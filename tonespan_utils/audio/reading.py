"""Read one audio file as mono float32 at 16 kHz, or say in one line why it cannot be used; build a cache folder once.

Conventions: samples are in [-1, 1], more where a recording in floats is louder than full scale; channels are averaged
before resampling; any sample rate from ``MIN_RATE`` to ``MAX_RATE`` is brought to 16 kHz by SoX's resampler at high
quality (python-soxr), whose delay is compensated, so times stay. So do they in mp3s with LAME's header, in Vorbis and
Opus, whose delays libsndfile takes off; for mp3s without that header see :mod:`tonespan_utils.audio.mpeg`.

A file is what its first bytes say, whatever its name ends in. Whether all of it is there is checked by
:mod:`tonespan_utils.audio.formats`: half a sentence with the label of a whole one is worse than an error.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from filelock import FileLock

from tonespan_utils.audio import formats
from tonespan_utils.errors import TonespanError

SAMPLE_RATE = 16_000  # what wav2vec 2.0 style encoders were trained on

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".oga", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".rf64")
# Endings of sound that is not read: named, so that the message can say what to do.
OTHER_SOUND = (".m4a", ".mp4", ".aac", ".wma", ".amr", ".webm", ".mkv", ".3gp", ".mov", ".ape", ".wv", ".ra", ".spx")
SILENCE_PEAK = 1e-4  # -80 dB re full scale: three steps of 16-bit audio, below the noise of any microphone
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz; below, F0's harmonics are gone, and beyond there is no recorder
CANCELLED = 0.1  # of the power that channels with nothing in common would have in their mean: equal ones, one reversed
FULL_SCALE = 100.0  # floats may pass 1; samples of 16 bits written as floats reach 32,768
BLOCK_FRAMES = 2**20  # decoded at a time where libsndfile's place is exact: three hours of many channels fit
EXACT = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC")
MAX_SAMPLES = 2**32  # of all channels; as floats 16 GiB, beyond which a header lies or memory ends


def read(path: Path | str) -> np.ndarray:
    """Samples of an audio file: float32 (samples,) at 16 kHz, channels averaged.

    Raises :class:`TonespanError`, naming the file, where it is missing, empty, truncated, damaged, no audio or of a
    kind that is not read, holds NaN or infinite samples, is silent throughout (peak under ``SILENCE_PEAK`` beside its
    mean), or where its channels cancel each other out when averaged.
    """
    path = Path(path)
    parts = [_mono(path, stream) for stream in _streams(path)]
    samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if not len(samples):
        raise TonespanError(f"{path}: no samples in it; leave it out or record it again")
    if np.abs(samples - samples.mean(dtype=np.float64)).max() < SILENCE_PEAK:
        raise TonespanError(f"{path}: silent throughout; leave it out or record it again")
    return samples


def check_length(path: Path | str) -> None:
    """Raise :class:`TonespanError` for a file that is missing, empty, of no kind that is read, or shorter than it says.

    Reads the headers only (WAV, FLAC), or the frames or pages without decoding them (mp3, Ogg): what a decoder would
    not complain about.
    """
    for stream in _streams(Path(path)):
        if not isinstance(stream, Path):
            stream.close()


def _streams(path: Path) -> list[Path | BinaryIO]:
    suffix = path.suffix.lower()
    if suffix not in (*SUFFIXES, *OTHER_SOUND):
        raise TonespanError(f"{path}: not an audio file ({', '.join(SUFFIXES)} are read)")
    if not path.is_file():
        raise TonespanError(f"{path}: no such audio file")
    try:
        return formats.streams(path)
    except OSError as error:
        raise TonespanError(f"{path}: cannot be read ({error.strerror or error}); check it and its folder") from None


def build_once(parent: Path, key: str, build: Callable[[Path], None]) -> Path:
    """The folder ``parent/key``, filled by ``build(folder)`` if it is not there yet.

    It appears under its name only when complete: after a kill the next call builds again. Whoever comes second
    waits for the first. ``parent`` belongs to this function: results under other keys, made from older input, go.
    Raises :class:`TonespanError` where ``parent`` cannot be written.
    """
    target = parent / key
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / ".lock"):
            if not target.is_dir():
                _build_and_rename(target, build)
    except OSError as error:
        raise TonespanError(
            f"{parent}: cannot write the cache ({error}); free space or choose another folder"
        ) from None
    return target


def _build_and_rename(target: Path, build: Callable[[Path], None]) -> None:
    for leftover in [path for path in target.parent.iterdir() if path.is_dir()]:
        shutil.rmtree(leftover)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=target.parent))
    try:
        build(unfinished)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _mono(path: Path, stream: Path | BinaryIO) -> np.ndarray:
    """The mean of the channels at 16 kHz: float32 (samples,)."""
    mono, rate, channel_power = _decoded(path, stream)
    if not np.isfinite(mono).all():
        raise TonespanError(f"{path}: NaN or infinite samples; export the recording again")
    if mono.size and np.abs(mono).max() > FULL_SCALE:
        raise TonespanError(f"{path}: samples up to {np.abs(mono).max():.0f}, not 1; export it with full scale at 1")
    _refuse_cancelled(path, mono, channel_power)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")


def _decoded(path: Path, stream: Path | BinaryIO) -> tuple[np.ndarray, int, np.ndarray]:
    """The mean of the channels at the rate they were stored at, that rate, and the channels' power: (channel,)."""
    try:
        with soundfile.SoundFile(stream) as file:
            _refuse_absurd(path, file)
            n_promised, rate = file.frames, file.samplerate
            mono, power = _averaged(file)
    except (soundfile.LibsndfileError, OSError, MemoryError) as error:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".") or type(error).__name__
        raise TonespanError(f"{path}: damaged, or no audio file ({reason}); export it again as WAV or FLAC") from None
    finally:
        if not isinstance(stream, Path):
            stream.close()
    if len(mono) < n_promised:
        raise TonespanError(f"{path}: truncated, {len(mono)} of {n_promised} samples are there; copy it again")
    return mono, rate, power


def _averaged(file: soundfile.SoundFile) -> tuple[np.ndarray, np.ndarray]:
    step = BLOCK_FRAMES if file.format in EXACT else max(1, file.frames)
    parts, energy = [np.empty(0, dtype=np.float32)], np.zeros(file.channels)
    while len(block := file.read(step, dtype="float32", always_2d=True)):
        parts.append(block.mean(axis=1, dtype=np.float32))
        # about the mean: a microphone's constant offset is no sound
        energy += block.var(axis=0, dtype=np.float64) * len(block) if file.channels > 1 else 0
        if len(block) < step:
            break
    mono = parts[1] if len(parts) == 2 else np.concatenate(parts)
    return mono, energy / max(1, len(mono))


def _refuse_absurd(path: Path, file: soundfile.SoundFile) -> None:
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        raise TonespanError(
            f"{path}: a sample rate of {file.samplerate} Hz; {MIN_RATE} to {MAX_RATE} are read: export it again"
        )
    if file.frames * file.channels > MAX_SAMPLES:
        raise TonespanError(
            f"{path}: {file.frames} samples of {file.channels} channels by its header; cut it into shorter files"
        )


def _refuse_cancelled(path: Path, mono: np.ndarray, channel_power: np.ndarray) -> None:
    """Channels of which one has its poles reversed: their mean is not what was recorded."""
    n_channels = len(channel_power)
    independent = channel_power.sum() / n_channels**2
    if n_channels < 2 or not mono.size or independent < SILENCE_PEAK**2:
        return
    if mono.var(dtype=np.float64) < CANCELLED * independent:
        which = "left and right" if n_channels == 2 else f"its {n_channels} channels"
        raise TonespanError(f"{path}: {which} cancel each other; keep one channel")
