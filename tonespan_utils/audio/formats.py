"""What an audio file is by its bytes, whether all of it is there, and how to hand it to libsndfile so that all is read.

A name's ending is not trusted: a file is what its first bytes say. libsndfile repairs a header that promises more than
there is, plays an Ogg stream up to where it stops, skips damaged pages and guesses the length of an mp3 without a
header. Half a sentence with the label of a whole one is worse than an error, so lengths are checked here, each kind
of file in a module of its own:

- :mod:`riff`: WAV (RIFF, RIFX, RF64, BW64, Wave64), AIFF, CAF and AU: chunks with sizes.
- :mod:`mpeg`: mp3, frame by frame.
- :mod:`ogg`: Ogg pages (Vorbis, Opus, FLAC), several streams one after the other too.
- :mod:`flac`: FLAC whose length was not known when its header was written.

Conventions: a size that a program writing into a pipe left open (0, 0xFFFFFFFF, ...) means up to the end of the file.
All errors are :class:`TonespanError`, one line that begins with the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from tonespan_utils.audio import flac, mpeg, ogg, riff
from tonespan_utils.errors import TonespanError

SNIFFED_BYTES = 1024
TO_WAV = "convert it to WAV or FLAC (ffmpeg -i {name} {stem}.wav)"
# First bytes (at 0, unless given) of what is no audio that can be read here, and what a user can do about it.
FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "a Git LFS pointer, not the recording; fetch it with: git lfs pull"),
    (0, b"/annex/objects/", "a git-annex pointer, not the recording; fetch it with: git annex get {name}"),
    (4, b"ftyp", "MP4 or M4A sound (AAC); " + TO_WAV),
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska; " + TO_WAV),
    (0, bytes.fromhex("3026b2758e66cf11"), "Windows Media (WMA); " + TO_WAV),
    (0, b"#!AMR", "AMR sound of a telephone; " + TO_WAV),
    (0, b"ADIF", "AAC; " + TO_WAV),
    (0, b"MAC ", "Monkey's Audio; " + TO_WAV),
    (0, b"wvPK", "WavPack; " + TO_WAV),
    (0, b"TTA1", "True Audio; " + TO_WAV),
    (0, b".RMF", "RealMedia; " + TO_WAV),
    (0, b"ajkg", "Shorten; " + TO_WAV),
    (8, b"AVI ", "a film (AVI); " + TO_WAV),
    (0, b"MThd", "MIDI notes, not a recording; leave it out"),
    (0, b"PK\x03\x04", "a zip archive; unpack it"),
    (0, b"\x1f\x8b", "a gzip archive; unpack it"),
    (0, b"Rar!", "a RAR archive; unpack it"),
    (0, b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (0, b"BZh", "a bzip2 archive; unpack it"),
    (0, b"\xfd7zXZ", "an xz archive; unpack it"),
    (0, b"%PDF", "a PDF; leave it out"),
    (0, b"\x89PNG", "a picture; leave it out"),
    (0, b"\xff\xd8\xff", "a picture; leave it out"),
)
HTML = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<error")


def streams(path: Path) -> list[Path | BinaryIO]:
    """What libsndfile is to decode, one after the other, so that every sample of ``path`` is read.

    The file itself where libsndfile reads it whole. Reads headers (WAV and its like) or the whole file (mp3, Ogg).
    Raises :class:`TonespanError` where it is empty, no audio, of a kind that is not read, or shorter than it says.
    """
    n_bytes = path.stat().st_size
    if n_bytes == 0:
        raise TonespanError(f"{path}: empty file")
    with path.open("rb") as file:
        start = file.read(SNIFFED_BYTES)
    _refuse_foreign(path, start)
    if start[:4] in riff.MAGIC and len(start) >= 12:
        return [riff.checked(path, n_bytes)]
    if start[:4] == b"OggS":
        return ogg.checked(path)
    if start[:4] == b"fLaC":
        return [flac.checked(path)]
    if mpeg.is_mpeg(start, path.suffix):
        return mpeg.checked(path)
    return [path]


def _refuse_foreign(path: Path, start: bytes) -> None:
    names = {"name": path.name, "stem": path.stem}
    for at, magic, what in FOREIGN:
        if start[at : at + len(magic)] == magic:
            raise TonespanError(f"{path}: not read: {what.format(**names)}")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(HTML):
        raise TonespanError(f"{path}: damaged, a web page and no sound (a failed download?); fetch it again")
    if len(start) > 2 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0 and not mpeg.has_audio(start):
        raise TonespanError(f"{path}: not read: AAC; {TO_WAV.format(**names)}")
    if not start.strip(b"\0"):
        raise TonespanError(f"{path}: damaged, it begins with zeros and holds no audio header; copy it again")
    if start[:4] not in (b"NIST",) and _is_text(start):
        raise TonespanError(f"{path}: damaged, or no audio file (it holds text); fetch it again or leave it out")


def _is_text(start: bytes) -> bool:
    return len(start) >= 16 and all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in start) and start.isascii()
