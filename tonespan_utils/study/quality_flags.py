"""When is a span no finding? Quality flags, computed for every result and shown beside it.

Per condition, language and layer, from what was measured alone:

- ``f1_at_chance``: F1 is not above that of the same predictions shuffled (the interval of their difference,
  drawn together, contains 0). The probe knows nothing of tone, so its span says nothing about tone either: it is not
  drawn as a finding.
- ``energy_at_null``: the span, or its interval, reaches the span of a flat map: no place is looked at more than others.
- ``no_interval``: fewer than ``spans.LEAST_TOKENS`` tokens, or one utterance: nothing says how near the span is.

These three are no findings (NO_FINDING): they are drawn open and grey, and compared with nothing. The others warn:

- ``span_over_cue``: the whole interval lies beyond FAR times the cue width found in the signal.
- ``jump``: the span changes by more than the share JUMP of the larger from one layer to the next, and the two
  intervals are apart. Layer 0 is exempt: the positional convolution below it widens any span.
- ``few_tokens``: under LEAST_TOKENS tokens, or an interval wider than the span itself.

Conventions: spans and widths in ms; layers bottom up; what is unknown (nan) raises no flag, but for a missing interval.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tonespan_utils.params import tables
from tonespan_utils.statistics import findings
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import draws
from tonespan_utils.study.comparison import Study

FAR = 2.0  # a box of energy has a span of half its width: beyond twice the cue, a model looks four cues wide
JUMP = 0.5
LEAST_TOKENS = 20  # fewer, and the percentile bootstrap's interval is too narrow by a tenth and more
NAMES = {
    "f1_at_chance": "F1 at chance",
    "energy_at_null": "energy as its null",
    "no_interval": "no interval",
    "span_over_cue": "span far over the cue",
    "jump": "span jumps",
    "few_tokens": "too few tokens",
}
NO_FINDING = ("f1_at_chance", "energy_at_null", "no_interval")

# One row per layer, bottom up: what the flags are computed from.
LAYER_COLUMNS = ["layer", "f1", "chance_f1", "above_chance_low", "span_ms", "ci_low_ms", "ci_high_ms", "null_span_ms",
                 "n_tokens"]  # fmt: skip


def of_layers(layers: pd.DataFrame, *, cue_width_ms: float = np.nan) -> pd.DataFrame:
    """The quality flags of one condition and language: columns layer, signature, detail.

    ``layers`` has LAYER_COLUMNS, one row per layer, bottom up; ``above_chance_low`` is the lower bound of F1 minus
    chance. ``cue_width_ms`` is the upper bound of the cue width, nan where it is unknown.
    Notebook: notebooks/05_rcom_comparison
    """
    flags, below = [], None
    for row in layers.itertuples():
        flags += [(row.layer, name, detail) for name, detail in _signs(row, below, cue_width_ms)]
        below = row
    return pd.DataFrame(flags, columns=["layer", "signature", "detail"])


def _signs(row, below, cue_width_ms: float) -> Iterator[tuple[str, str]]:
    span = f"span {findings.interval_text(row.span_ms, row.ci_low_ms, row.ci_high_ms)} ms"
    if findings.why_at_chance(row.above_chance_low):
        yield "f1_at_chance", f"F1 {row.f1:.2f}, chance {row.chance_f1:.2f}: their difference may be 0"
    reason = findings.why_at_null(Interval(row.span_ms, row.ci_low_ms, row.ci_high_ms), row.null_span_ms)
    if reason == "span at its null":
        yield "energy_at_null", f"{span}, of a flat map {row.null_span_ms:.0f} ms"
    elif reason:
        yield "no_interval", f"{row.n_tokens} tokens, {span}"
    if row.ci_low_ms > FAR * cue_width_ms:
        yield "span_over_cue", f"{span}, over {FAR:g} times the cue width of at most {cue_width_ms:.0f} ms"
    if below is not None and row.layer != "0" and _jumps(row, below):
        yield "jump", f"{span}, in layer {below.layer} {below.span_ms:.0f} ms"
    wide = row.ci_high_ms - row.ci_low_ms > row.span_ms
    if row.n_tokens < LEAST_TOKENS or wide:
        yield "few_tokens", f"{row.n_tokens} tokens, {span}"


def _jumps(row, below) -> bool:
    apart = row.ci_low_ms > below.ci_high_ms or row.ci_high_ms < below.ci_low_ms
    return apart and abs(row.span_ms - below.span_ms) > JUMP * max(row.span_ms, below.span_ms)


def table(study: Study, span_table: pd.DataFrame, cues: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """The table ``signatures`` of every condition and language of ``found``.

    ``span_table``: the table ``spans``; ``cues``: rows of ``baseline_spans`` of the front end in use.
    Notebook: notebooks/05_rcom_comparison
    """
    cue_ms = cues.set_index("language")["span_high_ms"]
    rows = []
    for (name, language), measured in study.items():
        spans_of_layers = tables.select(span_table, condition=name, language=language).set_index("layer")
        f1, chance = measured.by_layer["f1"], measured.by_layer["chance_f1"]
        low = [draws.interval((f1 - chance)[:, i], level=level).low for i in range(len(measured.layers))]
        scores = pd.DataFrame(
            {"layer": measured.layers, "f1": f1[0], "chance_f1": chance[0], "above_chance_low": low},
            index=measured.layers,
        )
        signs = of_layers(scores.join(spans_of_layers, lsuffix="_"), cue_width_ms=cue_ms[language])
        rows.append(signs.assign(condition=name, language=language))
    return pd.concat(rows, ignore_index=True)[tables.COLUMNS["signatures"]]


def unknown_layers(stored: pd.DataFrame, condition: str, language: str) -> set[str]:
    """The layers of one condition and language whose span is no finding, by the table ``signatures``."""
    flags = stored[(stored["condition"] == condition) & (stored["language"] == language)]
    return set(flags.loc[flags["signature"].isin(NO_FINDING), "layer"])


def board(stored: pd.DataFrame) -> pd.DataFrame:
    """The table ``signatures`` as a board: a row per condition, a column per language, in words; blank is good."""
    cells = {}
    for (name, language), flags in stored.groupby(["condition", "language"], sort=False):
        signs = flags.groupby("signature", sort=False)["layer"].agg(", ".join)
        cells[name, language] = "; ".join(f"{NAMES[sign]}: {layers}" for sign, layers in signs.items())
    if not cells:
        return pd.DataFrame(columns=["condition"])
    wide = pd.Series(cells).unstack().reindex(columns=list(dict.fromkeys(stored["language"])))
    wide = wide.loc[list(dict.fromkeys(stored["condition"]))].fillna("")
    return wide.rename_axis("condition").rename_axis(None, axis=1).reset_index()
