"""Archives of speech, unpacked once into one folder, with checks of paths, kinds of files and total size.

Conventions: an archive is a tar file, plain or compressed by gzip, bzip2 or xz, as its first bytes say. It is refused
whole where a member is a link, a device, a file with holes or has a path that leaves its folder. The file ``UNUSABLE``
beside the unpacked files lists those that cannot be decoded or are silent, with the reason.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tonespan_utils.audio import reading
from tonespan_utils.audio.reading import build_once, read
from tonespan_utils.corpus import files
from tonespan_utils.errors import TonespanError

UNUSABLE = "unusable.json"  # beside the unpacked files
OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
UNPACKED_RATIO = 50  # speech as floats of 16-bit samples packs to a third; digital silence alone does better than this
UNPACKED_BYTES = 10**9  # that any archive may unpack to: a short one may be mostly silence


def unpacked(archive: Path, cache: Path) -> Path:
    """The folder with the archive's files, unpacked again only when the archive has changed."""
    if not archive.is_file():
        raise TonespanError(f"{archive}: no such file; fetch the language again")
    where = sha256(str(archive.resolve()).encode()).hexdigest()[:8]
    state = archive.stat()
    parent = cache.with_name(f"{cache.name}-{where}")
    # what the reader refuses is noted while unpacking
    key = f"{state.st_size}-{state.st_mtime_ns}-{reading.code_version()}"
    return build_once(parent, key, lambda folder: extract_all(archive, folder))


def _note_unusable(folder: Path) -> None:
    """Decode every file once, and write down why some cannot be used (silence, NaN) though their headers are whole."""
    reasons = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in reading.SUFFIXES):
        try:
            read(path)
        except TonespanError as error:
            reasons[path.name] = str(error).removeprefix(f"{path}: ")
    (folder / UNUSABLE).write_text(json.dumps(reasons), encoding="utf-8")


def unusable(folder: Path) -> dict[str, str]:
    """The files of a folder that cannot be used: file name -> reason, as :func:`_note_unusable` wrote it."""
    path = folder / UNUSABLE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def extract_all(archive: Path, folder: Path) -> None:
    """Unpack an archive into a folder. Raises TonespanError where it is damaged, cut short or refused."""
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
    """A stream of unpacked bytes that raises TonespanError after more of them than an archive of speech can have.

    Headers count too, for tarfile reads them whole.
    """

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
    """The function that opens an archive, by its first bytes."""
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
