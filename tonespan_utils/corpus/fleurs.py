"""FLEURS, from the hub or from a local folder with the same layout, as a :class:`Corpus`.

Source: Conneau et al. 2022, https://huggingface.co/datasets/google/fleurs (CC BY 4.0). Per language folder
``data/<lang>/{train,dev,test}.tsv`` (no header, no quoting, seven columns) and ``data/<lang>/audio/<split>.tar.gz``
of float32 WAV at 16 kHz. The embedded corpus is written in this layout too, with two tables beside it that FLEURS
does not have: ``utterances.csv`` (speaker, emotion) and ``syllables.csv`` (tones with times).

Conventions: splits are those of FLEURS; all readings of a sentence share its sentence id; FLEURS does not name
speakers. Text is the raw transcription, for case and punctuation help text to tone. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import soundfile

from tonespan_utils import hub
from tonespan_utils.audio.reading import SAMPLE_RATE, check_length, read
from tonespan_utils.corpus import files, keys
from tonespan_utils.corpus.archives import unpacked, unusable
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

FOLDERS = {
    "my": "my_mm", "th": "th_th", "lo": "lo_la", "vi": "vi_vn", "cmn": "cmn_hans_cn", "en": "en_us",
    "yue": "yue_hant_hk", "yo": "yo_ng",
}  # fmt: skip
SPLITS = ("train", "dev", "test")
TSV_COLUMNS = ("sentence_id", "file_name", "text", "normalised", "characters", "n_samples", "gender")
GENDERS = ("female", "male")
LENGTH_TOLERANCE = SAMPLE_RATE // 100  # samples a WAV and its TSV row may differ by: 10 ms, one bin of offsets


def load(
    root: Path | str,
    language: str,
    *,
    cache_dir: Path | str,
    splits: Sequence[str] = SPLITS,
    tokens: pd.DataFrame | None = None,
) -> Corpus:
    """One language of a folder in FLEURS' layout; archives are unpacked under ``cache_dir`` once.

    The corpus' tokens are ``tokens`` (TOKEN_COLUMNS, for example from an alignment; rows of other utterances are left
    out), else those of ``syllables.csv``, else none. A row is in ``rejected`` where its WAV is missing, damaged, silent
    or of another length than the row says, or where its sentence belongs to another split.

    Raises :class:`TonespanError` for an unknown language or split, a missing or damaged table or archive, an
    archive with a member that would leave its folder, and a side table that does not fit.
    """
    folder = _language_folder(Path(root), language)
    if unknown := [split for split in splits if split not in SPLITS]:
        raise TonespanError(f"no split {unknown[0]!r} in FLEURS; use {', '.join(SPLITS)}")
    rows = _checked(pd.concat([_read_split(folder, split, Path(cache_dir)) for split in splits], ignore_index=True))
    kept = rows[rows["reason"] == ""]
    if kept.empty:
        raise TonespanError(f"{folder}: none of {len(rows)} rows can be used ({', '.join(rows['reason'].unique())})")
    utterances = _utterances(kept, language, folder)
    if tokens is None:
        tokens = _tokens_beside(folder, _with_raw_text(utterances, kept))
    paths = dict(zip(utterances["utterance_id"], kept["path"], strict=True))
    return Corpus(
        utterances, _tokens_of(tokens, paths), lambda utterance_id: read(paths[utterance_id]), _rejected(rows)
    )


def fetch(root: Path | str, *, languages: Sequence[str], revision: str | None = None, cache_dir: Path | str) -> Path:
    """The folder to :func:`load` from: ``root`` if it is one, else the snapshot of a hub data set under ``cache_dir``.

    The first call finds the commit that ``revision`` (default: the main branch) stands for, and keeps it in
    ``cache_dir/commits.json``; later calls use that commit. Files that are complete on disk need no network, and an
    interrupted download is continued.
    Raises :class:`TonespanError` for an unknown language, an unreachable hub, and a data set without the files.
    """
    if Path(root).is_dir():
        return Path(root)
    if not hub.REPOSITORY.fullmatch(str(root)):
        raise TonespanError(f"{root}: no such folder, nor a hub data set (owner/name)")
    wanted = [name for language in languages for name in _files(_folder_name(language))]
    return _snapshot(str(root), revision or "main", wanted, Path(cache_dir))


def _folder_name(language: str) -> str:
    if language not in FOLDERS:
        raise TonespanError(f"no FLEURS folder for language {language!r}; known: {', '.join(FOLDERS)}")
    return FOLDERS[language]


def _language_folder(root: Path, language: str) -> Path:
    folder = root / "data" / _folder_name(language)
    if not folder.is_dir():
        there = ", ".join(name for name in sorted(FOLDERS.values()) if (root / "data" / name).is_dir())
        raise TonespanError(f"{folder}: no such folder, so no {language!r} here; languages there: {there or 'none'}")
    return folder


def _files(folder_name: str) -> list[str]:
    """The paths of a language's files, relative to the root."""
    names = [name for split in SPLITS for name in (f"{split}.tsv", f"audio/{split}.tar.gz")]
    return [f"data/{folder_name}/{name}" for name in names]


# From the hub


def _snapshot(repo: str, revision: str, wanted: list[str], cache_dir: Path) -> Path:
    commit = hub.commit(repo, revision, repo_type="dataset", record=cache_dir / "commits.json")
    folder = hub.on_disk(repo, commit, repo_type="dataset", cache_dir=cache_dir)
    if folder is None or _missing(folder, wanted):
        folder = hub.download(repo, commit, wanted, repo_type="dataset", cache_dir=cache_dir)
    if missing := _missing(folder, wanted):
        raise TonespanError(f"{repo} at {commit}: has no {missing[0]}; is it laid out as google/fleurs is?")
    return folder


def _missing(folder: Path, wanted: list[str]) -> list[str]:
    return [name for name in wanted if not (folder / name).is_file()]


# Tables


def _read_split(folder: Path, split: str, cache_dir: Path) -> pd.DataFrame:
    """The rows of one TSV with split, line number, and the path of the unpacked WAV."""
    rows = pd.DataFrame(list(_tsv_rows(folder / f"{split}.tsv")), columns=["row", *TSV_COLUMNS])
    rows["n_samples"] = rows["n_samples"].astype(int)
    wavs = unpacked(folder / "audio" / f"{split}.tar.gz", cache_dir / f"{folder.name}-{split}")
    find = files.Directory(wavs)
    is_system = [files.is_of_system(PurePosixPath(name)) for name in rows["file_name"]]
    rows = rows[~np.array(is_system, dtype=bool)]
    paths = pd.Series([find(name) for name in rows["file_name"]], rows.index, dtype=object)
    names = [files.composed(name).strip() for name in rows["file_name"]]
    return rows.assign(split=split, path=paths, file_name=names, sentence_id=rows["sentence_id"].map(keys.word))


def _tsv_rows(path: Path) -> Iterator[tuple]:
    if not path.is_file():
        raise TonespanError(f"{path}: no such file")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TonespanError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: sentences may contain other line separators
        if line.strip():
            yield number, *_tsv_fields(line.rstrip("\r").split("\t"), f"{path}, row {number}")


def _tsv_fields(fields: list[str], where: str) -> list[str]:
    if len(fields) != len(TSV_COLUMNS):
        names = ", ".join(TSV_COLUMNS)
        raise TonespanError(f"{where}: {len(fields)} columns instead of {len(TSV_COLUMNS)} ({names}), tab separated")
    if not (fields[5].isascii() and fields[5].isdigit()):
        raise TonespanError(f"{where}: the number of samples is {fields[5]!r}, not a whole number")
    if PurePosixPath(fields[1]).name != fields[1] or "\\" in fields[1]:
        raise TonespanError(f"{where}: {fields[1]!r} is not a plain file name")
    return fields


def _utterances(rows: pd.DataFrame, language: str, folder: Path) -> pd.DataFrame:
    """UTTERANCE_COLUMNS; speaker, gender and emotion from ``utterances.csv`` where there is one."""
    stems = rows["file_name"].str.rsplit(".", n=1).str[0]
    gender = rows["gender"].map(keys.gender)
    table = rows.assign(
        utterance_id=language + "-" + rows["split"] + "-" + stems, language=language,
        speaker="", gender=gender.where(gender.isin(GENDERS), ""), emotion="", text=rows["text"].map(keys.text),
    )  # fmt: skip
    if (folder / "utterances.csv").is_file():
        beside = _side_table(folder / "utterances.csv", ["file_name", "speaker", "gender", "emotion"])
        beside = beside.drop_duplicates("file_name").set_index("file_name")
        if missing := set(table["file_name"]) - set(beside.index):
            raise TonespanError(f"{folder / 'utterances.csv'}: no row for {min(missing)}; build the corpus again")
        for column in ("speaker", "gender", "emotion"):
            table[column] = table["file_name"].map(beside[column])
        table["speaker"] = keys.one_case(table["speaker"])
    return table[UTTERANCE_COLUMNS].reset_index(drop=True)


def _with_raw_text(utterances: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The utterances with file name and the text as it was written, to which ``syllables.csv`` points."""
    return utterances.assign(file_name=rows["file_name"].to_numpy(), text=rows["text"].to_numpy())


def _tokens_beside(folder: Path, utterances: pd.DataFrame) -> pd.DataFrame:
    """TOKEN_COLUMNS from ``syllables.csv``, whose times are exact; no rows where it is missing or has no tones."""
    path = folder / "syllables.csv"
    if not path.is_file():
        return pd.DataFrame(columns=TOKEN_COLUMNS)
    numbers = ["char_start", "char_end", "start_s", "end_s", "nucleus_start_s", "nucleus_end_s"]
    table = _side_table(path, ["file_name", "index", "onset", "nucleus", "coda", "tone"], numbers=numbers)
    table = table[table["tone"] != ""].merge(utterances, on="file_name", validate="many_to_one")
    texts = zip(table["text"], table["char_start"].astype(int), table["char_end"].astype(int), strict=True)
    return table.assign(
        token_id=table["utterance_id"] + "-" + table["index"].str.zfill(2),
        syllable=[keys.word(text[start:end]) for text, start, end in texts],
        ipa=table["onset"] + table["nucleus"] + table["coda"],
        center_s=(table["nucleus_start_s"] + table["nucleus_end_s"]) / 2,
        align_score=1.0,
    )[TOKEN_COLUMNS]


def _side_table(path: Path, columns: Sequence[str], *, numbers: Sequence[str] = ()) -> pd.DataFrame:
    """Columns of a CSV beside FLEURS' own files: strings, and floats for ``numbers``."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)[[*columns, *numbers]]
        table["file_name"] = [files.composed(name).strip() for name in table["file_name"]]
        return keys.of_columns(table).astype(dict.fromkeys(numbers, float))
    except (KeyError, ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise TonespanError(f"{path}: does not fit this corpus ({error}); build the corpus again") from None


def _tokens_of(tokens: pd.DataFrame, utterance_ids: Mapping[str, object]) -> pd.DataFrame:
    """The rows of ``tokens`` that belong to these utterances; raises TonespanError where a column is missing."""
    if missing := [name for name in TOKEN_COLUMNS if name not in tokens]:
        raise TonespanError(f"tokens: no column {missing[0]!r}")
    return tokens.loc[tokens["utterance_id"].isin(utterance_ids), TOKEN_COLUMNS].reset_index(drop=True)


# What is left out


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the ``reason`` why they cannot be used, empty where they can, and its ``detail``."""
    reasons = {folder: unusable(folder) for folder in {path.parent for path in rows["path"]}}
    damages = [
        _damage(path, n_samples, reasons[path.parent])
        for path, n_samples in zip(rows["path"], rows["n_samples"], strict=True)
    ]
    rows[["reason", "detail"]] = np.array(damages, dtype=object).reshape(-1, 2)
    rows.loc[_is_leak(rows), "reason"] = "its sentence belongs to another split"
    rows.loc[rows.duplicated(["split", "file_name"]), "reason"] = "listed before"
    return rows


def _is_leak(rows: pd.DataFrame) -> np.ndarray:
    """Whether a row's sentence belongs to another split (row,): to test where test has it, else to dev."""
    claim = rows["split"].map(SPLITS.index)
    return (claim < claim.groupby(rows["sentence_id"]).transform("max")).to_numpy()


def _damage(path: Path, n_samples: int, reasons: Mapping[str, str]) -> tuple[str, str]:
    """Why a WAV cannot be used, and the detail of it; both empty where it can."""
    if not path.is_file():
        return "not in the archive", ""
    try:
        check_length(path)
        info = soundfile.info(path)
    except (TonespanError, soundfile.LibsndfileError) as error:
        return "damaged or truncated", str(error).removeprefix(f"{path}: ")
    if reason := reasons.get(path.name):
        return reason, ""
    n_there = round(info.frames * SAMPLE_RATE / info.samplerate)
    if abs(n_there - n_samples) > LENGTH_TOLERANCE:
        return "another length than the table says", f"{n_there} samples, not {n_samples}"
    return "", ""


def _rejected(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["reason"] != ""]
    items = rows["split"] + ".tsv, row " + rows["row"].astype(str) + ": " + rows["file_name"]
    items = items.where(rows["detail"] == "", items + " (" + rows["detail"] + ")")
    return pd.DataFrame({"item": items, "reason": rows["reason"]}).reset_index(drop=True)


# Archives
