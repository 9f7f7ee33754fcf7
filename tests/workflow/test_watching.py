"""A run as it is watched: a line a step, everything else in the log, and at the end what failed in one line."""

import json
import os

import pytest

from tonespan_utils.params import profile
from tonespan_utils.workflow import runner, step_times, watching
from tonespan_utils.workflow.progress import Progress
from tonespan_utils.workflow.step_times import StepTimes

TIMES = StepTimes({"finetune": 60.0, "corpus": 60.0}, are_of_profile=True)
TRAINING = {"rule_name": "finetune", "wildcards": {"part": "mini--asr-th", "seed": "1"},
            "output": ["results/demo/parts/x.csv", "runs/demo/02_finetune.mini--asr-th.seed1.ipynb"]}  # fmt: skip


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    loaded = profile.load("demo")
    (loaded.runs / "failed").mkdir(parents=True)
    return loaded


@pytest.fixture
def watched(params):
    """A run of two trainings, of which nothing has begun."""
    state = watching.Watched(params, Progress(TIMES, 1), params.runs / watching.LOG)
    state.take({"event": "run_info", "stats": {"finetune": 2, "paper": 1, "total": 3}}, 0.0)
    return state


def begin(watched, job=1, at_s=0.0):
    watched.take({"event": "job_info", "jobid": job, "text": "", **TRAINING}, at_s)


def test_a_line_for_each_step_that_ends(watched, capsys):
    begin(watched)
    assert capsys.readouterr().out == ""
    watched.take({"event": "job_finished", "job_id": 1, "text": ""}, 60.0)
    line = "[1/2] 50 %, about 1 min left: fine-tuned tonespan-units on Thai ASR, seed 1\n"
    assert capsys.readouterr().out == line
    begin(watched, job=2, at_s=60.0)
    watched.take({"event": "job_finished", "job_id": 2, "text": ""}, 120.0)
    assert capsys.readouterr().out == "[2/2] 100 %: fine-tuned tonespan-units on Thai ASR, seed 1\n"


def test_the_rule_that_only_names_the_results_is_no_step(watched, capsys):
    assert watched.progress.n_steps == 2
    watched.take({"event": "job_info", "jobid": 0, "rule_name": "paper", "wildcards": {}, "output": []}, 0.0)
    watched.take({"event": "job_finished", "job_id": 0}, 1.0)
    assert capsys.readouterr().out == ""


def test_in_a_dry_run_nothing_begins(watched):
    watched.quiet = True
    begin(watched, at_s=1e6)
    assert watched.progress.left_s(0.0) == pytest.approx(120)
    assert runner.to_do(watched.progress, "demo") == (
        "profile demo: to do, about 2 min at a first guess\nfinetune            2\ntotal               2"
    )


def test_what_failed_is_named_with_the_reason_of_its_notebook(watched, capsys):
    begin(watched)
    begin(watched, job=2)
    watched.reasons = [
        "00_corpus.ipynb, cell 1: another",
        f"02_finetune.ipynb, cell 7: no (log: {TRAINING['output'][1]})",
    ]
    watched.take({"event": "job_error", "jobid": 1, "text": "Error in rule"}, 5.0)
    assert capsys.readouterr().out == "[0/2] failed: fine-tuning tonespan-units on Thai ASR, seed 1\n"
    assert watched.why() == (
        "fine-tuning tonespan-units on Thai ASR, seed 1 failed: "
        "02_finetune.ipynb, cell 7: no (log: runs/demo/02_finetune.mini--asr-th.seed1.ipynb)"
    )


def test_a_step_on_another_machine_leaves_its_reason_in_a_file(watched, params):
    begin(watched)
    watched.take({"event": "job_error", "jobid": 1}, 5.0)
    assert watched.why().endswith("failed: its process was killed")
    (params.runs / "failed" / "02_finetune.mini--asr-th.seed1.ipynb.txt").write_text("02_finetune.ipynb, cell 7: no\n")
    assert watched.why().endswith("failed: 02_finetune.ipynb, cell 7: no")


def test_a_step_that_is_tried_again_and_ends_has_not_failed(watched, capsys):
    begin(watched)
    watched.take({"event": "job_error", "jobid": 1}, 5.0)
    begin(watched, at_s=5.0)
    watched.take({"event": "job_finished", "job_id": 1}, 65.0)
    assert watched.failed == [] and capsys.readouterr().out.splitlines()[-1].startswith("[1/2] 50 %")


def test_snakemake_s_own_errors_are_one_line(watched):
    watched.last_line = "__main__.py: error: no such option"
    assert watched.why() == "__main__.py: error: no such option"
    watched.take(
        {"event": "error", "text": "MissingInputException in rule corpus:\n  Missing input files:\n  x.py"}, 0.0
    )
    assert watched.why() == "MissingInputException in rule corpus: Missing input files: x.py"


def test_output_goes_to_the_log_and_events_to_the_screen(params, capsys):
    (params.runs / "failed" / "old.ipynb.txt").write_text("of an earlier run")
    with watching.watching(params, lanes=1) as watched:
        os.write(watched.stream, b"Building DAG\n 10%\r 20%\rtonespan: 02_finetune.ipynb, cell 7: no")
        os.write(watched.stream, b" more\nlast\n")
        for event in (
            {"event": "run_info", "stats": {"finetune": 1, "total": 2, "paper": 1}},
            {"event": "job_info", "jobid": 1, **TRAINING},
            {"event": "job_finished", "job_id": 1},
        ):
            os.write(int(watched.environment[watching.EVENTS]), json.dumps(event).encode() + b"\n")
        os.write(watched.pass_fds[0], b'{"event": "job_fin')  # cut off
    assert watched.log.read_bytes().startswith(b"Building DAG\n 10%") and watched.log.read_bytes().endswith(b"last\n")
    assert watched.reasons == ["02_finetune.ipynb, cell 7: no more"] and watched.last_line == "last"
    assert capsys.readouterr().out == "[1/1] 100 %: fine-tuned tonespan-units on Thai ASR, seed 1\n"
    assert not list((params.runs / "failed").iterdir())
    assert list(step_times.read(step_times.path(params))) == ["finetune part=mini--asr-th seed=1"]


def test_a_dry_run_leaves_the_log_and_the_reasons_of_a_run_alone(params):
    (params.runs / watching.LOG).write_text("what failed")
    (params.runs / "failed" / "x.ipynb.txt").write_text("why")
    with watching.watching(params, lanes=1, quiet=True) as watched:
        os.write(watched.stream, b"Building DAG\n")
    assert (params.runs / watching.LOG).read_text() == "what failed" and watched.log.read_text() == "Building DAG\n"
    assert (params.runs / "failed" / "x.ipynb.txt").read_text() == "why"


def test_a_log_that_cannot_be_written_stops_nothing(params):
    (params.runs / watching.LOG).mkdir()
    with watching.watching(params, lanes=1) as watched:
        os.write(watched.stream, b"tonespan: no space\n" * 20_000)  # more than a pipe holds
    assert len(watched.reasons) == 20_000
