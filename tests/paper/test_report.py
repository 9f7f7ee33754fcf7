"""The report tells the numbers of its tables and no others, shows the tables as they are, and gives them out whole."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
from html.parser import HTMLParser
from itertools import count
from urllib.parse import parse_qs

import fake_results
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import run_notebook

from tonespan_utils import languages
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import abstract, provenance, report, report_tables, report_text
from tonespan_utils.paper.figures import store
from tonespan_utils.params import profile, tables
from tonespan_utils.study import checks, verdicts

TASKS = ["vanilla", "asr-th", "asr-vi", "emotion", "tone-th", "emotion_tone-th"]
KEYS = {
    "seed", "offset_ms", "window_ms", "fold", "step", "steps", "planted_span_ms", "analysis_window_ms", "half_width_ms",
}  # fmt: skip
# Words with digits in them: names of quantities, and the geometry of a box of energy.
WORDS = re.compile(r"F1|[24] r_com|S/2|\br[0-9]+\b|arXiv [\d.]+|mini/[\w-]+")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The parameters of a made-up run of two languages whose notebook 05 has been executed."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile, "OUTPUT_ROOT", folder)
        patch.setattr(provenance, "FORMATS", ("png",))  # all three are the workflow test's
        path = fake_results.profile(folder, TASKS, tonal=["th", "vi"], other=[])
        p = profile.load(path)
        fake_results.write(p)
        run_notebook("05_rcom_comparison", params_path=path)
        run_notebook("05_explorer_page", params_path=path)
        plt.close("all")
    return folder, path


@pytest.fixture
def p(run, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", run[0])
    return profile.load(run[1])


def dyed(loaded: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], dict[float, tuple[str, pd.Series, str]]]:
    """The tables with a number of its own in every numeric cell, and where each is: number -> (table, row, column).

    No two are the same to the nearest whole, and none is a number that a text could hold for another reason.
    """
    number, numbered, places = count(200_003), {}, {}
    for name, table in loaded.items():
        table = table.copy()
        measured = [c for c in table.select_dtypes("number") if c not in KEYS and name != "tokens"]
        for column in measured:
            table[column] = [float(next(number)) * 1.25 for _ in range(len(table))]
        numbered[name] = table
        for _, row in table.iterrows():
            places |= {row[column]: (name, row, column) for column in measured}
    return numbered, places


def numbers_of(value: object) -> set[str]:
    """The numbers of the parameters, in every way a text writes them."""
    if isinstance(value, dict):
        return set().union(*map(numbers_of, value.values()), {str(len(value))})
    if isinstance(value, list):
        return set().union(*map(numbers_of, value), {str(len(value))})
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {f"{value:g}", f"{value:,}", f"{value:.0%}".rstrip("%"), str(value)}
    return {match.group() for match in NUMBER.finditer(value)} if isinstance(value, str) else set()


def texts(loaded: dict[str, pd.DataFrame], p: profile.Params) -> dict[str, str]:
    """Every text of the report that holds numbers, by what it is."""
    by_name = {f"abstract {name}": text for name, text in abstract.abstract(loaded, p)}
    by_name |= {f"methods {name}": text for name, text in report_text.methods(loaded, p)}
    recipes = store.recipes(p)
    recipes.pop("span_weights", None)  # its numbers are means over layers and languages: test_weight_text holds them
    return by_name | {name: recipe.caption(loaded, p) for name, recipe in recipes.items()}


def counted(loaded: dict[str, pd.DataFrame]) -> set[str]:
    """What a text may count: tokens by language and split, claims by verdict, trainings that beat their null, layers
    without a knee, tokens left out of them, layers in which probes of permuted weights are at chance.
    """
    tokens, claims, tuned = loaded["tokens"], loaded["claims"], loaded["finetune"]
    tested = claims["verdict"].isin(verdicts.TESTED).sum()
    counts = [
        len(tokens),
        len(claims),
        tested,
        *claims["verdict"].value_counts(),
        0,
        *tokens["language"].value_counts(),
    ]
    counts += [(tokens["split"] == "test").sum(), len(loaded["knee_left_out"])]
    knees = loaded["margin_knee"]["knee_ms"]
    counts += [knees.isna().sum(), len(knees)]
    random = loaded["random_spans"]
    for _, rows in random.groupby(["encoder", "weight"]):
        counts += [(rows["above_chance_low"] <= 0).sum(), len(rows)]
    tuned = tuned[tuned["metric"] != "train_loss"]
    for _, scores in tuned.groupby(tuned["task"].str.replace(r"^.*_tone$", "tone", regex=True)):
        metric = min(scores["metric"], key=len)
        wide = scores.pivot(index=["condition", "seed"], columns="metric", values="value")
        better = wide[f"{metric}_ci_low"] > wide[f"{metric}_null"]
        if metric in ("cer", "eer"):
            better = wide[f"{metric}_ci_high"] < wide[f"{metric}_null"]
        counts += [better.sum(), len(better)]
    return {f"{number:,}" for number in counts}


def language_before(text: str) -> str | None:
    codes = {name: code for code, name in languages.LANGUAGE_NAMES.items()}
    said = re.findall("|".join(codes), text)
    return codes[said[-1]] if said else None


def test_every_number_in_abstract_methods_and_captions_is_one_of_the_tables_or_parameters(p):
    """Each number is traced to the one cell it comes from, in a row of the language that the text speaks of."""
    loaded, places = dyed(store.load_tables(p))
    expected_numbers = numbers_of(p.model_dump(mode="json")) | counted(loaded)
    layers = set(fake_results.LAYERS)
    traced = dict.fromkeys(tables.COLUMNS, 0)
    for what, text in texts(loaded, p).items():
        text = WORDS.sub(lambda word: "_" * len(word.group()), text.replace("+-", "±"))
        for match in NUMBER.finditer(text):
            number, digits = match.group(), len(match.group().partition(".")[2])
            cells = [at for at in places if f"{at:.{digits}f}" == number.lstrip("+").replace(",", "")]
            if not cells:
                is_layer = re.search(r"layers?(?: \d+ and)? $", text[: match.start()]) or number in layers
                assert number in expected_numbers or is_layer, f"{what}: whence {number} in {text!r}?"
                continue
            table, row, _ = places[cells[0]]
            assert len(cells) == 1
            traced[table] += 1
            if "language" in row:
                assert row["language"] == language_before(text[: match.start()]) or what.startswith("energy_map"), text
    expected = (
        "baseline_spans", "comparison", "contrasts", "influence", "margin_knee", "probe_vs_finetuned", "spans",
    )  # fmt: skip
    assert all(traced[table] for table in expected), traced


def test_a_number_that_is_in_no_table_is_found(p, monkeypatch):
    """The test above can fail."""
    honest = abstract.abstract
    monkeypatch.setattr(abstract, "abstract", lambda *given: [*honest(*given), ("More", "The span in Thai is 163 ms.")])
    with pytest.raises(AssertionError, match="whence 163"):
        test_every_number_in_abstract_methods_and_captions_is_one_of_the_tables_or_parameters(p)


class Page(HTMLParser):
    """The tables of a page by the label of their region, and its files: rows of cells, packed text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.files: dict[str, str] = {}
        self.images: list[dict[str, str]] = []
        self._label = self._file = None
        self._cell: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if given.get("role") == "region":
            self._label = given["aria-label"]
            self.tables[self._label] = []
        if tag == "img":
            self.images.append(given)
        if tag == "script":
            self._file = given.get("data-file")
        if tag == "tr" and self._label:
            self.tables[self._label].append([])
        if tag in ("td", "th"):
            self._cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._label:
            self.tables[self._label][-1].append(self._cell)
        self._cell = None if tag in ("td", "th") else self._cell
        self._label = None if tag == "table" else self._label
        self._file = None if tag == "script" else self._file

    def handle_data(self, text):
        if self._cell is not None:
            self._cell += text
        if self._file:
            self.files[self._file] = text


def check_cells(rows: list[list[str]], stored: pd.DataFrame) -> None:
    """Cells of a shown table are those of the stored one, numbers to four digits."""
    assert rows[0] == list(stored.columns)
    for cells, (_, row) in zip(rows[1:], stored.iterrows(), strict=False):
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, float | np.floating):
                assert (cell == "") if np.isnan(value) else float(cell) == pytest.approx(value, rel=5.1e-4), cell
            else:
                assert cell == str(value)


def test_tables_on_the_page_and_in_its_downloads_are_the_stored_ones(p):
    page = Page((p.figures / "index.html").read_text())
    loaded = store.load_tables(p)
    assert set(page.files) == set(loaded)
    for name, stored in loaded.items():
        rows = page.tables[name]
        assert len(rows) - 1 == (len(stored) if len(stored) <= report_tables.MAX_ROWS else report_tables.HEAD_ROWS)
        check_cells(rows, stored)
        given = gzip.decompress(base64.b64decode(page.files[name]))
        assert given == (p.results / f"{name}.csv").read_bytes(), name
    check_cells(page.tables["Conditions compared"], loaded["comparison"])
    check_cells(page.tables["Paired differences"], loaded["contrasts"])


def test_the_page_has_text_for_every_figure_and_reaches_for_nothing_outside(p):
    text = (p.figures / "index.html").read_text()
    page = Page(text)
    recipes, loaded = store.recipes(p), store.load_tables(p)
    inline = [image for image in page.images if image["src"].startswith("data:image/svg+xml;base64,")]  # estimates
    assert all(image["alt"] for image in inline)
    figures = [image for image in page.images if image not in inline]
    assert [image["src"] for image in figures] == [f"{name}.svg" for name in recipes]
    for image, recipe in zip(figures, recipes.values(), strict=True):
        assert image["alt"] == f"{recipe.title}. {recipe.caption(loaded, p)}"
    assert not re.search("https?:", text) and 'href="explorer.html"' in text and (p.figures / "explorer.html").is_file()
    made = page.tables["Provenance of the figures"][1:]
    assert [row[0] for row in made] == list(recipes)
    assert all(row[1] == store.NOTEBOOK and row[4].startswith("make figure NAME=") for row in made)
    for name in ("index", "explorer"):
        assert provenance.read(p.figures / f"{name}.html")["profile"] == "fake"


def test_maps_of_energy_lead_to_their_tokens_in_the_explorer(p):
    text = (p.figures / "index.html").read_text()
    addresses = [html.unescape(link) for link in re.findall(r'href="(explorer\.html#[^"]+)"', text)]
    shown = [{name: value for name, (value,) in parse_qs(link.partition("#")[2]).items()} for link in addresses]
    assert shown and {each["language"] for each in shown} == {"th", "vi"}
    header = re.search(r'id="header">(.*?)</script>', (p.figures / "explorer.html").read_text(), re.DOTALL).group(1)
    there = {(block["condition"], block["language"]) for block in json.loads(header)["blocks"]}
    assert {(each["condition"], each["language"]) for each in shown} <= there
    assert {each.get("order") for each in shown} == {None, "widest", "hardest"}


def test_sections_of_other_notebooks_appear_with_what_they_left(p, tmp_path, monkeypatch):
    loaded = store.load_tables(p)
    assert 'id="validity"' not in (p.figures / "index.html").read_text()
    calibration = p.results / "calibration.csv"
    pd.DataFrame({"estimator": ["r_com"], "true_span_ms": [100.0]}).to_csv(calibration, index=False)
    figure, _ = plt.subplots()
    record = provenance.describe_run(p, notebook="notebooks/06_validity.ipynb", call="x", figure="planted")
    monkeypatch.setattr(provenance, "FORMATS", ("png",))
    try:
        (path,) = provenance.save(figure, p.figures / "planted", record | {"title": "Planted", "caption": "Known."})
        page = report.write(p, loaded).read_text()
    finally:
        calibration.unlink()
        path.unlink()
    assert 'id="validity"' in page and 'src="planted.svg"' in page and "Planted. Known." in page
    check_cells(Page(page).tables["calibration"], pd.DataFrame({"estimator": ["r_com"], "true_span_ms": [100.0]}))
    report.write(p, loaded)


def test_a_figure_that_lost_its_provenance_is_named_and_not_left_out(p):
    name = next(iter(store.recipes(p)))
    path = store.figure_stem(p, name).with_suffix(".png")
    before = path.read_bytes()
    plt.imsave(path, np.zeros((4, 4)))
    try:
        page = Page(report.write(p, store.load_tables(p)).read_text())
    finally:
        path.write_bytes(before)
    assert "carries no provenance" in page.tables["Provenance of the figures"][1][1]
    report.write(p, store.load_tables(p))


def test_half_a_run_and_another_version_are_one_clear_line(p, tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    p.results.mkdir(parents=True)
    with pytest.raises(TonespanError, match=r"no such table; run `make paper`"):
        store.load_tables(p)
    (p.results / "tokens.csv").write_text("token_id,when\n1,2\n")
    with pytest.raises(TonespanError, match="comes from another version"):
        store.load_tables(p)


def test_cells_are_escaped_and_missing_numbers_are_empty():
    table = report_tables.table_html(pd.DataFrame({"<b>": ["a & b"], "x": [0.123456], "n": [3], "gap": [float("nan")]}))
    assert "&lt;b&gt;" in table["html"] and "a &amp; b" in table["html"]
    assert '<td class="number">0.1235</td><td class="number">3</td><td class="number"></td>' in table["html"]


def test_long_tables_say_how_much_is_shown():
    table = report_tables.table_html(pd.DataFrame({"x": range(report_tables.MAX_ROWS + 1)}))
    assert (table["n_rows"], table["n_shown"]) == (report_tables.MAX_ROWS + 1, report_tables.HEAD_ROWS)
    assert table["html"].count("<tr>") == report_tables.HEAD_ROWS + 1


def test_the_download_is_the_whole_table():
    table = pd.DataFrame({"x": range(report_tables.MAX_ROWS + 1), "y": 0.1})
    text = gzip.decompress(base64.b64decode(report_tables.packed(table))).decode()
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), table)


def test_the_board_says_verdicts_in_symbol_and_word_and_leads_to_their_estimates():
    rows = [("cue_width/signal/th", "by construction", ""), ("best_layer_mid_to_high/mini/th", "contradicted", "")]
    rows += [
        ("cue_width/signal/all", "by construction", ""),
        ("best_layer_mid_to_high/mini/all", "undecided", "undecided"),
    ]
    stored = pd.DataFrame(rows, columns=["claim", "verdict", "every_language"])
    stored = stored.assign(holm_verdict=stored["verdict"].replace("contradicted", "undecided"))
    page = report_tables.board_html(stored, {"cue_width": "as wide", "best_layer_mid_to_high": "high"})
    link = '<a href="#estimate-best_layer_mid_to_high-mini">✗ contradicted *</a>'
    assert f'<td class="contradicted">{link}</td>' in page and "= by construction" in page
    assert "? undecided; in each: undecided" in page
    assert '<th scope="col">Thai</th><th scope="col">all languages, mean</th>' in page


def test_every_cell_of_the_board_opens_its_estimate(p):
    page = (p.figures / "index.html").read_text(encoding="utf-8")
    wanted, there = set(re.findall(r'href="#(estimate-[^"]+)"', page)), set(re.findall(r'id="(estimate-[^"]+)"', page))
    assert wanted == there and len(wanted) == 1 + len(checks.checks_of(p.claims))
    claims = tables.read(p.results, "claims")
    row = claims[claims["claim"] == "emotion_longer_span/mini/th"].iloc[0]
    part = page[page.index('id="estimate-emotion_longer_span-mini"') :]
    part = part[: part.index("Back to the board")]
    assert f"{row.value:.0f} [{row.ci_low:.0f}, {row.ci_high:.0f}] {row.verdict}" in part
    picture = base64.b64decode(re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', part).group(1)).decode()
    assert "<svg" in picture and "<script" not in picture


def test_the_abstract_answers_its_question_and_says_what_is_missing(p):
    loaded = store.load_tables(p)
    said = dict(abstract.abstract(loaded, p))
    assert said["Question"].endswith("before and after fine-tuning?")
    assert said["In the signal"].startswith(
        "Width of the tone cue, by a linear classifier: Thai 100 ms [90, 110], 100 ms"
    )
    assert said["The instrument"].startswith("How well a span follows the width of a cue has not been measured")
    row = loaded["claims"].set_index("claim").loc["emotion_longer_span/mini/all"]
    effect = (
        f"emotion changes the span by {row.value:.0f} [{row.ci_low:.0f}, {row.ci_high:.0f}] ms ({row.verdict}, n = "
    )
    assert effect in said["Fine-tuning"]
    assert said["Random weights"].startswith(
        "Span of the same encoder with its weights permuted, top layer: Thai 200 ["
    )
    counts = loaded["claims"]["verdict"].value_counts()
    assert f"{counts['undecided']} undecided" in said["What is decided"]
    without = {name: table for name, table in loaded.items() if name != "random_spans"}
    assert dict(abstract.abstract(without, p))["Random weights"].endswith("was not measured in this run.")
    measured = pd.DataFrame({"encoder": "mini", "language": ["th", "vi"], "layer": "4", "weight": "none",
                             "span_ms": 204.0, "ci_low_ms": 190.0, "ci_high_ms": 210.0})  # fmt: skip
    random = dict(abstract.abstract(loaded | {"random_spans": measured}, p))["Random weights"]
    upper = loaded["upper_spans"].set_index(["condition", "language"]).loc[("mini/vanilla", "th")]
    assert f"Thai 204 [190, 210] ms against {upper.span_ms:.0f} [" in random
    lines = pd.DataFrame({"estimator": ["r_com", "margin_knee"], "condition": "vanilla", "layer": "4",
                          "slope": [0.4, 1.05], "slope_low": [0.2, 1.0], "slope_high": [0.6, 1.1]})  # fmt: skip
    worth = dict(abstract.abstract(loaded | {"calibration_lines": lines}, p))["The instrument"]
    assert "the margin knee 1.05 [1.00, 1.10]" in worth and "2 r_com 0.40 [0.20, 0.60]" in worth


def test_the_first_figure_is_the_span_by_task():
    p = profile.load("demo")
    assert next(iter(store.paper_recipes(p))) == "span_by_task"
