"""What made a figure is inside it, in all three formats, and equal figures are equal bytes."""

import html
import json

import matplotlib.pyplot as plt
import pytest
import yaml

from tonespan_utils.__main__ import main
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.params import profile


@pytest.fixture
def record():
    return provenance.describe(
        profile.load("demo"),
        notebook="notebooks/05_rcom_comparison.ipynb",
        call="store.save(",
        figure="x",
        checkpoints={"mini": "sha256:0"},
        data='a "quoted" (name) & é',
    )


def draw():
    figure, axis = plt.subplots(figsize=(2, 1))
    axis.plot([0, 1], label="a")
    axis.legend()
    return figure


def test_record_survives_in_every_format(tmp_path, record):
    for path in provenance.save(draw(), tmp_path / "sub" / "x", record):
        assert provenance.read(path) == record, path.suffix
    assert record["params"]["profile"] == "demo" and record["command"] == "make figure NAME=x PROFILE=demo"


def test_equal_figures_are_equal_bytes(tmp_path, record):
    first = provenance.save(draw(), tmp_path / "a", record)
    second = provenance.save(draw(), tmp_path / "b", record)
    for path, other in zip(first, second, strict=True):
        assert path.read_bytes() == other.read_bytes(), path.suffix


def test_files_without_a_record_are_refused(tmp_path):
    for kind in provenance.FORMATS:
        draw().savefig(tmp_path / f"plain.{kind}")
        with pytest.raises(TonespanError, match="carries no provenance"):
            provenance.read(tmp_path / f"plain.{kind}")
    with pytest.raises(TonespanError, match="not a figure, page or saved table"):
        provenance.read(tmp_path / "table.txt")
    with pytest.raises(TonespanError, match="cannot be read"):
        provenance.read(tmp_path / "missing.png")


def test_explain_tells_what_made_a_figure_and_how_to_make_it_again(tmp_path, record, capsys):
    models = {"mini/asr-th, seed 0": "sha256:1"}
    for path in provenance.save(draw(), tmp_path / "x", record | {"models": models}):
        assert main(["explain", str(path), "--all"]) == 0
        explained = capsys.readouterr().out
        lines = {line.partition("  ")[0]: line.partition("  ")[2].strip() for line in explained.splitlines()}
        assert lines["figure"] == "x, profile demo"
        assert lines["made by"] == f"notebooks/05_rcom_comparison.ipynb, cell {record['cell']}"
        assert lines["commit"] == record["commit"] and lines["data"] == record["data"]
        assert lines["encoder mini"] == "sha256:0" and lines["model mini/asr-th, seed 0"] == "sha256:1"
        assert lines["again"].endswith("&& make figure NAME=x PROFILE=demo")
        parameters = yaml.safe_load(explained.partition("parameters\n")[2])
        assert parameters == record["params"], "all resolved parameters, as YAML that can be a profile"


def test_explain_prints_a_page_with_the_parameters_that_were_changed(tmp_path, record, capsys):
    models = {f"mini/asr-th, seed {seed}": f"sha256:{seed}" for seed in range(30)}
    path = provenance.save(draw(), tmp_path / "x", record | {"models": models})[0]
    assert main(["explain", str(path)]) == 0
    explained = capsys.readouterr().out
    assert len(explained.splitlines()) <= 40 and max(map(len, explained.splitlines())) < 200
    assert "models        30, mini/asr-th, seed 0 and others (--all prints each)" in explained
    changed = yaml.safe_load(explained.partition("(--all prints all)\n")[2])
    assert changed == provenance.not_as_in_base(record["params"])
    assert changed["profile"] == "demo" and changed["explorer"] == {"n_tokens": 80} and "gradient" not in changed


def test_changed_parameters_are_those_that_differ_and_no_more():
    base = profile.load("smoke").model_dump(mode="json")
    plain = yaml.safe_load((profile.PARAMS_DIR / "base.yaml").read_text())
    assert provenance.not_as_in_base(plain) == {}
    assert "n_resamples" in provenance.not_as_in_base(base)["bootstrap"]
    much = {f"new{n}": n for n in range(100)}
    assert len(provenance._cut(yaml.safe_dump(much)).splitlines()) == provenance.PAGE_LINES + 1


def test_the_cell_named_is_the_one_that_draws(record):
    notebook = json.loads((profile.ROOT / "notebooks/05_rcom_comparison.ipynb").read_text())
    assert "store.save(" in "".join(notebook["cells"][record["cell"] - 1]["source"])
    assert provenance.cell_that_calls("nobody calls this", "notebooks/05_rcom_comparison.ipynb") is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("plain.svg", b"<svg></svg>", "carries no provenance"),
        ("page.html", b"<html><head></head></html>", "carries no provenance"),
        (
            "old.html",
            b'<meta name="tonespan-provenance" content="{}"></head>',
            "of another version; draw",
        ),
        ("broken.png", b"no picture", "damaged, or no picture"),
        ("table.csv", b"a,b", "carries no provenance"),
        ("empty.csv", b"", "carries no provenance"),
        ("notes.txt", b"a,b", "not a figure, page or saved table"),
    ],
)
def test_explain_of_anything_else_is_one_clear_line(tmp_path, capsys, name, content, problem):
    (tmp_path / name).write_bytes(content)
    assert main(["explain", str(tmp_path / name)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tonespan: {tmp_path / name}: ") and problem in line


def test_pages_carry_it_too(tmp_path, record):
    path = tmp_path / "page.html"
    path.write_text(
        f'<head><meta name="tonespan-provenance" content="{html.escape(provenance.as_text(record))}"></head>'
    )
    assert provenance.read(path) == record
