"""Where an exported corpus goes, whatever its speakers and utterances are called: into its folder, one name each."""

import os

import numpy as np
import pandas as pd
import pytest
from conftest import make_tokens

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import export, recordings, textgrid
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError

HOSTILE = [
    "..", ".", "", "../../up", "/tmp/absolute", "a/b", "a\\b", ".hidden", " a ", "a.", "$(touch hit)", "`touch hit`",
    "{x}", "-rf", "~", "a\0b", "a\nb", "con:", "ว" * 300, "x" * 300, "x" * 299 + "y", "é", "e\u0301",
]  # fmt: skip


def corpus_of(names: list[str], column: str) -> Corpus:
    """An utterance a name, which is its speaker's or its own; the others' are plain."""
    tokens = make_tokens(n_utterances=len(names), per_utterance=2)
    by_number = {f"u{number}": name for number, name in enumerate(names)}
    tokens[column] = tokens["utterance_id"].map(by_number)
    utterances = tokens.drop_duplicates("sentence_id")[["utterance_id", "speaker"]]
    samples = (0.1 * np.sin(np.arange(2 * SAMPLE_RATE) / 20)).astype(np.float32)
    return Corpus(utterances, tokens, lambda _: samples, pd.DataFrame())


@pytest.mark.parametrize("column", ["speaker", "utterance_id"])
def test_hostile_names_stay_in_the_folder_and_apart(tmp_path, monkeypatch, column):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "praat"
    export.export(corpus_of(HOSTILE, column), folder)
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert all(path.is_relative_to(folder) and len(path.relative_to(folder).parts) == 2 for path in written)
    assert len(written) == 2 * len(HOSTILE) and {path.suffix for path in written} == {".wav", ".TextGrid"}
    names = {part for path in written for part in path.relative_to(folder).parts}
    assert not any(name.startswith((".", "-")) or set(name) & set("/\\\0\n$`{}:~") for name in names)
    assert max(len(os.fsencode(name)) for name in names) <= 255
    if column == "speaker":
        assert len({path.parent for path in written}) == len(HOSTILE), "a folder a speaker"
    assert all(textgrid.read(path) for path in written if path.suffix == ".TextGrid")


def test_what_is_exported_under_hostile_names_is_all_found_again(tmp_path):
    export.export(corpus_of(HOSTILE, "utterance_id"), tmp_path / "praat")
    again = recordings.load(tmp_path / "praat", language="th", cache_dir=tmp_path / "cache")
    assert len(again.utterances) == len(HOSTILE) and len(again.tokens) == 2 * len(HOSTILE)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "praat").write_text("in the way")
    with pytest.raises(TonespanError, match=r"praat/.*\.wav: cannot be written") as error:
        export.export(corpus_of(["a"], "speaker"), tmp_path / "praat")
    assert "\n" not in str(error.value)
