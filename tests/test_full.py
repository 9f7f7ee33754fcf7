"""Profile ``full``: what it would run, what it needs, and the whole of it on small stand-ins."""

import re

import pytest

from tonespan_utils import params, workflow
from tonespan_utils.errors import TonespanError

ENCODERS, TONAL = ["wav2vec2-base", "xlsr-300m", "mms-300m", "mhubert-147"], ["my", "th", "lo", "vi"]


def test_every_encoder_in_every_condition():
    full = params.load("full")
    each = ["vanilla", "emotion", "gender", "speaker", "shuffled_emotion", "asr-cmn", "asr-en"]
    each += [f"{task}-{la}" for task in ("asr", "shuffled_asr", "tone", "asr_tone", "emotion_tone") for la in TONAL]
    assert sorted(full.conditions) == sorted(f"{encoder}/{task}" for encoder in ENCODERS for task in each)
    assert all(len(full.seeds(name)) == 3 for name in full.conditions if not name.endswith("vanilla"))


def test_its_graph_resolves_offline(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TONESPAN_OUTPUT", str(tmp_path))
    monkeypatch.setattr(params, "OUTPUT_ROOT", tmp_path)
    workflow.run("full", dry_run=True)
    printed = capfd.readouterr()
    counts = dict(re.findall(r"^(\w+) +(\d+)$", printed.out + printed.err, re.MULTILINE))
    trained, measured = 26 * 4 * 3, 15 * 4
    expected = {"corpus": 1, "baseline": 1, "finetune": trained, "probes": measured, "gradients": measured}
    expected |= {"figures": 1, "paper": 1, "total": trained + 2 * measured + 4}
    assert {name: int(count) for name, count in counts.items()} == expected
    assert not list((tmp_path / "results").rglob("*.csv")) and "up to date" not in printed.out


def test_missing_labelled_speech_is_named_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "ROOT", tmp_path)
    full = params.load("full")
    with pytest.raises(TonespanError, match=r"data/corpora/emotion: .*wav2vec2-base/emotion .*finetune\.corpora\.emot"):
        workflow._check_corpora(full)
    for name in ("emotion", "speaker"):
        (tmp_path / "data" / "corpora" / name).mkdir(parents=True)
    workflow._check_corpora(full)
