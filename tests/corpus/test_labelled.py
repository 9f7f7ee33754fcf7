"""Folders of labelled speech: every layout gives the same corpus, and what is wrong is named."""

import json

import numpy as np
import pytest
import soundfile

from tonespan_utils.corpus import labelled
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS


def write_audio(path, *, n_samples=3200, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, n_samples), 16000)


def write_table(path, header, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def classes(corpus, label):
    return dict(zip(corpus.utterances["utterance_id"], corpus.utterances[label], strict=True))


def splits(corpus):
    return dict(zip(corpus.utterances["utterance_id"], corpus.utterances["split"], strict=True))


def test_labels_csv(tmp_path):
    for number in range(3):
        write_audio(tmp_path / "wavs" / f"{number}.wav", n_samples=3200 + number, seed=number)
    write_table(
        tmp_path / "labels.csv", "file,emotion,speaker,split,text",
        "wavs/0.wav,angry,a,train,one", "wavs/1.wav,calm,b,test,two", "wavs/2.wav,calm,c,validation,", "",
    )  # fmt: skip
    corpus = labelled.load(tmp_path, label="emotion")
    assert list(corpus.utterances.columns) == UTTERANCE_COLUMNS and list(corpus.tokens.columns) == TOKEN_COLUMNS
    assert corpus.tokens.empty and corpus.rejected.empty
    assert classes(corpus, "emotion") == {"wavs/0.wav": "angry", "wavs/1.wav": "calm", "wavs/2.wav": "calm"}
    assert splits(corpus) == {"wavs/0.wav": "train", "wavs/1.wav": "test", "wavs/2.wav": "dev"}
    assert corpus.utterances["n_samples"].tolist() == [3200, 3201, 3202]
    assert corpus.utterances["sentence_id"].tolist() == ["one", "two", "wavs/2.wav"]
    assert set(corpus.utterances["gender"]) == {""} and set(corpus.utterances["language"]) == {"und"}
    assert [corpus.audio(name).size for name in corpus.utterances["utterance_id"]] == [3200, 3201, 3202]


def audiofolder(folder, kind):
    """train/{0..3}.wav and test/{4,5}.wav, labelled in one of Hugging Face's ways."""
    for number in range(6):
        split, name = ("train" if number < 4 else "test"), "angry" if number % 2 else "calm"
        inside = f"{name}/{number}.wav" if kind == "class folders" else f"{number}.wav"
        write_audio(folder / split / inside, seed=number)
    for split, numbers in (("train", range(4)), ("test", (4, 5))):
        rows = [(f"{number}.wav", "angry" if number % 2 else "calm") for number in numbers]
        if kind == "metadata.csv":
            write_table(folder / split / kind, "file_name,emotion", *(",".join(row) for row in rows))
        elif kind == "metadata.jsonl":
            lines = [json.dumps({"file_name": name, "label": label}) for name, label in rows]
            write_table(folder / split / kind, *lines)
    if kind == "one metadata.csv":
        rows = [f"{'train' if n < 4 else 'test'}/{n}.wav,{'angry' if n % 2 else 'calm'}" for n in range(6)]
        write_table(folder / "metadata.csv", "file_name,label", *rows)


KINDS = ["metadata.csv", "one metadata.csv", "metadata.jsonl", "class folders"]


@pytest.mark.parametrize("kind", KINDS)
def test_hugging_faces_layouts(tmp_path, kind):
    audiofolder(tmp_path, kind)
    corpus = labelled.load(tmp_path, label="emotion")
    table = corpus.utterances.assign(number=corpus.utterances["utterance_id"].str.extract(r"(\d)\.wav")[0].astype(int))
    table = table.sort_values("number")
    assert table["emotion"].tolist() == ["calm", "angry"] * 3
    assert table["split"].tolist() == ["train"] * 4 + ["test"] * 2


def test_metadata_may_name_its_splits_and_leave_values_open(tmp_path):
    for number in range(4):
        write_audio(tmp_path / f"{number}.wav", seed=number)
    rows = [
        {"file_name": "0.wav", "emotion": "calm", "split": "test", "speaker": 7},
        {"file_name": "1.wav", "emotion": None, "split": "train"},
        {"file_name": "2.wav", "split": "train"},
        {"file_name": "3.wav", "emotion": "angry", "split": "train", "text": "a\u2028b"},
    ]
    write_table(tmp_path / "metadata.jsonl", *(json.dumps(row, ensure_ascii=False) for row in rows))
    corpus = labelled.load(tmp_path, label="emotion")
    assert classes(corpus, "emotion") == {"0.wav": "calm", "3.wav": "angry"}, "an open value is no class"
    assert splits(corpus) == {"0.wav": "test", "3.wav": "train"}
    assert corpus.utterances["speaker"].tolist() == ["7", ""]


def test_a_column_of_the_label_goes_before_a_column_label(tmp_path):
    for number in range(2):
        write_audio(tmp_path / f"{number}.wav")
    write_table(tmp_path / "labels.csv", "file,label,gender", "0.wav,x,male", "1.wav,female,")
    assert classes(labelled.load(tmp_path, label="gender"), "gender") == {"0.wav": "male", "1.wav": "female"}


@pytest.mark.parametrize(("kind", "column"), [("labels.csv", "file"), ("metadata.csv", "file_name")])
@pytest.mark.parametrize("name", ["{}/there/a.wav", "../there/a.wav", "link.wav"])
def test_files_elsewhere_are_refused(tmp_path, kind, column, name):
    write_audio(tmp_path / "there" / "a.wav")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link.wav").symlink_to(tmp_path / "there" / "a.wav")
    write_table(tmp_path / "here" / kind, f"{column},gender", f"{name.format(tmp_path)},male")
    with pytest.raises(TonespanError, match="leads out of") as error:
        labelled.load(tmp_path / "here", label="gender")
    assert "\n" not in str(error.value)


def test_files_that_stand_beside_the_class_folders_are_no_class(tmp_path):
    for name in ("a/1.wav", "b/2.wav", "stray.wav", "train/stray.wav", "train/a/3.wav"):
        write_audio(tmp_path / name)
    corpus = labelled.load(tmp_path, label="emotion")
    assert classes(corpus, "emotion") == {"a/1.wav": "a", "b/2.wav": "b", "train/a/3.wav": "a"}


# ---------------------------------------------------------------- splits


def spoken_by(folder, speakers, **texts):
    rows = []
    for number, speaker in enumerate(speakers):
        write_audio(folder / f"{number}.wav", seed=number)
        rows.append(f"{number}.wav,{speaker},{'male' if number % 2 else 'female'},{texts.get('text', '')}")
    write_table(folder / "labels.csv", "file,speaker,gender,text", *rows)


def test_speakers_are_on_one_side_only_and_there_is_something_on_both(tmp_path):
    spoken_by(tmp_path, [f"s{number % 10}" for number in range(30)])
    table = labelled.load(tmp_path, label="gender").utterances
    assert table.groupby("speaker")["split"].nunique().max() == 1
    assert table.groupby("split")["speaker"].nunique().to_dict() == {"dev": 1, "test": 2, "train": 7}


def test_verification_has_two_speakers_to_tell_apart(tmp_path):
    spoken_by(tmp_path, [f"s{number % 5}" for number in range(15)])
    counts = labelled.load(tmp_path, label="speaker").utterances.groupby("split")["speaker"].nunique()
    assert counts.to_dict() == {"test": 2, "train": 3}
    spoken = labelled.load(tmp_path, label="gender").utterances.groupby("split")["speaker"].nunique()
    assert spoken.to_dict() == {"dev": 1, "test": 1, "train": 3}


def test_the_files_of_a_single_speaker_are_assigned_by_text_or_by_file(tmp_path):
    spoken_by(tmp_path / "files", ["s"] * 10)
    assert set(splits(labelled.load(tmp_path / "files", label="gender")).values()) == {"train", "dev", "test"}
    spoken_by(tmp_path / "texts", ["s"] * 10, text="always the same")
    assert set(splits(labelled.load(tmp_path / "texts", label="gender")).values()) == {"train"}


def test_a_split_that_is_left_open_is_train_and_one_of_another_name_is_refused(tmp_path):
    for number in range(3):
        write_audio(tmp_path / f"{number}.wav")
    write_table(tmp_path / "labels.csv", "file,gender,split", "0.wav,male,test", "1.wav,male,", "2.wav,male,dev")
    assert splits(labelled.load(tmp_path, label="gender")) == {"0.wav": "test", "1.wav": "train", "2.wav": "dev"}
    write_table(tmp_path / "labels.csv", "file,gender,split", "0.wav,male,Test", "1.wav,male,train")
    with pytest.raises(TonespanError, match="no split is called 'Test'; use train, validation"):
        labelled.load(tmp_path, label="gender")


# ---------------------------------------------------------------- what is wrong


def test_files_that_cannot_be_read_are_rejected_and_named(tmp_path):
    write_audio(tmp_path / "a" / "good.wav")
    write_audio(tmp_path / "b" / "good.wav", seed=1)
    (tmp_path / "a" / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "b" / "silent.wav", np.zeros(1600), 16000)
    corpus = labelled.load(tmp_path, label="emotion")
    assert classes(corpus, "emotion") == {"a/good.wav": "a", "b/good.wav": "b"}
    reasons = dict(zip(corpus.rejected["item"], corpus.rejected["reason"], strict=True))
    assert set(reasons) == {"a/text.wav", "b/silent.wav"} and "silent throughout" in reasons["b/silent.wav"]


def test_a_listed_file_that_is_missing_is_rejected_and_named(tmp_path):
    write_audio(tmp_path / "a.wav")
    write_table(tmp_path / "labels.csv", "file,gender", "a.wav,male", "b.wav,female")
    assert labelled.load(tmp_path, label="gender").rejected["item"].tolist() == ["b.wav"]
    (tmp_path / "a.wav").unlink()
    with pytest.raises(TonespanError, match=r"none of 2 files can be read, first .*no such audio file"):
        labelled.load(tmp_path, label="gender")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("labels.csv", "file,speaker\na.wav,s", "no recording has a gender; add a column 'gender'"),
        ("labels.csv", "file,gender\na.wav,\n", "no recording has a gender"),
        ("labels.csv", "name,gender\na.wav,male", "labels.csv: no column 'file'"),
        ("labels.csv", "file,gender\na.wav,male\n./a.wav,female", "a.wav is listed twice"),
        ("labels.csv", "", "labels.csv: not readable"),
        ("labels.csv", "file,gender\n", "neither labels.csv, nor metadata.csv"),
        ("metadata.csv", "file,gender\na.wav,male", "metadata.csv: no column 'file_name'"),
        ("metadata.jsonl", '{"file_name": "a.wav"', "metadata.jsonl: not readable"),
        ("metadata.jsonl", '["a.wav"]', "metadata.jsonl: not readable .*no object"),
    ],
)
def test_tables_that_are_wrong_are_named(tmp_path, name, text, problem):
    write_audio(tmp_path / "a.wav")
    (tmp_path / name).write_text(text)
    with pytest.raises(TonespanError, match=problem) as error:
        labelled.load(tmp_path, label="gender")
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path):
    with pytest.raises(TonespanError, match=r"no such folder; finetune\.corpora\.emotion"):
        labelled.load(tmp_path / "nowhere", label="emotion")
    with pytest.raises(TonespanError, match="neither labels"):
        labelled.load(tmp_path, label="emotion")
