"""The explorer for every reader: axe-core finds nothing wrong in any state, light or dark, wide or narrow, and what is
drawn on the canvases, which axe cannot see into, stands out from its ground.
"""

from __future__ import annotations

import re
from itertools import pairwise

import browsing
import fake_results
import pytest
from browsing import Watched, accessibility_faults

from tonespan_utils.paper.explorer import page, script
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables

TEXT, GRAPHIC = 4.5, 3.0  # contrast that WCAG 2 AA asks of small text, and of lines and marks


@pytest.fixture(scope="module")
def p(tmp_path_factory):
    """The parameters of a made-up run whose page is written."""
    folder = tmp_path_factory.mktemp("accessible")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "OUTPUT_ROOT", folder)
        loaded = params.load(fake_results.profile(folder, ["vanilla", "asr-th"], tonal=["th"], other=[]))
        fake_results.write(loaded)
        tables.join_all(loaded)
        page.write(loaded)
        yield loaded


STATES = {
    "as it opens": ("", ""),
    "all of it": (
        "language=th&difference=1&show=tone&range=-50to60&zoom=-200to200",
        "app.keepBeside(); app.ui.search.value = 'tone'; app.search.open();"
        " document.querySelectorAll('details').forEach(each => { each.open = true; });",
    ),
    "a problem": ("token=nothing", ""),
}


@browsing.needed
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (390, "dark")])
def test_axe_finds_nothing(browser, p, state, width, scheme):
    address, script_of = STATES[state]
    watched = Watched(browser, color_scheme=scheme)
    shown = watched.page
    shown.set_viewport_size({"width": width, "height": 900})
    shown.goto(f"{(p.figures / 'explorer.html').as_uri()}#{address}")
    shown.wait_for_selector("[data-ready]", timeout=30_000)
    shown.evaluate(f"() => {{ const app = document.querySelector('.ts-root').explorer; {script_of} }}")
    assert accessibility_faults(shown) == []
    watched.context.close()
    assert watched.problems == []


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG 2 defines it."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(color: str, ground: str) -> float:
    light, dark = sorted((luminance(color), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_as_wcag_computes_it():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def palettes() -> list[dict[str, str]]:
    """The colours of the style sheet: light, and dark over light."""
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for block in re.findall(r"\.ts-root(?:\[data-dark=\"1\"\])? \{\n(.*?)\n\}", script.style(), re.DOTALL)[:2]
    )
    return [light, light | dark]


@pytest.mark.parametrize("number", [0, 1])
def test_what_the_canvases_draw_stands_out(number):
    colors = palettes()[number]
    assert len(colors) >= 11
    for name in ("ink", "soft", "a", "b", "f0"):  # words are drawn in these
        assert contrast(colors[name], colors["paper"]) >= TEXT, name
    for name in ("cue", "random", "faint"):  # lines and marks
        assert contrast(colors[name], colors["paper"]) >= GRAPHIC, name


@pytest.mark.parametrize("number", [0, 1])
def test_marks_of_tones_stand_out_and_differ(number):
    paper = palettes()[number]["paper"]
    block = re.search(r"const TONE_COLORS = (.*?);\n", script.module(), re.DOTALL).group(1)
    colors = re.findall(r"#[0-9A-F]{6}", block)
    colors = colors[:8] if number == 0 else colors[8:]
    assert len(set(colors)) == 8 and all(a != b for a, b in pairwise(colors))
    # The third of these, Okabe and Ito's pink, is light; each tone has a shape of its own beside its colour.
    assert all(contrast(color, paper) >= 2.7 for color in colors)
