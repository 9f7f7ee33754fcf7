"""The profile's speech is found, described, and refused where its tones cannot be studied."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from conftest import make_tokens

from tonespan_utils.alignment import aligners
from tonespan_utils.corpus import export, level, recordings, sources
from tonespan_utils.corpus.synthetic import synthesis
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile, sections


def test_synthetic_speech_is_called_synthetic():
    assert "synthetic" in profile.describe_speech(profile.load("demo"))
    assert "cmn_syllables" in profile.describe_speech(profile.load("recordings"))
    assert "google/fleurs" in profile.describe_speech(profile.load("full"))


def test_a_tone_with_one_example_is_named():
    tokens = make_tokens().assign(tone=["M"] * 71 + ["H"])
    with pytest.raises(TonespanError, match="th: tone 'H' has 1 example"):
        sources._check_tones(tokens, "th", 2)


def test_one_tone_is_no_study():
    with pytest.raises(TonespanError, match="two or more tone classes"):
        sources._check_tones(make_tokens().assign(tone="M"), "th", 2)


def test_every_source_has_a_loader():
    kinds = sections.Speech.model_fields["source"].annotation.__args__
    assert set(kinds) == set(sources._LOADERS)


@pytest.mark.parametrize("source", ["recordings", "fleurs", "synthetic"])
def test_speech_from_elsewhere_is_levelled_and_ours_is_not(monkeypatch, glide_corpus, source):
    first = glide_corpus.utterances["utterance_id"].iloc[0]
    soft = replace(glide_corpus, audio=lambda name: glide_corpus.audio(name) * np.float32(0.1 if name == first else 1))
    monkeypatch.setitem(sources._LOADERS, source, lambda p, language: soft)
    p = profile.load({"recordings": "recordings", "fleurs": "full", "synthetic": "demo"}[source])
    samples = sources.as_given(p, "th").audio(first)
    if source == "synthetic":
        np.testing.assert_array_equal(samples, soft.audio(first))
    else:
        assert level.active_db(samples) == pytest.approx(level.TARGET_DB, abs=1e-3)


@pytest.fixture(scope="module")
def text_only(tmp_path_factory):
    """FLEURS' own files and nothing beside them, synthetic Thai, and a profile that aligns it."""
    folder = tmp_path_factory.mktemp("text_only")
    synthesis.build(folder, languages=["th"], planted_span_ms={"th": 100.0}, minutes=1, n_speakers=12, seed=7)
    beside = folder / "data" / "th_th"
    for name in ("syllables.csv", "utterances.csv"):
        (beside / name).unlink()
    tree = {"profile": "text", "speech": {"source": "fleurs", "root": str(folder), "tonal": ["th"], "other": []}}
    path = folder / "text.yaml"
    path.write_text(yaml.safe_dump(tree | {"align": {"model": "own"}}))
    return path


def test_text_without_times_is_aligned_once(text_only, tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    p = profile.load(text_only)
    with pytest.raises(TonespanError, match=r"th: .* utterances have no times yet; run notebook 00_corpus"):
        sources.load(p, "th")
    aligners.prepare(p)
    corpus = sources.load(p, "th")
    assert (
        set(corpus.tokens["tone"]) == set("MLFHR") and corpus.tokens["align_score"].between(p.align.min_score, 1).all()
    )
    spoken = corpus.tokens.merge(corpus.utterances[["utterance_id", "n_samples"]], on="utterance_id")
    assert ((spoken["start_s"] <= spoken["center_s"]) & (spoken["center_s"] <= spoken["end_s"])).all()
    assert (spoken["end_s"] <= spoken["n_samples"] / 16_000).all()
    (folder,) = [path for path in (p.data / "alignment" / "th").iterdir() if path.is_dir()]
    assert json.loads((folder / "aligner.json").read_text())["aligner"] == "own"
    monkeypatch.setattr(aligners, "load", lambda *_: pytest.fail("aligned a second time"))
    aligners.prepare(p)


def test_other_settings_are_another_alignment(text_only, tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    p = profile.load(text_only)
    spoken = sources.untimed(sources.as_given(p, "th"))
    key = sources.alignment_place(p, "th", spoken)[1]
    stricter = p.model_copy(update={"align": p.align.model_copy(update={"min_score": 0.5})})
    assert sources.alignment_place(p, "th", spoken)[1] == key != sources.alignment_place(stricter, "th", spoken)[1]


def test_without_an_aligner_the_way_out_is_named(text_only, tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    p = profile.load(text_only)
    with pytest.raises(TonespanError, match=r"th: no tone tokens; .*align\.model: own"):
        sources.load(p.model_copy(update={"align": p.align.model_copy(update={"model": None})}), "th")


def test_an_exported_corpus_comes_back(text_only, tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path / "out")
    p = profile.load(text_only)
    aligners.prepare(p)
    corpus = sources.load(p, "th")
    export.export(corpus, tmp_path / "praat")
    again = recordings.load(tmp_path / "praat", language="th", cache_dir=tmp_path / "cache")
    before, after = (table.sort_values(["utterance_id", "center_s"]) for table in (corpus.tokens, again.tokens))
    assert sorted(after["tone"]) == sorted(before["tone"])
    assert sorted(after["center_s"]) == pytest.approx(sorted(before["center_s"]), abs=0.001)
    assert set(after["syllable"]) == set(before["syllable"])
