"""Folders for sockets: short whatever TMPDIR is, and none left of a process that was killed."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.workflow import sockets

ROOT = Path(__file__).parents[2]


@pytest.fixture
def short():
    with tempfile.TemporaryDirectory(prefix="ts-", dir="/tmp") as folder:
        yield Path(folder)


def use(monkeypatch, folder):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


def test_a_folder_is_private_and_goes_with_its_block(monkeypatch, short):
    use(monkeypatch, short)
    with sockets.folder() as made:
        assert made.parent == short and made.stat().st_mode & 0o777 == 0o700
    assert list(short.iterdir()) == []


def test_a_long_place_for_temporary_files_is_left_for_a_short_one(monkeypatch, tmp_path):
    long = tmp_path / ("long" * 40)
    long.mkdir()
    use(monkeypatch, long)
    with sockets.folder() as made, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(made / "kernel-with-20-bytes"))
        assert not made.is_relative_to(long)


def test_without_any_place_it_is_one_line(monkeypatch):
    monkeypatch.setattr(sockets, "_bases", lambda: [Path("/nonexistent")])
    with pytest.raises(TonespanError, match=r"no folder for sockets.*TMPDIR"), sockets.folder():
        pass


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(monkeypatch, short):
    program = (
        "import os, signal, tempfile; from tonespan_utils.workflow import sockets\n"
        f"tempfile.tempdir = {str(short)!r}\n"
        "with sockets.folder() as made: print(made, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    use(monkeypatch, short)
    with sockets.folder() as first:
        assert not left.exists()
        with sockets.folder() as second:
            assert first.is_dir() and second.is_dir()


def test_folders_of_others_are_left_alone(monkeypatch, short):
    use(monkeypatch, short)
    other, file = short / f"tonespan-{os.getuid() + 1}-abc", short / f"tonespan-{os.getuid()}-gpu-0.lock"
    other.mkdir()
    file.write_text("")
    with sockets.folder():
        assert other.is_dir() and file.is_file()
