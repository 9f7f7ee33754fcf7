"""A check that the files which a folder of speech names are inside it: a list must not make other files be read.

Conventions: links are followed, those of the path and that of the folder. A path leads out of the folder where the file
that it ends at is not below it. So a folder may itself be a link, and links within it are as good as files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tonespan_utils.errors import TonespanError


def refuse_outside(folder: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Raise TonespanError at the first of (where it is named, path) that leads out of ``folder``.

    Each folder's links are followed once: fifty thousand files in a few folders take a second.
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
                f"{where}: {path} leads out of {folder}; copy the file into it, or name a folder that contains both"
            )
