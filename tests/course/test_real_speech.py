"""The recordings of lesson 6: from a folder, from beside the repository, or synthetic ones with a plain word."""

import itertools

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import make_speech

from tonespan_utils.course import real_speech
from tonespan_utils.errors import TonespanError


def record(folder, rows):
    """A folder with a ``labels.csv``; a row with the syllable ``silent`` has no voice."""
    time_s = np.arange(9600) / 16_000
    for row in rows:
        inside = (np.abs(time_s - 0.3) < 0.15) & (row["syllable"] != "silent")
        hum = np.sign(np.sin(2 * np.pi * 150 * time_s)) * inside + np.random.default_rng(0).normal(0, 0.003, 9600)
        soundfile.write(folder / row["file"], 0.3 * hum, 16_000)
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    return folder


def rows_of(syllables, tones, speakers=("ann",)):
    return [
        {"file": f"{speaker}-{syllable}{tone}.wav", "tone": tone, "syllable": syllable, "speaker": speaker}
        for syllable in syllables
        for tone in tones
        for speaker in speakers
    ]


def test_a_folder_of_one_speaker_is_split_by_syllables_and_read_at_its_vowels(tmp_path):
    folder = record(tmp_path, rows_of(["ma", "pa", "ta"], ["1", "2"]))
    clips = real_speech.clips(folder, make_speech(), n_clips=100)
    assert clips.is_real and clips.source == f"6 recordings from {tmp_path.name}, of 1 speaker"
    assert sorted(clips.groups) == ["ma", "ma", "pa", "pa", "ta", "ta"]
    assert sorted(tone for of_clip in clips.tones for tone in of_clip) == ["1"] * 3 + ["2"] * 3
    assert np.allclose([center for of_clip in clips.centers_s for center in of_clip], 0.3, atol=0.03)
    assert all(clip.size == 9600 and clip.dtype == np.float32 for clip in clips.audio)


def test_several_speakers_are_the_groups_and_whole_syllables_are_drawn(tmp_path):
    rows = [*rows_of(["ma", "pa", "ta"], ["1", "2"], ["ann", "bob"]), *rows_of(["sa"], ["1"], ["ann"])]
    folder = record(tmp_path, rows)
    clips = real_speech.of_folder(folder, n_clips=8, seed=3)
    assert "of 2 speakers" in clips.source and sorted(set(clips.groups)) == ["ann", "bob"]
    assert sorted(tone for of_clip in clips.tones for tone in of_clip) == ["1"] * 4 + ["2"] * 4, "two whole types"
    again = real_speech.of_folder(folder, n_clips=8, seed=3)
    assert again.tones == clips.tones and all(map(np.array_equal, again.audio, clips.audio))


def test_recordings_without_a_voice_are_left_out_and_counted(tmp_path):
    folder = record(tmp_path, [*rows_of(["ma", "pa"], ["1", "2"]), *rows_of(["silent"], ["1"])])
    clips = real_speech.of_folder(folder, n_clips=100, seed=0)
    assert len(clips.audio) == 4 and clips.source.endswith("(1 left out: not readable, or no voice in it)")


@pytest.mark.parametrize(
    "rows", [rows_of(["ma"], ["1", "2"]), rows_of(["ma", "pa"], ["1"]), rows_of(["ma", "pa"], ["1 2"])]
)
def test_a_folder_that_cannot_serve_says_why_in_one_line(rows, tmp_path):
    with pytest.raises(TonespanError, match="the lesson needs two of each") as raised:
        real_speech.clips(record(tmp_path, rows), make_speech())
    assert "\n" not in str(raised.value) and str(tmp_path) in str(raised.value)


def test_without_recordings_speech_of_the_course_stands_in_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(real_speech, "BESIDE", tmp_path / "nothing")
    corpus = make_speech()
    clips = real_speech.clips(None, corpus, n_clips=9)
    assert not clips.is_real and clips.source.startswith("NO real recordings: 10 synthetic syllables")
    first = corpus.tokens.iloc[:2]
    assert clips.centers_s[0] == first["center_s"].tolist() and clips.tones[0] == first["tone"].tolist()
    assert len(clips.audio) == 5 and clips.groups[0] == first["speaker"].iloc[0]
    assert np.array_equal(clips.audio[0], corpus.audio(first["utterance_id"].iloc[0]))


def test_recordings_beside_the_repository_are_taken_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(real_speech, "BESIDE", record(tmp_path, rows_of(["ma", "pa"], ["1", "2"])))
    assert real_speech.clips(None, make_speech()).is_real


def test_real_syllables_in_all_of_their_tones(shared_data):
    clips = real_speech.of_folder(shared_data / "speech" / "cmn_syllables", n_clips=15, seed=0)
    tones = [tone for of_clip in clips.tones for tone in of_clip]
    assert {tone: tones.count(tone) for tone in set(tones)} == dict.fromkeys("12345", 3)
    assert all(0.1 < center < clip.size / 16_000 for clip, (center,) in zip(clips.audio, clips.centers_s, strict=True))


def test_centres_are_moved_but_stay_inside():
    audio = [np.zeros(16_000, np.float32), np.zeros(8000, np.float32)]
    assert real_speech.moved([[0.2, 0.9], [0.3]], audio, 0.12) == [[0.32, 0.95], [pytest.approx(0.42)]]
    assert real_speech.moved([[0.02], [0.3]], audio, -0.12) == [[0.05], [pytest.approx(0.18)]]


def test_shuffled_tones_are_the_same_tones_elsewhere():
    tones = [["a", "b"], ["c"], ["a", "d", "e"]]
    drawn = real_speech.shuffled(tones, seed=1)
    assert [len(of_clip) for of_clip in drawn] == [2, 1, 3] and drawn != tones
    assert sorted(itertools.chain(*drawn)) == sorted(itertools.chain(*tones))
    assert drawn == real_speech.shuffled(tones, seed=1)
