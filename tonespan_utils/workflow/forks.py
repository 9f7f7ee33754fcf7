"""Messages between a run's server and its forks, over Unix sockets, and what a fork becomes and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from tonespan_utils.workflow import processes

SOCKET = "TONESPAN_WARM"  # where the server listens, for the commands of its run
KILLED = 1  # exit status of a command whose fork ended before it sent its own
STREAMS = 3  # standard input, output and error
CHUNK = 1 << 16  # bytes that are read at a time


def send(connection: socket.socket, message: Mapping[str, Any], streams: Sequence[int] = ()) -> None:
    """Send a message and open files, and nothing after it."""
    data = json.dumps(message).encode()
    sent = socket.send_fds(connection, [data], streams) if streams else 0
    connection.sendall(data[sent:])
    connection.shutdown(socket.SHUT_WR)


def receive(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Receive what :func:`send` sent: the message, None where the other side ended without one, and the open files."""
    data, streams, _, _ = socket.recv_fds(connection, CHUNK, STREAMS)
    while chunk := connection.recv(CHUNK):
        data += chunk
    return json.loads(data) if data else None, streams


def become(environment: Mapping[str, str], folder: str) -> None:
    """Take on another process's environment and folder; what is done from here on is done here."""
    os.environ.clear()
    os.environ.update({name: value for name, value in environment.items() if name not in (SOCKET, processes.PARENT)})
    os.chdir(folder)


def leave(work: Callable[[socket.socket], int], connection: socket.socket) -> NoReturn:
    """Do the work of a fork and end it, never going back into what it was forked from."""
    status = KILLED
    try:
        status = work(connection)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
