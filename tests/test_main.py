"""The command line: one table on standard output, one line on standard error, exit status 2 for bad input."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tonespan_utils.__main__ import main
from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone.parts import Syllable
from tonespan_utils.tone.tone_table import row as tone_row

COMMAND = [sys.executable, "-m", "tonespan_utils"]


@pytest.fixture
def write(tmp_path):
    def write_file(content: bytes, name: str = "text.txt") -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write_file


def test_a_line_for_each_line(write, capsys):
    assert main(["tones", "vi", write("Tôi đi 2\n\nhoà!".encode())]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "Tôi đi 2\tngang ngang ngang\ttoj ɗi haːj\t0-3 4-6 7-8\t- - expanded",
        "\t\t\t\t",
        "hoà!\thuyen\thwaː\t0-3\t-",
        "",
    ]


def test_tabs_and_carriage_returns_keep_the_spans(write, capsys):
    main(["tones", "vi", write("đi\tvề\rnhà\r\n".encode())])
    assert capsys.readouterr().out == "đi về nhà\tngang huyen huyen\tɗi ve ɲaː\t0-2 3-5 6-9\t- - -\n"


def test_several_flags_are_joined():
    syllable = Syllable(0, 1, "m", "a", "", "M", "33", ("weak", "expanded"))
    assert tone_row("7", [syllable, syllable]).split("\t") == [
        "7",
        "M M",
        "ma ma",
        "0-1 0-1",
        "weak+expanded weak+expanded",
    ]


def test_a_byte_order_mark_is_no_text(write, capsys):
    main(["tones", "vi", write(b"\xef\xbb\xbfba")])
    assert capsys.readouterr().out == "ba\tngang\tɓaː\t0-2\t-\n"


def test_what_libraries_print_is_no_part_of_the_table(write, capsys, monkeypatch):
    honest = text_to_tone.parse

    def chatty(text: str, language: str) -> list[Syllable]:
        print("Building prefix dict ...")
        return honest(text, language)

    monkeypatch.setattr(text_to_tone, "parse", chatty)
    main(["tones", "vi", write(b"ba")])
    captured = capsys.readouterr()
    assert captured.out == "ba\tngang\tɓaː\t0-2\t-\n"
    assert "prefix" in captured.err


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"ba\nb\xff", "line 2 is not UTF-8 (byte 0xff at 1)"),
        ("ba".encode("utf-16-le"), "line 1 has zero bytes"),
        ("ba".encode("utf-16"), "line 1 is not UTF-8"),
        ("Viêt".encode("cp1258"), "line 1 is not UTF-8"),
    ],
)
def test_another_encoding_is_one_clear_line(write, capsys, content, problem):
    path = write(content)
    assert main(["tones", "vi", path]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tonespan: {path}: {problem}") and "convert the file to UTF-8" in line


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path, capsys):
    assert main(["tones", "vi", str(tmp_path / "none.txt")]) == 2
    assert main(["tones", "vi", str(tmp_path)]) == 2
    missing, folder = capsys.readouterr().err.splitlines()
    assert "none.txt: No such file or directory" in missing
    assert "Is a directory" in folder


def test_an_unknown_language_is_told_before_the_file_is_read(tmp_path, capsys):
    assert main(["tones", "xx", str(tmp_path / "none.txt")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    languages = ", ".join(text_to_tone.MODULES)
    assert captured.err == f"tonespan: no text-to-tone rules for language 'xx'; known: {languages}\n"


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["tones"], ["tones", "vi"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert capsys.readouterr().out == ""


def test_the_command_line_imports_nothing_heavy():
    program = (
        "import sys, tonespan_utils.__main__; print({'torch', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_standard_input_and_a_clean_standard_output():
    """Mandarin: its libraries report on loading; the locale must not matter."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [*COMMAND, "tones", "cmn", "-"], input="你好\n".encode(), capture_output=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == "你好\t2 3\tni xau\t0-1 1-2\t- -\n"
    assert done.stderr == b""


def test_a_reader_that_leaves_is_no_error():
    text = "một hai ba\n" * 20_000  # more than a pipe holds
    with subprocess.Popen(
        [*COMMAND, "tones", "vi", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        try:
            running.stdin.write(text.encode())
            running.stdin.close()
        except BrokenPipeError:
            running.stdin = None
        assert running.stderr.read() == b""
        assert running.wait() == 141
