"""Speech with its pitch taken away somewhere: inside a window around a tone centre, or outside it.

A pitch that is taken away lies at the median of the recording; everything else stays as nearly as the method allows.
Praat's overlap-add (PSOLA) moves whole pitch periods, so that formants stay where they are. Where there are more
periods in a second than before, the sound gets louder, and where fewer, softer, which a model may take for tone.
Two methods:

- ``overlap_add``: as Praat gives it.
- ``level_restored``: then a gain brings the level, smoothed over ``LEVEL_SD_S``, back to that of the original: for real
  speech, whose level goes with tone.

Both keep formants within 8 % and ``level_restored`` the level within 0.5 dB, on vowels and recordings whose pitch is
moved by up to five semitones (``tests/instrument/test_resynthesis.py``).

Conventions: samples (n,) at 16 kHz, float32; half-widths in ms, inf for the whole recording. Unvoiced stretches pass
through. A recording without any voicing comes back as it is.

Source: Moulines & Charpentier (1990) for overlap-add.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import parselmouth
from numpy.typing import NDArray
from parselmouth.praat import call
from scipy.ndimage import gaussian_filter1d

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.synthetic import pitch
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import f0

Floats = NDArray[np.float64]
Method = Literal["overlap_add", "level_restored"]
Side = Literal["inside", "outside"]  # of the window: where the recording keeps its pitch

STEP_S = 0.01  # Praat's own pitch step
EDGE_S = 1e-4  # a step in the pitch tier takes this long: under one period of any voice
LEVEL_SD_S = 0.01  # of a Gaussian: some three periods of a low voice lie within two of it on either side
SILENCE = 1e-10  # of power, 100 dB below full scale: no gain is worked out from less
MOST_GAIN_DB = 12.0  # an octave of pitch makes 3 to 6 dB: more than this is no change of level but of sound


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """The voiced frames of a recording: ``times_s`` and ``hz`` (frame,), and their median ``median_hz``."""

    times_s: Floats
    hz: Floats
    median_hz: float

    def voiced_near(self, center_s: float, reach_s: float) -> bool:
        """Whether every frame of the track within ``reach_s`` of a time is voiced."""
        n_voiced = int((np.abs(self.times_s - center_s) <= reach_s + 1e-9).sum())
        return n_voiced >= int(2 * reach_s / STEP_S + 1e-9)  # so many fit in wherever the frames lie

    def part(self, start_s: float, end_s: float) -> PitchTrack:
        """The track of what lies between two times, counted from the first; the median stays that of the whole."""
        inside = (self.times_s >= start_s) & (self.times_s < end_s)
        return PitchTrack(self.times_s[inside] - start_s, self.hz[inside], self.median_hz)


def track(samples: np.ndarray, *, floor_hz: float, ceiling_hz: float) -> PitchTrack:
    """The pitch of a recording (n,), by Praat; without voicing, no frame and a median of nan."""
    times_s, hz = f0.track(samples, floor_hz=floor_hz, ceiling_hz=ceiling_hz, step_ms=1000 * STEP_S)
    voiced = ~np.isnan(hz)
    median_hz = float(np.median(hz[voiced])) if voiced.any() else np.nan
    return PitchTrack(times_s[voiced], hz[voiced], median_hz)


Resynthesis = Callable[[float, float, Side], np.ndarray]  # (center_s, half_width_ms, where pitch is kept) -> samples


def resynthesiser(
    samples: np.ndarray, tracked: PitchTrack, *, floor_hz: float, ceiling_hz: float, method: Method = "overlap_add"
) -> Resynthesis:
    """``(center_s, half_width_ms, side) -> samples`` (n,): the pitch is kept on that ``side`` of the window's edges.

    On the other side it is the median of ``tracked``. (``inside``, inf) keeps the whole pitch, (``inside``, 0) none,
    both through the same overlap-add. Raises TonespanError for an unknown method. Notebook:
    notebooks/04_gradient_energy
    """
    if method not in get_args(Method):
        raise TonespanError(f"no resynthesis {method!r}; there are: {', '.join(get_args(Method))}")
    if not tracked.times_s.size:
        return lambda center_s, half_width_ms, side: samples
    duration_s, offset = samples.size / SAMPLE_RATE, samples.mean(dtype=np.float64)  # Praat takes the mean out
    sound = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE)
    manipulation = call(sound, "To Manipulation", STEP_S, floor_hz, ceiling_hz)

    def speak(center_s: float, half_width_ms: float, side: Side) -> np.ndarray:
        times_s, hz = _flattened(tracked, center_s, min(half_width_ms / 1000, duration_s), side, duration_s)
        call([pitch.pitch_tier(times_s, hz, duration_s), manipulation], "Replace pitch tier")
        spoken = call(manipulation, "Get resynthesis (overlap-add)").values[0]
        spoken = (spoken + offset).astype(np.float32)
        spoken = np.pad(spoken, (0, max(0, samples.size - spoken.size)))[: samples.size]
        return with_level_of(samples, spoken) if method == "level_restored" else spoken

    return speak


def _flattened(
    tracked: PitchTrack, center_s: float, half_width_s: float, side: Side, duration_s: float
) -> tuple[Floats, Floats]:
    """Times in s and pitch in Hz of a track that is level on one side of a window's edges, with steps at them."""
    edges_s = center_s + np.array([-1, 1]) * half_width_s
    at = np.concatenate([tracked.times_s, edges_s - EDGE_S, edges_s + EDGE_S])
    at = np.sort(at[(at > 0) & (at < duration_s)])
    kept = (np.abs(at - center_s) < half_width_s) == (side == "inside")
    return at, np.where(kept, np.interp(at, tracked.times_s, tracked.hz), tracked.median_hz)


def with_level_of(original: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """``changed`` (n,) with the level, smoothed over LEVEL_SD_S, that ``original`` (n,) has at each time; float32.

    By at most MOST_GAIN_DB up or down; silence stays as it is.
    """
    target, power = (_power(samples) for samples in (original, changed))
    audible = (target > SILENCE) & (power > SILENCE)
    gain_db = 10 * np.log10(np.divide(target, power, out=np.ones_like(power), where=audible))
    return (changed * 10 ** (np.clip(gain_db, -MOST_GAIN_DB, MOST_GAIN_DB) / 20)).astype(np.float32)


def _power(samples: np.ndarray) -> Floats:
    return gaussian_filter1d(np.square(samples, dtype=np.float64), LEVEL_SD_S * SAMPLE_RATE)
