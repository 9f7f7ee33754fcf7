"""The pages in docs/: every YAML block is a valid profile, every command exists, every link leads somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tonespan_utils.__main__ import COMMANDS, main
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tools import parameters_page

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "notebooks" / "course" / "TEACHING.md"]
NAMES = ["explorer", "gpu-and-cluster", "numbers", "parameters", "your-corpus", "your-encoder", "TEACHING"]


def blocks(language):
    """(page, block) of every fenced block in one language."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [
        pytest.param(text, id=f"{page.stem}-{i}")
        for page in PAGES
        for i, text in enumerate(pattern.findall(page.read_text()))
    ]


def test_the_pages_are_there_and_hold_what_is_tested():
    assert [page.stem for page in PAGES] == NAMES
    assert (len(blocks("yaml")), len(blocks("sh")) >= 6, len(blocks("python"))) == (9, True, 1)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_yaml_block_is_a_valid_profile_and_would_not_be_with_a_misspelt_key(text, tmp_path):
    path = tmp_path / "block.yaml"
    path.write_text(text)
    name = re.search(r"# params/([\w-]+)\.yaml", text)[1]
    assert profile.load(path).profile == name
    path.write_text(text + "\nmisspelt: 1\n")
    with pytest.raises(TonespanError, match="misspelt: unknown parameter"):
        profile.load(path)


def make_targets():
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def command_help(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("text", blocks("sh"))
def test_every_command_exists_with_its_options(text, capsys):
    makefile = (ROOT / "Makefile").read_text()
    lines = [line.split(" #")[0].split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    for program, *words in lines:
        if program == "make":
            assert words[0] in make_targets(), f"make {words[0]}"
            assert all(f"(value {word.partition('=')[0]})" in makefile for word in words[1:])
        elif program == ".venv/bin/python":
            assert words[:2] == ["-m", "tonespan_utils"]
            help_text = command_help(words[2], capsys)
            assert all(word in help_text for word in words[3:] if word.startswith("--"))
        else:
            assert (program, words[0]) in {
                ("nbgrader", "autograde"),
                ("nbgrader", "formgrader"),
                ("nbgrader", "export"),
                ("nbgrader", "generate_feedback"),
                ("cd", "runs/course"),
            }


@pytest.mark.parametrize("text", blocks("python"))
def test_a_python_block_calls_what_there_is(text):
    import importlib

    tree = ast.parse(text)
    imported = [(node.module, a.name) for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names]
    modules = {name: importlib.import_module(f"{folder}.{name}") for folder, name in imported}
    calls = re.findall(rf"\b({'|'.join(modules)})\.(\w+)\(", text)
    assert len(calls) >= 5
    assert all(callable(getattr(modules[module], name)) for module, name in calls)


def headings(page):
    """The anchors of a page's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_every_link_inside_the_project_leads_somewhere(page):
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not heading or heading in headings(linked), f"{target}#{heading}"


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "README.md", ROOT / "params" / "base.yaml"], ids=lambda page: page.stem
)
def test_every_module_that_is_named_exists(page):
    for path in re.findall(r"\b(?:tonespan_utils|tools|pretraining)/[\w/]*(?:\.py)?", page.read_text()):
        assert (ROOT / path).exists(), path


def test_the_page_of_parameters_is_what_the_schema_says():
    assert parameters_page.PAGE.read_text(encoding="utf-8") == parameters_page.page(), "run `make sync`"


def test_every_parameter_has_words_and_its_default():
    rows = parameters_page.parameters()
    undescribed = [row.name for row in rows if not row.words]
    assert not undescribed, "say what it is in params/base.yaml"
    defaults = {row.name: row.default for row in rows}
    assert defaults["gradient.window_ms"] == "500.0" and defaults["speech.root"] == "null"
    kinds = {row.name: row.kind for row in rows}
    assert kinds["gradient.wrt"] == "`waveform` or `cnn` or `input_features`"
    assert kinds["finetune.warmup_share"] == "number >= 0, < 1"
    assert (
        kinds["speech.folders"] == "mapping of language to text"
        and kinds["finetune.clip_ms"] == "number >= 100 or null"
    )


def test_every_command_of_the_command_line_has_help(capsys):
    for command in COMMANDS:
        assert command.help in command_help(command.name, capsys).replace("\n", " ").replace("  ", " ")


def test_the_glossary_defines_each_term_once_and_is_linked():
    text = (ROOT / "docs" / "numbers.md").read_text().partition("## Glossary")[2]
    _, *cells = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)  # of the first column, without its head
    terms = [term.strip(" *`") for cell in cells for term in cell.split(", ")]
    assert len(terms) > 30 and sorted(set(terms)) == sorted(terms)
    assert {"cue width", "span", "chance", "quality flags", "planted width"} <= set(terms)
    pages = [ROOT / "README.md", ROOT / "docs" / "your-corpus.md", ROOT / "docs" / "your-encoder.md"]
    assert all("numbers.md#glossary" in page.read_text() for page in pages)


def test_numbers_name_columns_and_tables_that_exist():
    from tonespan_utils.params.tables import COLUMNS

    text = (ROOT / "docs" / "numbers.md").read_text()
    tables = set(re.findall(r"`(\w+)\.csv`", text))
    assert len(tables) >= 5 and tables <= set(COLUMNS)
    columns = {column for names in COLUMNS.values() for column in names}
    for name in ("span_ms", "null_span_ms", "r50_ms", "r90_ms", "chance_f1", "control_f1"):
        assert f"`{name}`" in text and name in columns
