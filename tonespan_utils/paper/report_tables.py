"""Tables of the report: as HTML to read and to sort, and as CSV to download.

Conventions: numbers are shown with four digits; cells are escaped; a download holds every row, safe for spreadsheets.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import base64
import gzip
import html
import re

import pandas as pd
from markupsafe import Markup

from tonespan_utils import languages
from tonespan_utils.paper import estimate_plots
from tonespan_utils.study import claims, verdicts

MAX_ROWS = 200  # longer tables are shown as a head; the download holds every row


HEAD_ROWS = 20


# What begins a formula in some spreadsheet, after spaces too; and what begins like one but is only a number.
FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")


# The same behind what parts cells elsewhere: a spreadsheet set to German or French splits a CSV at its semicolons.
INNER_FORMULA = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")


NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def with_language_names(board: pd.DataFrame) -> pd.DataFrame:
    """A board with the languages' names over its columns."""
    return board.rename(columns=languages.LANGUAGE_NAMES)


def table_html(table: pd.DataFrame) -> dict[str, object]:
    shown = table if len(table) <= MAX_ROWS else table.head(HEAD_ROWS)
    head = "".join(
        f'<th scope="col"><button type="button">{html.escape(column)}</button></th>' for column in shown.columns
    )
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in shown.itertuples(index=False))
    return {
        "html": Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"),
        "n_rows": len(table),
        "n_shown": len(shown),
    }


def packed(table: pd.DataFrame) -> str:
    """A table as CSV, gzip and base64: what the page's download gives out."""
    text = without_formulas(table).to_csv(index=False, float_format="%.10g")
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """A table for spreadsheets: what they would run as a formula has a single quote before it, inside a text too.

    Numbers stay numbers, those in columns of text too; the stored tables are as they were.
    """
    texts = table.select_dtypes(include=["object", "string"])
    return table.assign(**{name: texts[name].map(_quoted) for name in texts})


def _quoted(value: object) -> object:
    if not isinstance(value, str) or NUMBER.fullmatch(value):
        return value
    safe = INNER_FORMULA.sub(r"\1'", value)
    return f"'{safe}" if FORMULA.match(value) else safe


def board_html(stored: pd.DataFrame, statements: dict[str, str]) -> Markup:
    """The claims board as an HTML table: verdicts in symbol, word and colour, each a link to its estimate.

    ``statements``: what each claim says, by the name of its check.
    """
    board = claims.board(stored, statements)
    names = languages.LANGUAGE_NAMES | {verdicts.EVERY: "all languages, mean"}
    head = "".join(f'<th scope="col">{html.escape(names.get(column, column))}</th>' for column in board.columns)
    checks = {statement: check for check, statement in statements.items()}
    body = ""
    for row in board.to_dict("records"):
        target = estimate_plots.anchor(checks.get(row["claim"], ""), row["encoder"])
        cells = [_board_cell(value, target, is_verdict=column in names) for column, value in row.items()]
        body += f"<tr>{''.join(cells)}</tr>"
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _board_cell(value: str, target: str, *, is_verdict: bool) -> str:
    if not is_verdict or not value:
        return f"<td>{html.escape(value)}</td>"
    verdict = next(word for word, symbol in verdicts.VERDICTS.items() if value.startswith(f"{symbol} {word}"))
    link = f'<a href="#{html.escape(target)}">{html.escape(value)}</a>'
    return f'<td class="{verdict.replace(" ", "-")}">{link}</td>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{"" if pd.isna(value) else f"{value:.4g}"}</td>'
    kind = ' class="number"' if isinstance(value, int) else ""
    return f"<td{kind}>{html.escape(str(value))}</td>"
