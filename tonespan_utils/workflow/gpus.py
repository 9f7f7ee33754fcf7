"""Which NVIDIA GPUs this process may use, and one of them for a job alone, without importing a model library.

Conventions: what ``CUDA_VISIBLE_DEVICES`` names, as a scheduler sets it; where it is not set, what the driver lists.
A job's GPU is held by a file lock, which the operating system drops when the process ends, however it ends.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible() -> list[str]:
    """The names of the GPUs there are to use; empty without any."""
    if VISIBLE in os.environ:
        return [name.strip() for name in os.environ[VISIBLE].split(",") if name.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(i) for i, line in enumerate(line for line in listed.stdout.splitlines() if line.startswith("GPU "))]


@contextmanager
def only_one() -> Iterator[str | None]:
    """Make only one GPU visible inside: the first of several that no other job of this machine holds; None without any.

    A training that sees two GPUs would spread itself over both, with twice the batch. Where all are held it waits for
    the first. A single one is taken as it is: a scheduler may give several jobs of a node one each, all named 0.
    """
    names, before = visible(), os.environ.get(VISIBLE)
    if len(names) < 2:
        yield names[0] if names else None
        return
    name, lock = _free(names)
    os.environ[VISIBLE] = name
    try:
        yield name
    finally:
        lock.release()
        os.environ.pop(VISIBLE) if before is None else os.environ.update({VISIBLE: before})


def _free(names: list[str]) -> tuple[str, FileLock]:
    locks = {name: FileLock(Path(tempfile.gettempdir()) / f"tonespan-{os.getuid()}-gpu-{name}.lock") for name in names}
    for name, lock in locks.items():
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return name, lock
    locks[names[0]].acquire()
    return names[0], locks[names[0]]
