"""What was measured over all tokens of a condition, for the explorer: energy, spans, scores, random weights, margins.

Conventions: a column of ``TABLE`` per number, as ``js/bundle.js`` reads them; margins are (layer, curve, half-width,
value and bounds), means over seeds of training, nan where there are none; a knee is none where a seed has none.

Notebook: notebooks/explorer
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tonespan_utils.params import conditions, tables
from tonespan_utils.statistics import findings

OF_CONDITIONS = ("energy", "energy_null", "spans", "probe_f1", "probe_chance", "margin_knee", "margin_curves")
CURVES = ("keep", "flatten")
KNEE = ["knee_ms", "ci_low_ms", "ci_high_ms"]
TABLE = [
    "span_ms", "ci_low_ms", "ci_high_ms", "r90_ms", "null_span_ms", "n_tokens", "f1", "chance", "random_ms",
    "random_low_ms", "random_high_ms", "knee_ms", "knee_low_ms", "knee_high_ms",
]  # fmt: skip


def half_widths_ms(loaded: dict[str, pd.DataFrame]) -> list[float]:
    """The half-widths of the margin curves, 0 among them, upwards; empty where no margin was measured."""
    return sorted(float(width) for width in loaded["margin_curves"]["half_width_ms"].unique())


def of_condition(
    loaded: dict[str, pd.DataFrame], condition: str, language: str, layers: Sequence[str], *, weight: str
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """The arrays ``pooled`` (layer, bin), ``null`` (bin,), ``margin`` and ``table`` (layer, column) of one condition in
    one language, and per layer why it has no span (``no_finding``) or no knee (``no_knee``); empty where it has.
    """
    where = {"condition": condition, "language": language}
    stored = {name: tables.select(loaded[name], **where) for name in OF_CONDITIONS}
    energy = stored["energy"].pivot(index="layer", columns="offset_ms", values="energy").loc[layers]
    arrays = {
        "pooled": energy.to_numpy(dtype=np.float32),
        "null": stored["energy_null"]["energy"].to_numpy(dtype=np.float32),
        "margin": margins(stored["margin_curves"], layers, half_widths_ms(loaded)),
        "table": _table(loaded, stored, condition, language, layers, weight=weight),
    }
    why_not = findings.why_no_spans(stored["spans"], stored["probe_f1"], stored["probe_chance"])
    notes = stored["margin_knee"].groupby("layer")["note"].agg(lambda each: next(filter(None, each), ""))
    no_knee = notes.reindex(layers, fill_value="not measured").tolist()
    return arrays, {"no_finding": [why_not[layer] for layer in layers], "no_knee": no_knee}


def _table(
    loaded: dict[str, pd.DataFrame],
    stored: dict[str, pd.DataFrame],
    condition: str,
    language: str,
    layers: Sequence[str],
    *,
    weight: str,
) -> np.ndarray:
    """The columns of ``TABLE`` per layer, float32."""
    spans = stored["spans"].set_index("layer").loc[layers, TABLE[:6]].to_numpy(dtype=float)
    f1 = stored["probe_f1"].groupby("layer")["macro_f1"].mean().loc[layers]
    chance = stored["probe_chance"].groupby("layer")["chance_f1"].mean().loc[layers]
    random = _random(loaded, condition, language, layers, weight=weight)
    knees = _over_seeds(stored["margin_knee"], ["layer"], KNEE).reindex(layers)
    return np.column_stack([spans, f1, chance, random, knees]).astype(np.float32)


def margins(curves: pd.DataFrame, layers: Sequence[str], widths_ms: Sequence[float]) -> np.ndarray:
    """Margins float32 (layer, curve, half-width, 3): mean over seeds of the value and of its two bounds."""
    means = _over_seeds(curves, ["layer", "curve", "half_width_ms"], ["margin", "ci_low", "ci_high"])
    rows = pd.MultiIndex.from_product([layers, CURVES, widths_ms], names=means.index.names)
    return means.reindex(rows).to_numpy(dtype=np.float32).reshape(len(layers), len(CURVES), len(widths_ms), 3)


def _over_seeds(rows: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """Means over seeds; nan where a seed has none."""
    return rows.groupby(keys, sort=False)[columns].agg(lambda values: values.mean(skipna=False))


def _random(
    loaded: dict[str, pd.DataFrame], condition: str, language: str, layers: Sequence[str], *, weight: str
) -> np.ndarray:
    """Span, low and high bound (layer, 3) of the same encoder with permuted weights."""
    encoder = conditions.parse(condition).backbone
    rows = tables.select(loaded["random_spans"], encoder=encoder, language=language, weight=weight).set_index("layer")
    return rows.loc[layers, ["span_ms", "ci_low_ms", "ci_high_ms"]].to_numpy(dtype=float)
