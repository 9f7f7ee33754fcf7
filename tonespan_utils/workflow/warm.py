"""Notebooks from a warm process: libraries are imported once in a run, not in each of half a hundred notebooks.

A run starts one server (:func:`serving`), which imports what notebooks need of others' libraries and then does nothing
but fork. ``python -m tonespan_utils notebook ...`` hands itself over (:func:`hand_over`) and waits for its exit status;
the fork runs Papermill, whose kernel is a fork too (:mod:`tonespan_utils.workflow.forked_kernel`).

Conventions
-----------
- Libraries alone are warm: each notebook imports this project's own modules as they lie on the disk then.
- Nothing outlives its caller: the server ends with the run, a fork with the command that it runs for. Server and forks
  keep the files that the run keeps open, so that its lock is free when the last of them is gone. They are a process
  group of their own: what is signalled to the run's group (Ctrl-C) is for the run and for the commands.
- Where nothing is warm (on a cluster, on another system than Linux, after the server died) all starts as usual.

Sources: the idea of Android's zygote and of the standard library's ``multiprocessing.forkserver``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from tonespan_utils.workflow import processes, sockets
from tonespan_utils.workflow.forks import KILLED, SOCKET, STREAMS, become, leave, receive, send

COMMANDS = "tonespan_utils.__main__"  # by name, as `python -m` takes it: each fork imports it as it lies on the disk
# Not matplotlib and ipykernel: at import the one decides how figures are shown, tqdm by the other how progress is.
LIBRARIES = (
    "nbclient", "IPython.core.interactiveshell",
    "scipy.signal", "scipy.stats", "pandas", "pydantic", "sklearn.pipeline", "sklearn.linear_model", "sklearn.cluster",
    "sklearn.discriminant_analysis", "parselmouth", "librosa", "jiwer", "torch", "safetensors.torch",
    "transformers.trainer", "transformers.models.hubert.modeling_hubert",
    "transformers.models.wav2vec2.modeling_wav2vec2",
)  # fmt: skip
FORK_SAFE = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}  # to ask CUDA itself for GPUs would lose them to every fork
PATIENCE_S = 5.0  # that a fork whose command is gone has to clean up


@contextlib.contextmanager
def serving(environment: Mapping[str, str], *, keep: Sequence[int] = ()) -> Iterator[dict[str, str]]:
    """A server while the block runs; gives the variables by which commands of the block find it.

    ``environment`` is what the server starts with, ``keep`` are open files that it and its forks keep. It imports while
    the block already runs: an early command waits.
    """
    if sys.platform != "linux":  # elsewhere system libraries forbid a fork once they are loaded
        yield {}
        return
    with sockets.folder() as folder:
        path = str(folder / "warm")
        server = None
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen()
                program = f"from tonespan_utils.workflow import warm; warm.serve({listener.fileno()}, {os.getpid()})"
                with processes.making_a_child():
                    server = subprocess.Popen(
                        [sys.executable, "-c", program], stdin=subprocess.PIPE, env={**environment, **FORK_SAFE},
                        pass_fds=[listener.fileno(), *keep], process_group=0,
                    )  # fmt: skip
            yield {SOCKET: path}
        finally:
            if server is not None:
                with server:
                    server.terminate()  # the end of this process ends it too, but not before it has imported all


def papermill() -> ModuleType:
    """Papermill, imported without the grammar of international addresses that jsonschema would build on the way: a
    second and a half for a format that no notebook has.
    """
    sys.modules.setdefault("rfc3987_syntax", None)
    import papermill

    return papermill


def hand_over(arguments: Sequence[str]) -> int | None:
    """Let the run's server do ``python -m tonespan_utils ARGUMENTS`` and return its exit status; None without one."""
    path = os.environ.get(SOCKET)
    if not path:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            return None
        request = {"arguments": list(arguments), "environment": dict(os.environ), "folder": os.getcwd()}
        send(connection, request, range(STREAMS))
        with contextlib.suppress(ConnectionError):
            if status := connection.recv(1):
                return status[0]
    print(f"tonespan: {' '.join(arguments)}: its process was killed or ran out of memory", file=sys.stderr)
    return KILLED


def serve(descriptor: int, parent: int) -> None:
    """Fork for each command that connects to a listening socket, until standard input closes or the parent ends."""
    processes.tie(parent)
    processes.leave_interrupts()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # messages of a group in the background are written, too
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that ended leave nothing behind
    gc.disable()
    papermill()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # what is shared stays shared: no fork's collector touches it
    gc.enable()
    with socket.socket(fileno=descriptor) as listener, selectors.DefaultSelector() as waiting:
        waiting.register(0, selectors.EVENT_READ)
        waiting.register(listener, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in waiting.select()):
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    leave(_command, connection)


def _command(connection: socket.socket) -> int:
    """In a fork: run the command that connected, with its streams, folder and environment; send it the exit status."""
    from tonespan_utils.workflow import forked_kernel

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams = receive(connection)
    _take_on(streams)
    become(request["environment"], request["folder"])
    forked_kernel.prepare(connection)
    threading.Thread(target=_end_with, args=[connection], daemon=True).start()
    status = importlib.import_module(COMMANDS).main(request["arguments"])
    gc.collect()  # a progress bar draws its end when it is collected
    with contextlib.suppress(ConnectionError):  # the command may have been killed meanwhile
        connection.sendall(bytes([status]))
    return status


def _take_on(streams: Sequence[int]) -> None:
    """Make open files the standard streams; what Python knew of the old ones (a file, a pipe) is no longer true."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _end_with(connection: socket.socket) -> None:
    """End this process when the command that it runs for has ended."""
    watch = select.poll()
    watch.register(connection, 0)  # that is, for hanging up alone
    watch.poll()
    os.kill(os.getpid(), signal.SIGTERM)  # which lets it remove its sockets; but it may be busy
    time.sleep(PATIENCE_S)
    os._exit(KILLED)
