"""Profile ``full``: what it would run, what it needs, and the whole of it on small stand-ins."""

import re
from functools import partial

import matplotlib.pyplot as plt
import pytest
import stand_ins
from conftest import run_notebook

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper.figures import store
from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.workflow import runner

ENCODERS, TONAL = ["wav2vec2-base", "xlsr-300m", "mms-300m", "mhubert-147"], ["my", "th", "lo", "vi"]


def test_every_encoder_in_every_condition():
    full = profile.load("full")
    each = ["vanilla", "emotion", "gender", "speaker", "shuffled_emotion", "asr-cmn", "asr-en"]
    each += [f"{task}-{la}" for task in ("asr", "shuffled_asr", "tone", "asr_tone", "emotion_tone") for la in TONAL]
    assert sorted(full.conditions) == sorted(f"{encoder}/{task}" for encoder in ENCODERS for task in each)
    assert all(len(full.seeds(name)) == 3 for name in full.conditions if not name.endswith("vanilla"))


def test_its_graph_resolves_offline(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TONESPAN_OUTPUT", str(tmp_path))
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    runner.run("full", dry_run=True)
    printed = capfd.readouterr()
    counts = dict(re.findall(r"^(\w+) +(\d+)$", printed.out, re.MULTILINE))
    trained, measured = 26 * 4 * 3, 15 * 4
    expected = {"corpus": 1, "baseline": 1, "finetune": trained, "probes": measured, "gradients": measured}
    expected |= {"random_weights": len(ENCODERS), "flattened": 4}
    expected |= {"figures": 1, "explorer": 1, "total": trained + 2 * measured + len(ENCODERS) + 4 + 4}
    assert {name: int(count) for name, count in counts.items()} == expected
    assert not list((tmp_path / "results").rglob("*.csv")) and printed.err == ""
    assert "profile full: to do\n" in printed.out, "nobody knows how long on another's machine"


def test_missing_labelled_speech_is_named_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    full = profile.load("full")
    with pytest.raises(TonespanError, match=r"data/corpora/emotion: .*wav2vec2-base/emotion .*finetune\.corpora\.emot"):
        runner.check_corpora(full)
    for name in ("emotion", "speaker"):
        (tmp_path / "data" / "corpora" / name).mkdir(parents=True)
    runner.check_corpora(full)


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    """A profile that is ``full`` on stand-ins, and the folder its results go to."""
    folder = tmp_path_factory.mktemp("standin")
    return stand_ins.profile(folder), folder / "output"


def check_everything_is_there(p):
    loaded = store.load_tables(p)
    assert set(loaded) == set(tables.COLUMNS) - tables.PARTS_ONLY - tables.VALIDITY - tables.ALIGNMENT
    assert {name for name, table in loaded.items() if table.empty} - {"rejected", "knee_left_out"} == {
        "seed_agreement"
    }  # one seed each
    assert set(loaded["tokens"]["language"]) == set(TONAL)
    assert loaded["tokens"]["speaker"].str.fullmatch(r"pseudo-(train|other)-(fe)?male-\d\d").all()
    assert loaded["tokens"]["align_score"].between(p.align.min_score, 1).all()
    trained = {name for name in p.conditions if not name.endswith("vanilla")}
    assert set(loaded["finetune"]["condition"]) == trained
    measured = {name for name in p.conditions if conditions.parse(name).is_measured}
    for name in ("probe_f1", "spans", "energy", "comparison"):
        assert set(loaded[name]["condition"]) == measured, name
    assert set(loaded["encoders"]["encoder"]) == set(ENCODERS)
    assert "by construction" not in set(loaded["claims"]["verdict"]), "nothing is planted in FLEURS"
    page = (p.figures / "index.html").read_text()
    for name in store.recipes(p):
        assert f'src="{name}.svg"' in page and store.figure_stem(p, name).with_suffix(".pdf").is_file()


@pytest.mark.slow
def test_every_task_and_family_runs_on_stand_ins(standin, monkeypatch):
    path, output = standin
    monkeypatch.setattr(profile, "OUTPUT_ROOT", output / "here")
    p = profile.load(path)
    tasks = {conditions.parse(name).task for name in profile.load("full").conditions}
    assert {conditions.parse(name).task for name in p.conditions} == tasks
    notebook = partial(_run_and_close, params_path=str(path))
    notebook("00_corpus")
    notebook("01_baseline_spans")
    for language in p.speech.tonal:
        notebook("04_flattened_pitch", language=language)
    for encoder in p.encoders:
        notebook("04_random_weights", encoder=encoder)
    for name in p.conditions:
        if conditions.parse(name).is_trained:
            notebook("02_finetune", condition=name, seed="0")
        if conditions.parse(name).is_measured:
            notebook("03_layer_probes", condition=name)
            notebook("04_gradient_energy", condition=name)
    notebook("05_rcom_comparison")
    notebook("05_explorer_page")
    check_everything_is_there(p)


def _run_and_close(name, **parameters):
    run_notebook(name, **parameters)
    plt.close("all")


@pytest.mark.slow
def test_the_whole_graph_runs_on_stand_ins(standin, monkeypatch):
    """The same through Snakemake and Papermill, a process for each of 43 notebooks: `make test-slow`."""
    path, output = standin
    monkeypatch.setenv("TONESPAN_OUTPUT", str(output))
    monkeypatch.setattr(profile, "OUTPUT_ROOT", output)
    runner.run(str(path))
    check_everything_is_there(profile.load(path))
