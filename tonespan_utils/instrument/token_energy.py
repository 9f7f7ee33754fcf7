"""The energy of single tokens, kept beside the pooled tables for whoever wants to look at one: the explorer.

What is kept, one ``.npz`` per condition: of every token, layer and seed of training the energy share per offset bin,
and the probability that the probe gives to the true tone.

Conventions: shares sum to 1 over the window and are float16, whose steps are 1/2048 of a value above 6e-5; a radius
computed from them is within 0.1 % of the one in ``token_spans``. A token without energy has shares of nan.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import spans
from tonespan_utils.params import conditions, tables

if TYPE_CHECKING:  # whoever only reads what is stored does without torch
    from tonespan_utils.instrument.gradient_energy import Measured

VERSION = 1  # of the file: another one is refused


@dataclass(frozen=True, eq=False)
class TokenEnergy:
    """One condition in one language: ``share`` (seed, token, layer, bin), ``confidence`` (seed, token, layer)."""

    layers: list[str]
    seeds: list[int]
    edges_ms: np.ndarray
    token_ids: list[str]
    share: np.ndarray
    confidence: np.ndarray


def path(results: Path, condition: str) -> Path:
    """Where the token energies of a condition are kept."""
    return results / "token_energy" / f"{conditions.parse(condition).part}.npz"


def save(
    results: Path,
    condition: str,
    measured_by_language: Mapping[str, Sequence[Measured]],
    seeds: Sequence[int],
    edges_ms: np.ndarray,
) -> Path:
    """Keep what ``gradient_energy.measure`` gave, per language and seed. Returns the path.

    Notebook: notebooks/04_gradient_energy
    """
    layers = list(next(iter(measured_by_language.values()))[0].energy)
    arrays = {
        "version": np.array(VERSION),
        "layers": np.array(layers),
        "seeds": np.array(seeds),
        "edges_ms": np.asarray(edges_ms, dtype=np.float64),
    }
    for language, measured in measured_by_language.items():
        tokens = measured[0].tokens  # the same ones, in the same order, under every seed
        share = [np.stack([spans.normalise(of_seed.energy[layer]) for layer in layers], axis=1) for of_seed in measured]
        sure = [np.stack([of_seed.confidence[layer] for layer in layers], axis=1) for of_seed in measured]
        arrays |= {
            f"{language}/token_id": np.array(tokens, dtype=str),
            f"{language}/share": np.stack(share).astype(np.float16),
            f"{language}/confidence": np.stack(sure).astype(np.float32),
        }
    where = path(results, condition)
    tables.write_atomically(where, lambda file: np.savez_compressed(file, **arrays), mode="wb")
    return where


def load(results: Path, condition: str) -> dict[str, TokenEnergy]:
    """What :func:`save` kept, language by language.

    Raises TonespanError where it is missing (half a run), damaged, or of another version. Notebook: notebooks/explorer
    """
    where = path(results, condition)
    if not where.is_file():
        raise TonespanError(
            f"{where}: no such file; {condition} has not been measured yet, or by an earlier version: "
            f"run `make paper PROFILE={results.name}` (it goes on from where it stopped)"
        )
    try:
        with np.load(where, allow_pickle=False) as stored:
            arrays = dict(stored)
        if arrays["version"] != VERSION:
            raise KeyError
        shared = {
            "layers": arrays["layers"].tolist(),
            "seeds": arrays["seeds"].tolist(),
            "edges_ms": arrays["edges_ms"],
        }
        languages = [name.removesuffix("/share") for name in arrays if name.endswith("/share")]
        return {
            language: TokenEnergy(
                **shared,
                token_ids=arrays[f"{language}/token_id"].tolist(),
                share=arrays[f"{language}/share"].astype(np.float32),
                confidence=arrays[f"{language}/confidence"],
            )
            for language in languages
        }
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError):
        raise TonespanError(
            f"{where}: damaged, or of another version; remove it and run `make paper PROFILE={results.name}` again"
        ) from None
