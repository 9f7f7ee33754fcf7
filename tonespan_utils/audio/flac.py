"""FLAC: where the header leaves the length open (0 samples, as an encoder writes into a pipe), it is counted.

The last frame says which samples it holds; its two checksums show that it is whole. Reference: RFC 9639.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from tonespan_utils.audio.window import Window
from tonespan_utils.errors import TonespanError

TOTAL_AT = 21  # the byte of the file whose lower half begins the 36 bits of the number of samples
HEADER_BYTES = 42  # the magic, a block header, and STREAMINFO
TAIL_BYTES = 2**21  # more than the largest frame: 65,535 samples of 8 channels
MAX_FRAME_HEADER = 16


def checked(path: Path) -> Path | BinaryIO:
    """The file, or the same with its number of samples in the header where that was left open.

    Raises :class:`TonespanError` for a header that is cut, and where the last frame is.
    """
    with path.open("rb") as file:
        header = bytearray(file.read(HEADER_BYTES))
        if len(header) < HEADER_BYTES or header[4] & 0x7F:
            raise TonespanError(f"{path}: truncated or damaged within its header; copy it again")
        if header[TOTAL_AT] & 0x0F or any(header[TOTAL_AT + 1 : TOTAL_AT + 5]):
            return path
        n_bytes = path.stat().st_size
        file.seek(max(HEADER_BYTES, n_bytes - TAIL_BYTES))
        total = _end_sample(_without_tag(file.read()), int.from_bytes(header[8:10], "big"))
    if total is None:
        raise TonespanError(f"{path}: truncated within its last frame, or no samples in it; copy it again")
    header[TOTAL_AT] |= total >> 32
    header[TOTAL_AT + 1 : TOTAL_AT + 5] = (total & 0xFFFFFFFF).to_bytes(4, "big")
    return Window(path, bytes(header), HEADER_BYTES, n_bytes)


def _without_tag(tail: bytes) -> bytes:
    return tail[:-128] if tail[-128:-125] == b"TAG" else tail  # ID3v1, which some programs append


def _end_sample(tail: bytes, block_size: int) -> int | None:
    """How many samples there are up to the end of the last frame; None where no whole frame ends with the file."""
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        if tail[at + 1 : at + 2] in (b"\xf8", b"\xf9"):
            end = _frame_end(tail[at : at + MAX_FRAME_HEADER], block_size)
            if end is not None and _crc(tail[at:], 0x8005, 16) == 0:
                return end
    return None


def _frame_end(header: bytes, block_size: int) -> int | None:
    """The sample after a frame by its header; None where these bytes are no header."""
    if len(header) < 6:
        return None
    number, at = _utf8_number(header, 4)
    size_code, rate_code = header[2] >> 4, header[2] & 0x0F
    if number is None or size_code == 0 or rate_code == 15:
        return None
    size_bytes, rate_bytes = {6: 1, 7: 2}.get(size_code, 0), {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    n_samples = _block_samples(size_code, header[at : at + size_bytes])
    at += size_bytes + rate_bytes
    if at >= len(header) or _crc(header[: at + 1], 0x07, 8) != 0:
        return None
    is_variable = header[1] & 1
    return (number if is_variable else number * block_size) + n_samples


def _block_samples(code: int, written: bytes) -> int:
    if written:
        return int.from_bytes(written, "big") + 1
    return 192 if code == 1 else 576 << (code - 2) if code <= 5 else 256 << (code - 8)


def _utf8_number(header: bytes, at: int) -> tuple[int | None, int]:
    """A number of up to 36 bits in UTF-8's manner, and the place after it."""
    first = header[at]
    if first < 0x80:
        return first, at + 1
    n_more = next((n for n in range(1, 7) if first & (0x40 >> n) == 0), 0)
    more = header[at + 1 : at + 1 + n_more]
    if first < 0xC0 or not n_more or len(more) < n_more or any(byte >> 6 != 2 for byte in more):
        return None, at
    value = first & (0x3F >> n_more)
    for byte in more:
        value = value << 6 | byte & 0x3F
    return value, at + 1 + n_more


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    """The checksum of data, its own checksum at the end included: 0 where all is well."""
    table, mask = _table(polynomial, bits), (1 << bits) - 1
    value = 0
    for byte in data:
        value = (value << 8 & mask) ^ table[(value >> (bits - 8)) ^ byte]
    return value


def _table(polynomial: int, bits: int) -> list[int]:
    mask, table = (1 << bits) - 1, []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value >> (bits - 1) else value << 1) & mask
        table.append(value)
    return table
