"""A study small enough to be run again and again, and what is left of a run: processes, sockets, half-written files."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tonespan_utils.params import profile
from tonespan_utils.workflow import produced, run_folders

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).with_name("tiny.yaml")
LONGEST_S = 1800  # no run of the tiny study takes so long, on the slowest machine


@dataclass(frozen=True)
class Study:
    """The tiny study with an output folder and a folder for temporary files of its own."""

    output: Path
    temporary: Path

    @property
    def results(self) -> Path:
        return self.output / "results" / "tiny"

    @property
    def runs(self) -> Path:
        return self.output / "runs" / "tiny"

    def environment(self, **changes: str) -> dict[str, str]:
        ours = {"TONESPAN_OUTPUT": str(self.output), "TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)}
        return os.environ | ours | changes

    def command(self, *arguments: str, profile: Path = TINY) -> list[str]:
        return [sys.executable, "-m", "tonespan_utils", "run", str(profile), "--cores", "2", *arguments]

    def start(self, **changes: str) -> subprocess.Popen:
        """A run as the leader of a session, whose output goes into a pipe that is read to its end."""
        return subprocess.Popen(
            self.command(), cwd=ROOT, env=self.environment(**changes), text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=hear_signals,
        )  # fmt: skip

    def run(self, *arguments: str, profile: Path = TINY, folder: Path = ROOT, **changes: str):
        """A run to its end: exit status, and standard output and error as one text."""
        return subprocess.run(
            self.command(*arguments, profile=profile), cwd=folder, env=self.environment(**changes), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST_S,
        )  # fmt: skip

    def finish(self, *arguments: str, **options) -> str:
        """A run that has to succeed; gives what it said."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def digests(self) -> dict[str, str]:
        """SHA-256 of every table and array by its name; not of figures, nor of clips, whose Ogg streams are numbered
        at random.
        """
        files = [path for path in self.results.rglob("*") if path.is_file() and not path.name.startswith(".")]
        drawn = self.results / profile.FIGURES
        kept = sorted(path for path in files if path.name != "clips.npz" and drawn not in path.parents)
        return {str(path.relative_to(self.results)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}

    def executed(self) -> list[str]:
        """The notebooks that have been executed to their end, in order of name."""
        return sorted(path.name for path in (self.runs / produced.RECORDS).glob("*.json"))

    def forget(self, notebook: str) -> None:
        """Remove what one executed notebook left: it is to be made again, with all that depends on it."""
        for name in json.loads((self.runs / produced.RECORDS / notebook).read_text())["files"]:
            (self.output / name).unlink()

    def processes(self) -> list[int]:
        """Every process that works on this study, whoever its parent is: by its environment."""
        mark = f"TONESPAN_OUTPUT={self.output}".encode()
        return [pid for pid in all_processes() if mark in read(pid, "environ").split(b"\0")]

    def partial(self) -> list[Path]:
        """Files that are half written, and sockets."""
        left = [path for path in self.output.rglob("*") if run_folders.PARTIAL.fullmatch(path.name)]
        left += [path for path in self.temporary.rglob("*") if path.is_socket()]
        return left + list(self.temporary.glob("tonespan-*"))


def hear_signals() -> None:
    """Undo what nohup, or a shell's &, has handed down: ignored signals stay ignored."""
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)


def all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def read(pid: int, name: str) -> bytes:
    """A file of /proc/<pid>; empty for a process that is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def children(pid: int) -> list[int]:
    return [int(child) for child in read(pid, f"task/{pid}/children").split()]


def descendants(pid: int) -> list[int]:
    threads = [int(path.name) for path in Path(f"/proc/{pid}/task").glob("*")]
    born = [int(child) for thread in threads for child in read(pid, f"task/{thread}/children").split()]
    return [each for child in born for each in (child, *descendants(child))]


def wait_until(true, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())


def new_study(folder: Path) -> Study:
    """A study whose folder for temporary files is short enough for sockets."""
    (folder / "out").mkdir()
    return Study(folder / "out", Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp")))


def end(study: Study) -> None:
    """Nothing of a test outlives it; remove its folder for temporary files."""
    for pid in study.processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    subprocess.run(["rm", "-rf", str(study.temporary)], check=True)
