"""The parts that the explorer is made of: modules joined into one text, fonts of its scripts, pooled numbers, links."""

import base64
import io
import re
import shutil
import subprocess
from urllib.parse import parse_qs, urlparse

import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.explorer import fonts, links, pooled, script

LONGEST = 300  # lines of a module, as everywhere in the house
IMPORT = re.compile(r'^import \{ ([^}]*) \} from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|function|class) (\w+)", re.MULTILINE)
TOP = re.compile(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", re.MULTILINE)


def sources() -> dict[str, str]:
    return {name: script.source(f"js/{name}.js") for name in script.MODULES}


def test_every_module_is_joined_and_short():
    folder = fonts.FOLDER.parent / "js"
    assert sorted(path.stem for path in folder.glob("*.js")) == sorted(script.MODULES)
    assert all(len(text.splitlines()) <= LONGEST for text in sources().values())
    assert all(text.startswith("// ") for text in sources().values()), "a module opens with what it is"


def test_modules_import_what_others_export_under_its_own_name():
    exported = {name: set(EXPORT.findall(text)) for name, text in sources().items()}
    for name, text in sources().items():
        assert text.count("import {") == len(IMPORT.findall(text)), name
        for names, other in IMPORT.findall(text):
            assert set(names.split(", ")) <= exported[other], f"{name} imports {names} from {other}"
            for used in names.split(", "):
                assert len(re.findall(rf"\b{used}\b", text)) > 1, f"{name} does not use {used}"


def test_no_two_modules_define_the_same_name():
    names = [name for text in sources().values() for name in TOP.findall(text)]
    assert len(names) > 60 and sorted(set(names)) == sorted(names)


def test_the_joined_text_is_one_module_that_fetches_nothing():
    text = script.module()
    assert not re.search(r"^import ", text, re.MULTILINE) and text.count("export ") == text.count("export default")
    assert not re.search(r"\bfetch\(|XMLHttpRequest|@import|import\(|eval\(", text + script.style())
    assert "</script" not in text.lower(), "it would end the page's script"
    if node := shutil.which("node"):
        checked = subprocess.run([node, "--check", "--input-type=module"], input=text, text=True, capture_output=True)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("letters", "scripts"),
    [
        ("abc 123", []),
        ("mả", ["latin"]),  # Vietnamese
        ("tʰaːŋ˥˩", ["latin"]),  # IPA and tone letters
        ("ข้าว", ["thai"]),
        ("ເຂົ້າ", ["lao"]),
        ("ထမင်း", ["myanmar"]),
        ("饭", []),
    ],
)
def test_the_fonts_are_those_of_the_letters(letters, scripts):
    chosen = fonts.covering(letters)
    assert [font["script"] for font in chosen] == scripts
    for font in chosen:
        cmap = TTFont(io.BytesIO(base64.b64decode(font["data"]))).getBestCmap()
        assert {ord(letter) for letter in letters if ord(letter) > fonts.PLAIN} <= set(cmap)
        assert all(f"U+{low:X}-{high:X}" in font["range"] for low, high in fonts.RANGES[font["script"]])


def test_fonts_are_small_and_carry_their_licence():
    assert sum(path.stat().st_size for path in fonts.FOLDER.glob("*.woff")) < 200_000
    assert "SIL OPEN FONT LICENSE" in (fonts.FOLDER / "OFL.txt").read_text(encoding="utf-8")
    for name in fonts.RANGES:
        font = TTFont(fonts.FOLDER / f"{name}.woff")
        assert "SIL Open Font License" in font["name"].getDebugName(13)
        assert "Google" in font["name"].getDebugName(0)


def test_marks_are_placed_over_their_letters():
    """A subset without its shaping tables would draw tone marks beside the vowels."""
    for name in ("thai", "lao", "myanmar"):
        font = TTFont(fonts.FOLDER / f"{name}.woff")
        features = {record.FeatureTag for record in font["GPOS"].table.FeatureList.FeatureRecord}
        assert "mark" in features or "mkmk" in features, name


def test_margins_are_means_over_seeds_and_absent_where_a_seed_has_none():
    rows = [
        ("1", curve, width, seed, value)
        for curve in ("keep", "flatten")
        for width in (0.0, 50.0)
        for seed, value in ((0, 1.0), (1, 3.0 if curve == "keep" else np.nan))
    ]
    table = pd.DataFrame(rows, columns=["layer", "curve", "half_width_ms", "seed", "margin"])
    table = table.assign(ci_low=table["margin"] - 1, ci_high=table["margin"] + 1)
    made = pooled.margins(table, ["1", "2"], [0.0, 50.0])
    assert made.shape == (2, 2, 2, 3) and made.dtype == np.float32
    np.testing.assert_array_equal(made[0, 0], [[2, 1, 3], [2, 1, 3]])
    assert np.isnan(made[0, 1]).all(), "one seed has no flattened curve"
    assert np.isnan(made[1]).all(), "no margin was measured in that layer"


def test_links_name_what_the_page_reads():
    (thai,) = links.of_conditions({"th": "mini/asr-th"})
    assert thai["name"] == LANGUAGE_NAMES["th"] and set(thai["views"]) == set(links.VIEWS)
    for name, address in thai["views"].items():
        parts = urlparse(address)
        assert parts.path == "explorer.html"
        shown = {key: value for key, (value,) in parse_qs(parts.fragment).items()}
        assert shown == {"language": "th", "condition": "mini/asr-th"} | links.VIEWS[name]
    address = links.address(token="a&b=<c>")
    assert parse_qs(urlparse(address).fragment) == {"token": ["a&b=<c>"]}


def test_the_views_of_links_are_what_the_page_offers():
    text = script.source("js/address.js")
    for view in links.VIEWS.values():
        for name, value in view.items():
            offered = re.search(rf"export const {name.upper()}S = \{{(.*?)\}};", text).group(1)
            assert re.search(rf"\b{value}: ", offered), (name, value)
