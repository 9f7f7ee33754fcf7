"""A part of a file behind another header, as a file that libsndfile reads; nothing is copied."""

from __future__ import annotations

import io
from pathlib import Path


class Window(io.RawIOBase):
    """``header`` and then bytes ``start`` to ``end`` of a file, read only."""

    def __init__(self, path: Path, header: bytes, start: int, end: int) -> None:
        super().__init__()
        self.header, self.start, self.size = header, start, len(header) + end - start
        self._file, self._at = path.open("rb"), 0

    def readinto(self, buffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self.size - self._at))
        part = self.header[self._at : self._at + wanted]
        if len(part) < wanted:
            self._file.seek(self.start + self._at + len(part) - len(self.header))
            part += self._file.read(wanted - len(part))
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()
