"""Files and tables as real systems leave them."""

import unicodedata
from pathlib import Path

import pytest

from tonespan_utils.corpus import files
from tonespan_utils.errors import TonespanError

ROWS = [["file", "tone", "speaker"], ["a.wav", "1", "Thế"], ["b.wav", "4", "x"]]


def written(separator: str) -> str:
    return "".join(separator.join(row) + "\r\n" for row in ROWS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_any_program_are_one_table(tmp_path, encoding, separator):
    (tmp_path / "labels.csv").write_bytes(written(separator).encode(encoding))
    assert files.table(tmp_path / "labels.csv").to_numpy().tolist() == ROWS[1:]


def test_big_endian_and_excels_first_line(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xfe\xff" + written(",").encode("utf-16-be"))
    assert files.table(tmp_path / "labels.csv").to_numpy().tolist() == ROWS[1:]
    (tmp_path / "labels.csv").write_text("sep=;\n" + written(";"))
    assert files.table(tmp_path / "labels.csv").to_numpy().tolist() == ROWS[1:]


@pytest.mark.parametrize("encoding", ["utf-16-le", "latin-1", "cp1258"])
def test_other_encodings_are_refused_in_one_line(tmp_path, encoding):
    (tmp_path / "labels.csv").write_bytes("file,tone\ré.wav,1".replace("\r", "\n").encode(encoding))
    with pytest.raises(TonespanError, match=r"labels\.csv: not readable as CSV in UTF-8") as error:
        files.table(tmp_path / "labels.csv")
    assert "\n" not in str(error.value)


def test_column_names_and_cells_that_do_not_fit(tmp_path):
    (tmp_path / "labels.csv").write_text(" File ,Tone,tone \na.wav,1,2\n")
    with pytest.raises(TonespanError, match="two columns are named 'tone'"):
        files.table(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("file,tone\na.wav,1,x\nb.wav,2,y\n")
    with pytest.raises(TonespanError, match="more cells than"):
        files.table(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    "name", ["._a.wav", "d/._a.wav", ".hidden/a.wav", "__MACOSX/a.wav", "@eaDir/a.wav", ".DS_Store", "x/Thumbs.db"]
)
def test_what_is_of_the_system(name):
    assert files.is_of_system(Path(name)) and not files.is_of_system(Path("../d/a._wav.wav"))


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_names_match_in_either_form(tmp_path, disk, listed):
    name = "lớp/tiếng.wav"
    path = tmp_path / unicodedata.normalize(disk, name)
    path.parent.mkdir()
    path.touch()
    find = files.Directory(tmp_path)
    asked_for = unicodedata.normalize(listed, name)
    assert find(asked_for) == find(f" {asked_for}\u00a0") == find(asked_for.replace("/", "\\")) == path
    assert not find("lop/tieng.wav").exists()


def test_two_files_that_look_the_same(tmp_path):
    (tmp_path / "ế\u0323.wav").touch()
    (tmp_path / "e\u0302\u0323\u0301.wav").touch()
    with pytest.raises(TonespanError, match="2 files look like"):
        files.Directory(tmp_path)("e\u0323\u0302\u0301.wav")
