"""The explorer's servers end with the command that started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from studies import ROOT, TINY, hear_signals, wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("lab", [[], ["--lab"]], ids=["voila", "lab"])
def test_no_server_is_left(study, lab, signum):
    port = free_port()
    command = [sys.executable, "-m", "tonespan_utils", "explore", str(TINY), "--no-browser", "--port", str(port), *lab]
    with open(study.output / "log", "w+") as log:
        serving = subprocess.Popen(
            command, cwd=ROOT, env=study.environment(), stdout=log, stderr=log, start_new_session=True,
            preexec_fn=hear_signals,
        )  # fmt: skip
        assert wait_until(lambda: listens(port), 120), (study.output / "log").read_text()
        time.sleep(0.5)
        os.kill(serving.pid, signum)
        serving.wait(60)
    assert wait_until(lambda: not study.processes()) and not listens(port)
    assert serving.returncode == (-signum if signum == signal.SIGKILL else 128 + signum)
