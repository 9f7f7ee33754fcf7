"""Ogg pages: all there, undamaged, and each stream with an end; streams one after the other are decoded each.

libsndfile skips a page that is cut or damaged, which shortens the sound and moves the times of what follows, and reads
the first of several streams. Reference: RFC 3533; its checksum is a CRC-32, its bits in the other order than zlib's.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tonespan_utils.errors import TonespanError

FIRST_PAGE, LAST_PAGE = 0x02, 0x04  # bits of a page's header type
PAGE_HEADER = 27
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
READABLE = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC")
UNREADABLE = {b"Speex": "Speex", b"\x80theora": "a film (Theora)", b"fishead": "Ogg Skeleton", b"\x01video": "a film"}


@dataclass(frozen=True)
class _Page:
    start: int
    end: int
    flags: int
    serial: int
    number: int
    body: int  # where its contents begin


def checked(path: Path) -> list[Path | BinaryIO]:
    """The file, or each of the streams that follow one another in it.

    Raises :class:`TonespanError` where a page is cut, damaged or missing, where a stream does not end, and for
    streams that run side by side (films).
    """
    data = path.read_bytes()
    starts, page, is_ended = [], None, True
    for page_before, page in _pairs(_pages(path, data)):
        if page.flags & FIRST_PAGE:
            if not is_ended and page_before and page_before.flags & FIRST_PAGE:
                raise TonespanError(f"{path}: several Ogg streams side by side (a film?); export the sound alone")
            _check_end(path, is_ended)
            _check_codec(path, data[page.body : page.end])
            starts.append(page.start)
        elif page_before is None or page.serial != page_before.serial or page.number != page_before.number + 1:
            raise TonespanError(f"{path}: damaged, Ogg pages are missing before byte {page.start}; copy it again")
        is_ended = bool(page.flags & LAST_PAGE)
    _check_end(path, is_ended and page is not None)
    if len(starts) == 1:
        return [path]
    return [io.BytesIO(data[a:b]) for a, b in zip(starts, [*starts[1:], page.end], strict=True)]


def with_serial(stream: bytes, serial: int) -> bytes:
    """A whole Ogg stream under another serial number, each page's checksum made anew.

    An encoder draws the number at random, so that the same sound has other bytes each time it is written.
    """
    pages = bytearray(stream)
    for page in _pages(Path("an Ogg stream"), stream):
        pages[page.start + 14 : page.start + 18] = serial.to_bytes(4, "little")
        pages[page.start + 22 : page.start + 26] = bytes(4)
        pages[page.start + 22 : page.start + 26] = _checksum(bytes(pages[page.start : page.end]))
    return bytes(pages)


def _check_end(path: Path, is_ended: bool) -> None:
    if not is_ended:
        raise TonespanError(f"{path}: truncated, the Ogg stream does not end; copy it again")


def _pairs(pages: Iterator[_Page]) -> Iterator[tuple[_Page | None, _Page]]:
    before = None
    for page in pages:
        yield before, page
        before = page


def _pages(path: Path, data: bytes) -> Iterator[_Page]:
    at = 0
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            if not data[at:].strip(b"\0") or data[at : at + 3] in (b"TAG", b"ID3"):
                return  # padding, or a tag where none belongs
            raise TonespanError(f"{path}: damaged at byte {at}, no Ogg page begins there; copy it again")
        header = data[at : at + PAGE_HEADER]
        n_segments = header[26] if len(header) == PAGE_HEADER else 0
        body = at + PAGE_HEADER + n_segments
        end = body + sum(data[at + PAGE_HEADER : body])
        if (not n_segments and len(header) < PAGE_HEADER) or body > len(data) or end > len(data):
            raise TonespanError(f"{path}: truncated within its last Ogg page, the stream does not end; copy it again")
        if _checksum(data[at : at + 22] + b"\0\0\0\0" + data[at + 26 : end]) != header[22:26]:
            raise TonespanError(f"{path}: damaged, the checksum of the Ogg page at byte {at} is wrong; copy it again")
        serial, number = (int.from_bytes(header[i : i + 4], "little") for i in (14, 18))
        yield _Page(at, end, header[5], serial, number, body)
        at = end


def _checksum(page: bytes) -> bytes:
    mirrored = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return mirrored.to_bytes(4, "big").translate(REVERSED)


def _check_codec(path: Path, packet: bytes) -> None:
    if not packet.startswith(READABLE):
        what = next((name for magic, name in UNREADABLE.items() if packet.startswith(magic)), "an unknown codec")
        raise TonespanError(f"{path}: damaged, or Ogg with {what}, which is not read; convert it to WAV or FLAC")
