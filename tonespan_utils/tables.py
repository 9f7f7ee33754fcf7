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

from tonespan_utils import conditions
from tonespan_utils.corpus import TOKEN_COLUMNS
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import Params

COLUMNS = {
    "tokens": TOKEN_COLUMNS,
    "rejected": ["language", "item", "reason"],
    "f0": ["language", "tone", "offset_ms", "f0_st", "low_st", "high_st", "n_tokens"],
    "baseline_f1": ["language", "frontend", "window_ms", "fold", "macro_f1"],
    "baseline_spans": ["language", "frontend", "span_ms", "span_low_ms", "span_high_ms", "peak_f1", "chance_f1"],
    "baseline_windows": ["language", "frontend", "peak_ms", "saturation_ms", "analysis_window_ms", "planted_span_ms"],
    "finetune": ["condition", "backbone", "task", "language", "steps", "metric", "value", "seed"],
    "finetune_curves": ["condition", "seed", "step", "loss"],
    "probe_f1": [
        "condition",
        "language",
        "layer",
        "macro_f1",
        "control_f1",
        "ci_low",
        "ci_high",
        "n_train",
        "n_test",
        "seed",
    ],
    "probe_chance": ["condition", "language", "layer", "chance_f1", "seed"],
    "energy": ["condition", "language", "layer", "offset_ms", "energy"],
    "energy_null": ["condition", "language", "offset_ms", "energy"],
    "spans": [
        "condition",
        "language",
        "layer",
        "r_com_ms",
        "span_ms",
        "ci_low_ms",
        "ci_high_ms",
        "r50_ms",
        "r90_ms",
        "null_span_ms",
        "n_tokens",
    ],
    "radii": ["condition", "language", "layer", "measure", "value_ms", "ci_low_ms", "ci_high_ms", "null_ms"],
    "encoders": ["condition", "encoder", "checkpoint", "identity", "n_layers", "seed"],
}
PARTS_ONLY = {  # large, read part by part and never joined on disk
    "predictions": ["condition", "language", "seed", "layer", "token_id", "utterance_id", "tone", "predicted"],
    "token_spans": ["condition", "language", "seed", "layer", "token_id", "utterance_id", "r_com_ms"],
    "tone_predictions": ["condition", "language", "seed", "token_id", "utterance_id", "tone", "predicted"],
}  # fmt: skip
NULLABLE_TEXT = {"speaker", "gender", "emotion", "syllable", "layer", "item", "split", "ipa"}


def write(results: Path, name: str, table: pd.DataFrame, *, part: str | None = None) -> Path:
    """Write ``table`` with exactly its columns, atomically. Returns its path.

    Raises TonespanError for wrong columns or a folder that cannot be written (full disk, permissions).
    """
    missing = set(_columns(name)) ^ set(table.columns)
    if missing:
        raise TonespanError(f"table {name}: columns do not match: {', '.join(sorted(missing))}")
    path = part_path(results, name, part) if part else results / f"{name}.csv"
    columns = table[_columns(name)]
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
    """The named parts of a table, in that order; no rows where there are no parts."""
    empty = pd.DataFrame(columns=_columns(name))
    found = [_read(part_path(results, name, part), name) for part in parts]
    return pd.concat([table for table in found if len(table)] or [empty], ignore_index=True)


MEASURED = ("probe_f1", "probe_chance", "encoders", "energy", "energy_null", "spans", "radii")
TRAINED = ("finetune", "finetune_curves")


def join_all(params: Params) -> None:
    """Join every table that conditions and their seeds contribute to. Notebook: notebooks/05_rcom_comparison"""
    parsed = [conditions.parse(name) for name in params.conditions]
    measured = [condition.name for condition in parsed if condition.is_measured]
    trained = [f"{c.name}.seed{seed}" for c in parsed if c.is_trained for seed in params.seeds(c.name)]
    for names, parts in ((MEASURED, measured), (TRAINED, trained)):
        for name in names:
            join_parts(params.results, name, parts=parts)


def _columns(name: str) -> list[str]:
    return COLUMNS.get(name) or PARTS_ONLY[name]


def part_path(results: Path, name: str, part: str) -> Path:
    """Where one part of a table lies; a condition's ``/`` becomes ``--``."""
    return results / "parts" / f"{name}.{part.replace('/', '--')}.csv"


def write_atomically(path: Path, save: Callable) -> None:
    """``save(file)`` into a temporary text file beside ``path``, then move it there: a reader never sees half a
    file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise TonespanError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
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
    text = {column: str for column in _columns(name) if column in NULLABLE_TEXT or column in {"tone", "sentence_id", "token_id", "predicted"}}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=True)
    except (OSError, ValueError) as error:
        raise TonespanError(f"{path}: not a readable table ({error})") from None
    if list(table.columns) != _columns(name):
        raise TonespanError(
            f"{path}: columns are not those of table {name}; it comes from another version: "
            f"remove {path.parent} and run `make paper PROFILE={path.parent.name}` again"
        )
    return table.fillna(dict.fromkeys(text, ""))
