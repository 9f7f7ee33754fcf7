"""The tables of one condition's margins: knees, curves, and the influence of pitch beyond each half-width.

Conventions: a row per language, seed of training and layer; nothing is pooled over seeds here.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import influence, margin_knee, margins, pitch_versions, probes
from tonespan_utils.instrument.margins import Margins
from tonespan_utils.params import conditions
from tonespan_utils.params.knee import Knee
from tonespan_utils.statistics.classifier import LinearClassifier

CONTEXT_MS = 500.0  # of a clip on each side of a centre whose pitch is taken away; that of a profile
NAMES = ("margin_knee", "margin_curves", "influence", "influence_tokens")


def cache_dir(results: Path, language: str) -> Path:
    """Where the features of flattened speech are kept, for all conditions and seeds."""
    return results / "flattened" / language


def above_chance(predictions: pd.DataFrame, *, n_resamples: int, level: float, seed: int) -> dict[str, float]:
    """The lower bound of F1 minus chance by layer, of the rows of table ``predictions`` of one language and seed."""
    resampling = {"n_resamples": n_resamples, "level": level, "seed": seed}
    return {
        str(layer): probes.score_answers(
            *(rows[column].to_numpy(dtype=str) for column in ("tone", "predicted", "utterance_id")), **resampling
        ).above_chance_low
        for layer, rows in predictions.groupby("layer", sort=False)
    }


def tabulate(
    measured: Mapping[tuple[str, int], Margins],
    predictions: pd.DataFrame,
    *,
    condition: str,
    n_resamples: int,
    level: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """The tables of NAMES of one condition; ``measured`` by language and seed of training.

    ``predictions``: rows of the table of that name, which say whether a probe knows the tone. Notebook:
    notebooks/04_gradient_energy
    """
    drawing = {"n_resamples": n_resamples, "seed": seed}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in NAMES}
    for (language, training), of_seed in measured.items():
        rows = predictions[(predictions["language"] == language) & (predictions["seed"] == training)]
        knows = above_chance(rows, level=level, **drawing)
        tables = {
            "margin_knee": margin_knee.table(of_seed, knows, level=level, **drawing),
            "margin_curves": margin_knee.curve_table(of_seed, level=level, **drawing),
            "influence": influence.table(of_seed, level=level, **drawing),
            "influence_tokens": influence.token_table(of_seed),
        }
        about = {"condition": condition, "language": language, "seed": training}
        for name, table in tables.items():
            parts[name].append(table.assign(**about))
    joined = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
    encoder = conditions.parse(condition).backbone
    return joined | {name: joined[name].assign(encoder=encoder) for name in ("margin_knee", "influence_tokens")}


def of_segments(
    encoder: Encoder,
    fitted: Mapping[str, LinearClassifier],
    corpus: Corpus,
    tokens: pd.DataFrame,
    given: Knee,
    *,
    above_chance: Mapping[str, float],
    n_resamples: int,
    level: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """``knees``, ``influence`` and ``left_out`` of some segments, for ``measure_span``; nothing is kept on disk.

    ``above_chance``: the lower bound of F1 minus chance by layer. Notebook: notebooks/04_gradient_energy
    """
    versions = pitch_versions.of_corpus(encoder, corpus, tokens, given)
    measured = margins.measure(encoder, fitted, versions)
    resampling = {"n_resamples": n_resamples, "level": level, "seed": seed}
    return {
        "knees": margin_knee.table(measured, above_chance, **resampling),
        "influence": influence.table(measured, **resampling),
        "left_out": versions.left_out.reset_index(drop=True),
    }


def settings(half_widths_ms: Sequence[float], n_tokens: int, pitch_range_hz: tuple[float, float]) -> Knee:
    """The settings of the margin knee for ``measure_span``. Raises TonespanError in one line where they do not fit."""
    floor_hz, ceiling_hz = map(float, pitch_range_hz)
    try:
        return Knee(
            half_widths_ms=[float(width) for width in half_widths_ms], n_tokens=n_tokens, context_ms=CONTEXT_MS,
            method="level_restored", floor_hz=floor_hz, ceiling_hz=ceiling_hz,
        )  # fmt: skip
    except ValidationError as error:
        reasons = "; ".join(str(each["msg"]).removeprefix("Value error, ") for each in error.errors())
        raise TonespanError(f"half_widths_ms, n_knee_tokens or pitch_range_hz: {reasons}") from None
