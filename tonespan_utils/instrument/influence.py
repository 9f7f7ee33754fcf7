"""How much of what pitch does to a layer's margin comes from beyond a half-width? The measure of looking too far.

The margin knee cannot lie beyond the cue, for pitch that says nothing of the tone moves no margin *on average*. It may
move the margin of every single token, though, up in one and down in the next. So the influence of pitch beyond +-h is

    |margin with the whole pitch - margin with pitch kept only within +-h|
    over  mean |margin with the whole pitch - margin with none|

with the size taken of each token, and the mean over the tokens of one layer, language and seed. It is 0 where nothing
beyond +-h matters, 1 where as much does as all pitch together, and grows with whatever does, cue or not. The scale is
what pitch does in this layer, and not its mean margin: that is near 0 where tone is hardly known, and a share of it
anything.

It is no share in the strict sense: parts that work against each other may each move more than both together. All
margins come through the same overlap-add, whose pitch periods fall a little differently; so a layer that sees nothing
of what lies beyond (``cnn``: 25 ms) still shows how large that trace of the method is, and a difference of two
conditions is free of most of it.

Conventions: half-widths in ms; nan where the mean margin is not above 0, for then the probe does not know the tone.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.instrument.margins import Margins
from tonespan_utils.statistics import bootstrap

Floats = NDArray[np.float64]


def of_tokens(margins: Margins, layer: str) -> Floats:
    """The influence of pitch beyond each half-width (token, half-width). Notebook: notebooks/04_gradient_energy"""
    whole, changed, by_pitch = _moved(margins, layer)
    knows = whole.size > 0 and whole.mean() > 0 and by_pitch.any()
    return changed / by_pitch.mean() if knows else np.full(changed.shape, np.nan)


def _moved(margins: Margins, layer: str) -> tuple[Floats, Floats, Floats]:
    """The whole margin (token,); how far pitch beyond each half-width moves it (token, half-width); and all pitch
    (token,).
    """
    whole = margins.whole(layer)
    return whole, np.abs(whole[:, None] - margins.keep(layer)), np.abs(whole - margins.level(layer))


def token_table(margins: Margins) -> pd.DataFrame:
    """A row per layer, token and half-width: ``layer, token_id, half_width_ms, influence``."""
    names, widths = margins.tokens["token_id"].to_numpy(), np.array(margins.half_widths_ms)
    parts = [
        pd.DataFrame({
            "layer": layer,
            "token_id": np.repeat(names, widths.size),
            "half_width_ms": np.tile(widths, names.size),
            "influence": of_tokens(margins, layer).ravel(),
        })
        for layer in margins.by_layer
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def table(margins: Margins, *, n_resamples: int, level: float, seed: int) -> pd.DataFrame:
    """The mean over tokens with its interval: ``layer, half_width_ms, influence, ci_low, ci_high, n_tokens``.

    Whole utterances are resampled, and the scale with them. Notebook: notebooks/04_gradient_energy
    """
    drawing = {"n_resamples": n_resamples, "seed": seed}
    n_tokens, n_utterances = len(margins.tokens), margins.tokens["utterance_id"].nunique()
    rows = []
    for layer in margins.by_layer:
        drawn = _draws(margins, layer, **drawing)
        for half_width_ms, values in zip(margins.half_widths_ms, drawn.T, strict=True):
            low, high = bootstrap.percentile_interval(
                values[1:], level=level, n_tokens=n_tokens, n_clusters=n_utterances
            )
            about = {"layer": layer, "half_width_ms": half_width_ms, "influence": values[0]}
            rows.append(about | {"ci_low": low, "ci_high": high, "n_tokens": n_tokens})
    return pd.DataFrame(rows)


def _draws(margins: Margins, layer: str, *, n_resamples: int, seed: int) -> Floats:
    """The mean influence (draw, half-width): of all tokens first, then of bootstrap resamples of utterances."""
    whole, changed, by_pitch = _moved(margins, layer)
    if not whole.size:
        return np.full((1 + n_resamples, changed.shape[1]), np.nan)
    resampled = bootstrap.resample_rows(margins.tokens["utterance_id"], n_resamples=n_resamples, seed=seed)
    weights = bootstrap.data_first(resampled)
    scale, knows = (weights @ by_pitch)[:, None], (weights @ whole)[:, None] > 0
    drawn = np.full((len(weights), changed.shape[1]), np.nan)
    return np.divide(weights @ changed, scale, out=drawn, where=knows & (scale > 0))
