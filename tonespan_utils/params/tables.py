"""The stored tables: tidy CSV files in ``results/<profile>/`` with exact columns, written whole or not at all.

A table that several notebooks contribute to is written in parts, ``parts/<table>.<part>.csv``, and joined by the
last one.

Conventions: UTF-8, comma, one header line; numbers with 10 significant digits, so that equal runs give equal bytes.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.profile import Params

UTTERANCE_COLUMNS = [
    "utterance_id", "sentence_id", "language", "split", "speaker", "gender", "emotion", "text", "n_samples",
]  # fmt: skip
TOKEN_COLUMNS = [
    "token_id", "utterance_id", "sentence_id", "language", "split", "speaker", "gender", "emotion",
    "syllable", "ipa", "tone", "start_s", "end_s", "center_s", "align_score",
]  # fmt: skip

COLUMNS = {
    "tokens": TOKEN_COLUMNS,
    "rejected": ["language", "item", "reason"],
    "f0": ["language", "tone", "offset_ms", "f0_st", "low_st", "high_st", "n_tokens"],
    "baseline_f1": ["language", "frontend", "window_ms", "fold", "macro_f1"],
    "baseline_spans": ["language", "frontend", "span_ms", "span_low_ms", "span_high_ms", "peak_f1", "chance_f1"],
    "baseline_notes": ["language", "frontend", "n_tokens", "f1_low", "f1_high", "chance_high", "reason"],
    "baseline_windows": [
        "language", "frontend", "knee_ms", "peak_ms", "saturation_ms", "analysis_window_ms", "planted_span_ms",
    ],
    "baseline_sounds": ["language", "reader", "macro_f1", "ci_low", "ci_high", "chance_f1", "n_tokens"],
    "baseline_confusions": ["language", "frontend", "window_ms", "tone", "predicted", "n", "share"],
    "probe_f1": [
        "condition", "language", "layer", "macro_f1", "control_f1", "ci_low", "ci_high", "n_train", "n_test", "seed",
    ],
    "probe_chance": ["condition", "language", "layer", "chance_f1", "seed"],
    "energy": ["condition", "language", "layer", "offset_ms", "energy"],
    "energy_null": ["condition", "language", "offset_ms", "energy"],
    "spans": [
        "condition", "language", "layer", "r_com_ms", "span_ms", "ci_low_ms", "ci_high_ms", "r50_ms", "r90_ms",
        "null_span_ms", "n_tokens",
    ],
    "radii": ["condition", "language", "layer", "measure", "value_ms", "ci_low_ms", "ci_high_ms", "null_ms"],
    "span_weights": [
        "condition", "language", "layer", "weight", "span_ms", "ci_low_ms", "ci_high_ms", "null_span_ms", "exponent",
        "exponent_low", "exponent_high", "duration_rho", "duration_rho_low", "duration_rho_high", "n_tokens",
    ],
    "random_spans": [
        "encoder", "language", "layer", "depth", "weight", "span_ms", "ci_low_ms", "ci_high_ms", "null_span_ms", "f1",
        "f1_low", "f1_high", "chance_f1", "above_chance_low", "n_tokens", "n_test", "n_seeds",
    ],
    "encoders": ["condition", "encoder", "checkpoint", "identity", "n_layers", "seed"],
    "finetune": ["condition", "backbone", "task", "language", "steps", "metric", "value", "seed"],
    "finetune_curves": ["condition", "seed", "step", "loss"],
    "predictions": ["condition", "language", "seed", "layer", "token_id", "utterance_id", "tone", "predicted"],
    "token_spans": ["condition", "language", "seed", "layer", "token_id", "utterance_id", "r_com_ms"],
    "tone_predictions": ["condition", "language", "seed", "token_id", "utterance_id", "tone", "predicted"],
    "margin_knee": [
        "encoder", "condition", "language", "seed", "layer", "knee_ms", "ci_low_ms", "ci_high_ms", "n_tokens", "note",
    ],
    "margin_curves": [
        "condition", "language", "seed", "layer", "curve", "half_width_ms", "margin", "ci_low", "ci_high",
    ],
    "influence": [
        "condition", "language", "seed", "layer", "half_width_ms", "influence", "ci_low", "ci_high", "n_tokens",
    ],
    "influence_tokens": [
        "encoder", "condition", "language", "seed", "layer", "token_id", "half_width_ms", "influence",
    ],
    "knee_left_out": ["language", "token_id", "utterance_id", "reason"],
    "layer_curves": [
        "condition", "language", "layer", "depth", "f1", "f1_low", "f1_high", "span_ms", "span_low_ms", "span_high_ms",
        "n_tokens", "n_span_tokens",
    ],
    "comparison": [
        "condition", "language", "best_layer", "best_depth", "best_depth_low", "best_depth_high", "f1", "f1_low",
        "f1_high", "chance_f1", "span_ms", "span_low_ms", "span_high_ms", "distance_ms", "distance_low_ms",
        "distance_high_ms", "box_distance_ms", "box_distance_low_ms", "box_distance_high_ms", "top_layer", "top_f1",
        "top_f1_low", "top_f1_high", "top_chance_f1", "top_span_ms", "top_span_low_ms", "top_span_high_ms",
        "top_distance_ms", "top_distance_low_ms", "top_distance_high_ms", "top_box_distance_ms",
        "top_box_distance_low_ms", "top_box_distance_high_ms", "null_span_ms", "cue_width_ms", "cue_low_ms",
        "cue_high_ms", "n_tokens", "n_span_tokens", "n_utterances", "n_seeds", "note", "top_note",
    ],
    "contrasts": [
        "language", "condition_a", "condition_b", "measure", "difference", "ci_low", "ci_high", "n_tokens", "n_seeds",
    ],
    "probe_vs_finetuned": [
        "condition", "finetuned_condition", "language", "layer", "probe_f1", "finetuned_f1", "chance_f1", "difference",
        "ci_low", "ci_high", "n_tokens", "n_seeds",
    ],
    "seed_agreement": [
        "condition", "language", "a", "b", "over", "rho", "ci_low", "ci_high", "null_low", "null_high", "n",
    ],
    "signatures": ["condition", "language", "layer", "signature", "detail"],
    "calibration": [
        "estimator", "true_span_ms", "estimated_span_ms", "ci_low_ms", "ci_high_ms", "condition", "layer", "n_tokens",
    ],
    "calibration_lines": [
        "estimator", "condition", "layer", "slope", "slope_low", "slope_high", "slope_t_low", "slope_t_high",
        "intercept_ms", "bias_ms", "bias_low_ms", "bias_high_ms", "worst_error_ms", "rmse_ms", "n_spans", "verdict",
    ],
    "calibration_languages": [
        "estimator", "condition", "layer", "language", "n_spans", "slope_main", "slope_main_low", "slope_main_high",
        "slope", "slope_low", "slope_high", "shift_ms", "shift_low_ms", "shift_high_ms", "slope_difference",
        "slope_difference_low", "slope_difference_high",
    ],
    "calibration_scores": [
        "true_span_ms", "condition", "layer", "metric", "value", "ci_low", "ci_high", "null", "n_tokens",
    ],
    "calibration_draws": ["estimator", "condition", "layer", "true_span_ms", "draw", "width_ms", "n_tokens"],
    "sanity": ["check", "condition", "layer", "statistic", "value", "ci_low", "ci_high", "null", "verdict"],
    "alignment": [
        "aligner", "language", "split", "bias_ms", "median_ms", "median_low_ms", "median_high_ms", "p95_ms",
        "p95_low_ms", "p95_high_ms", "over_40_ms", "n_tokens", "n_known",
    ],
    "jitter": [
        "measure", "language", "condition", "layer", "jitter_ms", "value_ms", "ci_low_ms", "ci_high_ms", "null_ms",
        "f1", "chance_f1", "n_tokens",
    ],
    "claims": [
        "claim", "statement", "statistic", "value", "ci_low", "ci_high", "smallest", "verdict", "p_value",
        "holm_verdict", "every_language", "n_tokens", "n_seeds",
    ],
    "claim_layers": ["claim", "layer", "depth", "value", "band_low", "band_high", "n_tokens"],
    "upper_spans": [
        "condition", "language", "span_ms", "span_low_ms", "span_high_ms", "f1", "f1_low", "f1_high", "null_span_ms",
        "note", "n_tokens", "n_seeds",
    ],
    "best_layers": ["condition", "language", "layers", "identified"],
    "power": [
        "claim", "effect", "power", "n_tokens", "n_seeds", "tokens_needed", "seeds_needed", "seed_df",
    ],
    "controls": ["kind", "control", "measure", "n_asked", "n_called", "share"],
    "confirmation": ["claim", "verdict", "confirmed_verdict", "holm_verdict", "confirmed_holm_verdict", "stays"],
}  # fmt: skip
VALIDITY = {
    "calibration",
    "calibration_lines",
    "calibration_languages",
    "calibration_scores",
    "sanity",
}  # there once `make validity` has run
ALIGNMENT = {"alignment", "jitter"}  # there once `make alignment` has run
CONFIRMED = {"confirmation"}  # there once the study has been confirmed on new seeds
LOWER_IS_BETTER = ("cer", "tone_error_rate", "minimal_pair_error", "eer")  # of the metrics of ``finetune``
READERS = {"baseline_sounds", "baseline_confusions"}  # beside the cue width: shown, and nothing is computed from them
PARTS_ONLY = {
    "predictions",
    "token_spans",
    "tone_predictions",
    "calibration_draws",
}  # a row per token: too long to keep twice
BY_TOKEN = {"influence_tokens"}  # joined for other tables; too long for the report
TEXT = {"tone", "predicted", "sentence_id", "utterance_id", "token_id"}  # even where every value is a number
NULLABLE_TEXT = {
    "weight",
    "speaker", "gender", "emotion", "syllable", "layer", "item", "split", "ipa", "language", "aligner", "best_layer",
    "top_layer", "reason", "note", "top_note", "every_language", "layers",
}  # fmt: skip


def write(results: Path, name: str, table: pd.DataFrame, *, part: str | None = None) -> Path:
    """Write ``table`` with exactly the columns of ``COLUMNS[name]``, atomically. Returns its path.

    Raises TonespanError for wrong columns or a folder that cannot be written (full disk, permissions).
    """
    missing = set(COLUMNS[name]) ^ set(table.columns)
    if missing:
        raise TonespanError(f"table {name}: columns do not match: {', '.join(sorted(missing))}")
    path = part_path(results, name, part) if part else results / f"{name}.csv"
    columns = table[COLUMNS[name]]
    write_atomically(path, lambda file: columns.to_csv(file, index=False, float_format="%.10g"))
    return path


def read(results: Path, name: str) -> pd.DataFrame:
    """A table as written. Raises TonespanError when it is missing or of another version."""
    return _read(results / f"{name}.csv", name)


def join_parts(results: Path, name: str, *, parts: Sequence[str]) -> pd.DataFrame:
    """Join the named parts of a table, in that order, into ``<name>.csv`` and return it."""
    table = read_parts(results, name, parts=parts)
    write(results, name, table)
    return table


def read_parts(results: Path, name: str, *, parts: Sequence[str]) -> pd.DataFrame:
    """The named parts of a table as one, in that order; without parts, its columns and no rows."""
    parts_read = [_read(part_path(results, name, part), name) for part in parts]
    return pd.concat(parts_read, ignore_index=True) if parts_read else pd.DataFrame(columns=COLUMNS[name])


MEASURED = (
    "probe_f1", "probe_chance", "encoders", "energy", "energy_null", "spans", "radii", "span_weights",
    "margin_knee", "margin_curves", "influence", "influence_tokens",
)  # fmt: skip
TRAINED = ("finetune", "finetune_curves")
SPOKEN = ("knee_left_out",)  # a part per language


def join_all(params: Params) -> None:
    """Join every table that conditions, their seeds and languages contribute to.

    Notebook: notebooks/05_rcom_comparison
    """
    parsed = [conditions.parse(name) for name in params.conditions]
    measured = [condition.name for condition in parsed if condition.is_measured]
    by_part = {MEASURED: measured, TRAINED: trained_parts(params, parsed), SPOKEN: params.speech.tonal}
    for names, parts in by_part.items():
        for name in names:
            join_parts(params.results, name, parts=parts)
    join_parts(params.results, "random_spans", parts=encoders(params))


def encoders(params: Params) -> list[str]:
    """The encoders of which some condition is measured, in the order of the conditions."""
    parsed = map(conditions.parse, params.conditions)
    return list(dict.fromkeys(condition.backbone for condition in parsed if condition.is_measured))


def trained_parts(params: Params, parsed: Sequence[Condition]) -> list[str]:
    """The parts that training left: one per condition and seed."""
    return [f"{c.name}.seed{seed}" for c in parsed if c.is_trained for seed in params.seeds(c.name)]


def select(table: pd.DataFrame, **where: str) -> pd.DataFrame:
    """The rows with these values. Raises TonespanError when there are none: a table of another run."""
    for column, value in where.items():
        table = table[table[column] == value]
    if table.empty:
        raise TonespanError(f"no rows for {where} in the stored tables; run `make paper` again")
    return table


def part_path(results: Path, name: str, part: str) -> Path:
    """Where one part of a table lies; a condition's ``/`` becomes ``--``."""
    return results / "parts" / f"{name}.{part.replace('/', '--')}.csv"


def write_atomically(path: Path, save: Callable, *, mode: str = "w") -> None:
    """``save(file)`` into a temporary file beside ``path`` (UTF-8 text, or ``mode="wb"``), then move it there: a reader
    never sees half a file.
    """
    encoding = {"encoding": "utf-8", "newline": ""} if mode == "w" else {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise TonespanError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(descriptor, mode, **encoding) as file:
            save(file)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise TonespanError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read(path: Path, name: str) -> pd.DataFrame:
    if not path.is_file():
        raise TonespanError(f"{path}: no such table; run `make paper` for this profile first")
    text = {column: str for column in COLUMNS[name] if column in NULLABLE_TEXT | TEXT}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=True)
    except (OSError, ValueError) as error:
        raise TonespanError(f"{path}: not a readable table ({error})") from None
    if list(table.columns) != COLUMNS[name]:
        raise TonespanError(
            f"{path}: columns are not those of table {name}; it comes from another version: "
            f"remove {path.parent} and run `make paper PROFILE={path.parent.name}` again"
        )
    return table.fillna(dict.fromkeys(text, ""))
