"""The samples and nuclei of a folder's recordings, decoded and measured once and kept in a cache.

Conventions: samples are float32 at 16 kHz, all recordings one after the other in ``samples.f32``; nuclei are
[start_s, end_s, center_s, voiced_fraction], or the reason why there is none.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from tonespan_utils.audio import reading as audio
from tonespan_utils.corpus import nucleus
from tonespan_utils.corpus.nucleus import find_nucleus
from tonespan_utils.corpus.syllables import Recording
from tonespan_utils.errors import TonespanError

BATCH, BATCH_BYTES = 64, 2**26  # files, and bytes of them, decoded ahead of the pitch tracker: bounds memory
PRINTED_ERRORS = 3


def decoded_once(recordings: Sequence[Recording], cache_dir: Path, folder: Path, selection: str) -> Path:
    """The cache folder with ``samples.f32`` and ``clips.json``, written by :func:`_measure` where it is not there yet.

    One such folder is kept per speech folder and ``selection``: a name for what was chosen from it.
    """
    inputs = [[str(recording.path), _state(recording.path), _unmarked(recording)] for recording in recordings]
    code = [audio.code_version(), Path(nucleus.__file__).read_text(encoding="utf-8")]
    key = sha256(json.dumps([inputs, code]).encode()).hexdigest()[:16]
    place = sha256(f"{folder.resolve()} {selection}".encode()).hexdigest()[:8]
    return audio.build_once(
        cache_dir / f"{folder.name}-{place}", key, lambda target: _measure(recordings, target, folder.name)
    )


def _state(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, state.st_mode]  # a file that may be read now is worth another try


def _unmarked(recording: Recording) -> list[tuple[float, float | None]]:
    return [(spoken.start_s, spoken.end_s) for spoken in recording.spoken if spoken.nucleus is None]


def _measure(recordings: Sequence[Recording], target: Path, name: str) -> None:
    """Decode every file and find the nuclei that are not given; write samples, and a row per file, into ``target``.

    A nucleus is a list of numbers, or the reason why there is none. A file that cannot be used has a ``problem`` and no
    samples. Raises :class:`TonespanError` where none can.
    """
    clips = []
    with (target / "samples.f32").open("wb") as file:
        progress = tqdm(_decoded(recordings), total=len(recordings), desc=f"reading {name}", unit="file")
        for recording, samples in progress:
            if isinstance(samples, TonespanError):
                reason = str(samples).removeprefix(f"{recording.path}: ")
                clips.append({"n_samples": 0, "nuclei": [], "problem": reason})
                continue
            samples.tofile(file)
            nuclei = [_nucleus(samples, *interval) for interval in _unmarked(recording)]
            clips.append({"n_samples": len(samples), "nuclei": nuclei})
    if all("problem" in clip for clip in clips):
        names = [str(recording.path) for recording in recordings[:PRINTED_ERRORS]]
        shown = "; ".join(f"{path}: {clip['problem']}" for path, clip in zip(names, clips, strict=False))
        raise TonespanError(f"none of {len(recordings)} files can be used: {shown}")
    (target / "clips.json").write_text(json.dumps(clips), encoding="utf-8")


def _decoded(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, np.ndarray | TonespanError]]:
    """Each recording with its samples (samples,), in order, decoded in threads: decoders release Python's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in _batches(recordings):
            yield from zip(batch, pool.map(_read_or_error, [recording.path for recording in batch]), strict=True)


def _batches(recordings: Sequence[Recording]) -> Iterator[list[Recording]]:
    """Batches of at most BATCH recordings, and of at most BATCH_BYTES of files unless one file is larger."""
    batch, n_bytes = [], 0
    for recording in recordings:
        size = recording.path.stat().st_size
        if batch and (len(batch) == BATCH or n_bytes + size > BATCH_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(recording)
        n_bytes += size
    if batch:
        yield batch


def _read_or_error(path: Path) -> np.ndarray | TonespanError:
    try:
        return audio.read(path)
    except TonespanError as error:
        return error


def _nucleus(samples: np.ndarray, start_s: float, end_s: float | None) -> list[float] | str:
    try:
        place = find_nucleus(samples, start_s=start_s, end_s=end_s)
    except TonespanError as error:
        return str(error)
    return [place.start_s, place.end_s, place.center_s, place.voiced_fraction]


class Clips:
    """What :func:`_measure` wrote, by utterance id: lengths, nuclei, samples, and ``problems`` of unusable files."""

    def __init__(self, recordings: Sequence[Recording], folder: Path) -> None:
        clips = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        ids = [recording.utterance_id for recording in recordings]
        self.n_samples = dict(zip(ids, (clip["n_samples"] for clip in clips), strict=True))
        self.nuclei = dict(zip(ids, (clip["nuclei"] for clip in clips), strict=True))
        self.problems = {name: clip["problem"] for name, clip in zip(ids, clips, strict=True) if "problem" in clip}
        self._ends = dict(zip(ids, np.cumsum([clip["n_samples"] for clip in clips]).tolist(), strict=True))
        self._path = folder / "samples.f32"

    def audio(self, utterance_id: str) -> np.ndarray:
        """Samples of an utterance: float32 (samples,) at 16 kHz."""
        n_samples = self.n_samples[utterance_id]
        offset = (self._ends[utterance_id] - n_samples) * np.dtype(np.float32).itemsize
        return np.fromfile(self._path, dtype=np.float32, count=n_samples, offset=offset)
