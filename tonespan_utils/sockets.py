"""Folders for sockets: short names, one user's alone, and none left behind.

The name of a socket may have 107 bytes, so its folder cannot lie just anywhere: not in a long ``TMPDIR``, not in a deep
output folder. Each folder is locked by who uses it; the lock ends with the process, and what a killed process left is
removed by the next one that needs a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tonespan_utils.errors import TonespanError

MAX_BYTES = 107  # of a socket's name: sun_path of unix(7), without its zero (other systems: 103)
ROOM = 24  # bytes for the names of sockets in a folder, on any system
LOCK = ".lock"
NEW_S = 60.0  # a folder without a lock may be about to get one


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder while the block runs, with room for names of up to 20 bytes in it.

    Raises TonespanError where no folder for temporary files is short enough and can be written.
    """
    for base in _bases():
        _sweep(base)
        with contextlib.suppress(OSError):
            made, lock = _claim(base)
            break
    else:
        raise TonespanError("no folder for sockets: /tmp cannot be written; set TMPDIR to a short path that can be")
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def _claim(base: Path) -> tuple[Path, int]:
    """A new folder and its lock, held; another process that sweeps may take it away before it is locked."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=_prefix(), dir=base))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(made / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (made / LOCK).exists():
                return made, lock
            os.close(lock)


def _bases() -> list[Path]:
    """Where sockets may lie: as short as they must be, the usual place first."""
    named = (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR"), "/tmp", "/var/tmp", "/dev/shm")
    paths = [Path(name) for name in dict.fromkeys(named) if name and os.path.isabs(name)]
    return [path for path in paths if len(os.fsencode(path)) + len(_prefix()) + 8 + ROOM < MAX_BYTES - 4]


def _prefix() -> str:
    return f"tonespan-{os.getuid()}-"


def _sweep(base: Path) -> None:
    """Remove this user's folders that no process holds."""
    for path in base.glob(f"{_prefix()}*/"):
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            if path.is_dir() and time.time() - path.stat().st_mtime > NEW_S:
                shutil.rmtree(path, ignore_errors=True)
            continue
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except OSError:  # held: in use
            pass
        finally:
            os.close(lock)
