"""Real speech with one label per recording (emotion, gender or speaker), for fine-tuning: no tones, no times.

Two layouts. A folder with ``labels.csv``: ``file`` and a column named like the label, and where known ``speaker``,
``gender``, ``emotion``, ``text``, ``language``, ``split``. Or Hugging Face's ``audiofolder``: ``metadata.csv`` or
``metadata.jsonl`` with ``file_name`` (beside the audio, or in each split's folder), or a subfolder per class; the
first folder may name a split (``train``, ``validation`` or ``dev``, ``test``).

Conventions: given splits are kept; else recordings go to train, dev and test by speaker where two or more are known,
else by text, else by file. The same name is the same person.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils.corpus import TOKEN_COLUMNS, UTTERANCE_COLUMNS, Corpus, audio, audiofolder, recordings
from tonespan_utils.corpus.inside import refuse_outside
from tonespan_utils.errors import TonespanError

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
    rows["split"] = _splits(rows, label, folder)
    lengths, rejected = _lengths(rows)
    kept = rows[rows["utterance_id"].isin(lengths)]
    if kept.empty:
        raise TonespanError(f"{folder}: none of {len(rows)} files can be read, first {rejected[0][1]}")
    utterances = kept.assign(
        sentence_id=kept["text"].where(kept["text"] != "", kept["utterance_id"]),
        n_samples=kept["utterance_id"].map(lengths),
    )[UTTERANCE_COLUMNS].reset_index(drop=True)
    paths = dict(zip(kept["utterance_id"], kept["path"], strict=True))
    return Corpus(
        utterances,
        pd.DataFrame(columns=TOKEN_COLUMNS),
        lambda utterance_id: audio.read(paths[utterance_id]),
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
    rows["utterance_id"] = [audiofolder.below(Path(path), folder).as_posix() for path in rows["path"]]
    if rows.empty:
        raise TonespanError(f"{folder}: neither labels.csv, nor metadata.csv, nor audio in folders named by class")
    if repeated := rows["utterance_id"][rows["utterance_id"].duplicated()].tolist():
        raise TonespanError(f"{folder}: {repeated[0]} is listed twice")
    return rows


def _labels(path: Path) -> pd.DataFrame:
    table = audiofolder.table(path)
    if "file" not in table:
        raise TonespanError(f"{path}: no column 'file'")
    return table.assign(path=[path.parent / name for name in table["file"]])


def _class_folders(folder: Path) -> pd.DataFrame:
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in audio.SUFFIXES]
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
    named = rows[label].where(rows[label] != "", rows["label"])
    kept = rows.assign(**{label: named})[named != ""]
    if kept.empty:
        raise TonespanError(f"{folder}: no recording has a {label}; add a column {label!r}")
    return kept.reset_index(drop=True)


def _splits(rows: pd.DataFrame, label: str, folder: Path) -> pd.Series:
    if given := set(rows["split"]) - {""}:
        if strange := sorted(given - set(audiofolder.SPLIT_NAMES)):
            raise TonespanError(
                f"{folder}: no split is called {strange[0]!r}; use {', '.join(audiofolder.SPLIT_NAMES)}"
            )
        return rows["split"].map(audiofolder.SPLIT_NAMES).fillna("train")
    by = "speaker" if (rows["speaker"] != "").all() and rows["speaker"].nunique() > 1 else "text"
    names = rows[by].where(rows[by] != "", rows["utterance_id"])
    dealt = recordings.deal(set(names))
    if label == "speaker" and list(dealt.values()).count("test") < MIN_TEST_SPEAKERS:
        dealt = {name: "test" if split == "dev" else split for name, split in dealt.items()}
    return names.map(dealt)


def _lengths(rows: pd.DataFrame) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Samples of each file that can be read, and (item, reason) of the others."""
    lengths, rejected = {}, []
    for row in tqdm(rows.itertuples(), total=len(rows), desc="reading", unit="file"):
        try:
            lengths[row.utterance_id] = audio.read(row.path).size
        except TonespanError as error:
            rejected.append((row.utterance_id, str(error)))
    return lengths, rejected
