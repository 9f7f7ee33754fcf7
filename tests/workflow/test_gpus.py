"""GPUs are counted without a model library, and a job has one for itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tonespan_utils.workflow import gpus


@pytest.fixture(autouse=True)
def own_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """An ``nvidia-smi`` that lists two GPUs."""
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "GPU 0: X (UUID: a)"\necho "  MIG 1g.5gb"\necho "GPU 1: X (UUID: b)"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv(gpus.VISIBLE, raising=False)


def test_the_driver_is_asked_where_no_scheduler_has_chosen(driver, monkeypatch):
    assert gpus.visible() == ["0", "1"]
    monkeypatch.setenv(gpus.VISIBLE, "GPU-f00, 3")
    assert gpus.visible() == ["GPU-f00", "3"]
    monkeypatch.setenv(gpus.VISIBLE, "")
    assert gpus.visible() == []


def test_without_a_driver_there_is_none(tmp_path, monkeypatch):
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.visible() == []
    with gpus.only_one() as name:
        assert name is None and gpus.VISIBLE not in os.environ


def test_a_single_gpu_is_what_a_scheduler_gave_and_needs_no_lock(tmp_path, monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "0")
    with gpus.only_one() as name, gpus.only_one() as other_job_of_the_node:
        assert name == other_job_of_the_node == "0" and not list(tmp_path.iterdir())


def test_two_jobs_get_two_gpus_and_leave_them_as_they_were(driver):
    program = (
        "from pathlib import Path; from tonespan_utils.workflow import gpus; import sys\n"
        "gpus.tempfile.gettempdir = lambda: sys.argv[1]\n"
        "with gpus.only_one() as name: print(name, flush=True); input()"
    )
    with gpus.only_one() as mine:
        held = Path(gpus.tempfile.gettempdir())
        assert mine == "0" and os.environ[gpus.VISIBLE] == "0"
        free = os.environ | {gpus.VISIBLE: "0,1"}
        other = subprocess.Popen(
            [sys.executable, "-c", program, str(held)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=free,
        )  # fmt: skip
        assert other.stdout.readline() == "1\n"
        other.communicate("\n", timeout=60)
    assert gpus.VISIBLE not in os.environ
    with gpus.only_one() as again:
        assert again == "0"
