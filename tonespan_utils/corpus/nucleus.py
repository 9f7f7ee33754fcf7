"""The nucleus of a spoken syllable: its loud sonorous stretch, by the level of the formants and by phonation.

It is looked for in a syllable spoken alone, or in one whose boundaries are known while those of its vowel are not. The
nucleus is the longest unbroken stretch of phonated frames within ``DROP_DB`` of the loudest voiced frame (the loudest
of all frames may be the burst of a stop, which is short).

Level: that of the band ``BAND_HZ`` of the first formants, raised by 6 dB an octave. A vowel and the nasal or lateral
beside it differ more in this band than overall, for nasals and laterals lack the second formant and above (Stevens
1998, ch. 9); so the level also falls where the spectrum changes.

Phonation: a frame is phonated where Praat calls it voiced, that is where there is a strong enough autocorrelation peak
between the pitch floor and ceiling (Boersma 1993). Gaps of up to ``MAX_GAP`` frames, which Praat leaves where it jumps
an octave, count as phonated. So does creaky voice that joins voiced frames: single pulses, at 40 to 70 Hz or irregular,
between which the level falls by ``PULSE_DB`` (Keating, Garellek and Kreiman 2015).

A glottal stop of up to ``MAX_BREAK_S`` between two phonated stretches (Vietnamese nga, Burmese creaky) does not end a
nucleus, nor does fading by ``DIP_DB`` between two loud parts (Mandarin's tone 3). So the middle depends little on how a
tone is phonated: simulated vowels in breathy, creaky and broken voice move it by 5 ms or less on average
(tests/corpus/test_nucleus.py), where voicing alone moved it by 28 to 65.

Where a forced alignment gave the nucleus, phonation only trims its edges (:func:`sonorance`, :func:`trimmed`).

Conventions: samples are float (samples,) at 16 kHz; times are seconds from the first sample; a frame stands for
``STEP_S`` around its time, so edges are known to half a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import parselmouth
from scipy.ndimage import (
    binary_closing,
    binary_opening,
    grey_closing,
    label,
    maximum_filter1d,
    minimum_filter1d,
    uniform_filter1d,
)
from scipy.signal import butter, sosfiltfilt

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError

STEP_S = 0.01  # edges to 5 ms, half the bin of energy over offset; close to Praat's own step, and half the time of 5 ms
PITCH_FLOOR_HZ = 75  # Praat's default; lower, creak is taken for pitch and the windows blur the edges
PITCH_CEILING_HZ = 600  # high tones of women and children
DROP_DB = 12.0  # a quarter of the amplitude: keeps a vowel whole and leaves out most nasals and fading breath
BAND_HZ = (300, 3000)  # the first formants, without the voice bar and most of the fricatives
BAND = butter(2, BAND_HZ, "bandpass", fs=SAMPLE_RATE, output="sos")
FINE_S = 0.002  # of the level's envelope; shorter than a formant rings, so single pulses show
PULSE_S, PULSE_DB = 0.03, 10.0  # one pulse at 33 Hz, and what formants of 80 Hz bandwidth lose in 4.6 ms; noise has 6
REFERENCE_FRAMES = 5  # the level held for 50 ms: not that of a burst or of the edge of a fricative
DIP_DB = 25.0  # how far a vowel may fade between two loud parts: the creaky middle of Mandarin's tone 3
CREAK_FLOOR_HZ = 40  # where nothing is voiced in a syllable: one that is creaky throughout
CREAK_DROP_DB = 16.0  # creak ends a vowel and fades with it; every second of its pulses is weaker
CREAK_GAIN_DB = CREAK_DROP_DB - DROP_DB
MAX_BREAK_S = (
    0.09  # a glottal stop of 60 ms with a period of creak; the closure of an oral stop and its burst are longer
)
MAX_GAP = 2  # frames; a stop's closure is longer
MIN_NUCLEUS_S = 0.03  # two periods of the lowest pitch; anything shorter is a click or an octave slip
MARGIN_S = 0.05  # of the neighbourhood analysed with an interval, so that frames at its edges are whole
MIN_CLIP_S = 0.064  # of Praat's pitch at its floor, one window and a half
UNVOICED, TOO_SHORT = "unvoiced", "too short for pitch"


@dataclass(frozen=True, slots=True)
class Nucleus:
    """Edges and middle of a nucleus, in seconds.

    ``voiced_fraction`` is the share of phonated frames in the equally loud stretch around it.
    """

    start_s: float
    end_s: float
    center_s: float
    voiced_fraction: float


def find_nucleus(samples: np.ndarray, *, start_s: float = 0.0, end_s: float | None = None) -> Nucleus:
    """The nucleus of the one syllable between ``start_s`` and ``end_s`` (default: the whole clip).

    Raises :class:`TonespanError`, whose message is the reason alone: ``unvoiced`` where nothing is phonated for
    ``MIN_NUCLEUS_S``, ``too short for pitch`` where there is less sound than Praat needs.
    """
    duration_s = len(samples) / SAMPLE_RATE
    end_s = duration_s if end_s is None else min(end_s, duration_s)
    times_s, is_voiced, level_db = _frames(samples, start_s=start_s, end_s=end_s)
    if not is_voiced.any():
        raise TonespanError(UNVOICED)
    reference_db = np.sort(level_db[is_voiced])[-REFERENCE_FRAMES:][0]
    is_loud = level_db >= reference_db - DROP_DB
    if not (is_voiced & is_loud).any():
        raise TonespanError(UNVOICED)
    first, last = _longest_stretch(is_voiced & is_loud, is_voiced & (level_db >= reference_db - DIP_DB))
    if (last - first + 1) * STEP_S < MIN_NUCLEUS_S:
        raise TonespanError(UNVOICED)
    left_s = max(times_s[first] - STEP_S / 2, start_s)
    right_s = min(times_s[last] + STEP_S / 2, end_s)
    fraction = _share_voiced(is_voiced, is_loud, first)
    return Nucleus(float(left_s), float(right_s), float((left_s + right_s) / 2), fraction)


def pitch(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times in s of Praat's frames (frame,) in a whole recording, and F0 in Hz (frame,), 0 where unvoiced.

    There is no frame in a recording under ``MIN_CLIP_S``.
    """
    if len(samples) < MIN_CLIP_S * SAMPLE_RATE:
        return np.empty(0), np.empty(0)
    return _pitch(samples, PITCH_FLOOR_HZ)


def sonorance(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times in s of Praat's frames (frame,) in a whole recording, and whether each is voiced or creaky (frame,)."""
    times_s, hz = pitch(samples)
    return (times_s, _phonation(samples, times_s, hz)[0]) if times_s.size else (times_s, np.empty(0, dtype=bool))


def trimmed(start_s: float, end_s: float, *, times_s: np.ndarray, is_voiced: np.ndarray) -> tuple[float, float]:
    """Edges of an aligned nucleus without the frames at its edges that are not ``is_voiced``; gaps inside stay.

    Where ``is_voiced`` is the second result of :func:`sonorance`, creak at an edge stays, which voicing would cut.

    Raises :class:`TonespanError`, whose message is the reason alone, where none of it is voiced.
    """
    inside = times_s[is_voiced & (times_s >= start_s - STEP_S / 2) & (times_s <= end_s + STEP_S / 2)]
    if not inside.size:
        raise TonespanError(UNVOICED)
    return max(start_s, float(inside[0]) - STEP_S / 2), min(end_s, float(inside[-1]) + STEP_S / 2)


def _frames(samples: np.ndarray, *, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, phonation and level (dB) of the frames in an interval, (frame,) each; analysed with ``MARGIN_S`` around."""
    first = max(0, round((start_s - MARGIN_S) * SAMPLE_RATE))
    part = samples[first : round((end_s + MARGIN_S) * SAMPLE_RATE)]
    if len(part) < MIN_CLIP_S * SAMPLE_RATE:
        raise TonespanError(TOO_SHORT)
    times_s, hz = pitch(part)
    is_phonated, level_db = _phonation(part, times_s, hz)
    if not is_phonated.any():
        times_s, hz = _pitch(part, CREAK_FLOOR_HZ)
        is_phonated, level_db = _phonation(part, times_s, hz)
    times_s = times_s + first / SAMPLE_RATE
    inside = (times_s >= start_s) & (times_s <= end_s)
    return times_s[inside], is_phonated[inside], level_db[inside]


def _pitch(samples: np.ndarray, floor_hz: float) -> tuple[np.ndarray, np.ndarray]:
    if len(samples) < 3 / floor_hz * SAMPLE_RATE + 1:  # Praat's window
        return np.empty(0), np.empty(0)
    sound = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE)
    track = sound.to_pitch_ac(time_step=STEP_S, pitch_floor=floor_hz, pitch_ceiling=PITCH_CEILING_HZ)
    return track.xs(), track.selected_array["frequency"]


def _phonation(samples: np.ndarray, times_s: np.ndarray, hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether frames are voiced or creaky (frame,), and their level in dB (frame,), that of creak raised."""
    is_voiced = _without_gaps(hz > 0)
    envelope_db = _envelope_db(samples)
    level_db = _level_db(envelope_db, times_s)
    if not is_voiced.any():
        return is_voiced, level_db
    is_loud = level_db >= level_db[is_voiced].max() - CREAK_DROP_DB
    is_phonated = _with_creak(is_voiced, _is_pulsed(envelope_db, times_s) & is_loud)
    return is_phonated, level_db + CREAK_GAIN_DB * (is_phonated & ~is_voiced)


def _envelope_db(samples: np.ndarray) -> np.ndarray:
    """Level in dB of the band of vowels, one value each ``FINE_S``: short enough to see single pulses of creak."""
    rising = np.diff(np.asarray(samples, dtype=np.float64), prepend=samples[:1])  # by 6 dB an octave; no offset
    band = sosfiltfilt(BAND, rising)
    n_fine = round(FINE_S * SAMPLE_RATE)
    power = uniform_filter1d(band**2, 2 * n_fine, mode="constant")[n_fine // 2 :: n_fine]
    return 10 * np.log10(power + 1e-12)


def _level_db(envelope_db: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Level in dB at frames (frame,), with the dips between two pulses and during a glottal stop filled up.

    It is a morphological closing of the envelope: the lower of the loudest level shortly before and shortly after, so
    that edges stay in place.
    """
    size = 2 * round(MAX_BREAK_S / FINE_S / 2) + 1
    padded = np.pad(envelope_db, size, constant_values=-120.0)
    closed = grey_closing(padded, size)[size:-size]
    return closed[_nearest(times_s, closed.size)]


def _is_pulsed(envelope_db: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Whether the level around a frame falls by ``PULSE_DB`` between peaks (frame,); noise and modal voice do not."""
    size = 2 * round(PULSE_S / FINE_S / 2) + 1
    depth_db = maximum_filter1d(envelope_db, size) - minimum_filter1d(envelope_db, size)
    return (depth_db >= PULSE_DB)[_nearest(times_s, envelope_db.size)]


def _nearest(times_s: np.ndarray, n_fine: int) -> np.ndarray:
    return np.clip(np.round(times_s / FINE_S - 0.5).astype(int), 0, n_fine - 1)


def _with_creak(is_voiced: np.ndarray, is_creaky: np.ndarray) -> np.ndarray:
    """Whether a frame is voiced, creaky beside voiced frames, or in a break of up to ``MAX_BREAK_S`` between them."""
    width = round(MAX_BREAK_S / STEP_S)
    labels, _ = label(is_voiced | is_creaky)
    joined = np.isin(labels, np.unique(labels[is_voiced])) & (labels > 0)
    long_runs = binary_opening(joined, np.ones(round(MIN_NUCLEUS_S / STEP_S)))
    padded = np.pad(long_runs, width)
    return joined | binary_closing(padded, np.ones(width + 1))[width:-width]


def _without_gaps(is_voiced: np.ndarray) -> np.ndarray:
    padded = np.pad(is_voiced, MAX_GAP)  # or closing would eat the voicing at the ends
    return binary_closing(padded, np.ones(MAX_GAP + 1))[MAX_GAP:-MAX_GAP]


def _longest_stretch(is_loud: np.ndarray, joins: np.ndarray) -> tuple[int, int]:
    """First and last loud frame of the longest stretch without a break in ``joins`` between them (the first such)."""
    runs, _ = label(joins | is_loud)
    stretches = [np.flatnonzero((runs == run) & is_loud)[[0, -1]] for run in np.unique(runs[is_loud])]
    first, last = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    return int(first), int(last)


def _share_voiced(is_voiced: np.ndarray, is_loud: np.ndarray, index: int) -> float:
    """Voiced share of the loud frames, voiced or not, that are connected with ``index``."""
    soft = np.flatnonzero(~is_loud)
    at = np.searchsorted(soft, index)
    stretch = slice(soft[at - 1] + 1 if at else 0, soft[at] if at < len(soft) else None)
    return float(is_voiced[stretch].mean())
