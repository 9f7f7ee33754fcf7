"""The metadata of Hugging Face's ``audiofolder``: ``metadata.csv`` or ``metadata.jsonl``, beside the audio.

Conventions: column ``file_name`` is relative to the metadata's own folder; a first folder, or a column ``split``, may
name the split (``train``, ``validation`` or ``dev``, ``test``). Values are strings in one
form (:mod:`tonespan_utils.corpus.keys`), empty where there is none.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd

from tonespan_utils.corpus import files, keys
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.errors import TonespanError

METADATA = ("metadata.csv", "metadata.jsonl")
SPLIT_NAMES = {"train": "train", "validation": "dev", "valid": "dev", "dev": "dev", "test": "test"}


def tables(folder: Path) -> list[pd.DataFrame]:
    """One table per metadata file under a folder, with ``path`` and ``split``; none where there is no metadata.

    Raises :class:`TonespanError` for metadata that cannot be read, names no files, or names files elsewhere.
    """
    listed = []
    for path in files.below(folder, (".csv", ".jsonl")):
        if path.name not in METADATA:
            continue
        refuse_outside(folder, [(str(path), path)])
        read = table(path)
        if "file_name" not in read:
            raise TonespanError(f"{path}: no column 'file_name', which Hugging Face's audiofolder has")
        read = files.of_corpus(read, path.parent, column="file_name")
        refuse_outside(folder, ((str(path), audio_path) for audio_path in read["path"]))
        given = read["split"] if "split" in read else [""] * len(read)
        splits = [split_of(audio_path, folder) or split for audio_path, split in zip(read["path"], given, strict=True)]
        listed.append(read.assign(split=splits))
    return listed


def split_of(path: Path, folder: Path) -> str:
    """The split that the first folder below ``folder`` names; empty where it names none."""
    return SPLIT_NAMES.get(below(path, folder).parts[0], "")


def below(path: Path, folder: Path) -> Path:
    """A path as seen from the folder that it lies in, without detours; links are followed only where they must be."""
    plain, top = Path(os.path.normpath(path)), Path(os.path.normpath(folder))
    if plain.is_relative_to(top):
        return plain.relative_to(top)
    return Path(os.path.realpath(path)).relative_to(os.path.realpath(folder))


def table(path: Path) -> pd.DataFrame:
    """A CSV or JSON-lines file as a table of strings. Raises :class:`TonespanError` where it cannot be read."""
    if not path.is_file():
        raise TonespanError(f"{path}: no plain file")  # a FIFO would be waited for
    if path.suffix != ".jsonl":
        return files.table(path)
    try:
        lines = files.decoded(path.read_bytes()).split("\n")
        rows = pd.DataFrame([_strings(json.loads(line)) for line in lines if line.strip()], dtype=object).fillna("")
    except (ValueError, OSError) as error:
        raise TonespanError(f"{path}: not readable ({str(error).strip()})") from None
    return keys.of_columns(rows)


def _strings(row: object) -> dict[str, str]:
    if not isinstance(row, dict):
        raise ValueError(f"{row!r} is no object")
    return {keys.word(name).lower(): "" if keys.is_missing(value) else str(value) for name, value in row.items()}
