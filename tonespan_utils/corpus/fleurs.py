"""FLEURS, from the hub or from a local folder with the same layout, as a :class:`Corpus`.

Source: Conneau et al. 2022, https://huggingface.co/datasets/google/fleurs (CC BY 4.0). Per language folder
``data/<lang>/{train,dev,test}.tsv`` (no header, no quoting, seven columns) and ``data/<lang>/audio/<split>.tar.gz``
of float32 WAV at 16 kHz. The embedded corpus is written in this layout too, with two tables beside it that FLEURS
does not have: ``utterances.csv`` (speaker, emotion) and ``syllables.csv`` (tones with times).

Conventions: a split is FLEURS' own; the sentence id is the sentence's, shared by its readings; FLEURS knows no
speakers. Text is the raw transcription: case and punctuation help text to tone. Times are seconds.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import pandas as pd
import soundfile

from tonespan_utils import hub
from tonespan_utils.audio import reading
from tonespan_utils.audio.reading import SAMPLE_RATE, build_once, check_length, read
from tonespan_utils.corpus import files, keys
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
UNUSABLE = "unusable.json"  # beside the unpacked files
OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
UNPACKED_RATIO = 50  # speech as floats of 16-bit samples packs to a third; digital silence alone does better than this
UNPACKED_BYTES = 10**9  # that any archive may unpack to: a short one may be mostly silence
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

    Tokens are those given (TOKEN_COLUMNS, say from an alignment; rows of other utterances are left out), else those
    of ``syllables.csv``, else none. A row whose WAV is missing, damaged, silent or of another length than it says,
    or whose sentence belongs to another split, is in ``rejected``.

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
    return Corpus(utterances, _known(tokens, paths), lambda utterance_id: read(paths[utterance_id]), _rejected(rows))


def fetch(root: Path | str, *, languages: Sequence[str], revision: str | None = None, cache_dir: Path | str) -> Path:
    """The folder to :func:`load` from: ``root`` if it is one, else the snapshot of a hub data set under ``cache_dir``.

    The commit that ``revision`` (default: the main branch) stands for at first is kept in ``cache_dir/commits.json``
    and used from then on; what is complete on disk needs no network, what was interrupted goes on.
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
    """What a language consists of, relative to the root."""
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
    """Rows of one TSV with split, line number, and the path of the unpacked WAV."""
    rows = pd.DataFrame(list(_tsv_rows(folder / f"{split}.tsv")), columns=["row", *TSV_COLUMNS])
    rows["n_samples"] = rows["n_samples"].astype(int)
    wavs = _unpack(folder / "audio" / f"{split}.tar.gz", cache_dir / f"{folder.name}-{split}")
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
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: sentences may hold other line separators
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


def _known(tokens: pd.DataFrame, utterance_ids: Mapping[str, object]) -> pd.DataFrame:
    if missing := [name for name in TOKEN_COLUMNS if name not in tokens]:
        raise TonespanError(f"tokens: no column {missing[0]!r}")
    return tokens.loc[tokens["utterance_id"].isin(utterance_ids), TOKEN_COLUMNS].reset_index(drop=True)


# What is left out


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the ``reason`` why they cannot be used, empty where they can, and its ``detail``."""
    unusable = {folder: _unusable(folder) for folder in {path.parent for path in rows["path"]}}
    found = [
        _damage(path, n_samples, unusable[path.parent])
        for path, n_samples in zip(rows["path"], rows["n_samples"], strict=True)
    ]
    rows[["reason", "detail"]] = np.array(found, dtype=object).reshape(-1, 2)
    rows.loc[_is_leak(rows), "reason"] = "its sentence belongs to another split"
    rows.loc[rows.duplicated(["split", "file_name"]), "reason"] = "listed before"
    return rows


def _is_leak(rows: pd.DataFrame) -> np.ndarray:
    """Readings of a sentence that another split holds too, when test has the first claim to it, then dev."""
    claim = rows["split"].map(SPLITS.index)
    return (claim < claim.groupby(rows["sentence_id"]).transform("max")).to_numpy()


def _damage(path: Path, n_samples: int, unusable: Mapping[str, str]) -> tuple[str, str]:
    """Why a WAV cannot be used, and the detail of it; both empty where it can."""
    if not path.is_file():
        return "not in the archive", ""
    try:
        check_length(path)
        info = soundfile.info(path)
    except (TonespanError, soundfile.LibsndfileError) as error:
        return "damaged or truncated", str(error).removeprefix(f"{path}: ")
    if reason := unusable.get(path.name):
        return reason, ""
    found = round(info.frames * SAMPLE_RATE / info.samplerate)
    if abs(found - n_samples) > LENGTH_TOLERANCE:
        return "another length than the table says", f"{found} samples, not {n_samples}"
    return "", ""


def _rejected(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["reason"] != ""]
    items = rows["split"] + ".tsv, row " + rows["row"].astype(str) + ": " + rows["file_name"]
    items = items.where(rows["detail"] == "", items + " (" + rows["detail"] + ")")
    return pd.DataFrame({"item": items, "reason": rows["reason"]}).reset_index(drop=True)


# Archives


def _unpack(archive: Path, cache: Path) -> Path:
    """The folder with the archive's files, unpacked again only when the archive has changed."""
    if not archive.is_file():
        raise TonespanError(f"{archive}: no such file; fetch the language again")
    where = sha256(str(archive.resolve()).encode()).hexdigest()[:8]
    state = archive.stat()
    parent = cache.with_name(f"{cache.name}-{where}")
    # what the reader refuses is noted while unpacking
    key = f"{state.st_size}-{state.st_mtime_ns}-{reading.code_version()}"
    return build_once(parent, key, lambda folder: _extract_all(archive, folder))


def _note_unusable(folder: Path) -> None:
    """Decode every file once, and note why some cannot be used (silence, NaN) though their headers are whole."""
    reasons = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in reading.SUFFIXES):
        try:
            read(path)
        except TonespanError as error:
            reasons[path.name] = str(error).removeprefix(f"{path}: ")
    (folder / UNUSABLE).write_text(json.dumps(reasons), encoding="utf-8")


def _unusable(folder: Path) -> dict[str, str]:
    """File name -> reason, as :func:`_note_unusable` wrote it."""
    path = folder / UNUSABLE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _extract_all(archive: Path, folder: Path) -> None:
    try:
        with (
            _opener(archive)(archive, "rb") as unpacked,
            tarfile.open(fileobj=_Bounded(unpacked, archive), mode="r|") as tar,
        ):
            for member in tar:
                _extract(tar, member, folder, archive)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise TonespanError(f"{archive}: damaged or cut short ({reason}); fetch it again") from None
    _note_unusable(folder)


class _Bounded:
    """What is unpacked, as far as an archive of speech could go: also of headers, which tarfile reads whole."""

    def __init__(self, unpacked: BinaryIO, archive: Path) -> None:
        self.unpacked, self.archive, self.n_bytes = unpacked, archive, 0
        self.most = max(UNPACKED_BYTES, UNPACKED_RATIO * archive.stat().st_size)

    def read(self, size: int) -> bytes:
        block = self.unpacked.read(size)
        self.n_bytes += len(block)
        if self.n_bytes > self.most:
            raise TonespanError(
                f"{self.archive}: unpacks to more than {self.most:,} bytes, {UNPACKED_RATIO} times its size and no "
                "less than 1 GB; no speech does; nothing was unpacked"
            )
        return block


def _opener(archive: Path) -> Callable[[Path, str], BinaryIO]:
    """What takes the compression off, by the first bytes."""
    with archive.open("rb") as file:
        first = file.read(6)
    return next((opener for magic, opener in OPENERS.items() if first.startswith(magic)), open)


def _problem(member: tarfile.TarInfo, name: PurePosixPath) -> str:
    """Why a member is not unpacked; empty where it is."""
    if not (member.isreg() or member.isdir()):
        return "a link or device"
    if member.issparse():
        return "a file with holes, whose size its bytes do not bound"
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or "\0" in member.name:
        return "a path that leaves its folder"
    return ""


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    """Write one member as a plain file; folders inside the archive are not kept."""
    name = PurePosixPath(member.name)
    if problem := _problem(member, name):
        raise TonespanError(f"{archive}: member {member.name!r} is {problem}; nothing was unpacked")
    if member.isdir() or files.is_of_system(name):
        return
    if (folder / name.name).exists():
        raise TonespanError(f"{archive}: two members are named {name.name!r}")
    with tar.extractfile(member) as source, (folder / name.name).open("wb") as target:
        shutil.copyfileobj(source, target)
