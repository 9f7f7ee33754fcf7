"""The embedded corpus: synthetic speech whose tone cue has a known width, written in FLEURS' own layout.

It is a calibration corpus with synthetic ground truth, and no evidence about the languages themselves. Text is drawn as
legal syllables with the tone independent of the segments (:mod:`tonespan_utils.corpus.synthetic.spellers.speller`),
spoken flat by eSpeak NG (:mod:`tonespan_utils.corpus.synthetic.espeak`), and given a pitch whose tone contour is 0
beyond half the planted width on either side of the nucleus centre (:mod:`tonespan_utils.corpus.synthetic.pitch`).

Conventions
-----------
- Per language ``data/<folder>/{train,dev,test}.tsv`` and ``data/<folder>/audio/<split>.tar.gz`` as FLEURS has them;
  beside them ``utterances.csv``, ``syllables.csv`` and ``synthetic.json`` with what FLEURS has no column for.
- A sentence is read by one or two speakers of one split; splits share neither sentences nor speakers.
- English has words for syllables and no tone; its nucleus is that of the word's first syllable.
- Everything random depends on (seed, language, sentence, reading) alone: neither the order of work nor ``jobs`` changes
  a byte.
- A language's folder appears when it is complete; a folder whose parameters match is left as it is.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import multiprocessing
import os
import shutil
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import wavfile

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.synthetic import pitch
from tonespan_utils.corpus.synthetic.readings import SPLITS, STYLES, Reading, readings, speakers
from tonespan_utils.corpus.synthetic.rendering import render
from tonespan_utils.corpus.synthetic.spellers.speller import Speller, speller, write
from tonespan_utils.errors import TonespanError

FORMAT = 2  # raise when the same parameters would give other bytes: finished folders are then built anew
NOTE = "synthetic speech: calibration corpus with a planted answer"
FOLDERS = {"my": "my_mm", "th": "th_th", "lo": "lo_la", "vi": "vi_vn", "cmn": "cmn_hans_cn", "en": "en_us"}
BATCH = 32  # readings per turn of the pool

Progress = Callable[[str, float, float], None]  # language, seconds made, seconds wanted


def build(
    out_dir: Path,
    *,
    languages: Sequence[str],
    planted_span_ms: Mapping[str, float],
    minutes: float,
    n_speakers: int = 16,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write at least ``minutes`` of speech per language under ``out_dir/data``; finished languages are left alone.

    ``planted_span_ms`` is the planted width of each language; one without an entry gets no tone contour. Raises
    :class:`TonespanError` for an unknown language, and where a folder is in the way that this function did not make.
    """
    for language in languages:
        if language not in FOLDERS:
            raise TonespanError(f"no synthetic speech for language {language!r}; known: {', '.join(FOLDERS)}")
    speakers(n_speakers)
    recipes = {
        language: _recipe(
            language, span_ms=planted_span_ms.get(language), minutes=minutes, n_speakers=n_speakers, seed=seed
        )
        for language in languages
    }
    todo = [language for language in languages if not _is_finished(_folder(out_dir, language), recipes[language])]
    with ExitStack() as stack:
        pool = None
        if todo and jobs > 1 and _has_semaphores():
            pool = stack.enter_context(_pool(jobs))
        for language in todo:
            _build_language(_folder(out_dir, language), recipes[language], pool=pool, progress=progress)


def _has_semaphores() -> bool:
    """Whether processes can share work; not in a container without a /dev/shm that can be written."""
    try:
        multiprocessing.get_context("spawn").Lock()
    except OSError:
        return False
    return True


def _pool(jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a forked child would share the parent's threads' locks
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """Let a worker end when its parent was killed: workers keep each other's pipes open and would wait for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _folder(out_dir: Path, language: str) -> Path:
    return Path(out_dir) / "data" / FOLDERS[language]


def _recipe(language: str, *, span_ms: float | None, minutes: float, n_speakers: int, seed: int) -> dict:
    packages = ("espeakng-loader", "praat-parselmouth", "numpy", "scipy")
    return {
        "note": NOTE, "format": FORMAT, "language": language, "planted_span_ms": span_ms, "minutes": minutes,
        "n_speakers": n_speakers, "seed": seed, "wander": asdict(pitch.Wander()),
        "versions": {name: version(name) for name in packages},
    }  # fmt: skip


def _is_finished(folder: Path, recipe: dict) -> bool:
    if not folder.exists():
        return False
    record = folder / "synthetic.json"
    if not record.exists():
        raise TonespanError(f"{folder} is in the way and is no synthetic corpus: choose another folder or move it")
    return json.loads(record.read_text(encoding="utf-8")) == recipe


def _build_language(folder: Path, recipe: dict, *, pool: ProcessPoolExecutor | None, progress: Progress | None) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "audio").mkdir(parents=True)
    _write(partial, _recordings(recipe, pool=pool, progress=progress), speller(recipe["language"]))
    (partial / "synthetic.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _recordings(
    recipe: dict, *, pool: ProcessPoolExecutor | None, progress: Progress | None
) -> Iterator[tuple[Reading, np.ndarray, pd.DataFrame]]:
    """Rendered readings in the corpus' order until there are enough minutes of them."""
    language, wanted_s, done_s = recipe["language"], recipe["minutes"] * 60, 0.0
    plan = readings(language, n_speakers=recipe["n_speakers"], seed=recipe["seed"])
    work = ((reading, language, recipe["planted_span_ms"]) for reading in plan)
    while done_s < wanted_s:
        batch = list(itertools.islice(work, BATCH))
        for (reading, *_), (samples, rows) in zip(batch, (pool.map if pool else map)(_render, batch), strict=True):
            yield reading, samples, rows
            done_s += len(samples) / SAMPLE_RATE
            if progress:
                progress(language, min(done_s, wanted_s), wanted_s)
            if done_s >= wanted_s:
                break


def _render(work: tuple[Reading, str, float | None]) -> tuple[np.ndarray, pd.DataFrame]:
    reading, language, span_ms = work
    return render(reading, language=language, span_ms=span_ms)


def _write(folder: Path, recordings: Iterator[tuple[Reading, np.ndarray, pd.DataFrame]], spelling: Speller) -> None:
    utterances, syllables = [], []
    with ExitStack() as stack:
        archives = {split: stack.enter_context(_archive(folder / "audio" / f"{split}.tar.gz")) for split in SPLITS}
        for reading, samples, rows in recordings:
            _add(archives[reading.speaker.split], reading, samples)
            utterances.append(_utterance(reading, len(samples), spelling))
            syllables.append(rows)
    table = pd.DataFrame(utterances)
    for split in SPLITS:
        _write_tsv(folder / f"{split}.tsv", table[table["split"] == split])
    table.drop(columns=["text", "n_samples"]).to_csv(folder / "utterances.csv", index=False)
    pd.concat(syllables).to_csv(folder / "syllables.csv", index=False)


def _utterance(reading: Reading, n_samples: int, spelling: Speller) -> dict:
    person = reading.speaker
    return {
        "file_name": reading.file_name, "sentence_id": reading.sentence_id, "split": person.split,
        "speaker": person.name, "gender": person.gender, "emotion": reading.style,
        "rate": round(person.rate * STYLES[reading.style].rate, 3), "base_f0_hz": round(person.base_hz, 1),
        "text": write(spelling, reading.syllables)[0], "n_samples": n_samples,
    }  # fmt: skip


def _write_tsv(path: Path, table: pd.DataFrame) -> None:
    lines = [
        f"{row.sentence_id}\t{row.file_name}\t{row.text}\t{row.text}\t{' '.join(row.text.replace(' ', '|'))} |"
        f"\t{row.n_samples}\t{row.gender.upper()}\n"
        for row in table.itertuples()
    ]
    path.write_text("".join(lines), encoding="utf-8")


@contextmanager
def _archive(path: Path) -> Iterator[tarfile.TarFile]:
    """A gzipped tar whose bytes depend on its members alone: no clock, no file name, no owner."""
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        yield archive


def _add(archive: tarfile.TarFile, reading: Reading, samples: np.ndarray) -> None:
    wav = io.BytesIO()
    wavfile.write(wav, SAMPLE_RATE, samples.astype(np.float32) / 32_768)
    member = tarfile.TarInfo(f"{reading.speaker.split}/{reading.file_name}")
    member.size = wav.getbuffer().nbytes
    wav.seek(0)
    archive.addfile(member, wav)
