"""Read one audio file as mono float32 at 16 kHz, or say in one line why it cannot be used; build a cache folder once.

Conventions: samples are in [-1, 1]; channels are averaged before resampling; any sample rate is brought to
16 kHz by SoX's resampler at high quality (python-soxr), whose delay is compensated, so times stay.

libsndfile repairs a WAV header that promises more samples than there are, and plays an Ogg stream up to where it
stops. Half a sentence with the label of a whole one is worse than an error, so both are checked here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from filelock import FileLock

from tonespan_utils.corpus import SAMPLE_RATE
from tonespan_utils.errors import TonespanError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus")
SILENCE_PEAK = 1e-4  # -80 dB re full scale: three steps of 16-bit audio, below the noise of any microphone
OGG_LAST_PAGE = 0x04  # the bit of a page's header type that marks the end of the stream


def read(path: Path | str) -> np.ndarray:
    """Samples of an audio file: float32 (samples,) at 16 kHz, channels averaged.

    Raises :class:`TonespanError`, naming the file, where it is missing, empty, truncated, no audio, holds NaN
    or infinite samples, or is silent throughout (peak under ``SILENCE_PEAK``).
    """
    path = Path(path)
    check_length(path)
    samples, rate = _decode(path)
    mono = samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise TonespanError(f"{path}: NaN or infinite samples; export the recording again")
    if np.abs(mono).max() < SILENCE_PEAK:
        raise TonespanError(f"{path}: silent throughout; leave it out or record it again")
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")


def check_length(path: Path | str) -> None:
    """Raise :class:`TonespanError` for a file that is missing, empty, of no known kind, or shorter than it says.

    Reads the headers only (WAV) or the last page (Ogg): what a decoder would not complain about.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise TonespanError(f"{path}: not an audio file ({', '.join(SUFFIXES)} are read)")
    if not path.is_file():
        raise TonespanError(f"{path}: no such audio file")
    n_bytes = path.stat().st_size
    if n_bytes == 0:
        raise TonespanError(f"{path}: empty file")
    with path.open("rb") as file:
        magic = file.read(4)
        if magic == b"RIFF":
            _check_riff(path, file, n_bytes)
        elif magic == b"OggS":
            _check_ogg(path, magic + file.read())


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


def _decode(path: Path) -> tuple[np.ndarray, int]:
    """Samples (samples, channels) and the rate they were stored at."""
    try:
        with soundfile.SoundFile(path) as file:
            samples, promised, rate = file.read(dtype="float32", always_2d=True), file.frames, file.samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".")
        raise TonespanError(f"{path}: damaged, or no audio file ({reason})") from None
    if len(samples) < promised:
        raise TonespanError(f"{path}: truncated, {len(samples)} of {promised} samples are there; copy it again")
    if not len(samples):
        raise TonespanError(f"{path}: no samples in it")
    return samples, rate


def _check_riff(path: Path, file, n_bytes: int) -> None:
    """Walk the chunks of a WAV to ``data`` and compare its size with what is left of the file."""
    file.seek(12)
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[4:], "little")
        if header[:4] == b"data":
            if size > n_bytes - file.tell():
                there = n_bytes - file.tell()
                raise TonespanError(f"{path}: truncated, {there} of {size} bytes of sound are there; copy it again")
            return
        file.seek(size + size % 2, 1)  # chunks are padded to even length
    raise TonespanError(f"{path}: damaged, a WAV without a data chunk")


def _check_ogg(path: Path, stream: bytes) -> None:
    """The last page of an Ogg stream has to say that it is the last one."""
    flags_at = stream.rindex(b"OggS") + 5
    if not stream[flags_at : flags_at + 1] or not stream[flags_at] & OGG_LAST_PAGE:
        raise TonespanError(f"{path}: truncated, the Ogg stream does not end; copy it again")
