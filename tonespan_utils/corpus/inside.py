"""Whether files that a folder of speech names lie in it: a list from elsewhere must not have others of yours read.

Conventions: a path leads out where what it is at last, links followed, is not below the folder, itself followed; so a
folder may be a link as a whole, and links within it are as good as files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tonespan_utils.errors import TonespanError


def refuse_outside(folder: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Raise TonespanError at the first of (where it is named, path) that leads out of ``folder``.

    Folders are followed once each: fifty thousand files in a few folders take a second.
    """
    top = Path(os.path.realpath(folder))
    parents: dict[Path, str] = {}
    for where, path in files:
        if path.parent not in parents:
            parents[path.parent] = os.path.realpath(path.parent)
        last = os.path.join(parents[path.parent], path.name)
        if path.name in ("", "..") or os.path.islink(last):
            last = os.path.realpath(path)
        if not Path(last).is_relative_to(top):
            raise TonespanError(
                f"{where}: {path} leads out of {folder}; copy the file into it, or name a folder that holds both"
            )
