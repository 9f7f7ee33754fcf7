"""Read one audio file as mono float32 at 16 kHz, or say in one line why it cannot be used; build a cache folder once.

Conventions: samples are in [-1, 1], more where a recording in floats is louder than full scale; channels are averaged,
then resampled (:mod:`tonespan_utils.audio.decoding`). Times stay, also in mp3s with LAME's header, in Vorbis and Opus,
whose delays libsndfile takes off; for mp3s without that header see :mod:`tonespan_utils.audio.mpeg`.

A file is what its first bytes say, whatever its name ends in. Whether all of it is there is checked by
:mod:`tonespan_utils.audio.formats`: half a sentence with the label of a whole one is worse than an error.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock

from tonespan_utils.audio import decoding, formats
from tonespan_utils.audio.decoding import SAMPLE_RATE as SAMPLE_RATE  # of what is read
from tonespan_utils.audio.decoding import SILENCE_PEAK
from tonespan_utils.errors import TonespanError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".oga", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".rf64")
# Endings of sound that is not read: named, so that the message can say what to do.
OTHER_SOUND = (".m4a", ".mp4", ".aac", ".wma", ".amr", ".webm", ".mkv", ".3gp", ".mov", ".ape", ".wv", ".ra", ".spx")


def read(path: Path | str) -> np.ndarray:
    """Samples of an audio file: float32 (samples,) at 16 kHz, channels averaged.

    Raises :class:`TonespanError`, naming the file, where it is missing, empty, truncated, damaged, no audio or of a
    kind that is not read, holds NaN or infinite samples, is silent throughout (peak under ``SILENCE_PEAK`` beside its
    mean), or where its channels cancel each other out when averaged.
    """
    path = Path(path)
    content = bytearray()  # grows in place: a list of arrays would be there twice when it is joined
    for stream in _streams(path):
        decoding.append_mono(path, stream, content)
    samples = np.frombuffer(content, dtype=np.float32)
    if not len(samples):
        raise TonespanError(f"{path}: no samples in it; leave it out or record it again")
    mean = samples.mean(dtype=np.float64)
    if max(samples.max() - mean, mean - samples.min()) < SILENCE_PEAK:
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


def code_version() -> str:
    """A hash of the code that decides which samples are read, for the key of a cache of them."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]


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
