"""Figure: a linear probe on the frozen encoder beside the encoder fine-tuned on tone (macro-F1).

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper.figures.parts import (
    Tables,
    interval_text,
    labels,
    language_rows,
    languages_with_rows,
    of_encoder,
)
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import comparisons, layout
from tonespan_utils.plots.style import LANGUAGE_COLORS


def draw_tuned(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """The probe on the frozen encoder beside the encoder fine-tuned on tone, and their difference."""
    rows = probe_and_tuned(loaded["probe_vs_finetuned"], backbone)
    names = list(dict.fromkeys(rows["label"]))
    figure, (scores, difference) = layout.side_by_side(2, height_in=0.42 * len(names) + 0.9)
    heights = pd.Series(range(len(names)), index=names, dtype=float)
    there = languages_with_rows(rows, params)
    for offset, language in zip(layout.dodge(len(there)), there, strict=True):
        of_language = rows[rows["language"] == language]
        y = heights.loc[of_language["label"]].to_numpy() + offset
        comparisons.from_to(scores, y, of_language, color=LANGUAGE_COLORS[language])
    language_rows(difference, rows, names, params)
    layout.named_rows(scores, names)
    scores.set(xlim=(0, 1.03), xlabel="macro-F1 (open: probe, filled: fine-tuned)")
    difference.set_xlabel("macro-F1, fine-tuned minus probe")
    layout.shared_legend(figure, [difference])
    return figure


def caption_tuned(loaded: Tables, params: Params, *, backbone: str) -> str:
    rows = probe_and_tuned(loaded["probe_vs_finetuned"], backbone)
    differences = "; ".join(
        f"{LANGUAGE_NAMES[row.language]}, {row.condition} {interval_text(row.value, row.low, row.high, '+.2f')} "
        f"(n = {row.n_tokens:.0f})"
        for row in rows[rows["layer"] == "best"].itertuples()
    )
    return (
        "A linear probe on the frozen encoder beside the same encoder fine-tuned to name the tone, over the test "
        "tokens of both (bars: chance); right: their paired difference, open where its "
        f"{params.bootstrap.level:.0%} bootstrap interval over utterances and seeds contains 0. Fine-tuned minus probe "
        f"at the best layer: {differences}."
    )


def probe_and_tuned(table: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """An encoder's rows of ``probe_vs_finetuned`` with ``label`` (condition and layer) and value, low, high."""
    rows = of_encoder(table, backbone).rename(columns={"difference": "value", "ci_low": "low", "ci_high": "high"})
    kinds = labels(rows["condition"], rows["language"])
    return rows.assign(label=[f"{kind}, {layer} layer" for kind, layer in zip(kinds, rows["layer"], strict=True)])
