"""The listing of a folder of recordings: from ``labels.csv``, Hugging Face's metadata, or audio with TextGrids.

Conventions: a listing is a table of strings with a row per file: the columns of ``labels.csv``, ``path`` on disk, and
``where``, the place at which a user finds the row. Values are in one form (:mod:`tonespan_utils.corpus.keys`), empty
where there is none.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tonespan_utils.audio import reading as audio
from tonespan_utils.corpus import audiofolder, files, grids, keys
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.errors import TonespanError

REQUIRED = ("file",)
OPTIONAL = ("tone", "text", "syllable", "speaker", "gender", "emotion", "language")
ISO_639 = re.compile(r"[a-z]{2,3}")
OTHER_ANNOTATIONS = (".eaf", ".json", ".lab", ".ctm", ".trs", ".antx", ".srt")


def of_folder(folder: Path) -> pd.DataFrame:
    """The listing of a folder: its ``labels.csv``, else Hugging Face's metadata, else its audio with TextGrids."""
    if os.path.lexists(folder / "labels.csv"):
        refuse_outside(folder, [(str(folder / "labels.csv"), folder / "labels.csv")])
        return _labels(folder)
    if listed := audiofolder.tables(folder):
        return _audiofolder(folder, listed)
    return _audio_with_grids(folder)


def _audiofolder(folder: Path, listed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of Hugging Face's metadata, as in ``labels.csv``; ``transcription`` serves as ``text``."""
    rows = pd.concat(listed, ignore_index=True)
    if "text" not in rows and "transcription" in rows:
        rows = rows.rename(columns={"transcription": "text"})
    rows["file"] = [files.composed(audiofolder.below(path, folder).as_posix()) for path in rows["path"]]
    rows["where"] = [f"{folder}, metadata of {name}" for name in rows["file"]]
    rows = rows.reindex(columns=[*REQUIRED, *OPTIONAL, "split", "where", "path"]).astype({"path": object})
    rows = rows.fillna("")
    _check_files(rows)
    return rows


def _labels(folder: Path) -> pd.DataFrame:
    """The rows of ``labels.csv`` as strings, with all columns, ``path`` and ``where``; every file must exist."""
    path = folder / "labels.csv"
    if not path.is_file():
        raise TonespanError(f"{path}: no plain file")  # a FIFO would be waited for
    rows = files.table(path)
    if missing := [name for name in REQUIRED if name not in rows]:
        raise TonespanError(f"{path}: no column {missing[0]!r}; it needs {', '.join(REQUIRED)}")
    if not {"tone", "text"} & set(rows):
        raise TonespanError(f"{path}: no column 'tone', nor 'text' to be aligned")
    if rows.empty:
        raise TonespanError(f"{path}: no rows")
    rows = rows.reindex(columns=[*REQUIRED, *OPTIONAL, "split"], fill_value="")
    rows["where"] = [f"{path}, row {number}" for number in range(2, len(rows) + 2)]  # as an editor counts them
    rows = files.of_corpus(rows, folder, column="file")
    _check_files(rows)
    return rows


def _check_files(rows: pd.DataFrame) -> None:
    for row in rows.itertuples():
        if not row.path.is_file():
            raise TonespanError(f"{row.where}: no such audio file {row.file!r}")
    place = pd.Series([os.path.normpath(path) for path in rows["path"]], rows.index, dtype=object)
    for _, same in rows[place.duplicated(keep=False)].groupby(place, sort=False):
        again = same["where"].iloc[1].rsplit(" ", 1)[-1]
        raise TonespanError(f"{same['where'].iloc[0]}: {same['file'].iloc[0]} is listed again in row {again}")


def _audio_with_grids(folder: Path) -> pd.DataFrame:
    """A row, as in ``labels.csv``, for every audio file under a folder; at least one needs a TextGrid."""
    if not folder.is_dir():
        raise TonespanError(f"{folder}: no such folder")
    paths = files.below(folder, audio.SUFFIXES)
    if not any(grids.beside(path) for path in paths):
        raise TonespanError(f"{folder}: neither a labels.csv nor audio with TextGrids of the same name{_hint(folder)}")
    parents = [path.parent.relative_to(folder) for path in paths]
    rows = {
        "file": [files.composed(path.relative_to(folder).as_posix()) for path in paths],
        "speaker": keys.one_case(keys.name(parent.name) for parent in parents),  # as the Montreal Forced Aligner has it
        "where": [str(path) for path in paths],
        "path": paths,
    }
    return pd.DataFrame(rows).reindex(columns=[*REQUIRED, *OPTIONAL, "where", "path"], fill_value="")


def _hint(folder: Path) -> str:
    """What to do with annotations of other programs, where there are such files; else empty."""
    if others := files.below(folder, OTHER_ANNOTATIONS):
        return f"; export {others[0].name} from its program as a Praat TextGrid"
    return ""


def files_of(path: Path) -> list[Path]:
    """An audio file, and its TextGrid where there is one."""
    grid = grids.beside(path)
    return [path, grid] if grid else [path]


def of_language(rows: pd.DataFrame, language: str | None, folder: Path) -> tuple[str, pd.DataFrame]:
    """The language to read, and its rows; without a choice, the only language that the rows name."""
    there = sorted(set(rows["language"]) - {""})
    if language is None:
        if len(there) != 1:
            raise TonespanError(f"{folder}: say which language to read (an ISO 639 code); labelled: {there or 'none'}")
        language = there[0]
    if not ISO_639.fullmatch(language):
        raise TonespanError(f"{folder}: {language!r} is no ISO 639 code of a language, as in 'cmn' or 'yue'")
    if there and language not in there:
        raise TonespanError(f"{folder}: no recordings in language {language!r}; there are {', '.join(there)}")
    return language, rows[rows["language"].isin(["", language])] if there else rows
