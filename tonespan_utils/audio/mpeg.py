"""mp3, frame by frame: how many there are, whether the last is whole, and whether the header's promise is kept.

A header of the encoder (Xing, Info or VBRI, in a first frame without sound) tells the number of frames. Without one,
libsndfile guesses it from the first frame's bit rate and the length of the file, pictures in tags included, and stops
there; so such a file is given a header with its counted frames. Tags (ID3, APE) are left out.

Times: where LAME's part of the header says how many samples the encoder put before the sound, they are taken off and
times are those of the recording, exactly. Without it the decoder's own 529 samples are taken off, and the encoder's
stay, for they are not known: 576 in files by LAME (13 ms at 44.1 kHz, 36 ms at 16 kHz), all that much later.
References: ISO/IEC 11172-3 and 13818-3; "Mp3 info tag rev 1".
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tonespan_utils.errors import TonespanError

RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # Hz, by the version's two bits
# kbit/s by (is MPEG-1, layer 1 to 3), without the first (free) and the last (forbidden)
KBITS = {
    (True, 1): tuple(range(32, 449, 32)),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
HIGHEST = 14  # the index of the largest bit rate: a frame with room for a header
LEADING_BYTES = 2**16  # of something else before the first frame
AGREEING = 3  # frames in a row that make a place the first
PROMISE_AT = {b"Xing": 8, b"Info": 8, b"VBRI": 14}  # where the number of frames is, from the name on
ENCODER_AT = 120  # where LAME, and those who write its tag, leave their name: whose count is of the frames behind it


@dataclass(frozen=True)
class _Frame:
    head: bytes
    n_bytes: int
    side_bytes: int  # of side information, behind which a header's name is
    layer: int

    @property
    def stream(self) -> tuple[int, int]:
        """What stays from frame to frame: version and layer, rate."""
        return self.head[1] & 0x1E, self.head[2] & 0x0C


@dataclass(frozen=True)
class _Info:
    n_frames: int | None
    by_lame: bool


def is_mpeg(start: bytes, suffix: str) -> bool:
    """Whether the first bytes of a file are an mp3's: a tag or a frame; or anything, where the name says mp3."""
    return start[:3] == b"ID3" or _frame(start, 0) is not None or suffix.lower() == ".mp3"


def has_audio(start: bytes) -> bool:
    """Whether a frame begins a file."""
    return _frame(start, 0) is not None


def checked(path: Path) -> list[Path | BinaryIO]:
    """The frames of an mp3 behind a header that tells their number.

    Raises :class:`TonespanError` where the last frame is cut, where frames that were promised are not there, where
    something else lies between frames, and for several mp3s one after the other.
    """
    data = path.read_bytes()
    start = _first_frame(data)
    if start is None:
        raise TonespanError(f"{path}: damaged, or no audio file (no MPEG frame in it); copy it again")
    first = _frame(data, start)
    places = _walk(path, data, start, first)
    info = _info(data, start, first)
    n_frames = len(places) - 1 - (info is not None)  # the last place is the end
    if info and info.n_frames is not None and n_frames < info.n_frames - (not info.by_lame):
        raise TonespanError(f"{path}: truncated, {n_frames} of {info.n_frames} frames are there; copy it again")
    inner = [at for at in places[1:-1] if _info(data, at, _frame(data, at))]
    if inner:
        raise TonespanError(f"{path}: several mp3s one after the other; convert it to WAV or FLAC")
    if n_frames <= 0:
        raise TonespanError(f"{path}: no samples in it; leave it out or record it again")
    pieces = _pieces(data, places)
    if first.layer == 3 and (info is None or info.n_frames != n_frames):
        pieces = _info_frame(first, n_frames) + (pieces if info is None else pieces[first.n_bytes :])
    return [io.BytesIO(pieces)]


def _pieces(data: bytes, places: list[int]) -> bytes:
    """The frames alone: nothing of what lies between them."""
    if places[-1] - places[0] == sum(_frame(data, at).n_bytes for at in places[:-1]):
        return data[places[0] : places[-1]]
    return b"".join(data[at : at + _frame(data, at).n_bytes] for at in places[:-1])


def _frame(data: bytes, at: int) -> _Frame | None:
    """The frame that begins at a byte, by its header; None where none does."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_code, bits_code = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate_code == 3 or bits_code in (0, 15):
        return None
    is_first, rate = version == 3, RATES[version][rate_code]
    bits, padding = 1000 * KBITS[is_first, layer][bits_code - 1], head[2] >> 1 & 1
    if layer == 1:
        n_bytes = (12 * bits // rate + padding) * 4
    else:
        n_bytes = (144 if is_first or layer == 2 else 72) * bits // rate + padding
    is_mono = head[3] >> 6 == 3
    side = (17 if is_mono else 32) if is_first else (9 if is_mono else 17)
    return _Frame(head, n_bytes, side, layer)


def _tag_bytes(data: bytes, at: int) -> int:
    """The size of an ID3v2 or APE tag that begins at a byte; 0 where none does."""
    if data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(data[at + 6 : at + 10], (21, 14, 7, 0), strict=True))
        return 10 + size + (10 if data[at + 5] & 0x10 else 0)
    if data[at : at + 8] == b"APETAGEX":
        return 32 + int.from_bytes(data[at + 12 : at + 16], "little")
    return 0


def _first_frame(data: bytes) -> int | None:
    """The first byte from which frames follow one another."""
    at = 0
    while size := _tag_bytes(data, at):
        at += size
    for place in range(at, min(at + LEADING_BYTES, len(data) - 3)):
        if data[place] == 0xFF and _agree(data, place):
            return place
    return None


def _agree(data: bytes, at: int) -> bool:
    """Whether frames of one stream begin here, ``AGREEING`` or up to the end of the file."""
    first = frame = _frame(data, at)
    for _ in range(AGREEING - 1):
        if frame is None or frame.stream != first.stream:
            return False
        at += frame.n_bytes
        if at >= len(data):
            return True
        if _is_tail(data, at):
            return True
        frame = _frame(data, at)
    return frame is not None and frame.stream == first.stream


def _is_tail(data: bytes, at: int) -> bool:
    """Whether nothing but a tag or padding begins here."""
    tags = (b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN", b"3DI")
    return data[at : at + 11].startswith(tags) or not data[at : at + 2**16].strip(b"\0")


def _walk(path: Path, data: bytes, at: int, first: _Frame) -> list[int]:
    """Where each frame begins, and where the last ends."""
    places, end = [], at
    while at < len(data):
        frame = _frame(data, at)
        if frame is None or frame.stream != first.stream:
            if size := _tag_bytes(data, at):  # between files that were joined
                at += size
                continue
            if _is_tail(data, at):
                break
            if len(data) - at < 4 and data[at] == 0xFF:
                raise TonespanError(f"{path}: truncated within its last frame; copy it again")
            raise TonespanError(f"{path}: damaged at byte {at}, no MPEG frame begins there; copy it again")
        if at + frame.n_bytes > len(data):
            there = len(data) - at
            raise TonespanError(
                f"{path}: truncated, {there} of {frame.n_bytes} bytes of its last frame are there; copy it again"
            )
        places.append(at)
        at = end = at + frame.n_bytes
    return [*places, end]


def _info(data: bytes, at: int, frame: _Frame) -> _Info | None:
    """What a frame that is a header says; None for a frame of sound."""
    for name_at in (at + 4 + frame.side_bytes, at + 4 + 32):
        name = data[name_at : name_at + 4]
        if name == b"VBRI" or (name in PROMISE_AT and name_at == at + 4 + frame.side_bytes):
            has_count = name == b"VBRI" or data[name_at + 7] & 1
            count_at = name_at + PROMISE_AT[name]
            count = int.from_bytes(data[count_at : count_at + 4], "big") if has_count else None
            encoder = data[name_at + ENCODER_AT : name_at + ENCODER_AT + 4]
            return _Info(count, encoder in (b"LAME", b"Lavf", b"Lavc", b"L3.9"))
    return None


def _info_frame(first: _Frame, n_frames: int) -> bytes:
    """A frame without sound whose header tells the number of frames behind it."""
    head = bytes([0xFF, first.head[1] | 1, HIGHEST << 4 | first.head[2] & 0x0C, first.head[3]])
    frame = _frame(head, 0)
    header = head + bytes(frame.side_bytes) + b"Info" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
    return header.ljust(frame.n_bytes, b"\0")
