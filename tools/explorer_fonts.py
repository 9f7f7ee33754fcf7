"""The fonts of the explorer's scripts again: subsets of Noto Sans, from a folder of its TrueType files.

``python -m tools.explorer_fonts FOLDER`` writes ``tonespan_utils/paper/explorer/fonts/*.woff``; FOLDER is
``/usr/share/fonts/truetype/noto`` of Debian's package fonts-noto-core. The licence (SIL Open Font License 1.1) lies
beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from tonespan_utils.paper.explorer import fonts

FILES = {"latin": "NotoSans", "thai": "NotoSansThai", "lao": "NotoSansLao", "myanmar": "NotoSansMyanmar"}

NAMES = [*range(8), 13, 14]  # name, copyright, trade mark and licence stay in the subsets


def make(folder: Path) -> list[Path]:
    """Write one subset per script, with the shaping that its letters need. Returns their paths."""
    paths = []
    for script, name in FILES.items():
        options = subset.Options(flavor="woff", layout_features=["*"], hinting=False, name_IDs=NAMES)
        font = TTFont(folder / f"{name}-Regular.ttf", recalcTimestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[code for low, high in fonts.RANGES[script] for code in range(low, high + 1)])
        subsetter.subset(font)
        path = fonts.FOLDER / f"{script}.woff"
        path.parent.mkdir(exist_ok=True)
        subset.save_font(font, str(path), options)
        paths.append(path)
    return paths


if __name__ == "__main__":
    for path in make(Path(sys.argv[1])):
        print(f"{path.name}: {path.stat().st_size:,} bytes")
