"""The report: all figures and tables of a profile on one page that opens from disk, with what made them.

The page is plain HTML with inline style and script; figures lie beside it. Numbers in the text come from the tables.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import html
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from tqdm.auto import tqdm

from tonespan_utils import claims, figures, plots, provenance, signatures, tables
from tonespan_utils.corpus import sources
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import Params

MAX_ROWS = 1500  # longer tables are shown as a count and a head; the whole is in results/
HEAD_ROWS = 20


def write(params: Params, loaded: dict[str, pd.DataFrame]) -> Path:
    """Write ``figures/<profile>/index.html`` from the tables; the figures must have been drawn. Returns its path."""
    environment = Environment(
        loader=PackageLoader("tonespan_utils", "."), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    page = environment.get_template("report.html").render(
        profile=params.profile,
        speech=sources.describe(params),
        synthetic=params.speech.source == "synthetic",
        languages=[plots.LANGUAGE_NAMES[language] for language in params.speech.tonal],
        conditions=params.conditions,
        n_tokens=len(loaded["tokens"]),
        figures=[_figure(name, recipe, loaded, params) for name, recipe in figures.recipes(params).items()],
        board=_board(loaded["claims"]),
        verdicts=loaded["claims"]["verdict"].value_counts().to_dict(),
        claims=_table(loaded["claims"]),
        signs=_table(_named(signatures.board(loaded["signatures"]))),
        comparison=_table(loaded["comparison"]),
        contrasts=_table(loaded["contrasts"]),
        tables={name: _table(table) for name, table in loaded.items()},
        parameters=yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        encoders=_table(loaded["encoders"]),
        commit=provenance.commit(),
        versions={"python": platform.python_version()} | {name: version(name) for name in provenance.PACKAGES},
    )
    path = params.figures / "index.html"
    tables.write_atomically(path, lambda file: file.write(page))
    return path


def _named(board: pd.DataFrame) -> pd.DataFrame:
    """A board with the languages' names over its columns."""
    return board.rename(columns=plots.LANGUAGE_NAMES)


def write_again(params: Params) -> Path | None:
    """Write the report anew where there is one, so that it shows the figures of a later notebook; else None.

    Says so where the tables of the paper are not there, or of another version.
    """
    if not (params.figures / "index.html").is_file():
        return None
    try:
        loaded = figures.load_tables(params)
    except TonespanError as error:
        tqdm.write(f"the report stays as it is: {error}")
        return None
    return write(params, loaded)


def _figure(name: str, recipe: figures.Recipe, loaded: dict[str, pd.DataFrame], params: Params) -> dict[str, str]:
    return {"name": name, "title": recipe.title, "caption": recipe.caption(loaded, params)}


def _table(table: pd.DataFrame) -> dict[str, object]:
    shown = table if len(table) <= MAX_ROWS else table.head(HEAD_ROWS)
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in shown.columns)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in shown.itertuples(index=False))
    return {
        "html": f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
        "n_rows": len(table),
        "n_shown": len(shown),
    }


def _board(stored: pd.DataFrame) -> str:
    """The claims board as an HTML table: verdicts in symbol, word and colour."""
    board = claims.board(stored)
    names = plots.LANGUAGE_NAMES | {claims.EVERY: "all languages"}
    head = "".join(f'<th scope="col">{html.escape(names.get(column, column))}</th>' for column in board.columns)
    kinds = {f"{symbol} {word}": word.replace(" ", "-") for word, symbol in claims.VERDICTS.items()}
    body = ""
    for row in board.itertuples(index=False):
        cells = [f'<td class="{kinds.get(value, "")}">{html.escape(value)}</td>' for value in row]
        body += f"<tr>{''.join(cells)}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{"" if pd.isna(value) else f"{value:.4g}"}</td>'
    kind = ' class="number"' if isinstance(value, int) else ""
    return f"<td{kind}>{html.escape(str(value))}</td>"
