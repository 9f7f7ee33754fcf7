from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from tonespan_utils.audio import reading
from tonespan_utils.corpus import grid_tones, grids, splitting, textgrid
from tonespan_utils.corpus.grid_tones import NO_TONE
from tonespan_utils.corpus.recordings import OUTSIDE, load
from tonespan_utils.corpus.splitting import CROSSING
from tonespan_utils.corpus.syllables import NEEDS_ALIGNMENT
from tonespan_utils.corpus.textgrid import Interval
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS
from tonespan_utils.statistics import splits
from tonespan_utils.tone.parts import Syllable

RATE = 8_000
LEAD_S, VOWEL_S = 0.1, 0.2
TYPES = ("ma", "ba", "da", "ga", "na", "la", "fa", "ka", "pa", "ta")


def clip(*, hz: float = 150.0, n_syllables: int = 1) -> np.ndarray:
    """Vowels of 0.2 s in near silence, 0.1 s before, between and after."""
    times_s = np.arange(round(VOWEL_S * RATE)) / RATE
    vowel = sum(np.sin(2 * np.pi * k * hz * times_s) / k for k in range(1, 8))
    rest = 1e-4 * np.random.default_rng(0).normal(size=round(LEAD_S * RATE))
    return np.concatenate([rest, *[part for _ in range(n_syllables) for part in (0.2 * vowel, rest)]])


def store(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)


def label(folder: Path, rows: list[dict]) -> None:
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Ten syllables in two tones each, one speaker."""
    folder = tmp_path / "speech"
    rows = []
    for syllable in TYPES:
        for tone, hz in (("1", 220.0), ("4", 140.0)):
            store(folder / "audio" / f"{syllable}{tone}.wav", clip(hz=hz))
            rows.append({"file": f"audio/{syllable}{tone}.wav", "syllable": syllable, "tone": tone, "language": "cmn"})
    label(folder, rows)
    return folder


def rows_of(folder: Path) -> list[dict]:
    return pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False).to_dict("records")


def read(folder: Path, **options):
    return load(folder, cache_dir=folder.parent / "cache", **options)


def refuse(folder: Path, match: str, **options) -> None:
    with pytest.raises(TonespanError, match=match) as error:
        read(folder, **options)
    assert "\n" not in str(error.value)


# Isolated syllables


def test_isolated_syllables_become_one_token_each(folder):
    corpus = read(folder)
    assert list(corpus.utterances) == UTTERANCE_COLUMNS and list(corpus.tokens) == TOKEN_COLUMNS
    assert len(corpus.utterances) == len(corpus.tokens) == 20 and corpus.rejected.empty
    assert corpus.tokens["token_id"].is_unique and corpus.utterances["utterance_id"].is_unique
    assert np.allclose(corpus.tokens["center_s"], LEAD_S + VOWEL_S / 2, atol=0.02)
    assert set(corpus.tokens["sentence_id"]) == set(corpus.tokens["ipa"]) == set(TYPES)
    samples = corpus.audio(corpus.utterances["utterance_id"].iloc[3])
    assert samples.dtype == np.float32 and len(samples) == corpus.utterances["n_samples"].iloc[3] == 6_400
    np.testing.assert_array_equal(samples, reading.read(folder / rows_of(folder)[3]["file"]))


def test_held_out_tokens_are_of_unseen_syllables(folder):
    tokens = read(folder).tokens
    assert (tokens.groupby("sentence_id")["split"].nunique() == 1).all()
    assert tokens.groupby("split")["sentence_id"].nunique().to_dict() == {"train": 7, "dev": 1, "test": 2}


def test_the_split_hangs_on_the_names_alone(folder):
    first = read(folder).tokens.set_index("token_id")["split"]
    label(folder, rows_of(folder)[::-1])
    pd.testing.assert_series_equal(read(folder).tokens.set_index("token_id")["split"].loc[first.index], first)


def test_only_file_tone_and_syllable_are_needed(folder):
    label(folder, [{key: row[key] for key in ("file", "tone", "syllable")} for row in rows_of(folder)])
    assert len(read(folder, language="cmn").tokens) == 20
    refuse(folder, "say which language to read")


def test_a_tone_written_into_the_syllable_is_not_part_of_it(folder):
    label(folder, [row | {"syllable": row["syllable"] + row["tone"]} for row in rows_of(folder)])
    assert set(read(folder).tokens["sentence_id"]) == set(TYPES)


def test_what_is_known_of_the_speaker_is_kept(folder):
    label(folder, [row | {"speaker": "x", "gender": "Female", "emotion": "sad"} for row in rows_of(folder)])
    corpus = read(folder)
    for table in (corpus.utterances, corpus.tokens):
        assert table[["speaker", "gender", "emotion"]].drop_duplicates().to_numpy().tolist() == [["x", "female", "sad"]]


def test_rows_without_one_tone_are_utterances_without_tokens(folder):
    rows = rows_of(folder)
    rows[0] |= {"tone": "1 4", "syllable": "ma1 ma4", "text": "妈骂"}
    rows[1] |= {"tone": "", "syllable": "", "text": "hm"}
    label(folder, rows)
    corpus = read(folder)
    assert len(corpus.utterances) == 20 and len(corpus.tokens) == 18
    assert corpus.utterances["sentence_id"].iloc[0] == "妈骂"
    assert corpus.rejected.to_numpy().tolist() == [
        ["cmn-audio/ma1.wav", NEEDS_ALIGNMENT],
        ["cmn-audio/ma4.wav", NO_TONE],
    ]


def test_a_clip_without_voice_gives_no_token(folder):
    store(folder / "audio" / "ma1.wav", np.random.default_rng(1).normal(0, 0.1, 4_000))
    corpus = read(folder)
    assert len(corpus.tokens) == 19
    assert corpus.rejected.to_numpy().tolist() == [["cmn-audio/ma1.wav, syllable 1 (ma)", "unvoiced"]]


# Splits


def speakers_read(folder: Path, reader: dict[str, list[str]]) -> list[dict]:
    rows = []
    for speaker, syllables in reader.items():
        for syllable in syllables:
            for row in rows_of(folder):
                if row["syllable"] == syllable:
                    name = f"audio/{speaker}_{Path(row['file']).name}"
                    store(folder / name, clip())
                    rows.append(row | {"file": name, "speaker": speaker})
    return rows


def test_speakers_with_sentences_of_their_own_lose_nothing(folder):
    label(
        folder, speakers_read(folder, {f"s{number}": list(TYPES[2 * number : 2 * number + 2]) for number in range(5)})
    )
    corpus = read(folder)
    assert corpus.rejected.empty and len(corpus.tokens) == 20
    assert (corpus.tokens.groupby("speaker")["split"].nunique() == 1).all()
    assert corpus.tokens.groupby("split")["speaker"].nunique().to_dict() == {"train": 3, "dev": 1, "test": 1}


def test_sentences_shared_by_speakers_are_split_too(folder):
    label(folder, speakers_read(folder, {"a": list(TYPES[:5]), "b": list(TYPES[:5]), "c": list(TYPES[:5])}))
    corpus = read(folder)
    assert corpus.rejected.empty and len(corpus.utterances) == len(corpus.tokens) == 30
    train, test = splits.train_test(corpus.tokens)
    for key in ("speaker", "sentence_id"):
        assert not set(corpus.tokens[key].iloc[train]) & set(corpus.tokens[key].iloc[test])
    aside = splitting.set_aside(corpus)
    assert set(aside["reason"]) == {CROSSING} and len(aside) + len(train) + len(test) == 30


@pytest.mark.parametrize(("n", "sizes"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (100, (70, 10, 20))])
def test_shares(n, sizes):
    assigned = list(splitting.assign_names({str(number) for number in range(n)}).values())
    assert tuple(assigned.count(split) for split in ("train", "dev", "test")) == sizes


# The cache


def test_the_second_time_nothing_is_decoded(folder, monkeypatch):
    first = read(folder)
    monkeypatch.setattr(reading, "read", lambda path: pytest.fail("decoded again"))
    second = read(folder)
    pd.testing.assert_frame_equal(first.tokens, second.tokens)
    name = first.utterances["utterance_id"].iloc[7]
    np.testing.assert_array_equal(first.audio(name), second.audio(name))


def test_two_languages_of_a_folder_keep_a_cache_each(folder, monkeypatch):
    label(folder, [row | {"language": ("cmn", "yue")[index % 4 < 2]} for index, row in enumerate(rows_of(folder))])
    for language in ("cmn", "yue"):
        read(folder, language=language)
    monkeypatch.setattr(reading, "read", lambda path: pytest.fail("decoded again"))
    assert len(read(folder, language="cmn").tokens) == 10


def test_a_changed_file_is_read_again(folder):
    read(folder)
    store(folder / "audio" / "ma1.wav", np.concatenate([np.zeros(RATE), clip()]))
    assert read(folder).tokens["center_s"].iloc[0] == pytest.approx(1 + LEAD_S + VOWEL_S / 2, abs=0.02)


# Languages


def test_one_language_at_a_time(folder):
    label(folder, [row | {"language": ("cmn", "yue")[index % 4 < 2]} for index, row in enumerate(rows_of(folder))])
    refuse(folder, r"say which language.*\['cmn', 'yue'\]")
    refuse(folder, "no recordings in language 'th'; there are cmn, yue", language="th")
    refuse(folder, "'Klingon' is no ISO 639 code", language="Klingon")
    corpus = read(folder, language="yue")
    assert set(corpus.utterances["language"]) == {"yue"} and len(corpus.utterances) == 10


# Bad input


def test_labels_that_cannot_be_used(folder):
    rows = rows_of(folder)
    label(folder, [{key: value for key, value in row.items() if key != "tone"} for row in rows])
    refuse(folder, r"labels\.csv: no column 'tone', nor 'text' to be aligned")
    label(folder, [*rows, rows[4]])
    refuse(folder, r"labels\.csv, row 6: audio/da1\.wav is listed again in row 22")
    label(folder, [*rows, rows[0] | {"file": "audio/none.wav"}])
    refuse(folder, r"labels\.csv, row 22: no such audio file 'audio/none\.wav'")
    label(folder, [*rows[:-1], rows[-1] | {"tone": "5"}])
    refuse(folder, r"labels\.csv, row 21, at 0\.000 s: the only example of tone '5'")
    label(folder, [*rows[:-1], rows[-1] | {"syllable": ""}])
    refuse(folder, r"labels\.csv, row 21: an isolated syllable needs its column 'syllable'")
    (folder / "labels.csv").write_text("file,tone\n")
    refuse(folder, r"labels\.csv: no rows")
    (folder / "labels.csv").write_text("file,tone\na.wav,1\nb.wav,1,2,3\n")
    refuse(folder, r"labels\.csv: not readable as CSV.* line 3")
    (folder / "labels.csv").write_bytes("file,tone\né.wav,1\n".encode("latin-1"))
    refuse(folder, r"labels\.csv: not readable as CSV in UTF-8")
    (folder / "labels.csv").write_text("")
    refuse(folder, r"labels\.csv: not readable as CSV")


def test_folders_without_speech(tmp_path):
    refuse(tmp_path / "missing", "missing: no such folder")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "empty: neither a labels.csv nor audio with TextGrids", language="cmn")


def spoil(folder: Path, *names: str) -> None:
    for name in names:
        (folder / "audio" / f"{name}.wav").write_bytes(b"")


def test_files_that_cannot_be_used_are_rejected_with_their_reason(folder):
    """One silent clip of thousands must not stop a study; before, it did."""
    whole = read(folder).tokens.set_index("token_id")
    spoil(folder, "ba1")
    store(folder / "audio" / "da4.wav", np.zeros(4_000))
    (folder / "audio" / "ga1.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    for _ in ("decoded", "from the cache"):
        corpus = read(folder)
        reasons = dict(corpus.rejected.to_numpy().tolist())
        assert list(reasons) == [f"cmn-audio/{name}.wav" for name in ("ba1", "da4", "ga1")]
        assert reasons["cmn-audio/ba1.wav"] == "empty file" and "damaged" in reasons["cmn-audio/ga1.wav"]
        assert reasons["cmn-audio/da4.wav"] == "silent throughout; leave it out or record it again"
        assert len(corpus.tokens) == len(corpus.utterances) == 17
        pd.testing.assert_series_equal(
            corpus.tokens.set_index("token_id")["center_s"], whole["center_s"].loc[corpus.tokens["token_id"]]
        )
    name = corpus.utterances["utterance_id"].iloc[-1]
    np.testing.assert_array_equal(corpus.audio(name), reading.read(folder / name.removeprefix("cmn-")))


def test_a_tone_that_only_a_damaged_file_shares_is_the_only_example(folder):
    rows = rows_of(folder)
    label(folder, [*rows[:-2], rows[-2] | {"tone": "5"}, rows[-1] | {"tone": "5"}])
    assert len(read(folder).tokens) == 20
    spoil(folder, "ta1")
    refuse(folder, r"row 21, at 0\.000 s: the only example of tone '5'")


def test_where_no_file_can_be_used_the_first_are_named(folder):
    spoil(folder, *(Path(row["file"]).stem for row in rows_of(folder)))
    refuse(folder, r"none of 20 files can be used: .*ma1\.wav: empty file; .*ma4\.wav.*; [^;]*ba1\.wav: empty file$")
    assert not list((folder.parent / "cache").rglob("clips.json"))


# TextGrids


def grid(path: Path, tiers: dict[str, list[Interval]], *, duration_s: float = 0.7, n_syllables: int = 2) -> None:
    store(path.with_suffix(".wav"), clip(n_syllables=n_syllables))
    textgrid.write(path.with_suffix(".TextGrid"), tiers, duration_s=duration_s)


def two(first: str, second: str) -> list[Interval]:
    return [Interval(0.05, 0.35, first), Interval(0.35, 0.65, second)]


def test_syllables_with_a_digit_for_the_tone(tmp_path):
    for name in ("1", "2"):
        grid(tmp_path / "speech" / "ann" / name, {"syllable": two("ma1", "ba4")})
    grid(tmp_path / "speech" / "ann" / "3", {"syllable": two("sil", "ba4")})
    store(tmp_path / "speech" / "ann" / "unaligned.wav", clip())
    corpus = read(tmp_path / "speech", language="cmn")
    assert (corpus.tokens["syllable"] + corpus.tokens["tone"]).tolist() == ["ma1", "ba4", "ma1", "ba4", "ba4"]
    assert corpus.tokens["start_s"].tolist() == [0.05, 0.35, 0.05, 0.35, 0.35]
    assert np.allclose(corpus.tokens["center_s"], [0.2, 0.5, 0.2, 0.5, 0.5], atol=0.02)
    assert set(corpus.utterances["speaker"]) == {"ann"}
    assert corpus.utterances["text"].tolist() == ["ma ba", "ma ba", "ba", ""]
    assert corpus.rejected.to_numpy().tolist() == [["cmn-ann/unaligned.wav", NO_TONE]]


def tokens_of(tmp_path: Path, tiers: dict[str, list[Interval]], **options) -> pd.DataFrame:
    """Tokens of two equal recordings, so that no tone is alone; those of the first."""
    for name in ("a", "b"):
        grid(tmp_path / "speech" / name, tiers)
    corpus = read(tmp_path / "speech", **{"language": "cmn", **options})
    return corpus.tokens.query("utterance_id.str.contains('-a.wav')").reset_index(drop=True)


def test_a_tone_tier_names_the_tone(tmp_path):
    tokens = tokens_of(tmp_path, {"syllable": two("ma", "ba"), "tone": two("falling", "rising")})
    assert tokens[["syllable", "tone"]].to_numpy().tolist() == [["ma", "falling"], ["ba", "rising"]]


def test_a_nucleus_tier_gives_the_centre(tmp_path):
    nuclei = [Interval(0.12, 0.2, "a"), Interval(0.4, 0.5, "a")]
    tokens = tokens_of(tmp_path, {"syllable": two("ma1", "ba4"), "nucleus": nuclei})
    assert tokens["center_s"].tolist() == pytest.approx([0.16, 0.45])
    assert (tokens["align_score"] == 1).all()


def test_words_and_phones_of_a_forced_aligner(tmp_path, monkeypatch):
    parsed = {
        "mạ": [Syllable(0, 2, "m", "aː", "", "nang", "21")],
        "ma": [Syllable(0, 2, "m", "aː", "", "ngang", "33")],
        "va": [Syllable(0, 1, "v", "aː", "", "ngang", "33")] * 2,
    }
    monkeypatch.setattr(grid_tones.text_to_tone, "syllables", lambda text, language: parsed[text])
    phones = [
        Interval(0.05, 0.15, "m"), Interval(0.15, 0.25, "aː˨˩ˀ"), Interval(0.25, 0.35, "j"),
        Interval(0.35, 0.4, "m"), Interval(0.4, 0.5, "u"), Interval(0.5, 0.6, "ə"), Interval(0.6, 0.65, "ŋ"),
    ]  # fmt: skip
    tokens = tokens_of(tmp_path, {"words": two("mạ", "ma"), "phones": phones}, language="vi", tier="words")
    assert tokens[["syllable", "ipa", "tone"]].to_numpy().tolist() == [["mạ", "maː", "nang"], ["ma", "maː", "ngang"]]
    assert tokens["center_s"].tolist() == pytest.approx([0.2, 0.5])
    assert tokens_of(tmp_path, {"words": two("mạ", "va")}, language="vi", tier="words")["tone"].tolist() == ["nang"]


@pytest.mark.parametrize(
    ("phone", "is_vowel"),
    [("a", True), ("aː˥˩", True), ("ɨə", True), ("ã", True), ("ŋ̩", True), ("ɚ", True), ("AE1", True), ("IY", True),
     ("m", False), ("j", False), ("ŋ", False), ("HH", False), ("t͡ɕ", False), ("", False), ("ʔ", False)],
)  # fmt: skip
def test_vowels(phone, is_vowel):
    assert grids.is_vowel(phone) is is_vowel


def test_syllables_without_tone_or_audio(tmp_path):
    late = {"syllable": [*two("ma1", "ma"), Interval(0.72, 0.78, "ba1")]}
    for name in ("a", "b"):
        grid(tmp_path / "speech" / name, late, duration_s=0.78)
    corpus = read(tmp_path / "speech", language="xyz")
    assert corpus.tokens["syllable"].tolist() == ["ma", "ma"]
    assert corpus.rejected.head(3).to_numpy().tolist() == [
        ["xyz-a.wav, 'ma' at 0.350 s", NO_TONE],
        ["xyz-b.wav, 'ma' at 0.350 s", NO_TONE],
        ["xyz-a.wav, syllable 2 (ba)", OUTSIDE],
    ]


def test_a_missing_tier_is_an_error(tmp_path):
    grid(tmp_path / "speech" / "a", {"words": two("ma1", "ma1")})
    refuse(tmp_path / "speech", r"a\.TextGrid: no tier 'syllable'; there are: words", language="cmn")


def test_labels_and_textgrids_together(tmp_path):
    for name in ("a", "b"):
        grid(tmp_path / "speech" / name, {"syllable": two("ma1", "ba4")})
    label(tmp_path / "speech", [{"file": f"{name}.wav", "tone": "", "text": f"text {name}"} for name in ("a", "b")])
    corpus = read(tmp_path / "speech", language="cmn")
    assert corpus.utterances["text"].tolist() == corpus.utterances["sentence_id"].tolist() == ["text a", "text b"]
    assert len(corpus.tokens) == 4


def test_real_burmese_rhymes(shared_data, tmp_path):
    corpus = load(shared_data / "speech" / "my_vowels", cache_dir=tmp_path)
    assert len(corpus.tokens) + len(corpus.rejected) == len(corpus.utterances) == 42
    assert corpus.tokens["tone"].value_counts().to_dict() == {"creaky": 14, "low": 14, "high": 14}
    assert (corpus.tokens["start_s"] < corpus.tokens["center_s"]).all()


def test_hugging_faces_audiofolder_keeps_its_splits(tmp_path):
    rows = []
    for number, (split, syllable) in enumerate(
        [("train", "ma"), ("train", "ba"), ("validation", "li"), ("test", "fu")]
    ):
        for tone, hz in (("1", 220.0), ("4", 140.0)):
            store(tmp_path / "speech" / split / f"{syllable}{tone}.wav", clip(hz=hz))
            rows.append((split, f"{syllable}{tone}.wav", syllable, tone, f"s{number}"))
    for split in ("train", "validation", "test"):
        of_split = [row[1:] for row in rows if row[0] == split]
        table = pd.DataFrame(of_split, columns=["file_name", "syllable", "tone", "speaker"])
        table.to_csv(tmp_path / "speech" / split / "metadata.csv", index=False)
    corpus = read(tmp_path / "speech", language="cmn")
    by_split = corpus.tokens.groupby("split")["syllable"].agg(set).to_dict()
    assert by_split == {"train": {"ma", "ba"}, "dev": {"li"}, "test": {"fu"}}
    assert set(corpus.tokens["speaker"]) == {"s0", "s1", "s2", "s3"}


def test_a_sentence_of_the_test_split_is_not_trained_on(tmp_path):
    lines = []
    for name, split in (("a", "train"), ("b", "test"), ("c", "train")):
        for tone, hz in (("1", 220.0), ("4", 140.0)):
            store(tmp_path / "speech" / f"{name}{tone}.wav", clip(hz=hz))
            syllable = "ma" if name in "ab" else "li"
            lines.append(
                f'{{"file_name": "{name}{tone}.wav", "syllable": "{syllable}", "tone": "{tone}", "split": "{split}"}}'
            )
    (tmp_path / "speech" / "metadata.jsonl").write_text("\n".join(lines))
    corpus = read(tmp_path / "speech", language="cmn")
    assert set(corpus.rejected["reason"]) == {"its sentence belongs to the test split"} and len(corpus.rejected) == 2
    assert set(corpus.tokens.query("split == 'train'")["syllable"]) == {"li"}


def test_text_alone_is_an_utterance_without_tokens(folder):
    rows = [row | {"text": "妈骂"} if n == 0 else row | {"text": ""} for n, row in enumerate(rows_of(folder))]
    rows[0] |= {"syllable": "", "tone": ""}
    label(folder, rows)
    corpus = read(folder)
    assert "妈骂" in set(corpus.utterances["text"]) and len(corpus.tokens) == len(rows) - 1


# What looks the same


@pytest.mark.parametrize("other", ["Nguye\u0302\u0303n", "Nguyễn ", "\u00a0Nguyễn", "Nguyễn\u200b", "nguyễn"])
def test_a_speaker_in_two_spellings_is_on_one_side(folder, other):
    rows = [row | {"speaker": ("Nguyễn", other)[n % 2]} for n, row in enumerate(rows_of(folder))]
    label(folder, [row | {"speaker": "b"} if n < 6 else row for n, row in enumerate(rows)])
    tokens = read(folder).tokens
    assert tokens["speaker"].nunique() == 2 and (tokens.groupby("speaker")["split"].nunique() == 1).all()


def test_tones_of_a_spreadsheet_and_missing_ones(folder):
    rows = [row | {"tone": f"{row['tone']}.0" if n % 3 else row["tone"]} for n, row in enumerate(rows_of(folder))]
    label(folder, [rows[0] | {"tone": "nan"}, rows[1] | {"tone": "NA"}, *rows[2:]])
    corpus = read(folder)
    assert set(corpus.tokens["tone"]) == {"1", "4"} and len(corpus.tokens) == 18
    assert corpus.rejected["reason"].tolist() == [NO_TONE, NO_TONE]


def test_names_in_the_other_form_and_files_of_the_system(folder):
    (folder / "audio" / "ma1.wav").rename(folder / "audio" / "me\u0301.wav")
    rows = rows_of(folder)
    rows[0]["file"] = "audio/mé.wav"
    (folder / "audio" / "._mé.wav").write_bytes(b"\0\5\26\7")
    label(folder, [*rows, rows[1] | {"file": "audio/._mé.wav"}])
    corpus = read(folder)
    assert len(corpus.tokens) == 20 and "cmn-audio/mé.wav" in set(corpus.utterances["utterance_id"])
    label(folder, [*rows, rows[0] | {"file": "./audio/me\u0301.wav"}])
    refuse(folder, "is listed again in row 22")


def test_what_is_no_recording_beside_textgrids(tmp_path):
    for name in ("ann/a", "ann/b"):
        grid(tmp_path / "speech" / name, {"syllable": two("ma1", "ba4")})
    for name in ("._a.wav", "@eaDir/a.wav", "__MACOSX/ann/._a.wav", ".git/a.wav"):
        (tmp_path / "speech" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "speech" / name).write_bytes(b"\0\5\26\7")
    assert len(read(tmp_path / "speech", language="cmn").utterances) == 2


# Splits that labels.csv names


def test_labels_may_name_the_splits(folder):
    names = {"ma": "test", "ba": "validation", "da": ""}
    label(folder, [row | {"split": names.get(row["syllable"], "train")} for row in rows_of(folder)])
    tokens = read(folder).tokens
    assert tokens.groupby("syllable")["split"].first()[["ma", "ba", "da", "ga"]].tolist() == ["test", "dev"] + 2 * [
        "train"
    ]
    assert (tokens.groupby("syllable")["split"].nunique() == 1).all()


def test_a_syllable_on_both_sides_is_left_out_of_train(folder):
    label(
        folder,
        [row | {"split": "test" if row["file"].endswith(("ma1.wav", "ba4.wav")) else ""} for row in rows_of(folder)],
    )
    corpus = read(folder)
    assert corpus.rejected.to_numpy().tolist() == [
        ["cmn-audio/ma4.wav", splitting.SHARED],
        ["cmn-audio/ba1.wav", splitting.SHARED],
    ]
    assert len(corpus.tokens) == 18 and corpus.tokens["split"].value_counts()["test"] == 2


def test_splits_of_other_names_are_refused_with_their_row(folder):
    label(folder, [row | {"split": "A"} for row in rows_of(folder)])
    refuse(folder, r"labels.csv, row 2: no split is called 'A'; use train, validation")
