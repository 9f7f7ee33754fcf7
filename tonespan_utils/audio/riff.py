"""Files made of chunks with a name and a size: WAV in its five forms, AIFF, CAF, and AU.

Only the headers are read. The size of the chunk with the sound is held against the length of the file; what lies behind
that chunk is not sound, as for every player (recorders leave the rest of an earlier take there). References:
Microsoft's "Multimedia Programming Interface" (RIFF), EBU Tech 3306 (RF64) and ITU-R BS.2088 (BW64), Sony's Wave64,
Apple's AIFF-C and Core Audio Format specifications.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tonespan_utils.audio.window import Window
from tonespan_utils.errors import TonespanError

MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b"caff", b".snd")
WAV_MAGIC = MAGIC[:4]
W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
W64_HEADER = 24  # a name of 16 bytes and a size of 8, which counts itself
FULL_32, HALF_32 = 2**32, 2**31  # what a size field holds at most, unsigned and signed
NEAR = 2**16  # programs take the size of the header, or a rounding, off those
MIN_64 = 2**60  # a size of 64 bits that nobody means
MAX_RIFF = FULL_32 - NEAR
READ_CODECS = (1, 3, 6, 7, 0x0002, 0x0011, 0x0031, 0x0055)  # PCM, float, A-law, mu-law, ADPCM, GSM, mp3
CODECS = {
    0x0050: "MPEG layer 2", 0x0160: "WMA", 0x0161: "WMA", 0x0162: "WMA", 0x00FF: "AAC", 0x1600: "AAC",
    0x2000: "AC-3", 0x2001: "DTS", 0x0045: "G.726", 0x0064: "G.726",
    0x0022: "TrueSpeech", 0x0083: "G.729", 0x0111: "G.723.1", 0x674F: "Vorbis",
}  # fmt: skip


@dataclass
class _Chunks:
    """Where the chunks that matter are, byte offsets in the file; ``is_plain`` where libsndfile finds them too."""

    sizes_64: dict[bytes, int] = field(default_factory=dict)
    format: bytes = b""
    data_at: int = 0
    data_size: int = 0
    is_plain: bool = True


def checked(path: Path, n_bytes: int) -> Path | BinaryIO:
    """The file, or the same sound behind a header that is right.

    Raises :class:`TonespanError` where sound is missing, and for codecs in WAV that libsndfile does not read.
    """
    with path.open("rb") as file:
        magic = file.read(4)
        if magic in WAV_MAGIC:
            return _wav(path, file, magic, n_bytes)
        if magic == b"riff":
            _check_wave64(path, file, n_bytes)
        elif magic == b".snd":
            _check_au(path, file, n_bytes)
        else:
            _check_big_endian(path, file, magic, n_bytes)
    return path


def is_open(size: int, bits: int = 32) -> bool:
    """Whether a size was left open by a program that could not know it: 0, or about the largest the field holds."""
    if bits == 64:
        return size == 0 or size >= MIN_64
    return size == 0 or HALF_32 - NEAR <= size <= HALF_32 + NEAR or size >= FULL_32 - NEAR


def _wav(path: Path, file: BinaryIO, magic: bytes, n_bytes: int) -> Path | BinaryIO:
    order = "big" if magic == b"RIFX" else "little"
    riff_size = int.from_bytes(file.read(4), order)
    if file.read(4) != b"WAVE":
        raise TonespanError(f"{path}: damaged, or no audio file (RIFF without WAVE); export it as WAV")
    chunks = _walk(path, file, order, n_bytes)
    there = n_bytes - chunks.data_at
    size = chunks.data_size
    is_streamed = is_open(size) and not (size == 0 and riff_size + 8 == n_bytes) and size != there
    if magic in (b"RF64", b"BW64") and chunks.sizes_64:
        size = chunks.sizes_64[b"data"] if size >= MAX_RIFF or size == 0 else size
        is_streamed = is_open(size, 64) and there > 0
    if is_streamed:
        size = there
    _refuse_if_short(path, size, there)
    _check_format(path, chunks.format, order)
    if chunks.is_plain and not is_streamed and magic != b"BW64":
        return path
    return Window(path, _header(chunks.format, size, order), chunks.data_at, chunks.data_at + size)


def _walk(path: Path, file: BinaryIO, order: str, n_bytes: int) -> _Chunks:
    """Chunks up to the sound, or to the format where that comes after it."""
    chunks = _Chunks()
    while len(header := file.read(8)) == 8:
        name, size, at = header[:4], int.from_bytes(header[4:], order), file.tell()
        if name == b"ds64":
            _riff_size, data_size = struct.unpack("<QQ", file.read(16))
            chunks.sizes_64 = {b"data": data_size}
        elif name == b"fmt ":
            chunks.format = file.read(min(size, 1024))
        elif name == b"data" and not chunks.data_at:
            chunks.data_at, chunks.data_size = at, size
        if chunks.format and chunks.data_at:
            return chunks
        chunks.is_plain &= not chunks.data_at  # libsndfile wants the format first
        if at + size > n_bytes:
            break
        file.seek(at + size + size % 2)  # chunks are padded to even length
        if size % 2 and not _is_name(file, at + size + 1) and _is_name(file, at + size):
            file.seek(at + size)  # but not by every program
            chunks.is_plain = False
    missing = "data" if chunks.format else "fmt"
    raise TonespanError(f"{path}: damaged, a WAV without a {missing} chunk; export it again")


def _is_name(file: BinaryIO, at: int) -> bool:
    file.seek(at)
    name = file.read(4)
    file.seek(at)
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)


def _check_format(path: Path, format_chunk: bytes, order: str) -> None:
    if len(format_chunk) < 14:
        raise TonespanError(f"{path}: damaged, a fmt chunk of {len(format_chunk)} bytes; export it again")
    codec, channels = (int.from_bytes(format_chunk[at : at + 2], order) for at in (0, 2))
    if channels == 0:
        raise TonespanError(f"{path}: damaged, a WAV of 0 channels; export it again")
    if codec == 0xFFFE and len(format_chunk) >= 26:
        codec = int.from_bytes(format_chunk[24:26], order)
    if codec not in READ_CODECS:
        name = CODECS.get(codec, "unknown")
        raise TonespanError(
            f"{path}: a WAV with the codec 0x{codec:04x} ({name}), which is not read; export it as 16-bit PCM"
        )


def _header(format_chunk: bytes, size: int, order: str) -> bytes:
    """A WAV's header with one format chunk and the size of the sound."""
    mark = "<" if order == "little" else ">"
    pad = b"\0" * (len(format_chunk) % 2)
    form = b"fmt " + struct.pack(mark + "I", len(format_chunk)) + format_chunk + pad
    n_riff = 4 + len(form) + 8 + size
    if n_riff < MAX_RIFF:
        magic = b"RIFF" if order == "little" else b"RIFX"
        return magic + struct.pack(mark + "I", n_riff) + b"WAVE" + form + b"data" + struct.pack(mark + "I", size)
    wide = b"ds64" + struct.pack("<IQQQI", 28, n_riff + 36, size, 0, 0)
    return b"RF64" + b"\xff" * 4 + b"WAVE" + wide + form + b"data" + b"\xff" * 4


def _refuse_if_short(path: Path, size: int, there: int) -> None:
    if size > there:
        raise TonespanError(f"{path}: truncated, {there} of {size} bytes of sound are there; copy it again")


def _check_wave64(path: Path, file: BinaryIO, n_bytes: int) -> None:
    file.seek(40)
    while len(header := file.read(W64_HEADER)) == W64_HEADER:
        size = int.from_bytes(header[16:], "little")
        if header[:16] == W64_DATA:
            if not is_open(max(0, size - W64_HEADER), 64):
                _refuse_if_short(path, size - W64_HEADER, n_bytes - file.tell())
            return
        if size < W64_HEADER:
            break
        file.seek(file.tell() + size - W64_HEADER + -size % 8)
    raise TonespanError(f"{path}: damaged, a Wave64 file without sound; export it again")


def _check_au(path: Path, file: BinaryIO, n_bytes: int) -> None:
    start, size = struct.unpack(">II", file.read(8).ljust(8, b"\0"))
    if not is_open(size):
        _refuse_if_short(path, size, max(0, n_bytes - start))


def _check_big_endian(path: Path, file: BinaryIO, magic: bytes, n_bytes: int) -> None:
    """AIFF and AIFF-C (sizes of 32 bits, padded), and CAF (64 bits, not padded)."""
    is_caf = magic == b"caff"
    file.seek(8 if is_caf else 12)
    width = 8 if is_caf else 4
    while len(header := file.read(4 + width)) == 4 + width:
        size, at = int.from_bytes(header[4:], "big"), file.tell()
        if header[:4] in (b"SSND", b"data"):
            if not is_open(size, 8 * width):
                _refuse_if_short(path, size, n_bytes - at)
            return
        file.seek(at + size + (0 if is_caf else size % 2))
    raise TonespanError(f"{path}: damaged, no chunk with sound in it; export it again")
