"""What happens when a run or a notebook goes wrong: one line, and nothing that looks finished."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import command

from tonespan_utils.__main__ import main
from tonespan_utils.params import profile as params
from tonespan_utils.workflow import notebooks
from tonespan_utils.workflow.forks import SOCKET

ROOT = Path(__file__).parents[2]


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Run the command on a notebook of two cells, the second of them as given: exit status and where it wrote to."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.delenv(SOCKET, raising=False)

    def execute(cell):
        cells = [nbformat.v4.new_code_cell(source) for source in ("print('well')", cell)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "small.ipynb")
        output = tmp_path / "output" / "small.ipynb"
        return main(["notebook", "small", str(output)]), output

    return execute


def test_a_failing_cell_is_named_and_leaves_nothing_that_looks_finished(notebook, capsys):
    status, output = notebook("{}['nobody/vanilla']")
    assert status == 2 and not output.exists()
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("tonespan: small.ipynb, cell 2: KeyError: 'nobody/vanilla'")
    log = Path(re.search(r"\(log: (.*)\)$", last).group(1))
    assert "well" in log.read_text()


def test_an_error_of_ours_in_a_cell_is_its_message_alone(notebook, capsys):
    status, output = notebook("from tonespan_utils.params import profile; profile.load('nowhere.yaml')")
    assert status == 2 and not output.exists()
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.match(r"tonespan: small\.ipynb, cell 2: .*nowhere\.yaml", last) and "TonespanError" not in last


def test_an_error_of_ours_arrives_without_a_stack_trace(tmp_path, capsys):
    (tmp_path / "x.yaml").write_text("profile: x\nsed: 1\n")
    assert main(["run", str(tmp_path / "x.yaml")]) == 2
    assert capsys.readouterr() == ("", f"tonespan: {tmp_path / 'x.yaml'}: sed: unknown parameter, given 1\n")


def test_an_unwritable_output_folder_is_named(tmp_path):
    """Through a process of its own, whose folder of results is named by the environment."""
    (tmp_path / "runs").write_text("in the way")
    done = command("run", "smoke", output=tmp_path)
    assert done.returncode == 2 and "cannot be written" in done.stderr and done.stderr.count("\n") == 1


def test_a_killed_kernel_is_named_in_one_line(notebook, capsys):
    status, output = notebook("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert status == 2 and not output.exists()
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("tonespan: small.ipynb: its kernel was killed")


@pytest.mark.slow
def test_a_run_that_fails_ends_with_the_one_line_that_says_why(tmp_path):
    (tmp_path / "speech").mkdir()
    path = tmp_path / "mine.yaml"
    speech = {"source": "recordings", "folders": {"vi": str(tmp_path / "speech")}, "tonal": ["vi"], "other": []}
    path.write_text(yaml.safe_dump({"profile": "mine", "speech": speech, "tasks": ["vanilla"]}))
    done = command("run", path, output=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    what = "profile mine stopped: collecting the speech and its tone tokens failed: 00_corpus.ipynb, cell "
    assert done.stderr.startswith(f"tonespan: {what}") and str(tmp_path / "speech") in done.stderr
    log = tmp_path / "runs" / "mine" / "snakemake.log"
    assert str(log) in done.stderr and "Error in rule corpus" in log.read_text()
    first, failed = done.stdout.splitlines()
    assert str(log) in first and re.fullmatch(r"\[0/\d+\] failed: collecting the speech and its tone tokens", failed)


@pytest.mark.parametrize("name", ["demo", "smoke", "full"])
def test_a_run_writes_only_where_git_looks_away(name):
    loaded = params.load(name)
    folders = [loaded.results, loaded.runs, loaded.data, loaded.figures]
    asking = ["git", "-C", ROOT, "check-ignore", *(folder / "x.png" for folder in folders)]
    done = subprocess.run(asking, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == len(folders), "make paper leaves the clone clean"


@pytest.mark.slow
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
