"""Hostile input: nothing outside is read, nothing runs, nothing grows without bound, nothing waits for ever."""

from __future__ import annotations

import os

import pandas as pd
import pytest

from tonespan_utils.corpus import audiofolder, recordings
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import report_tables
from tonespan_utils.params import profile as params

LAUGHS = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_formulas_behind_the_separator_of_another_country_are_text():
    table = pd.DataFrame({"t": ["low;=1+1", "a\t@x", "b; +1", "c;d=e", "low-high"]})
    assert report_tables.without_formulas(table)["t"].tolist() == [
        "low;'=1+1", "a\t'@x", "b; '+1", "c;d=e", "low-high",
    ]  # fmt: skip


def test_formulas_in_downloads_are_text_and_numbers_stay():
    table = pd.DataFrame({"t": ["=1+1", "@a", "+a", "-a", "\tx", "-1.5", "ma"], "n": [-1.0] * 7})
    safe = report_tables.without_formulas(table)
    assert safe["t"].tolist() == ["'=1+1", "'@a", "'+a", "'-a", "'\tx", "-1.5", "ma"]
    assert safe["n"].tolist() == [-1.0] * 7 and table["t"].iloc[0] == "=1+1"


@pytest.mark.parametrize("text", [
    LAUGHS,
    "a: &a [*a]\n",
    "a: !!python/object/apply:os.system ['touch hacked']\n",
])  # fmt: skip
def test_bombs_and_objects_in_yaml_are_one_line(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(TonespanError) as error:
        params.load(tmp_path / "x.yaml")
    assert "\n" not in str(error.value) and len(str(error.value)) < 2000


@pytest.mark.parametrize("kind", ["up", "absolute", "link"])
def test_no_file_outside_is_read(tmp_path, kind):
    folder, secret = tmp_path / "in", tmp_path / "secret.wav"
    folder.mkdir()
    secret.write_bytes(b"x")
    (folder / "l.wav").symlink_to(secret)
    name = {"up": "../secret.wav", "absolute": str(secret), "link": "l.wav"}[kind]
    (folder / "labels.csv").write_text(f"file,tone,syllable,language\n{name},1,ma,cmn\n")
    with pytest.raises(TonespanError, match="leads out of"):
        recordings.load(folder, cache_dir=tmp_path / "cache")


def test_a_fifo_is_not_waited_for(tmp_path):
    for name in ("metadata.csv", "labels.csv"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(TonespanError, match="no plain file"):
        audiofolder.tables(tmp_path)
    with pytest.raises(TonespanError, match="no plain file"):
        recordings.load(tmp_path, cache_dir=tmp_path / "cache")
