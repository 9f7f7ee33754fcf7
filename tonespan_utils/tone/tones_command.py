"""``python -m tonespan_utils tones LANGUAGE FILE``: text to tone, a line of a table for each line of a file.

Source: :mod:`.tone_table`, which says what the columns hold.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator

from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import text_to_tone, tone_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "language", metavar="LANGUAGE", help=", ".join(f"{c} {m}" for c, m in text_to_tone.MODULES.items())
    )
    parser.add_argument("file", metavar="FILE", help="UTF-8 text, one sentence a line; - is standard input")
    parser.epilog = (
        "One line out for each line in, tab separated: the text (tabs in it become spaces), the tones, the syllables "
        "in IPA, their character spans start-end, their flags joined by + or - for none; several by spaces. What is no "
        "syllable, spaces and punctuation apart, stands in its place as [reason:characters], without IPA (-), flagged "
        "masked. A last line on standard error counts what was masked and flagged."
    )


def run(arguments: argparse.Namespace) -> None:
    """Print text, tones, IPA, spans and flags of each line, and on standard error what was masked and flagged."""
    if arguments.language not in text_to_tone.MODULES:
        text_to_tone.parse("", arguments.language)  # raises the one message about languages, before any file is read
    lines = tone_table.refuse_wrong_encoding(
        read_lines(arguments.file),
        arguments.language,
        name="standard input" if arguments.file == "-" else arguments.file,
    )
    counts = tone_table.Counts()
    for line in lines:
        with contextlib.redirect_stdout(sys.stderr):  # whatever a library prints is no part of the table
            parts = text_to_tone.parse(line, arguments.language)
        print(tone_table.row(line, parts))
        counts.add(line, parts, wrong=text_to_tone.wrong_encoding(line, arguments.language))
    if counts.summary:
        print(f"tonespan: {counts.summary}", file=sys.stderr)


def read_lines(path: str) -> Iterator[str]:
    """The lines of a UTF-8 file, or of standard input for ``-``, without line ends and byte order mark.

    Raises :class:`TonespanError` for a file that cannot be read and a line that is not UTF-8.
    """
    name = "standard input" if path == "-" else path
    try:
        with open(sys.stdin.fileno() if path == "-" else path, "rb", closefd=path != "-") as stream:
            for number, raw in enumerate(stream, start=1):
                yield _decode(raw, name, number)
    except OSError as error:
        raise TonespanError(f"{name}: {error.strerror or error}; give a text file in UTF-8, or - for input") from None


def _decode(raw: bytes, name: str, number: int) -> str:
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        wrong = f"byte 0x{raw[error.start]:02x} at {error.start}"
        raise TonespanError(f"{name}: line {number} is not UTF-8 ({wrong}); convert the file to UTF-8") from None
    if "\0" in line:
        raise TonespanError(f"{name}: line {number} has zero bytes, as UTF-16 has; convert the file to UTF-8")
    return line.removesuffix("\n").removesuffix("\r")
