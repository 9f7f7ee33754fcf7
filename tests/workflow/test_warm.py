"""Notebooks from a warm process: the same notebooks, messages and ends as from a cold one, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from tonespan_utils.workflow import runner, warm
from tonespan_utils.workflow.forks import KILLED, SOCKET

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks of loaded libraries are safe on Linux alone")


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("warm")


@pytest.fixture(scope="module")
def warm_environment(output):
    """The environment of a run's commands, while its server runs."""
    environment = runner.environment() | {"TONESPAN_OUTPUT": str(output)}
    with warm.serving(environment) as where:
        yield environment | where


def start(environment, *arguments):
    command = [sys.executable, "-m", "tonespan_utils", "notebook", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(environment, *arguments):
    run = start(environment, *arguments)
    _, errors = run.communicate(timeout=300)
    return run.returncode, errors


def cold(environment):
    return {name: value for name, value in environment.items() if name != SOCKET}


WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar, whose id is another each time


def outputs(path):
    cells = [cell.get("outputs", []) for cell in nbformat.read(path, as_version=4).cells]
    return [[output for output in cell if WIDGET not in output.get("data", {})] for cell in cells]


def children(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.is_file():
        pytest.skip("no /proc with children: cannot find the processes")
    return [int(child) for child in listed.read_text().split()]


def descendants(pid):
    return [each for child in children(pid) for each in (child, *descendants(child))]


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def runs(pid):
    """Whether a process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_warm_notebook_is_the_cold_one(warm_environment, output):
    made = {}
    for name, environment in {"warm": warm_environment, "cold": cold(warm_environment)}.items():
        status, errors = finish(environment, "00_corpus", output / f"{name}.ipynb", "-p", "params_path", "smoke")
        assert status == 0, errors
        assert "100%" in errors, "the progress bar is drawn to its end"
        made[name] = outputs(output / f"{name}.ipynb")
    assert any(made["cold"]), "the notebook shows something"
    assert made["warm"] == made["cold"]


def notebook_of(cell, folder):
    """The name of a notebook of one cell: its path, which takes the place of one among the others."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "small.ipynb")
    return folder / "small"


def test_libraries_are_loaded_before_the_notebook_starts_and_our_modules_are_not(warm_environment, output, tmp_path):
    probe = "import sys; print(sorted({'torch', 'transformers.trainer', 'tonespan_utils.params'} & set(sys.modules)))"
    assert finish(warm_environment, notebook_of(probe, tmp_path), output / "probe.ipynb")[0] == 0
    assert outputs(output / "probe.ipynb")[-1][0]["text"].strip() == "['torch', 'transformers.trainer']"


def test_bad_input_is_reported_as_by_a_cold_notebook(warm_environment, output, tmp_path):
    name = notebook_of("from tonespan_utils.params import profile; profile.load('nowhere.yaml')", tmp_path)
    environments = (warm_environment, cold(warm_environment))
    ended = [finish(environment, name, output / "bad.ipynb") for environment in environments]
    assert ended[0][0] == ended[1][0] == 2
    assert ended[0][1].splitlines()[-1] == ended[1][1].splitlines()[-1]
    assert "nowhere.yaml" in ended[0][1] and not (output / "bad.ipynb").exists()


def test_a_command_that_is_killed_takes_its_notebook_along(warm_environment, output):
    run = start(warm_environment, "05_rcom_comparison", output / "killed.ipynb")
    forks = lambda: [p for child in children(os.getpid()) for p in descendants(child) if p != run.pid]  # noqa: E731
    assert wait_until(lambda: len(forks()) >= 2), "a fork for Papermill and one for the kernel"
    forked = forks()
    run.kill()
    run.communicate()
    assert wait_until(lambda: not any(map(runs, forked)), 30)
    assert not (output / "killed.ipynb").exists()


def test_a_notebook_that_is_killed_is_named_in_one_line(warm_environment, output):
    run = start(warm_environment, "05_rcom_comparison", output / "lost.ipynb")
    forks = lambda: [p for child in children(os.getpid()) if child != run.pid for p in children(child)]  # noqa: E731
    assert wait_until(forks)
    os.kill(forks()[0], signal.SIGKILL)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == KILLED
    assert errors.strip().splitlines()[-1].endswith("its process was killed or ran out of memory")


def test_the_server_ends_with_its_run(output):
    program = (
        "import os, sys; from tonespan_utils.workflow import runner, warm\n"
        "with warm.serving(runner.environment()) as where: print(where[warm.SOCKET], flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, text=True, stdin=-1, stdout=-1)
    run.stdout.readline()
    (server,) = children(run.pid)
    assert os.getpgid(server) == server, "Ctrl-C is for the run, and what is signalled to its group"
    run.kill()
    run.communicate()
    assert wait_until(lambda: not runs(server), 60)


@pytest.mark.slow
def test_without_a_server_a_notebook_starts_as_any_other(warm_environment, output):
    alone = warm_environment | {SOCKET: str(output / "nobody")}
    status, errors = finish(alone, "00_corpus", output / "alone.ipynb", "-p", "params_path", "smoke")
    assert status == 0 and (output / "alone.ipynb").is_file(), errors
