import itertools

import numpy as np
import parselmouth
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonespan_utils.corpus.textgrid import Interval, read, tier, write
from tonespan_utils.errors import TonespanError

# Labels as people write them: any letters, marks, tone letters, quotes; Praat knows no control characters.
LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co"]), max_size=8)
ALIGNED = {
    "words": [Interval(0.25, 0.75, "mạ"), Interval(0.75, 1.5, 'he said "ná"')],
    "phones": [Interval(0.25, 0.4, "m"), Interval(0.4, 0.75, "aː˨˩ˀ"), Interval(0.75, 1.5, "spn")],
}


def labelled(intervals: list[Interval]) -> list[Interval]:
    return [interval for interval in intervals if interval.label]


@settings(max_examples=25, deadline=None)
@given(edges=st.lists(st.integers(0, 3_000), min_size=2, max_size=12, unique=True), data=st.data())
def test_what_is_written_is_read(tmp_path_factory, edges, data):
    path = tmp_path_factory.mktemp("grid") / "a.TextGrid"
    edges_s = sorted(edge / 997 for edge in edges)
    intervals = [Interval(a, b, data.draw(LABELS)) for a, b in itertools.pairwise(edges_s)]
    write(path, {"a": intervals, "empty": []}, duration_s=4.0)
    back = read(path)
    assert labelled(back["a"]) == labelled(intervals)
    assert back["empty"] == [Interval(0.0, 4.0, "")]
    assert back["a"][0].start_s == 0.0 and back["a"][-1].end_s == 4.0
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(back["a"]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    write(tmp_path / "a.TextGrid", ALIGNED, duration_s=2.0)
    text = (tmp_path / "a.TextGrid").read_text(encoding="utf-8")
    (tmp_path / "b.TextGrid").write_text(text, encoding=encoding)
    assert {name: labelled(intervals) for name, intervals in read(tmp_path / "b.TextGrid").items()} == ALIGNED


def test_latin_1(tmp_path):
    write(tmp_path / "a.TextGrid", {"words": [Interval(0.0, 1.0, "né")]}, duration_s=1.0)
    text = (tmp_path / "a.TextGrid").read_text(encoding="utf-8")
    (tmp_path / "a.TextGrid").write_text(text, encoding="latin-1")
    assert read(tmp_path / "a.TextGrid")["words"] == [Interval(0.0, 1.0, "né")]


@pytest.mark.parametrize("save", ["save_as_text_file", "save_as_short_text_file", "save_as_binary_file"])
def test_praats_own_formats(tmp_path, save):
    write(tmp_path / "a.TextGrid", ALIGNED, duration_s=2.0)
    getattr(parselmouth.read(str(tmp_path / "a.TextGrid")), save)(str(tmp_path / "b.TextGrid"))
    assert {name: labelled(intervals) for name, intervals in read(tmp_path / "b.TextGrid").items()} == ALIGNED


def test_points_are_intervals_of_no_length(tmp_path):
    grid = parselmouth.praat.call("Create TextGrid", 0, 2, "words clicks", "clicks")
    parselmouth.praat.call(grid, "Insert point", 2, 0.5, "x")
    grid.save(str(tmp_path / "a.TextGrid"))
    assert read(tmp_path / "a.TextGrid") == {"words": [Interval(0.0, 2.0, "")], "clicks": [Interval(0.5, 0.5, "x")]}


def test_a_missing_tier_is_named_with_those_there_are(tmp_path):
    path = tmp_path / "a.TextGrid"
    write(path, ALIGNED, duration_s=2.0)
    with pytest.raises(TonespanError, match=r"a\.TextGrid: no tier 'syllable'; there are: words, phones"):
        tier(read(path), "syllable", path=path)
    assert labelled(tier(read(path), "words", path=path)) == ALIGNED["words"]


def test_unreadable_files(tmp_path):
    with pytest.raises(TonespanError, match=r"missing\.TextGrid"):
        read(tmp_path / "missing.TextGrid")
    write(tmp_path / "whole.TextGrid", ALIGNED, duration_s=2.0)
    whole = (tmp_path / "whole.TextGrid").read_bytes()
    for name, content in {"cut": whole[: len(whole) // 2], "prose": b"Dear aligner,\n", "empty": b""}.items():
        (tmp_path / f"{name}.TextGrid").write_bytes(content)
        with pytest.raises(TonespanError, match=rf"{name}\.TextGrid: not readable") as error:
            read(tmp_path / f"{name}.TextGrid")
        assert "\n" not in str(error.value)
    soundfile.write(tmp_path / "sound.wav", np.zeros(100), 16_000)
    with pytest.raises(TonespanError, match="a Sound, not a TextGrid"):
        read(tmp_path / "sound.wav")


def test_two_tiers_of_one_name(tmp_path):
    grid = parselmouth.praat.call("Create TextGrid", 0, 2, "words words", "")
    grid.save(str(tmp_path / "a.TextGrid"))
    with pytest.raises(TonespanError, match="two tiers are named 'words'"):
        read(tmp_path / "a.TextGrid")


@pytest.mark.parametrize(
    "intervals",
    [
        [Interval(0.0, 1.0, "a"), Interval(0.9, 1.5, "b")],
        [Interval(0.5, 0.5, "a")],
        [Interval(1.0, 2.5, "a")],
        [Interval(-0.1, 0.5, "a")],
        [Interval(0.5, float("nan"), "a")],
    ],
)
def test_intervals_that_praat_would_refuse(tmp_path, intervals):
    with pytest.raises(TonespanError, match="tier 'words'"):
        write(tmp_path / "a.TextGrid", {"words": intervals}, duration_s=2.0)
    assert not (tmp_path / "a.TextGrid").exists()


def test_nowhere_to_write_and_nothing_to_write(tmp_path):
    with pytest.raises(TonespanError, match="cannot write"):
        write(tmp_path / "no" / "a.TextGrid", ALIGNED, duration_s=2.0)
    with pytest.raises(TonespanError, match="needs a tier"):
        write(tmp_path / "a.TextGrid", {}, duration_s=2.0)
