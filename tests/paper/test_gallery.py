"""The gallery takes a finished run's figures whole, and nothing of an unfinished run or of another profile."""

import html
import shutil

import matplotlib.pyplot as plt
import pytest

from tonespan_utils.__main__ import main
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import gallery, provenance
from tonespan_utils.params import profile
from tonespan_utils.workflow import runner, step_times
from tonespan_utils.workflow.progress import Progress


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The parameters of a finished run of one figure, x, a gallery with an older one, and what is left to do."""
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    monkeypatch.setattr(gallery, "GALLERY", tmp_path / "gallery")
    monkeypatch.setattr(gallery.store, "recipes", lambda params: {"x": None})
    left = Progress(step_times.StepTimes({}, True), 1)
    monkeypatch.setattr(runner, "plan", lambda params: left)
    params = profile.load("smoke")
    draw(params, "x")
    for name in gallery.PAGES:
        record = html.escape(provenance.as_text(record_of(params, name)))
        (params.figures / name).write_text(f'<head><meta name="tonespan-provenance" content="{record}"></head>')
    old = tmp_path / "gallery" / "smoke"
    old.mkdir(parents=True)
    (old / "gone.png").write_text("of an earlier run")
    return params, old, left


def record_of(params, name):
    return {"figure": name, "profile": params.profile, "params": params.model_dump(mode="json"), "commit": "0" * 40}


def draw(run_params, name, **changes):
    figure = plt.figure()
    provenance.save(figure, run_params.figures / name, record_of(run_params, name) | changes)
    plt.close(figure)


def test_figures_and_pages_take_the_place_of_the_old_ones(run, capsys):
    params, folder, _ = run
    draw(params, "x_89mm")
    assert main(["gallery", "smoke"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert {path.name for path in folder.iterdir()} == {"x.pdf", "x.svg", "x.png", "index.html", "explorer.html"}
    for path in folder.iterdir():
        assert path.read_bytes() == (params.figures / path.name).read_bytes()
    assert [path.name for path in folder.parent.iterdir()] == ["smoke"]


def refused(run, match):
    _, folder, _ = run
    with pytest.raises(TonespanError, match=match):
        gallery.publish("smoke")
    if folder.exists():
        assert [path.name for path in folder.iterdir()] == ["gone.png"]
        assert [path.name for path in folder.parent.iterdir()] == ["smoke"]


def test_an_unfinished_run_is_refused(run):
    run[2].plan({"figures": 1, "explorer": 1})
    refused(run, "profile smoke: 2 steps of its run are still to be done; `make paper PROFILE=smoke` first")


def test_a_figure_of_another_profile_is_refused(run):
    draw(run[0], "x", profile="demo")
    refused(run, r"x\.pdf: of profile demo, not smoke; remove it")


def test_a_figure_of_other_parameters_is_refused(run):
    draw(run[0], "x", params=run[0].model_dump(mode="json") | {"seed": 1})
    refused(run, r"x\.pdf: drawn with other parameters than params/smoke\.yaml has")


def test_other_notebooks_figures_come_along_and_those_of_earlier_versions_do_not(run):
    draw(run[0], "alignment", title="Errors", caption="of the aligner")
    draw(run[0], "older")
    names = {path.name for path in gallery.publish("smoke").iterdir()}
    assert {"alignment.png", "alignment.svg", "alignment.pdf"} <= names and "older.png" not in names


def test_a_missing_figure_and_a_missing_page_are_named(run):
    (run[0].figures / "x.svg").unlink()
    refused(run, r"x\.svg: missing; `make figures PROFILE=smoke` draws it")
    (run[0].figures / "index.html").unlink()
    refused(run, r"index\.html: missing")


def test_a_profile_that_the_gallery_does_not_show_is_refused(run):
    shutil.rmtree(run[1])
    (run[1].parent / "demo").mkdir()
    refused(run, r"the gallery has no folder .*smoke \(it has: demo\)")


def test_a_copy_that_fails_leaves_the_old_figures(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gallery.shutil, "copyfile", full)
    refused(run, "cannot be written")
