"""How wide is an energy profile around its centre? Radii, spans and their null.

What is measured: ``E(tau)``, energy per bin of offset ``tau`` from the tone centre, over a stated window
``+-W``. By the definition of arXiv 2511.12285 the centre-of-mass radius is

    r_com = sum |tau| E(tau) / sum E(tau)        and the effective span is 2 r_com.

What the numbers mean (window wide enough to hold the shape; the shape symmetric, so its centroid is 0):

======================================  =======================  ============  ===========
energy profile                          2 r_com                  50 % radius   90 % radius
======================================  =======================  ============  ===========
box over +-S/2                          S / 2                    S / 4         0.45 S
Gaussian of standard deviation s        2 s sqrt(2/pi) = 1.60 s  0.67 s        1.64 s
two-sided exponential of constant a     2 a                      a ln 2        a ln 10
flat over the whole window +-W          W: **the null**          W / 2         0.9 W
the same shape, all of it d later       2 mean of |tau + d|      (grows)       (grows)
======================================  =======================  ============  ===========

A constant floor drags ``r_com`` towards W/2 (a share f of floor adds f (W/2 - r_com)), so the null stands beside every
value, and beside both the 50 % and 90 % energy radii, which a low floor moves less, and the **floor-corrected**
``r_com``: what is left when the energy of the outermost fifth of the window, taken as the level of the floor
everywhere, is subtracted. The outer part is the floor that this very map has; the map of a probe trained on shuffled
labels would be no floor, since whatever is read from a frame, the encoder looks around that frame for it. Where the
shape itself reaches the outer part, the correction takes some of it: an exponential of a = 100 in +-500 ms has a span
of 193 and a corrected one of 175. The **centroid** (mean of tau) says on which side the energy lies: above 0 after the
centre, below 0 before it; the **asymmetry** is the share of energy after the centre minus the share before it.

Conventions: offsets and radii in ms; bins are half-open, symmetric about 0; the last axis is the bin.
Zero energy has no radius: the answer is nan, never 0; nor has what is nothing but floor a corrected one.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

OUTER = 0.2  # of the window on each side: far from every cue, and enough bins for a steady level
LEAST_ABOVE_FLOOR = 0.05  # share of the energy; with less, the rest is the scatter of the floor


def offset_bins(window_ms: float, bin_ms: float) -> tuple[Floats, Floats]:
    """Edges (n + 1,) and centres (n,) of the offset bins over +-window_ms, in ms.

    Raises ValueError unless bin_ms divides the window. Notebook: notebooks/04_gradient_energy
    """
    n_bins = 2 * window_ms / bin_ms
    if n_bins % 1 or n_bins < 1:
        raise ValueError(f"bins of {bin_ms} ms do not tile a window of +-{window_ms} ms")
    edges = np.linspace(-window_ms, window_ms, int(n_bins) + 1)
    return edges, (edges[:-1] + edges[1:]) / 2


def bin_energy(energy: ArrayLike, times_ms: ArrayLike, center_ms: float, edges_ms: ArrayLike) -> Floats:
    """Sum ``energy`` (..., samples) at ``times_ms`` (samples,) into bins of offset from ``center_ms``: (..., bins)."""
    energy, edges = np.asarray(energy, dtype=np.float64), np.asarray(edges_ms, dtype=np.float64)
    offsets = np.asarray(times_ms, dtype=np.float64) - center_ms
    first, last = np.searchsorted(offsets, [edges[0], edges[-1]])
    # Cumulative sums at each edge: exact for half-open bins, and empty bins give 0.
    at_edges = np.searchsorted(offsets[first:last], edges)
    totals = np.concatenate([np.zeros((*energy.shape[:-1], 1)), np.cumsum(energy[..., first:last], axis=-1)], axis=-1)
    return np.diff(totals[..., at_edges], axis=-1)


def normalise(energy: ArrayLike) -> Floats:
    """``energy`` (..., bins) scaled to sum to 1; nan where it is zero everywhere."""
    energy = np.asarray(energy, dtype=np.float64)
    total = energy.sum(axis=-1, keepdims=True)
    return np.divide(energy, total, out=np.full_like(energy, np.nan), where=total > 0)


def center_of_mass_radius(energy: ArrayLike, offsets_ms: ArrayLike) -> Floats:
    """r_com in ms of ``energy`` (..., bins) at bin centres ``offsets_ms`` (bins,): the paper's definition.

    A bin that straddles no zero contributes the |offset| of its centre; zero energy gives nan.
    Notebook: notebooks/04_gradient_energy
    """
    return normalise(energy) @ np.abs(np.asarray(offsets_ms, dtype=np.float64))


def effective_span(energy: ArrayLike, offsets_ms: ArrayLike) -> Floats:
    """2 r_com in ms. Notebook: notebooks/04_gradient_energy"""
    return 2 * center_of_mass_radius(energy, offsets_ms)


def energy_radius(energy: ArrayLike, edges_ms: ArrayLike, *, fraction: float) -> Floats:
    """Smallest r in ms such that +-r holds ``fraction`` of the energy (..., bins), energy even within a bin.

    Raises ValueError unless 0 < fraction <= 1. Zero energy gives nan. Notebook: notebooks/04_gradient_energy
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must lie in (0, 1], not {fraction}")
    edges = np.asarray(edges_ms, dtype=np.float64)
    share = normalise(energy)
    below_edge = np.concatenate([np.zeros((*share.shape[:-1], 1)), np.cumsum(share, axis=-1)], axis=-1)
    radii = np.unique(np.abs(edges))
    radii = radii if radii[0] == 0 else np.concatenate([[0.0], radii])
    flat = below_edge.reshape(-1, edges.size)
    held = np.array([np.interp(radii, edges, row) - np.interp(-radii, edges, row) for row in flat])
    reached = np.array([_first_reach(row, radii, fraction) for row in held])
    return reached.reshape(share.shape[:-1])


def _first_reach(held: Floats, radii_ms: Floats, fraction: float) -> float:
    if np.isnan(held).any():
        return np.nan
    target = min(fraction, held[-1])  # rounding may leave the whole a hair below 1
    after = int(np.argmax(held >= target))
    if after == 0:
        return float(radii_ms[0])
    before = after - 1
    part = (target - held[before]) / (held[after] - held[before])
    return float(radii_ms[before] + part * (radii_ms[after] - radii_ms[before]))


def centroid(energy: ArrayLike, offsets_ms: ArrayLike) -> Floats:
    """The mean offset in ms of ``energy`` (..., bins): above 0 it lies after the centre. Zero energy gives nan.

    Notebook: notebooks/04_gradient_energy
    """
    return normalise(energy) @ np.asarray(offsets_ms, dtype=np.float64)


def asymmetry(energy: ArrayLike, offsets_ms: ArrayLike) -> Floats:
    """Share of ``energy`` (..., bins) after the centre minus the share before it, -1 to 1; nan for zero energy."""
    return normalise(energy) @ np.sign(np.asarray(offsets_ms, dtype=np.float64))


def floor_share(energy: ArrayLike, null_energy: ArrayLike, edges_ms: ArrayLike, *, outer: float = OUTER) -> Floats:
    """The share of ``energy`` (..., bins) that a floor makes up which is even over the audio: (...).

    Its level is that of the outer part of the window, ``outer`` of it on each side, against ``null_energy`` (...,
    bins), the flat map over the audio there is. Above 1 where the outer part holds more than its share; nan without
    energy, or without audio there.
    """
    share, null = np.broadcast_arrays(normalise(energy), normalise(null_energy))
    edges = np.asarray(edges_ms, dtype=np.float64)
    middle = (edges[:-1] + edges[1:]) / 2
    far = np.abs(middle) > (1 - outer) * np.abs(edges).max()
    there = null[..., far].sum(axis=-1)
    return np.divide(share[..., far].sum(axis=-1), there, out=np.full(there.shape, np.nan), where=there > 0)


def above_floor(energy: ArrayLike, null_energy: ArrayLike, edges_ms: ArrayLike) -> Floats:
    """``energy`` (..., bins) as shares, less its floor: single bins may fall below 0, so that the sum is unbiased.

    nan where less than LEAST_ABOVE_FLOOR is left. Notebook: notebooks/04_gradient_energy
    """
    share, null = np.broadcast_arrays(normalise(energy), normalise(null_energy))
    floor = floor_share(share, null, edges_ms)[..., None]
    return np.where(1 - floor >= LEAST_ABOVE_FLOOR, share - floor * null, np.nan)


def corrected_radius(energy: ArrayLike, null_energy: ArrayLike, edges_ms: ArrayLike) -> Floats:
    """r_com in ms of ``energy`` (..., bins) less its floor: see the module. Notebook: notebooks/04_gradient_energy"""
    edges = np.asarray(edges_ms, dtype=np.float64)
    left = above_floor(energy, null_energy, edges)
    return left @ np.abs((edges[:-1] + edges[1:]) / 2) / left.sum(axis=-1)


def flat_null(edges_ms: ArrayLike, *, before_ms: float = np.inf, after_ms: float = np.inf) -> Floats:
    """The energy (bins,) of a model that looks everywhere alike, where audio reaches from -before_ms to after_ms.

    Over a full window +-W its effective span is W. Sums to 1; all nan when no audio lies in the window.
    """
    edges = np.clip(np.asarray(edges_ms, dtype=np.float64), -before_ms, after_ms)
    return normalise(np.diff(edges))
