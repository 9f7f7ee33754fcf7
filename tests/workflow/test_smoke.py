"""The smoke profile end to end through Snakemake and Papermill: one run, which all tests of this file share."""

import re
import shutil
from itertools import product
from pathlib import Path

import nbformat
import pytest
from conftest import command

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import gallery, provenance
from tonespan_utils.paper.figures import store
from tonespan_utils.params import tables

ROOT = Path(__file__).parents[2]


def test_smoke_writes_every_table_figure_and_notebook(smoke_params):
    loaded = store.load_tables(smoke_params)
    left_out = tables.PARTS_ONLY | tables.BY_TOKEN | tables.VALIDITY | tables.ALIGNMENT | tables.CONFIRMED
    assert set(loaded) == set(tables.COLUMNS) - left_out - tables.READERS
    assert all((smoke_params.results / f"{name}.csv").is_file() for name in tables.READERS)
    assert set(loaded["tokens"]["language"]) == {"th", "vi"}
    executed = {path.name for path in smoke_params.runs.glob("*.ipynb")}
    trained = ["asr-th.seed0", "asr-th.seed1", "gender.seed0", "gender.seed1", "tone-th.seed0"]
    expected = {f"02_finetune.mini--{name}.ipynb" for name in trained}
    measured = product(("03_layer_probes", "04_gradient_energy"), ("vanilla", "asr-th", "gender"))
    expected |= {f"{notebook}.mini--{task}.ipynb" for notebook, task in measured}
    expected |= {f"04_flattened_pitch.{language}.ipynb" for language in ("th", "vi")}
    once = ("00_corpus", "01_baseline_spans", "04_random_weights.mini", "05_explorer_page", "05_rcom_comparison")
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
    rows = loaded["baseline_spans"].merge(loaded["baseline_notes"], on=["language", "frontend"])
    rows = rows[rows["frontend"] == smoke_params.baseline.frontends[0]]
    assert len(rows) == 2
    for row in rows.itertuples():
        width = f"{row.span_ms:.0f} ms [{row.span_low_ms:.0f}, {row.span_high_ms:.0f}]"
        assert (row.reason if row.reason else width) in caption


def test_a_second_run_redoes_nothing(smoke):
    """An executed notebook has the time of its run in it, so that one that ran again would differ."""
    before = {path: path.read_bytes() for ending in ("csv", "ipynb") for path in smoke.rglob(f"*.{ending}")}
    done = command("run", "smoke", output=smoke)
    assert done.returncode == 0 and "profile smoke: nothing to be done; open " in done.stdout and not done.stderr
    assert len(before) > 60 and before == {path: path.read_bytes() for path in before}


def test_pages_that_came_with_the_repository_do_not_stand_for_a_run(smoke, tmp_path):
    shutil.copytree(
        smoke / "results/smoke/figures", tmp_path / "results/smoke/figures"
    )  # newer than every notebook and module
    done = command("run", "smoke", "--dry-run", output=tmp_path)
    assert done.returncode == 0 and "nothing to be done" not in done.stdout
    assert re.search(r"^corpus +1$", done.stdout, re.MULTILINE) and not done.stderr


def test_the_gallery_takes_a_finished_run_and_no_other(smoke, smoke_params, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "GALLERY", tmp_path)
    monkeypatch.setenv("TONESPAN_OUTPUT", str(smoke))
    (tmp_path / "smoke").mkdir()
    shown = gallery.publish("smoke")
    names = {path.name for path in shown.iterdir()}
    assert {"index.html", "explorer.html", "baseline_f1.svg"} <= names and len(names) > 20
    monkeypatch.setattr(gallery.profile, "OUTPUT_ROOT", tmp_path / "elsewhere")
    monkeypatch.setenv("TONESPAN_OUTPUT", str(tmp_path / "elsewhere"))
    with pytest.raises(TonespanError, match="18 steps of its run are still to be done"):
        gallery.publish("smoke")
    assert {path.name for path in shown.iterdir()} == names


def test_figures_are_redrawn_from_tables_alone(smoke, smoke_params):
    picture = store.figure_stem(smoke_params, "probe_f1").with_suffix(".png")
    before = picture.read_bytes()
    picture.unlink()
    done = command("figures", "smoke", "--name", "probe_f1", output=smoke)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes() == before
    wrong = command("figures", "smoke", "--name", "probef1", output=smoke)
    assert wrong.returncode == 2 and wrong.stderr.startswith("tonespan: no figure 'probef1'")


@pytest.mark.slow
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
