"""Same seed, same bytes, wherever a run takes place and whatever lies around it."""

from __future__ import annotations

import json
import os
import resource
import subprocess

import pytest
from studies import TINY, Study

HOSTILE = "o $(touch hit) `touch hit`;touch hit {x} {} '\"\\#% ไ"


def test_same_bytes_however_it_is_called(study, undisturbed):
    """One core, another locale, home, hash seed and time zone, a relative output folder, a strict umask, few files."""
    command = " ".join(["umask 077; ulimit -S -n 64; exec", *study.command()[:4], f"'{TINY}'", "--cores 1"])
    elsewhere = {"LC_ALL": "C", "HOME": "/dev/null/home", "PYTHONHASHSEED": "5", "TZ": "Asia/Bangkok"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=study.output.parent, capture_output=True, text=True,
        env=study.environment(TONESPAN_OUTPUT=study.output.name, **elsewhere),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert study.digests() == undisturbed.digests()


def test_same_bytes_under_a_hostile_path_and_a_foreign_jupyter(study, undisturbed, tmp_path):
    """A path that a shell, Snakemake and Papermill would each read their own way; a long TMPDIR; python3 is another."""
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "other", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    long = tmp_path / ("long" * 40)
    long.mkdir()
    hostile = Study(tmp_path / HOSTILE, study.temporary)
    hostile.output.mkdir()
    around = {"JUPYTER_PATH": str(foreign.parents[1]), "PYTHONWARNINGS": "error", "TMPDIR": str(long)}
    hostile.finish(folder=tmp_path, **around)
    assert hostile.digests() == undisturbed.digests()
    assert not list(tmp_path.rglob("hit")), "the shell executed a part of the path"
    assert "nothing to be done" in hostile.finish("--dry-run", **around)


def test_too_few_open_files_are_refused_in_one_line(study):
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))  # noqa: E731
    done = subprocess.run(
        study.command(), cwd="/", env=study.environment(), preexec_fn=few, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "tonespan: only 64 files may be open at a time; allow more: ulimit -n 4096\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_without_shared_memory_from_a_checkout_that_cannot_be_written(study, undisturbed):
    script = """
        mount -t tmpfs -o ro none /dev/shm && mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 77
        cd "$1"; shift; exec "$@"
    """
    root = str(TINY.parents[2])
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", root, *study.command()],
        env=study.environment(), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode in (1, 77) and "Operation not permitted" in done.stderr:
        pytest.skip("this container may not mount")
    assert done.returncode == 0, done.stderr[-4000:]
    assert study.digests() == undisturbed.digests()
