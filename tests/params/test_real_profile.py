"""Profile ``real``: what it asks of folders beside the repository, and what it says where they are not there."""

from __future__ import annotations

import pytest

from tonespan_utils.corpus import sources
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tonespan_utils.workflow import runner


@pytest.fixture
def real():
    return profile.load("real")


def test_every_named_folder_is_beside_the_repository_or_in_it(real):
    outside = runner.outside_folders(real)
    assert len(outside) == 8 and all(folder.startswith("../shared/") for folder in outside)
    assert (profile.ROOT / real.encoders["mini"].checkpoint).is_dir()


def test_without_the_folders_one_line_says_which_to_name(real, monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    with pytest.raises(
        TonespanError, match=r"profile real: no such folders: \.\./shared/data/speech/th_words, .*"
    ) as no:
        runner.check_corpora(real)
    assert "whisper-base-encoder" in str(no.value) and "en_emotion" in str(no.value) and "\n" not in str(no.value)
    assert "speech.folders, encoders and finetune.corpora" in str(no.value)


def test_two_corpora_of_mandarin_have_keys_of_their_own(shared_data, tmp_path, monkeypatch, real):
    folder = tmp_path / "few"
    (folder / "audio").mkdir(parents=True)
    source = shared_data / "speech" / "cmn_syllables"
    rows = (source / "labels.csv").read_text(encoding="utf-8").splitlines()[:25]
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for row in rows[1:]:
        (folder / row.split(",")[0]).write_bytes((source / row.split(",")[0]).read_bytes())
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    speech = real.speech.model_copy(update={"folders": {"cmn_syllables": str(folder)}, "tonal": ["cmn_syllables"]})
    corpus = sources.load(real.model_copy(update={"speech": speech}), "cmn_syllables")
    assert set(corpus.tokens["language"]) == set(corpus.utterances["language"]) == {"cmn_syllables"}
    assert set(corpus.tokens["tone"]) == set("12345")
