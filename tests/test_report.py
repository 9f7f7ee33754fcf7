"""Tables on the page: escaped, shortened with a count, numbers as numbers."""

import pandas as pd

from tonespan_utils import report


def test_cells_are_escaped_and_missing_numbers_are_empty():
    table = report._table(pd.DataFrame({"<b>": ["a & b"], "x": [0.123456], "n": [3], "gap": [float("nan")]}))
    assert '<th scope="col">&lt;b&gt;</th>' in table["html"] and "a &amp; b" in table["html"]
    assert '<td class="number">0.1235</td><td class="number">3</td><td class="number"></td>' in table["html"]


def test_long_tables_say_how_much_is_shown():
    table = report._table(pd.DataFrame({"x": range(report.MAX_ROWS + 1)}))
    assert (table["n_rows"], table["n_shown"]) == (report.MAX_ROWS + 1, report.HEAD_ROWS)
    assert table["html"].count("<tr>") == report.HEAD_ROWS + 1


def test_the_board_says_verdicts_in_symbol_and_word():
    rows = [("cue_width/signal/th", "by construction"), ("best_layer_mid_to_high/mini/th", "not supported")]
    stored = pd.DataFrame(rows, columns=["claim", "verdict"])
    stored = pd.concat([stored, stored.assign(claim=stored["claim"].str.replace("/th", "/all"))])
    page = report._board(stored)
    assert '<td class="not-supported">✗ not supported</td>' in page and "= by construction" in page
    assert '<th scope="col">Thai</th><th scope="col">all languages</th>' in page
