"""Letters of the scripts that the explorer shows: subsets of Noto Sans, put into the page that needs them.

``fonts/`` holds a file per script, SIL Open Font License 1.1 (``fonts/OFL.txt``), made by ``tools/explorer_fonts.py``.
Chinese characters are not among them (a font of some megabytes): there the reader's own fonts are used.

Notebook: notebooks/05_explorer_page
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("tonespan_utils.paper.explorer") / "fonts"))
# Code points, first and last: Latin with Vietnamese, IPA, marks, tone letters and the dotted circle; a script's block.
RANGES = {
    "latin": [
        (0x20, 0x2FF), (0x300, 0x36F), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2070, 0x209F), (0xA700, 0xA71F),
        (0x25CC, 0x25CC),
    ],
    "thai": [(0xE00, 0xE7F)],
    "lao": [(0xE80, 0xEFF)],
    "myanmar": [(0x1000, 0x109F), (0xAA60, 0xAA7F)],
}  # fmt: skip
PLAIN = 0x17F  # up to here every machine has the letters


def covering(letters: Iterable[str]) -> list[dict[str, str]]:
    """The fonts for these letters, each ``{"script", "range", "data"}``: code points as CSS has them, WOFF as base64.

    Notebook: notebooks/05_explorer_page
    """
    codes = {ord(letter) for letter in letters if ord(letter) > PLAIN}
    needed = [
        script
        for script, ranges in RANGES.items()
        if any(low <= code <= high for code in codes for low, high in ranges)
    ]
    return [
        {
            "script": script,
            "range": ", ".join(f"U+{low:X}-{high:X}" for low, high in RANGES[script]),
            "data": base64.b64encode((FOLDER / f"{script}.woff").read_bytes()).decode("ascii"),
        }
        for script in needed
    ]
