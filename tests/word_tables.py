"""Tables of words for tests, one file each in ``tests/data/tone``: a header line, then a row a line, tabs between.

``\\uXXXX`` stands for a character that an editor does not show, or for a space at the edge of a cell.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "tone"
ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


def read_table(name: str) -> list[tuple[str, ...]]:
    """The rows of a table without its header."""
    _, *lines = (FOLDER / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return [
        tuple(ESCAPE.sub(lambda match: chr(int(match[1], 16)), cell) for cell in line.split("\t")) for line in lines
    ]
