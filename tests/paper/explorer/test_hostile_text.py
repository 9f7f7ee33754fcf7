"""Text of a corpus is text: in report and explorer none of it runs, nothing is asked of another machine, no download
holds a formula.

The labels go through the door (``labels.csv`` in a folder whose file names are as hostile), then onto made-up results.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import browsing
import fake_results
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import run_notebook

from tonespan_utils.corpus import listing
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables

RUN = "window.hacked = 1"
PAYLOADS = [
    f"<script>{RUN}</script>", f"</script><script>{RUN}</script>", f'<img src=x onerror="{RUN}">',
    f'"><svg onload="{RUN}">', f"' onmouseover='{RUN}' x='", f"javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f'<a href="javascript:{RUN}">a</a>', '<iframe src="http://evil.example/"></iframe>', f"${{{RUN}}}", "{{ 7 * 7 }}",
    "<!--", "&lt;b&gt;", "$\\frac{1}{2}$",
    '=HYPERLINK("http://evil.example","x")', "+1+1", "-2+3", "@SUM(1)", "low;=1+1",
]  # fmt: skip
TONES = PAYLOADS[2], PAYLOADS[0], PAYLOADS[14]
FIELDS = ("speaker", "gender", "emotion", "syllable", "text", "tone")
FORMULA = re.compile(r"\s*[=+\-@]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)

pytestmark = browsing.needed


def labelled(folder: Path) -> pd.DataFrame:
    """A row of ``labels.csv`` per payload, read back: every field has every payload in turn, file names too."""
    folder.mkdir()
    rows = []
    for number in range(len(PAYLOADS)):
        turned = [PAYLOADS[(number + shift) % len(PAYLOADS)] for shift in range(len(FIELDS))]
        name = f"{number}{PAYLOADS[number]}.wav".replace("/", "")
        (folder / name).touch()
        rows.append({"file": name, "language": "th"} | dict(zip(FIELDS, turned, strict=True)))
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    return listing.of_folder(folder)


def hostile_tokens(language: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Made-up tokens with the labels of ``rows``, their names from file names."""
    made = plain_tokens(language)
    turn = rows.iloc[np.arange(len(made)) % len(rows)].reset_index(drop=True)
    number = made.index.astype(str)
    labels = {name: turn[name] for name in ("speaker", "gender", "emotion", "syllable")}
    names = {"utterance_id": "th-" + turn["file"] + number, "sentence_id": turn["text"] + number}
    return made.assign(**labels, **names, ipa=turn["syllable"], token_id=turn["file"] + "-" + number)


plain_tokens = fake_results.tokens


@pytest.fixture(scope="module")
def p(tmp_path_factory):
    """The parameters of a made-up run on such a corpus, report and explorer written."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = labelled(folder / "speech")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "OUTPUT_ROOT", folder)
        patch.setattr(provenance, "FORMATS", ("png", "svg"))
        patch.setattr(fake_results, "TONES", np.array(TONES))
        patch.setattr(fake_results, "tokens", lambda language: hostile_tokens(language, rows))
        path = fake_results.profile(
            folder, ["vanilla", "asr-th"], n_resamples=20, tonal=["th"], other=[], folders={"th": PAYLOADS[2]}
        )
        loaded = params.load(path)
        fake_results.write(loaded)
        rejected = pd.DataFrame({"language": "th", "item": rows["file"], "reason": rows["text"]})
        tables.write(loaded.results, "rejected", rejected)
        for name in ("05_rcom_comparison", "05_explorer_page"):
            run_notebook(name, params_path=path)
        plt.close("all")
        yield loaded


def check_nothing_ran(watched: browsing.Watched, *, n_scripts: int) -> None:
    state = watched.page.evaluate(
        """() => ({
          hacked: window.hacked ?? null,
          scripts: document.querySelectorAll("script:not([data-file])").length,
          foreign: document.querySelectorAll("iframe, object, embed, base, form").length,
          handlers: [...document.querySelectorAll("*")]
            .flatMap(e => e.getAttributeNames()).filter(a => /^on/i.test(a)).length,
          links: [...document.querySelectorAll("[href], [src]")].map(e => (e.href || e.src || "").split(":")[0]),
        })"""
    )
    assert (state["hacked"], state["scripts"], state["foreign"], state["handlers"]) == (None, n_scripts, 0, 0)
    assert set(state["links"]) - {"file", "data", ""} == set()
    assert not any("hacked" in problem or "evil" in problem for problem in watched.problems), watched.problems


def test_the_report_shows_hostile_text_as_text(browser, p):
    watched = browsing.Watched(browser)
    watched.page.goto((p.figures / "index.html").as_uri())
    check_nothing_ran(watched, n_scripts=1)
    shown = watched.page.locator("body").text_content()
    assert all(payload in shown for payload in PAYLOADS)
    for details in watched.page.locator("details").all():
        details.evaluate("e => { e.open = true; }")
    watched.page.locator("section#tables th button").first.click()
    watched.page.mouse.move(300, 300)
    check_nothing_ran(watched, n_scripts=1)
    watched.context.close()


def test_downloads_hold_no_formula(browser, p):
    watched = browsing.Watched(browser, accept_downloads=True)
    watched.page.goto((p.figures / "index.html").as_uri())
    for name in ("tokens", "rejected"):
        with watched.page.expect_download() as started:
            watched.page.locator(f"section#tables .get[data-table={name}]").evaluate("e => e.click()")
        text = started.value.path().read_text(encoding="utf-8")
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        cells += [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
        assert not [cell for cell in cells if FORMULA.match(cell) and not NUMBER.fullmatch(cell)], name
        assert any("HYPERLINK" in cell for cell in cells)
    watched.context.close()


def test_the_explorer_shows_hostile_text_as_text(browser, p):
    watched = browsing.Watched(browser)
    shown = browsing.open_page(watched, p.figures / "explorer.html")
    n_scripts = shown.evaluate("() => document.scripts.length")
    assert n_scripts == 3
    tones = shown.locator("[data-id=tone] option").all_text_contents()
    assert all(any(tone in option for option in tones) for tone in TONES)
    for number in range(8):
        browsing.choose(shown, "token", str(number))
        shown.locator(".ts-stage").hover(position={"x": 300, "y": 30})
        check_nothing_ran(watched, n_scripts=n_scripts)
    watched.context.close()
    assert watched.problems == []


def test_what_the_explorer_saves_and_links_is_harmless_too(browser, p, tmp_path):
    watched = browsing.Watched(browser, accept_downloads=True)
    shown = browsing.open_page(watched, p.figures / "explorer.html")
    n_scripts = shown.evaluate("() => document.scripts.length")
    shown.locator("[data-id=keep]").click()
    for number in range(0, 8, 3):
        browsing.choose(shown, "token", str(number))
        for show in ("speaker", "syllable", "token"):
            browsing.choose(shown, "show", show)
        shown.locator("[data-id=search]").fill("<")
        check_nothing_ran(watched, n_scripts=n_scripts)
        shown.locator("[data-id=search]").fill("")
        paths = {}
        for kind in ("svg", "csv"):
            with shown.expect_download() as started:
                shown.locator(f"[data-id={kind}]").click()
            paths[kind] = tmp_path / started.value.suggested_filename
            started.value.save_as(paths[kind])
        rows = list(csv.reader(io.StringIO(paths["csv"].read_text(encoding="utf-8"))))
        assert not [cell for row in rows for cell in row if FORMULA.match(cell) and not NUMBER.fullmatch(cell)]
        assert provenance.read(paths["csv"])["view"] == provenance.read(paths["svg"])["view"]
        alone = watched.context.new_page()
        alone.goto(paths["svg"].as_uri())
        state = alone.evaluate("() => [window.hacked ?? null, document.querySelectorAll('script, a, use').length]")
        assert state == [None, 0] and alone.evaluate("() => document.documentElement.tagName") == "svg"
        again = browsing.open_page(watched, p.figures / "explorer.html")
        again.evaluate(
            "address => { location.hash = address; }", provenance.read(paths["csv"])["address"].split("#")[1]
        )
        check_nothing_ran(watched, n_scripts=n_scripts)
        shown = again
        shown.locator("[data-id=keep]").click()
    watched.context.close()
    assert watched.problems == []


def test_a_figure_opened_alone_runs_nothing(browser, p):
    drawn = sorted(p.figures.glob("*.svg"))
    assert drawn
    for path in drawn:
        watched = browsing.Watched(browser)
        watched.page.goto(path.as_uri())
        state = watched.page.evaluate("() => [window.hacked ?? null, document.querySelectorAll('script').length]")
        assert state == [None, 0]
        watched.context.close()
        assert watched.problems == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_profiles_encoders_and_conditions_are_refused_in_one_line(tmp_path, payload):
    path = tmp_path / "a.yaml"
    encoder = {"checkpoint": "models/tonespan-units", "revision": None}
    for tree in (
        {"profile": payload},
        {"profile": "a", "encoders": {payload: encoder}},
        {"profile": "a", "conditions": [f"{payload}/vanilla"]},
        {"profile": "a", "conditions": [f"mini/{payload}"]},
    ):
        path.write_text(yaml.safe_dump(tree))
        with pytest.raises(TonespanError) as error:
            params.load(path)
        assert "\n" not in str(error.value)
