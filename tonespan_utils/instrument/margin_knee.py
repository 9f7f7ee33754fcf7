"""The margin knee, the behavioural span of a layer: how wide around the centre the pitch is that its margin rests on.

The margin (:mod:`margins`) is averaged over tokens in two ways, as a function of a half-width h:

- ``keep``: pitch only within +-h. It rises with h, until all is there that the layer uses.
- ``flatten``: pitch only beyond +-h. It falls with h, until nothing is left that it uses.

Two lines that meet are fitted to each curve by least squares; they meet at one h in both. Twice that h is the knee, a
width like the planted one. The first line is fitted to the steep end of the rise, from two half-widths before that at
which ``RISE`` of the way is gone: how a margin begins to rise says how the cue is spread inside its width, not where it
ends. Nothing narrower than the smallest half-width is fitted, for a pitch period of a low voice is as long.

A knee cannot lie beyond the cue: pitch that says nothing of the tone moves no margin on average. Whether a layer
listens to more than it needs is another question, which :mod:`influence` asks. There is no knee (nan, with a note)
where the probe does not know the tone, or where the curves do not bend; the tests of the bend are those of the acoustic
cue width (``findings.why_no_knee``).

Conventions: widths in ms; of *draws* number 0 is the data as they are, the others are bootstrap resamples of
utterances.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tonespan_utils.instrument.margins import Margins
from tonespan_utils.statistics import bootstrap, findings

Floats = NDArray[np.float64]

STEP_MS = 1.0  # between the half-widths at which the lines may meet
# Of the way from the level voice to the whole one. Set on planted Lao (slopes of 0.90 to 1.00 over 60 to 240 ms in all
# layers that know tone); planted Thai, looked at only afterwards, has 0.81 to 0.99.
RISE = 0.4
AT_ONCE = 0.7  # of the way: a layer that gets there within the narrowest half-width has its knee within it, not beyond


@dataclass(frozen=True, slots=True)
class Knee:
    """The margin knee of one layer in ms with its interval; ``note`` says why there is none, else it is empty."""

    knee_ms: float
    ci_low_ms: float
    ci_high_ms: float
    n_tokens: int
    note: str


def meeting_half_widths(half_widths_ms: ArrayLike, keep: ArrayLike, flatten: ArrayLike) -> Floats:
    """The half-width (draw,) at which the two lines of both curves, (draw, half-width) each, meet.

    Half-widths begin with 0, where the curves are the level and the whole voice. The curves have to part faster before
    the meeting than after it; where they do so nowhere, and where the whole voice has no larger margin than the level
    one, nan. Two half-widths lie on either side. Raises ValueError for fewer than five. Notebook:
    notebooks/04_gradient_energy
    """
    widths, rising, falling = np.asarray(half_widths_ms, dtype=np.float64), np.atleast_2d(keep), np.atleast_2d(flatten)
    if len(widths) < 5:
        raise ValueError(f"a knee needs five half-widths with 0; there are {len(widths)}")
    starts, meeting = first_fitted(rising - falling), np.full(len(rising), np.nan)
    for start in np.unique(starts[starts >= 0]):
        drawn = starts == start
        meeting[drawn] = _meeting(widths[start:], rising[drawn, start:].T, falling[drawn, start:].T)
    return meeting


def share_of_rise(gain: Floats) -> Floats:
    """``gain`` (draw, half-width), the first curve minus the second, as a share of its way from the level voice (0)
    to the whole one (1); nan where that way does not go up.
    """
    way = -2 * gain[:, :1]  # whole minus level, once in each curve
    return np.divide(gain - gain[:, :1], way, out=np.full_like(gain, np.nan), where=way > 0)


def first_fitted(gain: Floats) -> NDArray[np.int64]:
    """The number of the first half-width that is fitted (draw,): 1 at least, at most the last but three; -1: none."""
    share = share_of_rise(gain)
    risen = share >= RISE
    first = np.clip(risen.argmax(axis=1) - 2, 1, gain.shape[1] - 4)
    return np.where(risen.any(axis=1), first, -1)


def _meeting(widths: Floats, rising: Floats, falling: Floats) -> Floats:
    """Where the lines of two curves (half-width, draw) meet: (draw,)."""
    knees, bases, slopes = _lines(widths)
    # What lines through a basis leave of a curve is its square less that of its part along the basis.
    explained = sum(np.square(bases @ curve).sum(axis=1) for curve in (rising, falling))  # (knee, draw)
    before, after = np.moveaxis(slopes @ (rising - falling), 1, 0)  # (knee, draw) each
    explained[before <= np.maximum(after, 0)] = -np.inf
    best = explained.argmax(axis=0)
    return np.where(np.isfinite(explained.max(axis=0)), knees[best], np.nan)


def _lines(widths: Floats) -> tuple[Floats, Floats, Floats]:
    """Two lines that meet, for every half-width where they may: those half-widths (knee,), an orthonormal basis of the
    lines (knee, 3, half-width), and what gives the two slopes of a curve (knee, 2, half-width).
    """
    knees = np.arange(widths[1], widths[-2] + STEP_MS / 2, STEP_MS)
    offsets = widths - knees[:, None]
    lines = np.stack([np.ones_like(offsets), np.minimum(offsets, 0), np.maximum(offsets, 0)], axis=2)
    return knees, np.linalg.qr(lines)[0].swapaxes(1, 2), np.linalg.pinv(lines)[:, 1:]


def mean_curves(margins: Margins, layer: str, *, n_resamples: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Half-widths from 0 on (half-width,), and the mean ``keep`` and ``flatten`` (draw, half-width) of the tokens.

    All nan without tokens. Notebook: notebooks/04_gradient_energy
    """
    half_widths = np.array([0.0, *margins.half_widths_ms])
    utterances = margins.tokens["utterance_id"].to_numpy()
    if not utterances.size:
        return half_widths, *np.full((2, 1 + n_resamples, half_widths.size), np.nan)
    weights = bootstrap.data_first(bootstrap.resample_rows(utterances, n_resamples=n_resamples, seed=seed))
    weights /= weights.sum(axis=1, keepdims=True)
    keep = np.column_stack([margins.level(layer), margins.keep(layer)])
    flatten = np.column_stack([margins.whole(layer), margins.flatten(layer)])
    return half_widths, weights @ keep, weights @ flatten


def knee_draws(margins: Margins, layer: str, *, n_resamples: int, seed: int) -> Floats:
    """The knee in ms (draw,), a finding or not. Notebook: notebooks/06_planted_span"""
    return 2 * meeting_half_widths(*mean_curves(margins, layer, n_resamples=n_resamples, seed=seed))


def of_layer(
    margins: Margins, layer: str, *, above_chance_low: float, n_resamples: int, level: float, seed: int
) -> Knee:
    """The margin knee of one layer. ``above_chance_low``: the lower bound of the probe's F1 minus chance.

    Notebook: notebooks/04_gradient_energy
    """
    n_tokens = len(margins.tokens)
    half_widths, keep, flatten = mean_curves(margins, layer, n_resamples=n_resamples, seed=seed)
    meeting = meeting_half_widths(half_widths, keep, flatten)
    note = findings.why_at_chance(above_chance_low, n_tokens) or _why_none(
        half_widths, keep - flatten, meeting, level=level
    )
    if note:
        return Knee(np.nan, np.nan, np.nan, n_tokens, note)
    n_utterances = margins.tokens["utterance_id"].nunique()
    low, high = bootstrap.percentile_interval(2 * meeting[1:], level=level, n_tokens=n_tokens, n_clusters=n_utterances)
    return Knee(float(2 * meeting[0]), low, high, n_tokens, "")


def _why_none(half_widths_ms: Floats, gain: Floats, meeting_ms: Floats, *, level: float) -> str:
    """Why there is no knee; ``gain`` (draw, half-width)."""
    start = int(first_fitted(gain[:1])[0])
    if start >= 0 and share_of_rise(gain[:1])[0, 1] >= AT_ONCE:
        return f"all of it within ±{half_widths_ms[1]:g} ms, the narrowest half-width"
    return findings.why_no_knee(half_widths_ms, gain, meeting_ms, start=max(start, 1), level=level)


def table(
    margins: Margins, above_chance_low: Mapping[str, float], *, n_resamples: int, level: float, seed: int
) -> pd.DataFrame:
    """A row per layer: ``layer, knee_ms, ci_low_ms, ci_high_ms, n_tokens, note``. Notebook:
    notebooks/04_gradient_energy
    """
    resampling = {"n_resamples": n_resamples, "level": level, "seed": seed}
    rows = [
        {"layer": layer} | asdict(of_layer(margins, layer, above_chance_low=above_chance_low[layer], **resampling))
        for layer in margins.by_layer
    ]
    return pd.DataFrame(rows)


def curve_table(margins: Margins, *, n_resamples: int, level: float, seed: int) -> pd.DataFrame:
    """The two curves of each layer: ``layer, curve, half_width_ms, margin, ci_low, ci_high``. Notebook:
    notebooks/04_gradient_energy
    """
    n_tokens, rows = len(margins.tokens), []
    for layer in margins.by_layer:
        half_widths, *curves = mean_curves(margins, layer, n_resamples=n_resamples, seed=seed)
        for name, drawn in zip(("keep", "flatten"), curves, strict=True):
            for half_width_ms, values in zip(half_widths, drawn.T, strict=True):
                low, high = bootstrap.percentile_interval(values[1:], level=level, n_tokens=n_tokens)
                about = {"layer": layer, "curve": name, "half_width_ms": half_width_ms}
                rows.append(about | {"margin": values[0], "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows)
