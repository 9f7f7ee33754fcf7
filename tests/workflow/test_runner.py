"""The smoke profile end to end through Snakemake and Papermill, and what happens when a run goes wrong."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures import store
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables
from tonespan_utils.workflow import runner

ROOT = Path(__file__).parents[2]


def command(*arguments, output, **options):
    """Run the command line with its results under ``output``."""
    environment = os.environ | {"TONESPAN_OUTPUT": str(output)}
    return subprocess.run(
        [sys.executable, "-m", "tonespan_utils", *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The output root of one complete smoke run."""
    output = tmp_path_factory.mktemp("smoke")
    done = command("run", "smoke", output=output)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture
def smoke_params(smoke, monkeypatch):
    monkeypatch.setattr(params, "OUTPUT_ROOT", smoke)
    return params.load("smoke")


def test_smoke_writes_every_table_figure_and_notebook(smoke_params):
    loaded = store.load_tables(smoke_params)
    assert set(loaded) == set(tables.COLUMNS) - tables.PARTS_ONLY - tables.VALIDITY - tables.ALIGNMENT
    assert set(loaded["tokens"]["language"]) == {"th", "vi"}
    executed = {path.name for path in smoke_params.runs.glob("*.ipynb")}
    trained = ["asr-th.seed0", "asr-th.seed1", "gender.seed0", "gender.seed1", "tone-th.seed0"]
    expected = {f"02_finetune.mini--{name}.ipynb" for name in trained}
    measured = product(("03_layer_probes", "04_gradient_energy"), ("vanilla", "asr-th", "gender"))
    expected |= {f"{notebook}.mini--{task}.ipynb" for notebook, task in measured}
    once = ("00_corpus", "01_baseline_spans", "05_explorer_page", "05_rcom_comparison")
    assert executed == expected | {f"{name}.ipynb" for name in once}
    page = (smoke_params.figures / "index.html").read_text()
    for name in store.recipes(smoke_params):
        stem = store.figure_stem(smoke_params, name)
        for kind in provenance.FORMATS:
            record = provenance.read(stem.with_suffix(f".{kind}"))
            assert record["figure"] == name and record["checkpoints"]["mini"].startswith("sha256:")
        assert f'src="{name}.svg"' in page
    # With its colon, which the tables packed as base64 cannot hold: "http" alone comes up there by chance.
    assert not re.search("https?:", re.sub(r"xmlns\S+", "", page)), "the page must not reach for the network"


def test_nothing_long_is_left_for_the_end(smoke_params):
    started = {}
    for path in smoke_params.runs.glob("*.ipynb"):
        name = path.name.split(".")[0]
        at = nbformat.read(path, as_version=4).metadata.papermill.start_time
        started.setdefault(name, []).append(at)
    assert max(started["01_baseline_spans"]) < min(started["04_gradient_energy"])
    assert max(started["02_finetune"]) < min(started["04_gradient_energy"])


def test_smoke_tables_make_sense(smoke_params):
    loaded = store.load_tables(smoke_params)
    energy = loaded["energy"].groupby(["condition", "language", "layer"])["energy"].sum()
    assert energy.to_numpy() == pytest.approx(1.0)
    spans = loaded["spans"]
    assert (spans["ci_low_ms"] <= spans["span_ms"]).all() and (spans["span_ms"] <= spans["ci_high_ms"]).all()
    assert (spans["span_ms"] <= 1000).all() and (spans["r50_ms"] <= spans["r90_ms"]).all()
    cnn = spans[spans["layer"] == "cnn"]
    assert (cnn["span_ms"] <= 25).all(), "one frame of the convolutions sees 25 ms"
    tokens = loaded["tokens"]
    assert not set(tokens.query("split == 'test'")["speaker"]) & set(tokens.query("split == 'train'")["speaker"])


def test_numbers_in_captions_come_from_the_tables(smoke_params):
    loaded = store.load_tables(smoke_params)
    caption = store.recipes(smoke_params)["baseline_f1"].caption(loaded, smoke_params)
    for row in loaded["baseline_spans"].itertuples():
        assert f"{row.span_ms:.0f} ms [{row.span_low_ms:.0f}, {row.span_high_ms:.0f}]" in caption


def test_a_second_run_redoes_nothing(smoke):
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*.csv")}
    start = time.monotonic()
    done = command("run", "smoke", output=smoke)
    assert done.returncode == 0 and "up to date" in done.stdout
    assert time.monotonic() - start < 60
    assert before == {path: path.stat().st_mtime_ns for path in smoke.rglob("*.csv")}


def test_pages_that_came_with_the_repository_do_not_stand_for_a_run(smoke, tmp_path):
    shutil.copytree(smoke / "figures", tmp_path / "figures")  # newer than every notebook and module
    done = command("run", "smoke", "--dry-run", output=tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 0 and "Nothing to be done" not in told
    assert re.search(r"^corpus +1$", told, re.MULTILINE)


def test_figures_are_redrawn_from_tables_alone(smoke, smoke_params):
    picture = store.figure_stem(smoke_params, "probe_f1").with_suffix(".png")
    before = picture.read_bytes()
    picture.unlink()
    done = command("figures", "smoke", "--name", "probe_f1", output=smoke)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes() == before
    wrong = command("figures", "smoke", "--name", "probef1", output=smoke)
    assert wrong.returncode == 2 and wrong.stderr.startswith("tonespan: no figure 'probef1'")


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


def test_a_killed_kernel_is_told_in_one_line(tmp_path):
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


def test_two_runs_of_one_profile_do_not_mix(smoke_params):
    with (
        runner._only_run(smoke_params.runs / ".lock", "smoke"),
        pytest.raises(TonespanError, match="another process"),
        runner._only_run(smoke_params.runs / ".lock", "smoke"),
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
    with runner._only_run(path, "smoke"):
        assert path.read_text() == f"{os.getpid()}\n"
    assert path.read_text() == ""
    worker.communicate()


def test_a_kernel_is_this_python_whatever_jupyter_calls_python3(tmp_path, monkeypatch):
    foreign = tmp_path / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "other", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    manager = runner._kernels(tmp_path)(kernel_name="python3")
    assert manager.kernel_spec.argv[0] == sys.executable


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
    runner._remove_partial(loaded)
    assert all(path.is_file() for path in kept)
    assert not any(path.exists() for path in left) and not left[3].parent.exists()


def test_a_table_of_another_version_is_refused(smoke_params, tmp_path):
    copy = tmp_path / "spans.csv"
    pd.read_csv(smoke_params.results / "spans.csv").rename(columns={"r_com_ms": "rcom"}).to_csv(copy, index=False)
    with pytest.raises(TonespanError, match="comes from another version"):
        tables.read(tmp_path, "spans")


def test_alignment_is_measured_after_the_paper_and_shown_in_its_report(smoke, smoke_params):
    done = command("run", "smoke", "--target", "alignment", output=smoke)
    assert done.returncode == 0, done.stdout + done.stderr
    scored, moved = (tables.read(smoke_params.results, name) for name in sorted(tables.ALIGNMENT))
    assert set(scored["language"]) == {"th", "vi"} and (scored["n_tokens"] <= scored["n_known"]).all()
    assert set(moved["measure"]) == {"baseline_span", "r_com"} and set(moved["jitter_ms"]) == {0.0, 60.0}
    page = (smoke_params.figures / "index.html").read_text()
    for name in ("alignment", "jitter"):
        record = provenance.read(store.figure_stem(smoke_params, name).with_suffix(".png"))
        assert record["notebook"] == "notebooks/07_alignment.ipynb" and record["cell"]
        assert f'id="{name}"' in page or f'src="{name}.svg"' in page
        assert record["caption"] in re.sub("&#39;|&quot;", "'", page)
    row = scored[(scored["language"] == "th") & (scored["split"] == "test")].iloc[0]
    assert f"{row.median_ms:.1f} ms [{row.median_low_ms:.1f}, {row.median_high_ms:.1f}]" in page
