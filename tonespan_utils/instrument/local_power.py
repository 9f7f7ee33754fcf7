"""How loud the input is around each moment: the local power that squared gradients may be weighted by.

An encoder that levels its input (the norms of its convolutions do) reacts to a change by its size relative to what is
there: a sample of silence moves a logit more than a sample of a vowel, and squared gradients are largest where nothing
is heard. Squared gradient times local power, ``E(tau) P(tau)``, is the squared reaction to changes of one *relative*
size (so many dB below the speech around them).

Conventions: power is the mean square over a centred window, in units of the prepared waveform squared; only its course
within an utterance matters, for energies are shares. At the ends of the audio the mean is over what there is.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.instrument import spans

Floats = NDArray[np.float64]

WINDOW_MS = 25.0  # a frame of the usual encoders; over 60 Hz it holds a period or more, so that no pulse shows


def local_power(samples: ArrayLike, *, window_ms: float = WINDOW_MS) -> Floats:
    """The mean square of ``samples`` (n,) within +-window_ms / 2 of each: (n,), never below 0.

    Raises ValueError for a window of no sample. Notebook: notebooks/04_gradient_energy
    """
    width = round(window_ms * SAMPLE_RATE / 1000)
    if width < 1:
        raise ValueError(f"a window of {window_ms} ms holds no sample at {SAMPLE_RATE} Hz")
    square = np.square(np.asarray(samples, dtype=np.float64))
    sums, there = (uniform_filter1d(x, width, mode="constant") for x in (square, np.ones_like(square)))
    return np.maximum(sums / there, 0)  # the running sum leaves rounding below 0 in silence


def power_at(power: Floats, times_s: ArrayLike) -> Floats:
    """Local ``power`` (n,) of an utterance at ``times_s`` (time,), of the nearest sample: (time,)."""
    nearest = np.round(np.asarray(times_s) * SAMPLE_RATE).astype(int)
    return power[np.clip(nearest, 0, len(power) - 1)]


def power_over_offset(power: Floats, centers_s: ArrayLike, edges_ms: ArrayLike) -> Floats:
    """Local ``power`` (n,) of an utterance summed over bins of offset from each centre: (token, bins).

    It is what a model that looks everywhere alike gives once its energy is weighted: the null of weighted energy.
    """
    times_ms = np.arange(len(power)) / SAMPLE_RATE * 1000
    return np.stack([spans.bin_energy(power, times_ms, center * 1000, edges_ms) for center in np.asarray(centers_s)])
