"""One condition's predictions and spans summed per utterance, and the same sums in every bootstrap draw.

Conventions: sums are (seed, layer, utterance, ...) in a :class:`Tally`, (half, draw, seed, layer, ...) once utterances
are drawn; seeds of training are averaged last, as often as each is drawn. ``draw`` 0 is the data as they are.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.statistics import classifier
from tonespan_utils.study.draws import Floats


@dataclass(frozen=True)
class Tally:
    """What a condition leaves on a language's utterances, summed per utterance: resampling is then a product.

    ``confusion`` (seed, layer, utterance, class, class); ``r_com_ms`` the sum over tokens and ``n_measured`` how many
    tokens had energy, both (seed, layer, utterance).
    """

    layers: tuple[str, ...]
    confusion: Floats
    r_com_ms: Floats
    n_measured: Floats


def tally(predictions: pd.DataFrame, token_spans: pd.DataFrame, utterances: Sequence[str]) -> Tally:
    """Sum one condition's rows of ``predictions`` and ``token_spans`` in one language over ``utterances``."""
    layers, seeds = tuple(dict.fromkeys(predictions["layer"])), np.unique(predictions["seed"])
    classes = np.unique(predictions[["tone", "predicted"]].to_numpy(dtype=str))
    keys = {"seed": seeds, "layer": layers, "utterance_id": utterances}
    with_energy = token_spans[
        token_spans["r_com_ms"].notna() & token_spans["seed"].isin(seeds) & token_spans["layer"].isin(layers)
    ]
    return Tally(
        layers,
        _sum_by(predictions, keys | {"tone": classes, "predicted": classes}),
        _sum_by(with_energy, keys, with_energy["r_com_ms"]),
        _sum_by(with_energy, keys),
    )


def _sum_by(rows: pd.DataFrame, keys: Mapping[str, Sequence], weights: pd.Series | None = None) -> Floats:
    """Counts, or sums of ``weights``, over every combination of the values in ``keys``, in their order."""
    shape = tuple(len(values) for values in keys.values())
    codes = [pd.Categorical(rows[name], categories=list(values)).codes for name, values in keys.items()]
    cells = np.ravel_multi_index([code.astype(np.int64) for code in codes], shape) if len(rows) else np.array([], int)
    return np.bincount(cells, weights, minlength=int(np.prod(shape))).reshape(shape).astype(float)


def by_half(sums: Floats, weights: Floats, first: NDArray[np.bool_]) -> Floats:
    """``sums`` (seed, layer, utterance, ...) of each half and draw: (half, draw, seed, layer, ...)."""
    return np.stack([np.tensordot(weights * half, sums, axes=(1, 2)) for half in (first, ~first)])


def mean_over_seeds(values: Floats, weights: Floats) -> Floats:
    """(draw, seed, ...) under the drawn seeds (draw, seed): (draw, ...)."""
    return np.einsum("ds,ds...->d...", weights, values) / weights.sum(axis=1).reshape(-1, *[1] * (values.ndim - 2))


def choose_layers(confusion: Floats, seed_weights: Floats) -> NDArray[np.int64]:
    """The layer of best F1, mean over seeds, in each half and draw: (half, draw). The lowest of equals."""
    scores = [classifier.macro_f1(half, half[0]) for half in confusion]
    return np.stack([mean_over_seeds(f1, seed_weights).argmax(axis=1) for f1 in scores])


def held_out(sums: Floats, choice: NDArray[np.int64]) -> Floats:
    """Both halves of ``sums`` (half, draw, seed, layer, ...), each at the other's layer, pooled: (draw, seed, ...)."""
    rows = np.arange(sums.shape[1])
    return sum(sums[half][rows, :, choice[1 - half]] for half in (0, 1))
