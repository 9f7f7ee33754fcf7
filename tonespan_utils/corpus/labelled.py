"""Real speech with one label per recording (emotion, gender or speaker), for fine-tuning: no tones, no times.

Two layouts are read:

- a folder with ``labels.csv``: ``file`` and a column named like the label, and where they are known ``speaker``,
  ``gender``, ``emotion``, ``text``, ``language``, ``split``;
- Hugging Face's ``audiofolder``: ``metadata.csv`` or ``metadata.jsonl`` with ``file_name`` (beside the audio, or in
  each split's folder), or a subfolder per class; the first folder may name a split (``train``, ``validation`` or
  ``dev``, ``test``).

Conventions: splits that are given are kept, but recordings outside of test whose speaker is in test are left out.
Otherwise recordings go to train, dev and test by speaker where two or more are known, else by text, else by file. The
same name is the same person.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils.audio import reading
from tonespan_utils.corpus import audiofolder, files, keys, splitting
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

KNOWN = ("speaker", "gender", "emotion", "text", "language", "split")
MIN_TEST_SPEAKERS = 2  # fewer make no pair of different speakers


def load(folder: Path, *, label: str) -> Corpus:
    """The recordings of a folder whose ``label`` is known; files that cannot be read are in ``rejected``.

    Raises TonespanError for a missing or empty folder, metadata that cannot be read, a label that no row has, a split
    of another name, and when no file can be read. Notebook: notebooks/02_finetune
    """
    if not folder.is_dir():
        raise TonespanError(f"{folder}: no such folder; finetune.corpora.{label} needs labelled speech")
    rows = _with_label(_rows(folder), label, folder)
    rows, leaks = _with_splits(rows, label, folder)
    lengths, unreadable = _lengths(rows)
    rejected = [*leaks, *unreadable]
    kept = rows[rows["utterance_id"].isin(lengths)]
    if kept.empty:
        raise TonespanError(f"{folder}: none of {len(rows)} files can be read, first {unreadable[0][1]}")
    utterances = kept.assign(
        sentence_id=kept["text"].where(kept["text"] != "", kept["utterance_id"]),
        n_samples=kept["utterance_id"].map(lengths),
    )[UTTERANCE_COLUMNS].reset_index(drop=True)
    paths = dict(zip(kept["utterance_id"], kept["path"], strict=True))
    return Corpus(
        utterances,
        pd.DataFrame(columns=TOKEN_COLUMNS),
        lambda utterance_id: reading.read(paths[utterance_id]),
        pd.DataFrame(rejected, columns=["item", "reason"]),
    )


def _rows(folder: Path) -> pd.DataFrame:
    """A row per recording with ``path``, ``utterance_id``, KNOWN and ``label``, all strings but the path."""
    listed = folder / "labels.csv"
    refuse_outside(folder, [(str(listed), listed)])
    tables = [_labels(listed)] if os.path.lexists(listed) else audiofolder.tables(folder)
    rows = pd.concat(tables, ignore_index=True) if tables else _class_folders(folder)
    rows = rows.reindex(columns=["path", "label", *KNOWN]).astype({"path": object})
    rows = rows.fillna("").assign(language=lambda table: table["language"].replace("", "und"))
    refuse_outside(folder, ((f"{folder}, a recording", Path(path)) for path in rows["path"]))
    rows["speaker"] = keys.one_case(rows["speaker"])  # each table has its own already
    rows["utterance_id"] = [_name(Path(path), folder) for path in rows["path"]]
    if rows.empty:
        raise TonespanError(f"{folder}: neither labels.csv, nor metadata.csv, nor audio in folders named by class")
    if repeated := rows["utterance_id"][rows["utterance_id"].duplicated()].tolist():
        raise TonespanError(f"{folder}: {repeated[0]} is listed twice")
    return rows


def _name(path: Path, folder: Path) -> str:
    """A file's name as identifier: below the folder, without detours, in composed form."""
    return files.composed(audiofolder.below(path, folder).as_posix())


def _labels(path: Path) -> pd.DataFrame:
    table = audiofolder.table(path)
    if "file" not in table:
        raise TonespanError(f"{path}: no column 'file'")
    return files.of_corpus(table, path.parent, column="file")


def _class_folders(folder: Path) -> pd.DataFrame:
    paths = files.below(folder, reading.SUFFIXES)
    rows = [
        {"path": path, "label": _class_of(path, folder), "split": audiofolder.split_of(path, folder)} for path in paths
    ]
    return pd.DataFrame(rows)


def _class_of(path: Path, folder: Path) -> str:
    """The folder a file is in, unless that is the whole folder or a split."""
    above = path.relative_to(folder).parts[:-1]
    return "" if not above or (len(above) == 1 and above[0] in audiofolder.SPLIT_NAMES) else above[-1]


def _with_label(rows: pd.DataFrame, label: str, folder: Path) -> pd.DataFrame:
    """The rows that have the label; a class folder or a column ``label`` stands in where its own column is empty."""
    named = rows[label].where(rows[label] != "", rows["label"].map(keys.FORMS[label]))
    if label == "speaker":
        named = pd.Series(keys.one_case(named), rows.index, dtype=object)
    kept = rows.assign(**{label: named})[named != ""]
    if kept.empty:
        raise TonespanError(f"{folder}: no recording has a {label}; add a column {label!r}")
    return kept.reset_index(drop=True)


def _with_splits(rows: pd.DataFrame, label: str, folder: Path) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The rows with their splits, and (item, reason) of those left out since their speaker is in the given test split.

    Sentences may be shared: corpora of emotions are a few sentences that everybody reads.
    """
    if (names := splitting.given(rows["split"].tolist(), [str(folder)] * len(rows))) is None:
        return rows.assign(split=_assigned(rows, label)), []
    rows = rows.assign(split=names)
    leaks = splitting.leaks(rows, keys=["speaker"]) if (rows["speaker"] != "").all() else {}
    return rows[~rows["utterance_id"].isin(leaks)].reset_index(drop=True), list(leaks.items())


def _assigned(rows: pd.DataFrame, label: str) -> pd.Series:
    """The split of each row (row,): by speaker where two or more are known, else by text, else by file."""
    by = "speaker" if (rows["speaker"] != "").all() and rows["speaker"].nunique() > 1 else "text"
    names = rows[by].where(rows[by] != "", rows["utterance_id"])
    splits = splitting.assign_names(names)
    if label == "speaker" and list(splits.values()).count("test") < MIN_TEST_SPEAKERS:
        splits = {name: "test" if split == "dev" else split for name, split in splits.items()}
    return names.map(splits)


def _lengths(rows: pd.DataFrame) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Samples of each file that can be read, and (item, reason) of the others."""
    lengths, rejected = {}, []
    for row in tqdm(rows.itertuples(), total=len(rows), desc="reading", unit="file"):
        try:
            lengths[row.utterance_id] = reading.read(row.path).size
        except TonespanError as error:
            rejected.append((row.utterance_id, str(error)))
    return lengths, rejected
