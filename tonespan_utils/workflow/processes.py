"""Processes that end together: what a command starts ends with it, however it ends.

A run is a tree: ``run`` > Snakemake > one command a notebook > (a fork that runs Papermill >) its kernel. Each is tied
to the one above (:func:`tie`): Linux itself kills it when that one is gone, even where nothing was left to signal it;
elsewhere a thread looks once a second. A signal that asks a command to end becomes an exception (:class:`Stopped`), so
that what cleans up after Ctrl-C cleans up then too. Ctrl-C, which a terminal sends to all of them at once, is for the
command alone that a user started; what it started ends with it.

``python -m tonespan_utils.workflow.processes PID SIGNAL MODULE ...`` is ``python -m MODULE ...``, tied to a process.

Python prints a stack trace where an interrupt comes before a program can say what to do with it, and loses one that
comes where it can raise nothing (in a weakref's callback, as every import has). So commands import, and children begin
(:func:`making_a_child`), with SIGINT blocked, and an exception that was lost is raised once more.

Source: prctl(2), PR_SET_PDEATHSIG; sys.unraisablehook.
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
AGAIN_S = 0.05  # until a signal whose exception was lost is raised once more
ASKING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_waiting: list[int] | None = None  # signals that came while a child was being made; None while none is


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
    child = None
    try:
        with making_a_child():
            child = subprocess.Popen(command, **options)
        return child.wait()
    finally:
        if child is not None and child.returncode is None:
            _end(child, ask)


@contextmanager
def making_a_child() -> Iterator[None]:
    """Inside, a signal to end waits, so that no child is made and lost; it raises :class:`Stopped` at the end.

    The child begins with SIGINT blocked, until it calls :func:`leave_interrupts` or :func:`hear_interrupts`, as one
    that is ``tied`` does.
    """
    global _waiting
    _waiting = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        came, _waiting = _waiting, None
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if came:
        _stop(came[0], None)


def hear_interrupts() -> None:
    """Unblock SIGINT; one that came meanwhile comes now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def leave_interrupts() -> None:
    """Leave Ctrl-C to the parent, with which this process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hear_interrupts()


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
    """Inside, SIGTERM, SIGHUP and SIGINT raise :class:`Stopped`; one that was ignored (nohup) stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in ASKING}
    unraisable, sys.unraisablehook = sys.unraisablehook, _raise_again
    try:
        for signum, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(signum, _stop)
        hear_interrupts()
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = unraisable
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
    if _waiting is not None:
        _waiting.append(signum)
        return
    for each in ASKING:  # one signal is enough: cleaning up is not interrupted, but by a user's second Ctrl-C
        if each != signal.SIGINT:
            signal.signal(each, signal.SIG_IGN)
    raise Stopped(signum)


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Raise a :class:`Stopped` once more that came where Python can raise nothing; print of others what Python does."""
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
        return
    signum = lost.exc_value.signum
    signal.signal(signal.SIGALRM, lambda *_: _stop(signum, None))
    signal.setitimer(signal.ITIMER_REAL, AGAIN_S)


def _look(parent: int, signum: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signum)


def marked(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment by which commands know that they are to end with this process."""
    return {**environment, PARENT: str(os.getpid())}


def _main(parent: int, signum: int, module: str) -> None:
    tie(parent, signum)
    try:
        if signum == signal.SIGKILL:  # who is killed with its parent has nothing to put in order
            leave_interrupts()
        else:
            hear_interrupts()
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:  # before the module could say anything itself
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    ends_with, by, *sys.argv = sys.argv[1:]
    _main(int(ends_with), int(by), sys.argv[0])
