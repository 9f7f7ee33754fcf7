"""The pitch of an utterance: a planted tone contour on a moving base line, imposed with Praat's overlap-add.

Pitch is a sum, in semitones around the speaker's base frequency, of declination, slow drift, one accent per syllable,
the effect of a voiceless or voiced onset, jitter, and the *tone*. The tone is its Chao digits, spread over the planted
width, which is centred on the middle of the nucleus. Outside of it the tone adds exactly 0, so the width of the tone
cue is known. The other parts do not depend on the tone.

The accent makes the corpus fit for calibration: pitch height at the centre is tone plus accent, so only the *movement*
of pitch identifies the tone, and the movement is spread over the whole planted width.

Conventions
-----------
- Times are seconds from the start of the utterance, ``span_s`` is the planted width in seconds; pitch is semitones
  unless a name says Hz.
- Chao digits run from 1 (low) to 5 (high); 3 adds nothing.

Source: Chao (1930) for the digits; Moulines & Charpentier (1990) for overlap-add; Praat, through parselmouth, does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import parselmouth
from parselmouth.praat import call
from scipy.ndimage import gaussian_filter1d

from tonespan_utils.audio.reading import SAMPLE_RATE

POINT_S = 0.005  # a pitch point this often: as quick as the quickest movement, the fade
ANALYSIS_STEP_S = 0.01  # Praat's pitch analysis; the source is flat, so a coarse step is right
SOURCE_TOLERANCE = 1.1  # the source's pitch is known and flat: look no further than 10 % around it
MID_DIGIT = 3  # the Chao digit at the speaker's own level
ONSET_NUDGE_ST = {"voiceless": 1.0, "voiced": -0.8, "sonorant": 0.0}  # at the vowel's start; Hombert (1978)
ONSET_DECAY_S = 0.03
STEP_SHARE = 0.2  # of the way from one centre to the next: the accent changes there and is level elsewhere
VOICELESS = set("ptkcqʈʔfsʃɕʂxhθɬçχ")
VOICED = set("bdɡgɟvzʒʐʑðɣʁɓɗ")


@dataclass(frozen=True, slots=True)
class Wander:
    """How far and how fast each part of pitch moves. The defaults give the cue sharp edges."""

    step_st: float = 3.0  # between neighbouring Chao digits: four of them make an octave, a lively speaker's range
    gather: float = 2.0  # power of the offset: above 1, pitch moves most near the span's edges
    fade_s: float = 0.005  # raised-cosine edge: a pitch period of a high voice, the quickest overlap-add can follow
    accent_sd_st: float = 1.2  # one draw a syllable
    drift_sd_st: float = 0.5
    drift_hz: float = 1.0  # about the rate of phrases
    jitter_sd_st: float = 0.1
    declination_st_per_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """What pitch needs of one syllable: nucleus start and centre, kind of onset (key of ONSET_NUDGE_ST), Chao digits."""

    nucleus_start_s: float
    center_s: float
    onset: str
    chao: str


def onset_voicing(onset: str) -> str:
    """The kind of an onset in IPA: ``voiceless``, ``voiced`` (obstruents) or ``sonorant`` (also without an onset)."""
    if onset and onset[0] in VOICELESS:
        return "voiceless"
    return "voiced" if onset and onset[0] in VOICED else "sonorant"


def fade(offset_s: np.ndarray, *, span_s: float, fade_s: float) -> np.ndarray:
    """The weight of the tone at ``offset_s`` (n,) from the centre: (n,), 1 inside, a raised cosine at both edges.

    It is exactly 0 from ``span_s / 2`` outward.
    """
    inside = span_s / 2 - np.abs(offset_s)
    ramp = np.clip(inside / min(fade_s, span_s / 2), 0, 1)
    return (1 - np.cos(np.pi * ramp)) / 2


def contour(offset_s: np.ndarray, chao: str, *, span_s: float, wander: Wander = Wander()) -> np.ndarray:
    """The tone alone, in semitones (n,) at ``offset_s`` (n,) from the centre: digits spread evenly over ``span_s``.

    No digits (a language without tone) give 0 everywhere; a single digit is a level tone.
    """
    if not chao:
        return np.zeros_like(offset_s)
    digits = np.array([int(digit) for digit in chao], dtype=float) - MID_DIGIT
    knots = np.linspace(-1, 1, len(digits))
    place = np.clip(2 * offset_s / span_s, -1, 1)
    place = np.sign(place) * np.abs(place) ** wander.gather
    return wander.step_st * np.interp(place, knots, digits) * fade(offset_s, span_s=span_s, fade_s=wander.fade_s)


def base_line(
    times_s: np.ndarray, targets: Sequence[Target], *, rng: np.random.Generator, wander: Wander = Wander()
) -> np.ndarray:
    """All parts of pitch but the tone, in semitones (n,) at ``times_s`` (n,), evenly spaced; Chao digits are not used."""
    step_s = times_s[1] - times_s[0]
    centers = [target.center_s for target in targets]
    accents = _steps(times_s, centers, rng.normal(0, wander.accent_sd_st, len(targets)))
    noise = gaussian_filter1d(rng.normal(size=len(times_s)), 1 / (2 * np.pi * wander.drift_hz * step_s))
    drift = wander.drift_sd_st * noise / max(noise.std(), 1e-9)
    jitter = rng.normal(0, wander.jitter_sd_st, len(times_s))
    declination = wander.declination_st_per_s * (times_s.mean() - times_s)
    return accents + drift + jitter + declination + sum(_nudge(times_s, target) for target in targets)


def _steps(times_s: np.ndarray, centers_s: Sequence[float], levels_st: np.ndarray) -> np.ndarray:
    """A level around each centre, and a smooth step half-way to the next: an accent has a height and no slope."""
    place = np.interp(times_s, centers_s, np.arange(len(centers_s)))
    step = np.clip((place % 1 - 0.5) / STEP_SHARE + 0.5, 0, 1)
    left = np.floor(place).astype(int)
    right = np.minimum(left + 1, len(levels_st) - 1)
    return levels_st[left] + (levels_st[right] - levels_st[left]) * step**2 * (3 - 2 * step)


def _nudge(times_s: np.ndarray, target: Target) -> np.ndarray:
    since = times_s - target.nucleus_start_s
    return ONSET_NUDGE_ST[target.onset] * np.exp(-np.clip(since, 0, None) / ONSET_DECAY_S) * (since >= 0)


def impose(samples: np.ndarray, times_s: np.ndarray, pitch_hz: np.ndarray, *, source_hz: float) -> np.ndarray:
    """Give flat speech on ``source_hz`` the pitch ``pitch_hz`` at ``times_s``: float32 (samples,), same length.

    Voiceless stretches pass unchanged. ``samples`` are at 16 kHz.
    """
    sound = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE)
    floor, ceiling = source_hz / SOURCE_TOLERANCE, source_hz * SOURCE_TOLERANCE
    manipulation = call(sound, "To Manipulation", ANALYSIS_STEP_S, floor, ceiling)
    call([pitch_tier(times_s, pitch_hz, len(samples) / SAMPLE_RATE), manipulation], "Replace pitch tier")
    spoken = call(manipulation, "Get resynthesis (overlap-add)").values[0].astype(np.float32)
    return np.pad(spoken, (0, max(0, len(samples) - len(spoken))))[: len(samples)]


def pitch_tier(times_s: np.ndarray, pitch_hz: np.ndarray, duration_s: float) -> parselmouth.Data:
    """Praat's PitchTier over ``duration_s`` with a point ``pitch_hz`` at each of ``times_s``."""
    # One script with a loop: a call per point takes 30 times as long as all the rest of the overlap-add.
    times, values = (",".join(f"{value:.6f}" for value in column) for column in (times_s, pitch_hz))
    script = f'Create PitchTier: "p", 0, {duration_s:.6f}\nt# = {{{times}}}\nf# = {{{values}}}\n'
    return parselmouth.praat.run(f"{script}for i to size(t#)\nAdd point: t#[i], f#[i]\nendfor\n")[0]
