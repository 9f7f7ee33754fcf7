"""What happens when a run or a notebook goes wrong: one line, and nothing that looks finished."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import command

from tonespan_utils.workflow import notebooks

ROOT = Path(__file__).parents[2]


def test_a_failing_cell_is_named_and_leaves_nothing_that_looks_finished(tmp_path):
    output = tmp_path / "04.ipynb"
    done = command(
        "notebook", "04_gradient_energy", output, "-p", "params_path", "smoke", "-p", "condition", "nobody/vanilla",
        output=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2 and not output.exists()
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("tonespan: 04_gradient_energy.ipynb, cell ") and "KeyError" in last
    log = Path(re.search(r"\(log: (.*)\)$", last).group(1))
    assert log.is_file()


def test_an_error_of_ours_arrives_without_a_stack_trace(tmp_path):
    (tmp_path / "x.yaml").write_text("profile: x\nsed: 1\n")
    done = command("run", tmp_path / "x.yaml", output=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"tonespan: {tmp_path / 'x.yaml'}: sed: unknown parameter, given 1\n"


def test_an_unwritable_output_folder_is_named(tmp_path):
    (tmp_path / "runs").write_text("in the way")
    done = command("run", "smoke", output=tmp_path)
    assert done.returncode == 2 and "cannot be written" in done.stderr and done.stderr.count("\n") == 1


def test_a_killed_kernel_is_named_in_one_line(tmp_path):
    output = tmp_path / "05.ipynb"
    environment = os.environ | {"TONESPAN_OUTPUT": str(tmp_path)}
    run = subprocess.Popen(
        [sys.executable, "-m", "tonespan_utils", "notebook", "05_rcom_comparison", output],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    if not children.is_file():
        pytest.skip("no /proc: cannot find the kernel to kill")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not children.read_text().split():
        time.sleep(0.05)
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    _, errors = run.communicate(timeout=300)
    assert run.returncode == 2 and not output.exists()
    assert errors.strip().splitlines()[-1].startswith("tonespan: 05_rcom_comparison.ipynb: its kernel was killed")


def test_a_killed_run_leaves_nothing_that_looks_finished_and_goes_on(tmp_path):
    profile = tmp_path / "tiny.yaml"
    profile.write_text((ROOT / "params" / "smoke.yaml").read_text().replace("profile: smoke", "profile: tiny"))
    environment = os.environ | {"TONESPAN_OUTPUT": str(tmp_path)}
    run = subprocess.Popen(
        [sys.executable, "-m", "tonespan_utils", "run", str(profile)],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    runs = tmp_path / "runs" / "tiny"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(runs.glob(".partial.00_corpus*")):
        time.sleep(0.2)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    named = [path.name for path in runs.glob("*.ipynb") if not path.name.startswith(".partial.")]
    assert named == [], "only a finished notebook may bear its name"
    again = command("run", profile, "--dry-run", output=tmp_path)
    assert again.returncode == 0, again.stderr


def test_a_kernel_is_this_python_whatever_jupyter_calls_python3(tmp_path, monkeypatch):
    foreign = tmp_path / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "other", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    manager = notebooks.kernels(tmp_path)(kernel_name="python3")
    assert manager.kernel_spec.argv[0] == sys.executable
