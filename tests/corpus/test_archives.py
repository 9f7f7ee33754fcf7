"""Archives whose members are bombs, have holes or lie about their size: refused in one line, nothing is left."""

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import archives
from tonespan_utils.errors import TonespanError

PACKERS = {"tar": bytes, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}
HUGE = 10**15


def tone() -> bytes:
    file = io.BytesIO()
    samples = 0.1 * np.sin(np.arange(4000) / 10)
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def named(name: str = "train/a.wav", **headers: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.pax_headers = {f"GNU.sparse.{key}": value for key, value in headers.items()}
    return info


def with_header(type_: bytes, size: int, *, content: bytes = b"", real_size: int = 0) -> bytes:
    """A tar of one member whose header says what no writer of Python's would."""
    info = named()
    info.type, info.size = type_, size
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if real_size:
        header[483:495] = tarfile.itn(real_size, 12, tarfile.GNU_FORMAT)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content + bytes(-len(content) % 512 + 1024)


def refused(tmp_path: Path, content: bytes, match: str, ending: str = "tar") -> None:
    """It is one line that names the file, and no file of it is left."""
    archive, cache = tmp_path / f"train.{ending}", tmp_path / "cache" / "train"
    archive.write_bytes(PACKERS[ending](content))
    with pytest.raises(TonespanError, match=match) as error:
        archives.unpacked(archive, cache)
    assert str(error.value).startswith(f"{archive}: ") and "\n" not in str(error.value)
    assert [path.name for path in cache.parent.rglob("*") if path.is_file()] == [".lock"]


@pytest.mark.parametrize("ending", PACKERS)
def test_an_archive_of_any_packing_is_unpacked(tmp_path, ending):
    (tmp_path / f"train.{ending}").write_bytes(PACKERS[ending](tar((named(), tone()))))
    folder = archives.unpacked(tmp_path / f"train.{ending}", tmp_path / "cache" / "train")
    assert (folder / "a.wav").read_bytes() == tone() and archives.unusable(folder) == {}


@pytest.mark.parametrize("ending", [name for name in PACKERS if name != "tar"])
def test_a_bomb_is_given_up_long_before_it_has_gone_off(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(archives, "UNPACKED_BYTES", 1_000_000)
    monkeypatch.setattr(archives, "UNPACKED_RATIO", 1)
    written = []
    copy = archives.shutil.copyfileobj
    monkeypatch.setattr(
        archives.shutil, "copyfileobj", lambda source, target: (written.append(target), copy(source, target))
    )
    bomb = tar((named(), tone()), (named("train/b.wav"), bytes(30_000_000)))
    refused(tmp_path, bomb, "unpacks to more than 1,000,000 bytes.*nothing was unpacked", ending)
    assert len(written) == 2, "it was refused while the second member was unpacked"


def test_a_bomb_in_a_header_is_given_up_too(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED_BYTES", 1_000_000)
    bomb = tar((named(comment="x" * 30_000_000), tone()))
    refused(tmp_path, bomb, r"unpacks to more than [\d,]{9} bytes", "tar.gz")


@pytest.mark.parametrize("content", [
    with_header(tarfile.GNUTYPE_SPARSE, 0, real_size=HUGE),
    tar((named(map="0,4", size=str(HUGE), numblocks="1"), b"data")),
    tar((named(major="1", minor="0", name="train/a.wav", realsize=str(HUGE)), b"1\n0\n4\n".ljust(512) + b"data")),
], ids=["GNU", "PAX 0.1", "PAX 1.0"])  # fmt: skip
def test_a_file_with_holes_is_not_written(tmp_path, content):
    refused(tmp_path, content, r"member 'train/a\.wav' is a file with holes.*nothing was unpacked")


@pytest.mark.parametrize("ending", PACKERS)
def test_a_size_that_is_not_there_is_damage(tmp_path, ending):
    refused(tmp_path, with_header(tarfile.REGTYPE, HUGE, content=tone()), "damaged or cut short", ending)


@pytest.mark.parametrize(
    "type_", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]
)
def test_links_and_devices_are_not_made(tmp_path, type_):
    refused(tmp_path, with_header(type_, 0), "is a link or device")
