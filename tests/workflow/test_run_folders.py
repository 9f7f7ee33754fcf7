"""The folders of a run: one run at a time, and nothing half written is left."""

import os
import subprocess
import sys

import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile as params
from tonespan_utils.workflow import run_folders


def test_two_runs_of_one_profile_do_not_mix(tmp_path):
    with (
        run_folders.only_run(tmp_path / ".lock", "smoke"),
        pytest.raises(TonespanError, match="another process"),
        run_folders.only_run(tmp_path / ".lock", "smoke"),
    ):
        pass


def test_the_lock_of_a_killed_run_is_free_when_its_last_process_is_gone(tmp_path):
    path = tmp_path / ".lock"
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'a+'); fcntl.flock(file, 2); print('held', flush=True); input()"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, path], stdin=-1, stdout=-1, text=True)
    worker.stdout.readline()
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    path.write_text(gone.stdout)  # the run that was killed; its worker still holds the lock
    worker.stdin.write("\n")
    worker.stdin.flush()
    with run_folders.only_run(path, "smoke"):
        assert path.read_text() == f"{os.getpid()}\n"
    assert path.read_text() == ""
    worker.communicate()


def test_what_killed_processes_left_half_written_goes_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(params, "OUTPUT_ROOT", tmp_path)
    loaded = params.load("smoke")
    kept = [
        loaded.results / "tokens.csv",
        loaded.runs / ".lock",
        loaded.results / ".hidden",
        loaded.data / "unfinished",
    ]
    left = [
        loaded.runs / ".partial.00_corpus.ipynb", loaded.results / ".tokens.csv.ab_12xyz",
        loaded.figures / ".x.png.abcdefgh",
        loaded.results / "models" / ".a.seed0.partial" / "config.json", loaded.data / "unfinished-abc" / "x.wav",
    ]  # fmt: skip
    for path in kept + left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    run_folders.remove_partial(loaded)
    assert all(path.is_file() for path in kept)
    assert not any(path.exists() for path in left) and not left[3].parent.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(TonespanError, match=r"runs/smoke: cannot be written"):
        run_folders.require_writable(tmp_path / "runs" / "smoke")
    run_folders.require_writable(tmp_path / "results" / "smoke")
    assert (tmp_path / "results" / "smoke").is_dir() and not list((tmp_path / "results" / "smoke").iterdir())
