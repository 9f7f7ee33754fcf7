"""The estimate behind every cell of the claims board: what a cell of the report's board opens.

One picture a row of the board: on the left the statistic in every language, and their mean, with its interval and the
zone of effects too small to matter; on the right the same statistic in every layer, with a band that holds all layers
at once, and the layers that the claim is judged on shaded.

Conventions: a verdict has one colour here and in the board; pictures are SVG inside the page.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.report_text import count
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import style
from tonespan_utils.statistics import findings
from tonespan_utils.study import verdicts

COLORS = {
    verdicts.SUPPORTED: "#00694f", verdicts.CONTRADICTED: "#b34700", verdicts.TOO_SMALL: "#005f9e",
    verdicts.UNDECIDED: "0.35", verdicts.BY_CONSTRUCTION: "0.35", verdicts.NOT_TESTED: "0.6",
}  # fmt: skip
KEYS = ["check", "encoder", "language"]


def anchor(check: str, encoder: str) -> str:
    """Where in the page the estimate of a row of the board lies."""
    return f"estimate-{check}-{encoder}"


def estimate_plots(loaded: dict[str, pd.DataFrame], params: Params) -> Iterator[dict[str, object]]:
    """For every row of the board: ``anchor``, ``title``, ``picture`` (a data URI), ``texts`` (one a language)."""
    claims = _keyed(loaded["claims"])
    layers = _keyed(loaded["claim_layers"])
    for (check, encoder), rows in claims.groupby(["check", "encoder"], sort=False):
        of_layers = layers[(layers["check"] == check) & (layers["encoder"] == encoder)]
        yield {
            "anchor": anchor(check, encoder),
            "title": f"{check.replace('_', ' ')}, {encoder}",
            "picture": _picture(rows, of_layers, params.claims.from_depth),
            "texts": [_text(row) for row in rows.itertuples()],
        }


def _keyed(table: pd.DataFrame) -> pd.DataFrame:
    keys = table["claim"].str.split("/", expand=True).reindex(columns=range(3)).set_axis(KEYS, axis=1)
    return table.join(keys)


def _text(row) -> str:
    digits = 0 if "ms" in row.statistic else 3
    where = LANGUAGE_NAMES.get(row.language, "all languages")
    value = (
        "" if pd.isna(row.value) else f" {findings.interval_text(row.value, row.ci_low, row.ci_high, digits=digits)}"
    )
    n = "" if pd.isna(row.n_tokens) else f", n = {row.n_tokens:.0f} tokens, {count(int(row.n_seeds), 'training')}"
    holm = "" if row.holm_verdict == row.verdict else f" (after Holm's correction: {row.holm_verdict})"
    return f"{where}:{value} {row.verdict}{holm}{n}. {row.statement}."


def _picture(rows: pd.DataFrame, layers: pd.DataFrame, from_depth: float) -> str:
    with plt.style.context(style.STYLE), plt.rc_context({"svg.hashsalt": "tonespan"}):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(style.FULL_WIDTH_IN, 0.28 * len(rows) + 1.1), width_ratios=[1.15, 1]
        )
        _draw_languages(left, rows)
        _draw_layers(right, layers, rows["smallest"].iloc[0], from_depth)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _draw_languages(axis: Axes, rows: pd.DataFrame) -> None:
    _too_small(axis.axvspan, rows["smallest"].iloc[0])
    axis.axvline(0, **style.NULL)
    for height, row in enumerate(rows.itertuples()):
        if pd.isna(row.value):
            axis.plot(0, height, "x", color="0.6", markersize=4)
            continue
        color = COLORS[row.verdict]
        axis.plot([row.ci_low, row.ci_high], [height, height], color=color, linewidth=1.4)
        axis.plot(row.value, height, "o" if row.language != verdicts.EVERY else "D", color=color, markersize=4.5)
    names = [f"{LANGUAGE_NAMES.get(row.language, 'mean')}: {row.verdict}" for row in rows.itertuples()]
    axis.set_yticks(np.arange(len(rows)), names, fontsize=7)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(rows["statistic"].iloc[0].partition(";")[0], fontsize=7)


def _draw_layers(axis: Axes, layers: pd.DataFrame, smallest: float, from_depth: float) -> None:
    if layers.empty:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "no estimate by layer", ha="center", va="center", fontsize=7, color="0.45")
        return
    axis.axvspan(from_depth, 1.0, color="0.94", linewidth=0, zorder=0)
    _too_small(axis.axhspan, smallest)
    axis.axhline(0, **style.NULL)
    for language, rows in layers.groupby("language", sort=False):
        color = style.LANGUAGE_COLORS[language]
        axis.plot(rows["depth"], rows["value"], color=color, marker=style.LANGUAGE_MARKERS[language], markersize=3,
                  linewidth=1.0, label=LANGUAGE_NAMES[language])  # fmt: skip
        axis.fill_between(rows["depth"], rows["band_low"], rows["band_high"], color=color, alpha=0.12, linewidth=0)
    axis.set_xlabel("relative depth; shaded: the layers it is judged on", fontsize=7)
    axis.legend(fontsize=6, frameon=False)


def _too_small(span, smallest: float) -> None:
    if pd.notna(smallest):
        span(-smallest, smallest, color=COLORS[verdicts.TOO_SMALL], alpha=0.10, linewidth=0, zorder=0)
