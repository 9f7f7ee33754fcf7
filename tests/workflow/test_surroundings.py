"""What lies around a command and cannot be worked with is replaced, or refused in one line."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tonespan_utils.workflow import surroundings

ROOT = Path(__file__).parents[2]


def test_a_home_that_can_be_written_is_left_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    surroundings.settle()
    assert os.environ["HOME"] == str(tmp_path) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/home", "/proc/1/no-home"])
def test_a_home_that_cannot_be_written_is_replaced(monkeypatch, tmp_path, home):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("XDG_CACHE_HOME", f"{home}/cache")
    surroundings.settle()
    assert os.environ["HOME"] == str(tmp_path / ".cache" / "home") and "XDG_CACHE_HOME" not in os.environ


def test_without_any_home_it_is_one_line(monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", Path("/dev/null"))
    monkeypatch.setenv("HOME", "/dev/null")
    with pytest.raises(TonespanError, match=r"cannot be written.*set HOME or TONESPAN_OUTPUT"):
        surroundings.settle()


def test_what_is_meant_for_another_python_goes(monkeypatch):
    for name in surroundings.NOT_OURS:
        monkeypatch.setenv(name, "error")
    surroundings.settle()
    assert not set(surroundings.NOT_OURS) & set(os.environ) and os.environ["PYTHONUTF8"] == "1"


def test_warnings_of_libraries_are_no_errors():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tonespan_utils", "tones", "cmn", "-"],
        cwd=ROOT, input="你好\n", capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.startswith("你好\t"), done.stderr


def test_few_open_files_become_many_or_are_refused(monkeypatch):
    limits = {"now": (64, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda kind, new: limits.update(now=new))
    surroundings.allow_open_files()
    assert limits["now"] == (4096, 4096)
    limits["now"] = (64, 64)
    with pytest.raises(TonespanError, match="only 64 files may be open"):
        surroundings.allow_open_files()


@pytest.mark.parametrize("name", ["out", "./out", "a/../out", "link/out", "{x} it's $HOME"])
def test_a_relative_output_folder_is_one_folder_for_all_that_is_started(monkeypatch, tmp_path, name):
    """It means the folder that the command was called in; kernels and Snakemake work in others."""
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TONESPAN_OUTPUT", name)
    surroundings.settle()
    settled = os.environ["TONESPAN_OUTPUT"]
    assert settled == os.path.realpath(tmp_path / name)
    program = "from tonespan_utils.params.profile import OUTPUT_ROOT; print(OUTPUT_ROOT)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd="/", env=environment, capture_output=True, text=True)
    assert done.stdout == f"{settled}\n", done.stderr
