"""The objectives that encoders are trained by, each a chain of stages.

The first stage of a chain trains a new encoder to predict clusters of narrow-band spectra. Each later one goes on from
the encoder of the stage before, and predicts clusters of that encoder's middle layer; some add a pitch contour.
``units`` is the objective without a pitch teacher; ``narrow`` and ``wide`` add one to its encoder, so that how far the
teacher reached is known.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A part of a training: its updates, its learning rate, and within how many ms a pitch contour is taught."""

    name: str
    steps: int
    peak_rate: float
    contour_ms: float | None = None  # half width; None: no pitch is taught


SPECTRA = Stage("spectra", steps=20_000, peak_rate=3e-3)
LAYER = Stage("layer", steps=4_000, peak_rate=1.5e-3)
NARROW = Stage("narrow", steps=1_500, peak_rate=1.5e-3, contour_ms=40.0)
WIDE = Stage("wide", steps=1_500, peak_rate=1.5e-3, contour_ms=200.0)
OBJECTIVES = {
    "units": (SPECTRA, LAYER),
    "narrow": (SPECTRA, LAYER, NARROW),
    "wide": (SPECTRA, LAYER, WIDE),
}
