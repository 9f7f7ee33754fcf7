"""Where the nucleus of a spoken syllable is: the loud voiced stretch, by Praat's pitch and intensity.

For a syllable spoken alone, or for one whose boundaries are known while those of its vowel are not. The nucleus is
the longest unbroken stretch of voiced frames within ``DROP_DB`` of the loudest voiced one; the loudest itself may be
the burst of a stop, which is short. Voiced is what Praat calls so, a strong enough autocorrelation peak between the
pitch floor and ceiling (Boersma 1993), and gaps of up to ``MAX_GAP`` frames, which it leaves where it jumps an octave.

Where a forced alignment gave the nucleus, voicing only trims its edges (:func:`trimmed`).

Conventions: samples are float (samples,) at 16 kHz; times are seconds from the first sample; a frame stands for
``STEP_S`` around its time, so edges are known to half a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import parselmouth
from scipy.ndimage import binary_closing

from tonespan_utils.corpus import SAMPLE_RATE
from tonespan_utils.errors import TonespanError

STEP_S = 0.01  # edges to 5 ms, half the bin of energy over offset; close to Praat's own step, and half the time of 5 ms
PITCH_FLOOR_HZ = 75  # Praat's default; lower, creak is taken for pitch and the windows blur the edges
PITCH_CEILING_HZ = 600  # high tones of women and children
DROP_DB = 10.0  # a third of the amplitude: keeps a vowel whole and leaves out most nasals and fading breath
INTENSITY_FLOOR_HZ = 100  # Praat's default: frames of 32 ms
MAX_GAP = 2  # frames; a stop's closure is longer
MIN_NUCLEUS_S = 0.03  # two periods of the lowest pitch; anything shorter is a click or an octave slip
MARGIN_S = 0.05  # of the neighbourhood analysed with an interval, so that frames at its edges are whole
MIN_CLIP_S = 6.4 / INTENSITY_FLOOR_HZ  # what Praat's intensity needs
UNVOICED, TOO_SHORT = "unvoiced", "too short for pitch"


@dataclass(frozen=True, slots=True)
class Nucleus:
    """Edges and middle of a nucleus; ``voiced_fraction`` of the equally loud stretch it lies in is voiced."""

    start_s: float
    end_s: float
    center_s: float
    voiced_fraction: float


def find_nucleus(samples: np.ndarray, *, start_s: float = 0.0, end_s: float | None = None) -> Nucleus:
    """The nucleus of the one syllable between ``start_s`` and ``end_s`` (default: the whole clip).

    Raises :class:`TonespanError`, whose message is the reason alone: ``unvoiced`` where nothing is voiced for
    ``MIN_NUCLEUS_S``, ``too short for pitch`` where there is less sound than Praat needs.
    """
    duration_s = len(samples) / SAMPLE_RATE
    end_s = duration_s if end_s is None else min(end_s, duration_s)
    times_s, is_voiced, level_db = _frames(samples, start_s=start_s, end_s=end_s)
    if not is_voiced.any():
        raise TonespanError(UNVOICED)
    is_loud = level_db >= level_db[is_voiced].max() - DROP_DB
    first, last = _longest_run(is_voiced & is_loud)
    if (last - first + 1) * STEP_S < MIN_NUCLEUS_S:
        raise TonespanError(UNVOICED)
    left_s = max(times_s[first] - STEP_S / 2, start_s)
    right_s = min(times_s[last] + STEP_S / 2, end_s)
    fraction = _share_voiced(is_voiced, is_loud, first)
    return Nucleus(float(left_s), float(right_s), float((left_s + right_s) / 2), fraction)


def pitch(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times in s of Praat's frames in a whole recording, and F0 in Hz, 0 where unvoiced; no frame if too short."""
    if len(samples) < MIN_CLIP_S * SAMPLE_RATE:
        return np.empty(0), np.empty(0)
    found = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE).to_pitch_ac(
        time_step=STEP_S, pitch_floor=PITCH_FLOOR_HZ, pitch_ceiling=PITCH_CEILING_HZ
    )
    return found.xs(), found.selected_array["frequency"]


def trimmed(start_s: float, end_s: float, *, times_s: np.ndarray, is_voiced: np.ndarray) -> tuple[float, float]:
    """An aligned nucleus without its unvoiced edges, given the voicing of the recording; creak in its middle stays.

    Raises :class:`TonespanError`, whose message is the reason alone, where none of it is voiced.
    """
    inside = times_s[is_voiced & (times_s >= start_s - STEP_S / 2) & (times_s <= end_s + STEP_S / 2)]
    if not inside.size:
        raise TonespanError(UNVOICED)
    return max(start_s, float(inside[0]) - STEP_S / 2), min(end_s, float(inside[-1]) + STEP_S / 2)


def _frames(samples: np.ndarray, *, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, voicing and level (dB) of the frames inside an interval, analysed with ``MARGIN_S`` around it."""
    first = max(0, round((start_s - MARGIN_S) * SAMPLE_RATE))
    part = samples[first : round((end_s + MARGIN_S) * SAMPLE_RATE)]
    if len(part) < MIN_CLIP_S * SAMPLE_RATE:
        raise TonespanError(TOO_SHORT)
    sound = parselmouth.Sound(part.astype(np.float64), SAMPLE_RATE, start_time=first / SAMPLE_RATE)
    pitch = sound.to_pitch_ac(time_step=STEP_S, pitch_floor=PITCH_FLOOR_HZ, pitch_ceiling=PITCH_CEILING_HZ)
    level = sound.to_intensity(minimum_pitch=INTENSITY_FLOOR_HZ, time_step=STEP_S)
    times_s = pitch.xs()
    inside = (times_s >= start_s) & (times_s <= end_s)
    level_db = np.interp(times_s, level.xs(), level.values[0])
    return times_s[inside], _without_gaps(pitch.selected_array["frequency"] > 0)[inside], level_db[inside]


def _without_gaps(is_voiced: np.ndarray) -> np.ndarray:
    padded = np.pad(is_voiced, MAX_GAP)  # or closing would eat the voicing at the ends
    return binary_closing(padded, np.ones(MAX_GAP + 1))[MAX_GAP:-MAX_GAP]


def _longest_run(mask: np.ndarray) -> tuple[int, int]:
    """First and last index of the longest run of true values (the first such); one has to be true."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(int), 1)))
    longest = np.argmax(edges[1::2] - edges[::2])
    return int(edges[2 * longest]), int(edges[2 * longest + 1] - 1)


def _share_voiced(is_voiced: np.ndarray, is_loud: np.ndarray, index: int) -> float:
    """Voiced share of the loud frames, voiced or not, that are connected with ``index``."""
    soft = np.flatnonzero(~is_loud)
    at = np.searchsorted(soft, index)
    stretch = slice(soft[at - 1] + 1 if at else 0, soft[at] if at < len(soft) else None)
    return float(is_voiced[stretch].mean())
