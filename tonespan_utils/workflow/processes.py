"""Processes that end together: what a command starts ends with it, however it ends.

A run is a tree: ``run`` > Snakemake > one command a notebook > (a fork that runs Papermill >) its kernel. Each is tied
to the one above (:func:`tie`): Linux itself kills it when that one is gone, even where nothing was left to signal it;
elsewhere a thread looks once a second. A signal that asks a command to end becomes an exception (:class:`Stopped`), so
that what cleans up after Ctrl-C cleans up then too.

``python -m tonespan_utils.workflow.processes PID SIGNAL MODULE ...`` is ``python -m MODULE ...``, tied to a process.

Source: prctl(2), PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

PARENT = "TONESPAN_PARENT"  # the process that the commands of a run are tied to
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOOK_EVERY_S = 1.0  # where the system does not signal a parent's end
PATIENCE_S = 15.0  # that a server or a cluster's jobs have to end in order
ASKING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A signal told this process to end."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


def tie(parent: int, signum: int = signal.SIGKILL) -> None:
    """Let ``signum`` reach this process when its parent ends; at once, where it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signum))
    else:
        threading.Thread(target=_look, args=[parent, signum], daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)


def tie_to_parent() -> None:
    """Tie a command of a run to what started it; any other command is its user's, and free."""
    if parent := os.environ.pop(PARENT, None):
        tie(int(parent))


def tied(*command: str, signum: int = signal.SIGKILL) -> list[str]:
    """``python -m COMMAND`` as a child that ends with this process."""
    return [sys.executable, "-m", __name__, str(os.getpid()), str(int(signum)), *command]


def run(command: Sequence[str], *, ask: int, **options: object) -> int:
    """Run a child and return its exit status; where this process is stopped, the child is signalled to end, and killed
    if it does not.

    ``ask`` is that signal; SIGKILL leaves it no time.
    """
    child = subprocess.Popen(command, **options)
    try:
        return child.wait()
    finally:
        if child.returncode is None:
            _end(child, ask)


def _end(child: subprocess.Popen, ask: int) -> None:
    child.send_signal(ask)
    try:
        child.wait(PATIENCE_S)
    except BaseException:  # a second Ctrl-C, too
        child.kill()
        child.wait()
        raise


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise :class:`Stopped`; one that was ignored (nohup) stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in ASKING}
    for signum, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(signum, _stop)
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def why(status: int) -> str:
    """An exit status in words: ``was killed (SIGKILL)`` or ``ended with status 1``."""
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was killed ({signal.Signals(-status).name})"
    return f"was killed (signal {-status})"


def _stop(signum: int, _: object) -> None:
    for each in ASKING:  # one signal is enough: cleaning up is not interrupted
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(signum)


def _look(parent: int, signum: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signum)


def marked(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment by which commands know that they are to end with this process."""
    return {**environment, PARENT: str(os.getpid())}


if __name__ == "__main__":
    tie(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv[:] = sys.argv[3:]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:  # before the module could say anything itself
        sys.exit(128 + signal.SIGINT)
