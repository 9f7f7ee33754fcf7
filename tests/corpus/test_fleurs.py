import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from huggingface_hub import errors

from tonespan_utils import hub as hub_module
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import archives, fleurs
from tonespan_utils.corpus.fleurs import fetch, load
from tonespan_utils.corpus.synthetic import synthesis
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS

COMMIT = "70bb2e84b976b7e960aa89f1c648e09c59f894dd"
SENTENCES = {"train": (1, 2, 2), "dev": (3,), "test": (4, 4)}  # sentence ids: two readings of some


def wav(seed: int, n_samples: int = 4_000) -> bytes:
    file = io.BytesIO()
    samples = np.random.default_rng(seed).normal(0, 0.1, n_samples).astype(np.float32)
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


def tsv_row(sentence: int, name: str, *, n_samples: int = 4_000, gender: str = "FEMALE") -> str:
    return f'{sentence}\t{name}\tRaw "{sentence} Text\tplain\tp l a i n |\t{n_samples}\t{gender}\n'


def archive(path: Path, members: dict[str, bytes | tarfile.TarInfo]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


@pytest.fixture
def root(tmp_path) -> Path:
    """A Thai corpus of six readings in FLEURS' layout, and nothing more than FLEURS has."""
    folder = tmp_path / "hub" / "data" / "th_th"
    (folder / "audio").mkdir(parents=True)
    for split, sentences in SENTENCES.items():
        names = [f"{split}{number}.wav" for number in range(len(sentences))]
        rows = [tsv_row(sentence, name) for sentence, name in zip(sentences, names, strict=True)]
        (folder / f"{split}.tsv").write_text("".join(rows), encoding="utf-8")
        archive(folder / "audio" / f"{split}.tar.gz", {f"{split}/{name}": wav(len(name)) for name in names})
    return tmp_path / "hub"


def edit_train(root: Path, text: str) -> None:
    (root / "data" / "th_th" / "train.tsv").write_text(text, encoding="utf-8")


def replace_train(root: Path, members: dict) -> None:
    archive(root / "data" / "th_th" / "audio" / "train.tar.gz", members)


def refuse(root: Path, match: str, **options) -> None:
    with pytest.raises(TonespanError, match=match) as error:
        load(root, "th", cache_dir=root.parent / "cache", **options)
    assert "\n" not in str(error.value)


def test_a_folder_as_the_hub_has_it(root, tmp_path):
    corpus = load(root, "th", cache_dir=tmp_path / "cache")
    assert list(corpus.utterances) == UTTERANCE_COLUMNS and list(corpus.tokens) == TOKEN_COLUMNS
    assert corpus.utterances["utterance_id"].tolist() == [
        "th-train-train0", "th-train-train1", "th-train-train2", "th-dev-dev0", "th-test-test0", "th-test-test1",
    ]  # fmt: skip
    first = corpus.utterances.iloc[0]
    assert (first["text"], first["gender"], first["speaker"], first["n_samples"]) == (
        'Raw "1 Text',
        "female",
        "",
        4_000,
    )
    assert corpus.tokens.empty and corpus.rejected.empty
    samples = corpus.audio("th-dev-dev0")
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, soundfile.read(io.BytesIO(wav(len("dev0.wav"))), dtype="float32")[0])


def test_only_the_splits_asked_for(root, tmp_path):
    corpus = load(root, "th", cache_dir=tmp_path, splits=["dev"])
    assert corpus.utterances["split"].tolist() == ["dev"]
    refuse(root, "no split 'valid'", splits=["valid"])


def test_tokens_from_elsewhere(root, tmp_path):
    row = dict.fromkeys(TOKEN_COLUMNS, "x")
    tokens = pd.DataFrame([row | {"utterance_id": "th-dev-dev0"}, row | {"utterance_id": "th-dev-unknown"}])
    corpus = load(root, "th", cache_dir=tmp_path, tokens=tokens)
    assert corpus.tokens["utterance_id"].tolist() == ["th-dev-dev0"]
    refuse(root, "tokens: no column 'tone'", tokens=tokens.drop(columns="tone"))


def test_the_embedded_corpus_brings_speakers_and_tones(tmp_path):
    synthesis.build(tmp_path, languages=["my"], planted_span_ms={"my": 100}, minutes=0.3, n_speakers=12)
    corpus = load(tmp_path, "my", cache_dir=tmp_path / "cache")
    truth = pd.read_csv(tmp_path / "data" / "my_mm" / "syllables.csv", keep_default_na=False)
    assert len(corpus.tokens) == len(truth) and (corpus.tokens["align_score"] == 1.0).all()
    assert sorted(corpus.tokens["tone"]) == sorted(truth["tone"])
    assert corpus.tokens["token_id"].is_unique and corpus.utterances["utterance_id"].is_unique
    assert (corpus.utterances[["speaker", "gender", "emotion"]] != "").all(axis=None)
    first, true = corpus.tokens.iloc[0], truth.iloc[0]
    assert first["center_s"] == pytest.approx((true["nucleus_start_s"] + true["nucleus_end_s"]) / 2)
    text = corpus.utterances.set_index("utterance_id").loc[first["utterance_id"], "text"]
    assert first["syllable"] == text[true["char_start"] : true["char_end"]]
    assert (corpus.tokens["start_s"] < corpus.tokens["center_s"]).all()
    assert (corpus.tokens["center_s"] < corpus.tokens["end_s"]).all()
    for row in corpus.utterances.head(3).itertuples():
        assert len(corpus.audio(row.utterance_id)) == row.n_samples


def test_side_tables_that_do_not_fit(root):
    folder = root / "data" / "th_th"
    (folder / "utterances.csv").write_text("file_name,speaker,gender,emotion\ntrain0.wav,a,male,sad\n")
    refuse(root, r"utterances\.csv: no row for dev0\.wav")
    (folder / "utterances.csv").unlink()
    (folder / "syllables.csv").write_text("file_name,tone\ntrain0.wav,M\n")
    refuse(root, r"syllables\.csv: does not fit")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (tsv_row(1, "train0.wav") + "2\ttrain1.wav\tonly three\n", r"train\.tsv, row 2: 3 columns instead of 7"),
        (tsv_row(1, "train0.wav").replace("4000", "many"), r"train\.tsv, row 1: the number of samples is 'many'"),
        (tsv_row(1, "../train0.wav"), r"train\.tsv, row 1: '\.\./train0\.wav' is not a plain file name"),
    ],
)
def test_damaged_tables(root, text, match):
    edit_train(root, text)
    refuse(root, match)


def test_a_table_that_is_no_utf_8(root):
    (root / "data" / "th_th" / "train.tsv").write_bytes("1\té".encode("latin-1"))
    refuse(root, r"train\.tsv: not UTF-8 \(byte 2\)")


def test_unicode_line_separators_stay_in_the_sentence(root, tmp_path):
    edit_train(root, tsv_row(1, "train0.wav").replace("Text", "a\u2028b\x85c") + "\r\n")
    assert load(root, "th", cache_dir=tmp_path).utterances["text"].iloc[0] == 'Raw "1 a\u2028b\x85c'


def test_unknown_languages_and_missing_files(root, tmp_path):
    with pytest.raises(TonespanError, match=r"no FLEURS folder for language 'tlh'; known: my, th"):
        load(root, "tlh", cache_dir=tmp_path)
    with pytest.raises(TonespanError, match=r"lo_la: no such folder.*languages there: th_th"):
        load(root, "lo", cache_dir=tmp_path)
    (root / "data" / "th_th" / "audio" / "dev.tar.gz").unlink()
    refuse(root, r"dev\.tar\.gz: no such file")
    (root / "data" / "th_th" / "dev.tsv").unlink()
    refuse(root, r"dev\.tsv: no such file")


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("train/link.wav")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("../escaped.wav", b"x"),
        ("train/../../escaped.wav", b"x"),
        ("/tmp/escaped.wav", b"x"),
        ("train\\..\\escaped.wav", b"x"),
        ("train/link.wav", link(tarfile.SYMTYPE, "/etc/hostname")),
        ("train/link.wav", link(tarfile.LNKTYPE, "train/train0.wav")),
        ("train/link.wav", link(tarfile.FIFOTYPE, "")),
    ],
)
def test_no_archive_member_leaves_its_folder(root, name, content):
    replace_train(root, {"train/train0.wav": wav(0), name: content})
    before = set(root.parent.rglob("*"))
    refuse(root, r"train\.tar\.gz: member .* is (a path that leaves its folder|a link or device)")
    left = [path for path in set(root.parent.rglob("*")) - before if path.is_file() and path.name != ".lock"]
    assert left == []


def test_members_of_one_name(root):
    replace_train(root, {"a/train0.wav": wav(0), "b/train0.wav": wav(1)})
    refuse(root, "two members are named 'train0.wav'")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_an_interrupted_download(root, share):
    path = root / "data" / "th_th" / "audio" / "train.tar.gz"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refuse(root, r"train\.tar\.gz: damaged or cut short")


def test_an_archive_is_unpacked_once_unless_it_changes(root, tmp_path, monkeypatch):
    before = load(root, "th", cache_dir=tmp_path / "cache")
    with monkeypatch.context() as patched:
        patched.setattr(archives.tarfile, "open", lambda *_: pytest.fail("unpacked again"))
        load(root, "th", cache_dir=tmp_path / "cache")
    replace_train(root, {f"train{number}.wav": wav(99) for number in range(3)})
    after = load(root, "th", cache_dir=tmp_path / "cache")
    assert not np.array_equal(before.audio("th-dev-dev0"), after.audio("th-train-train0"))
    expected = soundfile.read(io.BytesIO(wav(99)), dtype="float32")[0]
    np.testing.assert_array_equal(after.audio("th-train-train0"), expected)


def test_recordings_that_cannot_be_used_are_listed(root, tmp_path):
    names = ["good.wav", "liar.wav", "short.wav", "absent.wav", "leak.wav", "good.wav"]
    edit_train(root, "".join(tsv_row(4 if name == "leak.wav" else 9, name) for name in names))
    members = {"good.wav": wav(0), "liar.wav": wav(1)[:-400], "short.wav": wav(2, 3_000), "leak.wav": wav(3)}
    replace_train(root, members)
    corpus = load(root, "th", cache_dir=tmp_path)
    assert corpus.utterances.query("split == 'train'")["utterance_id"].tolist() == ["th-train-good"]
    assert corpus.rejected.to_numpy().tolist() == [
        ["train.tsv, row 2: liar.wav (truncated, 15600 of 16000 bytes of sound are there; copy it again)",
         "damaged or truncated"],
        ["train.tsv, row 3: short.wav (3000 samples, not 4000)", "another length than the table says"],
        ["train.tsv, row 4: absent.wav", "not in the archive"],
        ["train.tsv, row 5: leak.wav", "its sentence belongs to another split"],
        ["train.tsv, row 6: good.wav", "listed before"],
    ]  # fmt: skip


def test_nothing_usable(root):
    edit_train(root, tsv_row(1, "absent.wav"))
    refuse(root, r"th_th: none of 1 rows can be used \(not in the archive\)", splits=["train"])
    edit_train(root, "")
    refuse(root, "none of 0 rows", splits=["train"])


# From the hub, without one


class Hub:
    """Stands in for huggingface_hub: one data set whose files appear in its cache when they are downloaded."""

    def __init__(self, files: list[str]) -> None:
        self.files, self.downloads, self.resolved = files, 0, 0

    def repo_info(self, repo: str, *, repo_type: str, revision: str):
        self.resolved += 1
        return type("Info", (), {"sha": COMMIT})

    def snapshot_download(self, repo, *, repo_type, revision, cache_dir, allow_patterns=(), local_files_only=False):
        assert (repo, repo_type, revision) == ("google/fleurs", "dataset", COMMIT)
        folder = Path(cache_dir) / "snapshots" / revision
        if local_files_only:
            if not folder.is_dir():
                raise errors.LocalEntryNotFoundError("not there yet")
            return str(folder)
        self.downloads += 1
        for name in set(self.files) & set(allow_patterns):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        return str(folder)


@pytest.fixture
def hub(monkeypatch) -> Hub:
    hub = Hub(fleurs._files("th_th") + fleurs._files("lo_la"))
    monkeypatch.setattr(hub_module, "snapshot_download", hub.snapshot_download)
    monkeypatch.setattr(hub_module, "HfApi", lambda: hub)
    return hub


def test_a_local_folder_is_taken_as_it_is(root, tmp_path, hub):
    assert fetch(root, languages=["th"], cache_dir=tmp_path / "hf") == root
    assert not (tmp_path / "hf").exists() and not hub.resolved


def test_the_commit_is_recorded_and_what_is_there_is_not_fetched_again(tmp_path, hub):
    folder = fetch("google/fleurs", languages=["th"], cache_dir=tmp_path)
    assert (folder / "data" / "th_th" / "audio" / "dev.tar.gz").is_file() and not (folder / "data" / "lo_la").exists()
    assert json.loads((tmp_path / "commits.json").read_text()) == {"google/fleurs@main": COMMIT}
    assert fetch("google/fleurs", languages=["th"], cache_dir=tmp_path) == folder
    assert (hub.resolved, hub.downloads) == (1, 1)
    fetch("google/fleurs", languages=["th", "lo"], cache_dir=tmp_path)
    assert (hub.resolved, hub.downloads) == (1, 2)


def test_a_download_cut_short_goes_on(tmp_path, hub):
    hub.files = hub.files[:3]
    with pytest.raises(TonespanError, match=r"google/fleurs at 70bb2e8\w+: has no data/th_th/audio"):
        fetch("google/fleurs", languages=["th"], cache_dir=tmp_path)
    hub.files = fleurs._files("th_th")
    fetch("google/fleurs", languages=["th"], cache_dir=tmp_path)
    assert hub.downloads == 2


@pytest.mark.parametrize("error", [errors.HTTPError("no route\nto host"), errors.OfflineModeIsEnabled("offline")])
def test_no_hub_in_reach(tmp_path, hub, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(hub, "repo_info", fail)
    with pytest.raises(TonespanError, match=r"google/fleurs: cannot be fetched .*local folder") as raised:
        fetch("google/fleurs", languages=["th"], cache_dir=tmp_path)
    assert "\n" not in str(raised.value)


def test_neither_a_folder_nor_a_data_set(tmp_path, hub):
    with pytest.raises(TonespanError, match="no such folder, nor a hub data set"):
        fetch("speech/of/mine", languages=["th"], cache_dir=tmp_path)
    with pytest.raises(TonespanError, match="no FLEURS folder for language 'tlh'"):
        fetch("google/fleurs", languages=["tlh"], cache_dir=tmp_path)


def test_a_silent_clip_is_rejected_with_its_reason(root, tmp_path):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(4_000, dtype=np.float32), SAMPLE_RATE, format="WAV", subtype="FLOAT")
    members = {"train0.wav": file.getvalue(), "._train1.wav": b"\0\5", "train1.wav": wav(1), "train2.wav": wav(2)}
    replace_train(root, members)
    corpus = load(root, "th", cache_dir=tmp_path)
    assert corpus.rejected["item"].tolist() == ["train.tsv, row 1: train0.wav"]
    assert corpus.rejected["reason"].iloc[0].startswith("silent throughout")
    assert all(len(corpus.audio(name)) for name in corpus.utterances["utterance_id"])


def test_rows_and_members_match_in_either_form(root, tmp_path):
    edit_train(root, tsv_row(1, "thế.wav"))
    replace_train(root, {"train/the\u0302\u0301.wav": wav(1)})
    assert "th-train-thế" in set(load(root, "th", cache_dir=tmp_path).utterances["utterance_id"])
