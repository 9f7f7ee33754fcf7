"""What a notebook left is known by its content: changed, cut off and missing files are found, copies are not."""

import os

import pytest

from tonespan_utils import params, produced
from tonespan_utils.errors import TonespanError


@pytest.fixture
def study(monkeypatch, tmp_path):
    """Parameters whose run has one executed notebook, with a table, a folder of arrays, weights and a figure."""
    monkeypatch.setattr(params, "OUTPUT_ROOT", tmp_path)
    loaded = params.load("smoke")
    made = [loaded.results / "tokens.csv", loaded.results / "probes", loaded.results / "models" / "a.seed0"]
    for path in (made[0], made[1] / "th.npz", made[2] / "model.safetensors", loaded.figures / "x.png", job(loaded)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"0123456789 of {path.name}")
    produced.record(job(loaded), [*made, loaded.figures / "x.png", job(loaded), loaded.results / "never made"])
    return loaded


def job(loaded):
    return loaded.runs / "00_corpus.ipynb"


def test_what_is_as_it_was_is_no_loss(study):
    assert produced.losses(study) == [] and produced.settle(study) == []
    produced.refuse_changed(study)


@pytest.mark.parametrize(
    "name",
    ["results/smoke/tokens.csv", "results/smoke/probes/th.npz", "results/smoke/models/a.seed0/model.safetensors"],
)
@pytest.mark.parametrize("damage", [lambda path: path.write_text("9" * 40), lambda path: os.truncate(path, 3)])
def test_what_was_changed_is_set_aside_and_made_again(study, capsys, name, damage):
    path = params.OUTPUT_ROOT / name
    damage(path)
    spoilt = path.read_bytes()
    assert produced.settle(study) == ["runs/smoke/00_corpus.ipynb"]
    (line,) = capsys.readouterr().out.splitlines()
    kept = params.OUTPUT_ROOT / line.partition("kept as ")[2].partition(",")[0]
    assert line.startswith(f"tonespan: {name} was changed") and kept.read_bytes() == spoilt and not path.exists()


def test_same_size_and_time_are_not_enough(study):
    path = study.results / "tokens.csv"
    before = path.stat()
    path.write_text(path.read_text().replace("0", "1"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [str(loss.path) for loss in produced.losses(study)] == ["results/smoke/tokens.csv"]


def test_what_was_set_aside_before_is_kept_too(study):
    for text in ("first", "second"):
        (study.results / "tokens.csv").write_text(text)
        produced.settle(study)
    assert {path.read_text() for path in (study.runs / "changed").iterdir()} == {"first", "second"}


def test_a_touched_file_gets_its_time_back(study):
    path = study.results / "tokens.csv"
    before = path.stat().st_mtime_ns
    os.utime(path)
    assert produced.losses(study) == [] and path.stat().st_mtime_ns == before


def test_missing_tables_are_made_again_and_missing_weights_are_not(study, capsys):
    (study.results / "models" / "a.seed0" / "model.safetensors").unlink()
    assert produced.settle(study) == []
    (study.results / "tokens.csv").unlink()
    assert produced.settle(study) == ["runs/smoke/00_corpus.ipynb"] and capsys.readouterr().out == ""


def test_nothing_is_drawn_from_a_changed_table(study):
    (study.results / "tokens.csv").write_text("edited")
    with pytest.raises(TonespanError, match=r"tokens\.csv: changed after a run wrote it; `make paper PROFILE=smoke`"):
        produced.refuse_changed(study)


def test_figures_are_redrawn_at_any_time(study):
    (study.figures / "x.png").write_text("another width")
    assert produced.losses(study) == []


def test_a_notebook_that_begins_anew_answers_for_nothing(study):
    produced.forget(job(study))
    (study.results / "tokens.csv").write_text("half")
    assert produced.losses(study) == []


def test_a_damaged_record_says_nothing(study):
    (record,) = (study.runs / "made").iterdir()
    record.write_text(record.read_text()[:50])
    assert produced.losses(study) == [] and not record.exists()
