"""The files of a corpus: which there are, where a listed name is on disk, and tables of labels from any program.

File names are matched in either Unicode form: macOS stores "ế" as a letter and two marks (NFD), a spreadsheet writes
one sign (NFC). Files that an operating system keeps for itself (``._a.wav``, ``.DS_Store``, ``__MACOSX``, ``@eaDir``,
hidden folders) do not belong to a corpus.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from tonespan_utils.corpus import keys
from tonespan_utils.errors import TonespanError

SYSTEM_NAMES = frozenset(
    ["thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"]
)
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip  # UTF-32 before UTF-16, whose mark it begins with
SEPARATORS = ",;\t|"
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')  # a first line that Excel writes
FILE_COLUMNS = ("file", "file_name")


def is_of_system(path: PurePath) -> bool:
    """Whether a path, relative to the corpus' folder, is a file that the operating system keeps for itself."""
    parts = [part for part in path.parts if part not in (".", "..")]
    return any(part.startswith(".") or part.lower() in SYSTEM_NAMES for part in parts)


def below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The corpus' files under a folder whose suffix is one of ``suffixes`` (lower case), sorted."""
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in suffixes]
    return sorted(path for path in paths if not is_of_system(path.relative_to(folder)) and not path.is_dir())


def composed(name: str) -> str:
    """A file name in composed form (NFC), as it goes into identifiers."""
    return unicodedata.normalize("NFC", name)


def of_corpus(rows: pd.DataFrame, folder: Path, *, column: str) -> pd.DataFrame:
    """The rows that name files of the corpus, with their ``path`` on disk and their names in composed form (NFC)."""
    is_system = [is_of_system(PurePath(keys.text(name).replace("\\", "/"))) for name in rows[column]]
    rows = rows[~np.array(is_system, dtype=bool)]
    find = Directory(folder)
    names = [composed(name).strip() for name in rows[column]]
    paths = pd.Series([find(name) for name in rows[column]], rows.index, dtype=object)
    return rows.assign(**{column: names, "path": paths}).reset_index(drop=True)


class Directory:
    """The files under a folder, by their listed names in either Unicode form; each directory is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def __call__(self, name: str) -> Path:
        """The path of a listed name: as it is, else trimmed, with ``/`` for ``\\``, in the other form.

        A name that is nowhere is returned as a path that does not exist. Raises :class:`TonespanError` where two files
        look the same.
        """
        tidy = keys.text(name)
        for spelling in dict.fromkeys([name, name.strip(), tidy, tidy.replace("\\", "/")]):
            if spelling and (path := self._folder / spelling).is_file():
                return path
            if spelling and (path := self._in_either_form(spelling)) is not None:
                return path
        return self._folder / (tidy or name)

    def _in_either_form(self, name: str) -> Path | None:
        path = Path(os.path.normpath(self._folder / name))
        if not path.is_relative_to(self._folder):
            return None
        here = self._folder
        for part in path.relative_to(self._folder).parts:
            alike = self._names(here).get(composed(part), [])
            if len(alike) > 1 and part not in alike:
                raise TonespanError(f"{here}: {len(alike)} files look like {part!r}; rename or remove all but one")
            if not alike:
                return None
            here = here / (part if part in alike else alike[0])
        return here if here.is_file() else None

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            for entry in sorted(os.listdir(folder)) if folder.is_dir() else []:
                names.setdefault(composed(entry), []).append(entry)
            self._listed[folder] = names
        return self._listed[folder]


def table(path: Path) -> pd.DataFrame:
    """A CSV file as strings, keys in one form (:mod:`keys`), column names in lower case.

    UTF-8, or UTF-16 and UTF-32 with a byte order mark; separated by commas, semicolons, tabs or bars, whichever gives
    a column ``file`` or ``file_name``. Raises :class:`TonespanError` where it cannot be read for certain.
    """
    try:
        text = decoded(path.read_bytes())
        separator, text = _separator(text)
        rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=separator)
        if not isinstance(rows.index, pd.RangeIndex):
            raise ValueError("rows have more cells than there are column names")
    except (ValueError, OSError) as error:  # pandas' parser errors and decoding errors are ValueErrors
        raise TonespanError(f"{path}: not readable as CSV in UTF-8 ({str(error).strip()})") from None
    rows = rows.rename(columns=lambda column: keys.word(column).lower()).fillna("")
    if repeated := rows.columns[rows.columns.duplicated()].tolist():
        raise TonespanError(f"{path}: two columns are named {repeated[0]!r}; rename one")
    return keys.of_columns(rows)


def decoded(content: bytes) -> str:
    """Text of a file: UTF-8, or what its byte order mark says. Raises ValueError for any other encoding."""
    mark = next((mark for mark in BOMS if content.startswith(mark)), None)
    text = content.decode(BOMS[mark] if mark else "utf-8")
    if "\0" in text:
        raise ValueError("zero bytes, as in UTF-16 without a byte order mark; save it as UTF-8")
    return text


def _separator(text: str) -> tuple[str, str]:
    """The separator, and the text without a first line that only names it."""
    first, _, rest = text.lstrip("\r\n").partition("\n")
    if match := SEPARATOR_LINE.fullmatch(first):
        return match[1], rest
    return next((sign for sign in SEPARATORS if _names_a_file(first, sign)), ","), text


def _names_a_file(header: str, separator: str) -> bool:
    names: Iterator[list[str]] = csv.reader([header.strip("\r")], delimiter=separator)
    return any(keys.word(name).lower() in FILE_COLUMNS for name in next(names, []))
