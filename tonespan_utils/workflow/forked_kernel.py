"""A Jupyter kernel that is a fork of this process instead of a new interpreter, for :mod:`.warm`.

It is forked early, before Papermill has threads and sockets, and sleeps until jupyter_client launches it. The class is
named in pyproject.toml, for jupyter_client, which reads it from an environment variable.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

from tonespan_utils.workflow import forks

CHOSEN = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "tonespan-fork"}
LAUNCHER = ["-m", "ipykernel_launcher"]  # of the kernels that a fork can stand for

_sleeping: Sleeper | None = None


class Sleeper:
    """A forked process that becomes a kernel at :meth:`wake`, with the methods of ``subprocess.Popen`` that
    jupyter_client calls.
    """

    stdin = stdout = stderr = None

    def __init__(self, not_its: socket.socket) -> None:
        self.returncode: int | None = None
        self._waker, sleeper = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._waker.close()
            not_its.close()
            forks.leave(_kernel, sleeper)
        sleeper.close()

    def wake(self, arguments: list[str], environment: dict[str, str], folder: str) -> None:
        """Become the kernel that these arguments of ipykernel describe."""
        with self._waker:
            forks.send(self._waker, {"arguments": arguments, "environment": environment, "folder": folder})

    def poll(self) -> int | None:
        """The exit status, minus the signal that ended it, or None while it runs."""
        return self._status(os.WNOHANG)

    def wait(self) -> int | None:
        """The exit status, once there is one."""
        return self._status(0)

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _status(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def prepare(not_its: socket.socket) -> None:
    """Fork what will be this process's next kernel, without a connection that it must not keep open."""
    global _sleeping
    _sleeping = Sleeper(not_its)
    os.environ.update(CHOSEN)


class ForkedKernel(LocalProvisioner):
    """Launches the prepared fork; a kernel that it cannot stand for, and every further one, as any other."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Launch a kernel; gives its connection, as jupyter_client wants it."""
        global _sleeping
        kernel, _sleeping = _sleeping, None
        if kernel is None or cmd[1:3] != LAUNCHER:
            return await super().launch_kernel(cmd, **kwargs)
        folder = kwargs.get("cwd") or os.getcwd()
        kernel.wake(cmd[3:], kwargs["env"], folder)
        self.process, self.pid, self.pgid, self.cwd = kernel, kernel.pid, kernel.pid, Path(folder)
        return self.connection_info


def _kernel(sleeper: socket.socket) -> int:
    """In the fork: sleep, then be the kernel to its end; end at once where the parent ended without a word."""
    os.setsid()  # so that signals for the kernel reach what it starts, and nothing else
    with sleeper:
        request, _ = forks.receive(sleeper)
    if request is None:
        return 0
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.__stdin__.fileno())
    os.close(nothing)
    forks.become(request["environment"], request["folder"])
    _choose_anew()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv[:] = ["ipykernel_launcher", *request["arguments"]]
    # The poller that ends a kernel with its parent reads its variable at import, which is long past.
    IPKernelApp.launch_instance([*request["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"])
    return 0


def _choose_anew() -> None:
    """Libraries that chose at import how to show things in a terminal show them as in a kernel."""
    import pandas

    for name in ("tqdm.auto", "tqdm.autonotebook"):
        sys.modules.pop(name, None)
    pandas.set_option("display.max_columns", 20)  # its own choice outside terminals
