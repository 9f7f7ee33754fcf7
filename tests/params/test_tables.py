"""Tables come back as written, whole or not at all, and foreign ones are refused."""

import os

import pandas as pd
import pytest
from conftest import make_tokens

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import tables


def test_tokens_come_back_as_written(tmp_path):
    tokens = make_tokens().assign(tone="1", gender="")  # digits as classes, unknown gender
    tables.write(tmp_path, "tokens", tokens)
    pd.testing.assert_frame_equal(tables.read(tmp_path, "tokens"), tokens, check_dtype=False)  # 1.0 comes back as 1


def test_parts_join_in_the_order_asked_for(tmp_path):
    row = {"language": "th", "layer": "0", "chance_f1": 0.2, "seed": 0}
    for condition in ("b/vanilla", "a/vanilla"):
        tables.write(tmp_path, "probe_chance", pd.DataFrame([row | {"condition": condition}]), part=condition)
    joined = tables.join_parts(tmp_path, "probe_chance", parts=["b/vanilla", "a/vanilla"])
    assert joined["condition"].tolist() == ["b/vanilla", "a/vanilla"]
    assert tables.read(tmp_path, "probe_chance")["layer"].tolist() == ["0", "0"]
    with pytest.raises(TonespanError, match=r"c--vanilla\.csv: no such table"):
        tables.join_parts(tmp_path, "probe_chance", parts=["c/vanilla"])


def test_parts_are_read_as_one_without_being_written(tmp_path):
    row = {"condition": "a/tone-th", "language": "th", "seed": 0, "token_id": "01", "utterance_id": "1", "tone": "2"}
    for part in ("a/tone-th", "a/tone-vi"):
        tables.write(tmp_path, "tone_predictions", pd.DataFrame([row | {"predicted": "3"}]), part=part)
    read = tables.read_parts(tmp_path, "tone_predictions", parts=["a/tone-vi", "a/tone-th"])
    assert read["token_id"].tolist() == ["01", "01"] and read["tone"].tolist() == ["2", "2"], "names, not numbers"
    assert not (tmp_path / "tone_predictions.csv").exists()
    nothing = tables.read_parts(tmp_path, "finetune", parts=[])
    assert nothing.empty and list(nothing.columns) == tables.COLUMNS["finetune"]
    tables.join_parts(tmp_path, "finetune", parts=[])
    assert tables.read(tmp_path, "finetune").empty


def test_rows_of_another_run_are_missed(tmp_path):
    table = pd.DataFrame({"language": ["th"], "layer": ["0"]})
    assert len(tables.select(table, language="th", layer="0")) == 1
    with pytest.raises(TonespanError, match=r"no rows for \{'language': 'vi'\}"):
        tables.select(table, language="vi")


def test_wrong_columns_are_refused(tmp_path):
    with pytest.raises(TonespanError, match=r"columns do not match: .*extra"):
        tables.write(tmp_path, "rejected", pd.DataFrame(columns=["language", "item", "reason", "extra"]))
    (tmp_path / "rejected.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TonespanError, match="comes from another version"):
        tables.read(tmp_path, "rejected")
    with pytest.raises(TonespanError, match="no such table"):
        tables.read(tmp_path, "spans")


def test_a_failed_write_leaves_the_old_table(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("old")

    def full_disk(file):
        file.write("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(TonespanError, match=r"x\.csv: cannot be written \(No space left on device\)"):
        tables.write_atomically(path, full_disk)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["x.csv"]


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TonespanError, match="cannot be written"):
        tables.write(tmp_path / "file", "rejected", pd.DataFrame(columns=tables.COLUMNS["rejected"]))


def test_contract_columns():
    # Others read these files by name: a change here is a change for them.
    assert tables.COLUMNS["baseline_f1"] == ["language", "frontend", "window_ms", "fold", "macro_f1"]
    assert tables.COLUMNS["spans"][-3:] == ["r90_ms", "null_span_ms", "n_tokens"]
    assert len(tables.COLUMNS["tokens"]) == 15


def test_a_table_of_another_version_is_refused(tmp_path):
    columns = [name if name != "r_com_ms" else "rcom" for name in tables.COLUMNS["spans"]]
    pd.DataFrame(columns=columns).to_csv(tmp_path / "spans.csv", index=False)
    with pytest.raises(TonespanError, match="comes from another version"):
        tables.read(tmp_path, "spans")
