"""The report: the study of a profile as one page that reads like the paper and opens from disk.

The page is plain HTML with inline style and script; figures lie beside it, the tables are inside, to sort and to
download. Every number in its text is computed here from the tables and parameters that it shows. Sections on validity
and alignment appear where their tables or figures exist: a table is ``results/<profile>/<name>.csv``, and a figure is
any in ``results/<profile>/figures/`` that is not of the paper and whose provenance has a ``title`` and a ``caption``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from tqdm.auto import tqdm

from tonespan_utils import languages
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import estimate_plots, provenance
from tonespan_utils.paper.abstract import abstract
from tonespan_utils.paper.explorer import links
from tonespan_utils.paper.figures import store
from tonespan_utils.paper.report_tables import board_html, packed, table_html, with_language_names
from tonespan_utils.paper.report_text import methods
from tonespan_utils.params import profile, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.study import checks, claims, confirmation, quality_flags, verdicts

NOTEBOOK = "notebooks/05_rcom_comparison.ipynb"
# Sections for what other notebooks leave: title, what it is, tables.
EXTRAS = {
    "validity": (
        "Can the spans be believed?",
        "The instrument on speech whose cue width was planted, and checks that it must fail where it should.",
        ("calibration_lines", "calibration_languages", "calibration", "calibration_scores", "sanity"),
    ),
    "alignment": (
        "What the alignment adds",
        "How far the aligner's times lie from known ones, and what such errors do to a span.",
        ("alignment", "jitter"),
    ),
}
OF_NOTEBOOK = {"06": "validity", "07": "alignment"}  # where a figure belongs, by the number of its notebook


def write(params: Params, loaded: dict[str, pd.DataFrame]) -> Path:
    """Write ``results/<profile>/figures/index.html`` from the tables, after the figures. Returns its path."""
    record = provenance.describe_run(params, notebook=NOTEBOOK, call="report.write(", figure="index")
    record |= {"command": f"make figures PROFILE={params.profile}"}
    stored = loaded | _extra_tables(params, already=set(loaded))
    drawn = [_figure(name, recipe, loaded, params) for name, recipe in store.paper_recipes(params).items()]
    others = _other_figures(params, {figure["name"] for figure in drawn})
    environment = Environment(
        loader=PackageLoader("tonespan_utils.paper", "."), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    page = environment.get_template("report.html").render(
        profile=params.profile,
        record=provenance.as_text(record),
        speech=profile.describe_speech(params),
        synthetic=params.speech.source == "synthetic",
        languages=[languages.LANGUAGE_NAMES[language] for language in params.speech.tonal],
        abstract=abstract(loaded, params),
        methods=methods(loaded, params),
        figures=drawn,
        board=board_html(loaded["claims"], checks.statements(params.claims)),
        estimates=list(estimate_plots.estimate_plots(loaded, params)),
        verdicts=claims.tally(loaded["claims"]),
        holm=claims.tally(loaded["claims"], column="holm_verdict"),
        undecided=claims.undecided_share(loaded["claims"]),
        n_not_tested=int((loaded["claims"]["verdict"] == verdicts.NOT_TESTED).sum()),
        confirmed=confirmation.shares(loaded["confirmation"]) if "confirmation" in loaded else None,
        signs=table_html(with_language_names(quality_flags.board(loaded["signatures"]))),
        extras=_extras(stored, others),
        tables={name: table_html(table) for name, table in stored.items()},
        files={name: packed(table) for name, table in stored.items()},
        made=[_made(params, figure["name"]) for figure in [*drawn, *others]],
        parameters=yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        commit=record["commit"],
        versions={"python": platform.python_version()} | {name: version(name) for name in provenance.PACKAGES},
    )
    path = params.figures / "index.html"
    tables.write_atomically(path, lambda file: file.write(page))
    return path


def _extra_tables(params: Params, *, already: set[str]) -> dict[str, pd.DataFrame]:
    """The tables of other notebooks that are there."""
    names = [name for _, _, wanted in EXTRAS.values() for name in wanted if name not in already]
    paths = {name: params.results / f"{name}.csv" for name in names}
    return {name: pd.read_csv(path) for name, path in paths.items() if path.is_file()}


def _other_figures(params: Params, already: set[str]) -> list[dict[str, str]]:
    """The figures of other notebooks: those beside ours whose provenance has a title and a caption."""
    figures = []
    for path in sorted(params.figures.glob("*.png")):
        try:
            record = provenance.read(path)
        except TonespanError:
            continue  # a picture that is nobody's figure
        if path.stem not in already and {"title", "caption"} <= set(record):
            section = OF_NOTEBOOK.get(Path(record["notebook"]).name[:2], "validity")
            texts = {name: record[name] for name in ("title", "caption")}
            figures.append({"name": path.stem, "section": section, **texts})
    return figures


def _extras(stored: dict[str, pd.DataFrame], others: list[dict[str, str]]) -> list[dict[str, object]]:
    """The sections of other notebooks that have something to show."""
    sections = []
    for name, (title, text, names) in EXTRAS.items():
        shown = {table: table_html(stored[table]) for table in names if table in stored}
        drawn = [figure for figure in others if figure["section"] == name]
        if shown or drawn:
            sections.append({"name": name, "title": title, "text": text, "tables": shown, "figures": drawn})
    return sections


def _made(params: Params, name: str) -> dict[str, object]:
    """What made one figure, as its file tells it."""
    try:
        record = provenance.read(store.figure_stem(params, name).with_suffix(".png"))
    except TonespanError as error:
        return {"name": name, "problem": str(error)}
    return {"name": name, "problem": "", **{key: record.get(key) for key in ("notebook", "cell", "commit", "command")}}


def write_again(params: Params) -> Path | None:
    """Write the report anew where there is one, so that it shows the figures of a later notebook; else None.

    Says so where the tables of the paper are not there, or of another version.
    """
    if not (params.figures / "index.html").is_file():
        return None
    try:
        loaded = store.load_tables(params)
    except TonespanError as error:
        tqdm.write(f"the report stays as it is: {error}")
        return None
    return write(params, loaded)


def _figure(name: str, recipe: store.Recipe, loaded: dict[str, pd.DataFrame], params: Params) -> dict[str, object]:
    texts = {"name": name, "title": recipe.title, "caption": recipe.caption(loaded, params)}
    return texts | {"tokens": links.of_conditions(recipe.shows)}
