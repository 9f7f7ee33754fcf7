"""Markup, script, mathematics and formulas in every text of the tables: shown as text, and nothing runs or leaves."""

from __future__ import annotations

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import fake_results
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import run_notebook

from tonespan_utils.paper import provenance
from tonespan_utils.params import profile, tables

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TONES = [
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    r"$\frac{$ </script><b onclick=hit()>",
]
TEXTS = [
    *TONES,
    '=HYPERLINK("http://evil.example")',
    "{{ 7 * 7 }} {% raise %}",
    "${window.hit=1}",
    "'-(window.hit=1)-'",
]
FREE = ["syllable", "ipa", "speaker", "gender", "emotion", "sentence_id"]  # columns that are a user's own words


def hostile_tokens(language: str, **sizes: int) -> pd.DataFrame:
    made = plain_tokens(language, **sizes)
    for shift, column in enumerate(FREE):
        made[column] = [TEXTS[(row + shift) % len(TEXTS)] for row in range(len(made))]
    return made


plain_tokens = fake_results.tokens


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> list[Path]:
    """The report and the explorer's page of a run whose every word wants to be run."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile, "OUTPUT_ROOT", folder)
        patch.setattr(provenance, "FORMATS", ("svg",))
        patch.setattr(fake_results, "TONES", np.array(TONES))
        patch.setattr(fake_results, "tokens", hostile_tokens)
        path = fake_results.profile(folder, ["vanilla", "emotion"], tonal=["th"], other=[])
        p = profile.load(path)
        fake_results.write(p)
        rejected = pd.DataFrame({name: TEXTS for name in tables.COLUMNS["rejected"]})
        tables.write(p.results, "rejected", rejected)
        for name in ("05_rcom_comparison", "05_explorer_page"):
            run_notebook(name, params_path=path)
        plt.close("all")
        return [p.figures / "index.html", p.figures / "explorer.html"]


class Tags(HTMLParser):
    """What a page would run or fetch, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.scripts = 0
        self.handlers: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.scripts += tag == "script" and given.get("type", "module") == "module"
        self.handlers += [f"{tag} {name}" for name in given if name.startswith("on")]
        self.sources += [given[name] for name in ("src", "href", "action", "data") if given.get(name)]

    def handle_data(self, data):
        self.text += data


def test_a_page_has_its_one_script_and_nothing_of_a_table_is_markup(pages):
    for page in pages:
        tags = Tags(page)
        assert tags.scripts == 1 and tags.handlers == [], page.name
        assert not [source for source in tags.sources if re.match(r"(?i)\s*(https?:|//|javascript:|x$)", source)]
    report = Tags(pages[0])
    assert all(text in report.text for text in TEXTS), "and all of it is there to be read"


def test_figures_show_labels_as_they_are(pages):
    """No label is an element; a $ opens no formula, which would stop the figure or swallow what follows."""
    drawn = {path.stem: ElementTree.parse(path, with_comments()) for path in pages[0].parent.glob("*.svg")}
    assert len(drawn) > 5
    for name, tree in drawn.items():
        elements = [each for each in tree.iter() if isinstance(each.tag, str)]
        assert not [each.tag for each in elements if each.tag.rpartition("}")[2] in ("script", "img", "b")], name
        assert not [key for each in elements for key in each.keys() if key.startswith("on")], name  # noqa: SIM118
    written = [each.text for each in drawn["f0_contours"].iter(ElementTree.Comment)]  # matplotlib's, of what it draws
    assert any(r"$\frac{$" in unescape(text) for text in written)


def with_comments() -> ElementTree.XMLParser:
    return ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
def test_in_a_browser_nothing_runs_and_no_request_leaves(pages):
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        requests: list[str] = []
        for page in pages:
            shown = browser.new_page()
            shown.on("request", lambda request: requests.append(request.url))
            shown.goto(page.as_uri())
            if page.name == "explorer.html":
                shown.wait_for_selector("[data-ready]", timeout=120_000)
                for tone in TONES:
                    shown.locator("[data-id=tone]").select_option(tone)
                    assert shown.locator("[data-id=tone]").input_value() == tone
            assert shown.evaluate("() => window.hit") is None, page.name
        browser.close()
    assert [url for url in requests if not re.match(r"(file|data|blob):", url)] == []
    assert not [url for url in requests if url.endswith("/x")]
