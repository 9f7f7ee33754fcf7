"""The explorer's servers for real: this machine alone, a token, its own name; no other origin drives the kernel."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import fake_results
import pytest
import websockets
from studies import ROOT, hear_signals, wait_until
from test_explore import free_port, listens

from tonespan_utils.params import profile as params
from tonespan_utils.params import tables

START_S = 240  # a notebook server on a machine with other things to do
FOREIGN = "http://evil.example"
NAMES = {"voila": [], "lab": ["--lab"]}
OPEN = {"ip": "0.0.0.0", "allow_origin": "*", "allow_remote_access": True}  # what a user's own Jupyter may say


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The profile of a finished run, made of dice."""
    folder = tmp_path_factory.mktemp("served")
    path = fake_results.profile(folder, ["vanilla"], tonal=["th"], other=[])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "OUTPUT_ROOT", folder)
        p = params.load(path)
        fake_results.write(p)
        tables.join_all(p)
    return Path(path)


@contextmanager
def serving(profile: Path, *options: str):
    """A server under a Jupyter whose settings are open to the world: (port, what it said, its browser's addresses)."""
    port, folder = free_port(), profile.parent
    settings = folder / "jupyter"
    settings.mkdir(exist_ok=True)
    content = {"ServerApp": {"allow_root": True, **OPEN}, "Voila": {"ip": "0.0.0.0"}, "IdentityProvider": {"token": ""}}
    (settings / "jupyter_server_config.json").write_text(json.dumps(content))
    (settings / "voila.json").write_text(json.dumps(content))
    opened, browser = folder / f"opened{port}", folder / "browser"
    browser.write_text('#!/bin/sh\necho "$1" >> "$OPENED"\n')
    browser.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"} | {
        "TONESPAN_OUTPUT": str(folder), "JUPYTER_CONFIG_DIR": str(settings), "PYTHONPATH": str(ROOT),
        "BROWSER": f"{browser} %s", "OPENED": str(opened), "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }  # fmt: skip
    command = [sys.executable, "-m", "tonespan_utils", "explore", str(profile), "--port", str(port), *options]
    log = folder / f"log{port}"
    with log.open("w") as file:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=hear_signals,
        )
        try:
            assert wait_until(lambda: listens(port) or server.poll() is not None, START_S)
            assert listens(port), log.read_text()
            assert wait_until(lambda: re.search(r"token=\w", log.read_text()), 60), log.read_text()
            yield port, log, opened
        finally:
            os.kill(server.pid, signal.SIGTERM)
            server.wait(60)


def status(address: str, **headers: str) -> tuple[int, str]:
    """The status of an answer and where it came from, redirects followed."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=120) as answer:
            return answer.status, answer.url
    except urllib.error.HTTPError as error:
        return error.code, error.url


def listening(port: int) -> set[str]:
    """The addresses, in hexadecimal, on which somebody listens at a port."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    return {words[1].partition(":")[0] for words in lines if words[1].endswith(f":{port:04X}") and words[3] == "0A"}


def upgraded(address: str, origin: str, **headers: str) -> bool:
    """Whether a websocket from a page of an origin is let in."""

    async def connect() -> bool:
        try:
            async with websockets.connect(address, origin=origin, additional_headers=headers, open_timeout=60):
                return True
        except websockets.exceptions.InvalidStatus:
            return False

    return asyncio.run(connect())


def kernel_of(port: int, token: str, lab: bool) -> str:
    """A kernel that runs: Voila starts one for its page, JupyterLab at a request."""
    base = f"http://127.0.0.1:{port}"
    if not lab:
        with urllib.request.urlopen(f"{base}/?token={token}", timeout=START_S) as page:
            return re.search(r'"kernelId": ?"([0-9a-f-]+)"', page.read().decode()).group(1)
    request = urllib.request.Request(f"{base}/api/kernels?token={token}", data=b"{}", method="POST")
    with urllib.request.urlopen(request, timeout=START_S) as answer:
        return json.load(answer)["id"]


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc: who listens cannot be read")
@pytest.mark.parametrize("name", NAMES)
def test_a_server_is_for_this_machine_and_whoever_has_its_token(finished, name):
    lab = name == "lab"
    with serving(finished, *NAMES[name]) as (port, log, opened):
        token = re.search(r"token=([0-9a-f]{32,})", log.read_text()).group(1)
        base = f"http://127.0.0.1:{port}"
        start = f"{base}/api/status" if lab else f"{base}/"
        assert listening(port) <= {"0100007F", "00000000000000000000000001000000"}
        code, url = status(start)
        assert code in (401, 403) or "/login" in url, "nothing without the token"
        code, url = status(f"{start}?token={'0' * len(token)}")
        assert code in (401, 403) or "/login" in url, "nor with another"
        assert status(f"{start}?token={token}", Host="evil.example")[0] == 403, "another name leads elsewhere"
        assert status(f"{start}?token={token}")[0] == 200
        kernel = kernel_of(port, token, lab)
        channels = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels"
        assert not upgraded(channels, base), "no kernel without the token"
        assert not upgraded(f"{channels}?token={token}", FOREIGN), "nor for a page of another origin"
        assert not upgraded(f"{channels}?token={token}", "null"), "nor for a file on disk"
        assert upgraded(f"{channels}?token={token}", base)
        assert wait_until(opened.is_file, 30), "a browser is opened"
        first = opened.read_text().split()[0].removeprefix("file://")
        assert token in (Path(first).read_text() if Path(first).is_file() else first)
