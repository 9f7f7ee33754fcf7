"""The folders of a run: writable, used by one run at a time, and cleared of what killed processes left half written.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import Params

LEFT_S = 60  # that the processes of a killed run have to end, before the next one gives up waiting
# What a killed process was writing: tables.write_atomically, finetune, corpora and run_notebook name it so.
PARTIAL = re.compile(r"\.partial\..+|\..+\.partial|\..+\.[a-z0-9_]{8}|unfinished-.+")


def require_writable(*folders: Path) -> None:
    """Make the folders where they are missing. Raises TonespanError where files cannot be made in one of them."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".writable"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise TonespanError(f"{folder}: cannot be written ({error.strerror})") from None


@contextmanager
def only_run(path: Path, profile: str) -> Iterator[IO[str]]:
    """Hold a run's lock, an open file whose lock the operating system drops when the last process of the run ends.

    Raises TonespanError where another run holds it.
    """
    with path.open("a+") as file:
        _take(file, profile)
        file.truncate(0)
        print(os.getpid(), file=file, flush=True)
        try:
            yield file
        finally:
            file.truncate(0)  # no process is named where none runs


def _take(file: IO[str], profile: str) -> None:
    deadline = time.monotonic() + LEFT_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            if _runs(file.read().strip()):
                raise TonespanError(f"profile {profile} is being run by another process; wait for it to end") from None
        except OSError as error:
            why = f"cannot be locked ({error.strerror}); name a folder of another disk in TONESPAN_OUTPUT"
            raise TonespanError(f"{file.name}: {why}") from None
        if time.monotonic() > deadline:
            raise TonespanError(f"profile {profile}: processes of a killed run are still there; end them, or wait")
        time.sleep(0.1)


def _runs(pid: str) -> bool:
    """Whether a process is there; yes where that cannot be known."""
    try:
        os.kill(int(pid), 0)
    except ValueError:
        return True
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_partial(params: Params) -> None:
    """Remove what killed processes left half written; the lock says that none is at work."""
    for folder in (params.results, params.runs, params.data):
        for path in [*folder.rglob("*")]:
            if PARTIAL.fullmatch(path.name):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
