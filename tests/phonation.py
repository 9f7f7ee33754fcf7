"""Simulated syllables whose vowel is known to the sample: the same in modal, breathy, creaky and broken voice.

Source and filter: a train of glottal pulses (the derivative of Rosenberg's, 1971, type B) at an F0 contour with
jitter, through five formants; consonants of noise, closure or weaker formants around it. Creak is pulses of the same
strength at 40 to 70 Hz, irregular, every second one weaker (Keating, Garellek and Kreiman 2015); a break is a closed
glottis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from tonespan_utils.audio.reading import SAMPLE_RATE

VOWELS = {"a": (750, 1250, 2600), "i": (310, 2200, 2950), "u": (340, 800, 2300), "e": (480, 1900, 2550)}
NASAL, LATERAL = (260, 1050, 2300), (340, 1150, 2700)
CONTOURS = ("level", "rising", "falling", "dipping")
PHONATIONS = ("breathy", "creaky", "creaky middle", "creaky end", "break", "creak and break", "weak creaky end")
ONSETS = ("", "s", "kh", "m", "l", "t")
CODAS = ("", "n", "p")
FADE_S = 0.008


@dataclass(frozen=True)
class Syllable:
    """Samples at 16 kHz, and where the vowel is in them."""

    samples: np.ndarray
    start_s: float
    end_s: float


def syllable(*, phonation: str, contour: str, onset: str, coda: str, seed: int) -> Syllable:
    """One syllable; ``phonation`` is ``modal`` or of ``PHONATIONS``. A seed stands for a speaker, vowel and lengths."""
    rng = np.random.default_rng(seed)
    vowel, vowel_s = list(VOWELS)[rng.integers(len(VOWELS))], rng.uniform(0.22, 0.38)
    base_hz, gap_s, gap_at = rng.uniform(95, 240), rng.uniform(0.03, 0.06), rng.uniform(0.4, 0.6)
    creak_hz = rng.uniform(42, 65)
    lead_s = 0.12
    onset_s = {"": 0.0, "s": 0.11, "kh": 0.08, "m": 0.08, "l": 0.07, "t": 0.015}[onset]
    coda_s = {"": 0.0, "n": 0.1, "p": 0.06}[coda]
    start_s, end_s = lead_s + onset_s, lead_s + onset_s + vowel_s
    clock_s = np.arange(round((end_s + coda_s + 0.15) * SAMPLE_RATE)) / SAMPLE_RATE
    place = (clock_s - start_s) / vowel_s
    voiced_from = lead_s if onset in ("m", "l") else start_s
    voiced_to = end_s + coda_s if coda == "n" else end_s
    f0_hz = base_hz * 2 ** (_contour(contour, np.clip(place, 0, 1)))
    creaks, closed = _creak_and_gap(phonation, place, gap_at, gap_s / vowel_s)
    source = _pulses(clock_s, f0_hz, creaks, voiced_from, voiced_to, creak_hz, rng)
    if phonation == "weak creaky end":
        source *= np.where(creaks, 0.6, 1)
    source *= 1 - _smooth(closed)
    if phonation == "breathy":
        source = lfilter([0.35], [1, -0.65], source)  # a softer closing
        voiced = (clock_s >= voiced_from) & (clock_s < voiced_to)
        source += 0.35 * source.std() * rng.normal(size=clock_s.size) * voiced
    sound = _spoken(clock_s, source, onset, coda, vowel, (lead_s, start_s, end_s, end_s + coda_s), rng)
    sound = sound / np.abs(sound).max() * 0.5 + rng.normal(0, 2e-4, clock_s.size)
    return Syllable(sound, start_s, end_s)


def _contour(name: str, place: np.ndarray) -> np.ndarray:
    """Octaves above the speaker's base over the vowel, 0 to 1."""
    return {
        "level": 0.2 + 0 * place,
        "rising": -0.1 + 0.5 * place,
        "falling": 0.5 - 0.7 * place,
        "dipping": 0.1 - 0.9 * place * (1 - place) * 1.2,
    }[name]


def _creak_and_gap(phonation: str, place: np.ndarray, gap_at: float, gap: float) -> tuple[np.ndarray, np.ndarray]:
    inside = {
        "creaky": (0.0, 1.0),
        "creaky middle": (0.3, 0.7),
        "creaky end": (0.6, 9.0),
        "weak creaky end": (0.65, 9.0),
        "creak and break": (gap_at - 0.15, gap_at + gap + 0.1),
    }.get(phonation, (9.0, 9.0))
    creaks = (place >= inside[0]) & (place < inside[1])
    closed = (place >= gap_at) & (place < gap_at + gap) & (phonation in ("break", "creak and break"))
    return creaks, closed


def _pulses(clock_s, f0_hz, creaks, start_s, end_s, creak_hz, rng) -> np.ndarray:
    source, time_s, is_weak = np.zeros(clock_s.size), start_s, False
    while time_s < end_s:
        at = min(int(time_s * SAMPLE_RATE), clock_s.size - 1)
        creaky = creaks[at]
        period_s = 1 / (creak_hz * rng.uniform(0.8, 1.3)) if creaky else (1 + rng.normal(0, 0.008)) / f0_hz[at]
        strength = rng.uniform(0.4, 0.8) if creaky and is_weak else 1.0
        pulse = strength * _pulse(min(0.6 * period_s, 0.005))[: clock_s.size - at]
        source[at : at + pulse.size] += pulse
        is_weak, time_s = not is_weak, time_s + period_s
    return source


def _pulse(open_s: float) -> np.ndarray:
    """The derivative of the flow through the glottis: it opens slowly and closes at once."""
    t = np.arange(max(2, round(open_s * SAMPLE_RATE))) / max(2, round(open_s * SAMPLE_RATE))
    return 6 * t - 9 * t**2


def _smooth(mask: np.ndarray) -> np.ndarray:
    width = round(FADE_S * SAMPLE_RATE)
    return np.convolve(mask.astype(float), np.hanning(width) / np.hanning(width).sum(), "same")


def _resonate(source: np.ndarray, formants_hz: tuple[float, ...], widths_hz: tuple[float, ...]) -> np.ndarray:
    for hz, width in zip((*formants_hz, 3600, 4600), (*widths_hz, 250, 300), strict=True):
        radius = np.exp(-np.pi * width / SAMPLE_RATE)
        a = [1, -2 * radius * np.cos(2 * np.pi * hz / SAMPLE_RATE), radius**2]
        source = lfilter([sum(a)], a, source)
    return source


def _spoken(clock_s, source, onset, coda, vowel, times_s, rng) -> np.ndarray:
    lead_s, start_s, end_s, last_s = times_s

    def part(formants, a, b, gain, widths=(70, 100, 150)):
        return gain * _resonate(source * _smooth((clock_s >= a) & (clock_s < b)), formants, widths)

    sound = part(VOWELS[vowel], start_s, end_s, 1.0)
    level = np.abs(sound).max()
    noise = rng.normal(size=clock_s.size)
    if onset in ("m", "l"):
        sound += part(NASAL if onset == "m" else LATERAL, lead_s, start_s, 0.35, (60, 250, 300))
    if coda == "n":
        sound += part(NASAL, end_s, last_s, 0.35, (60, 250, 300))
    if onset == "s":
        hiss = lfilter([1, -1.6, 0.64], [1], noise)
        sound += 0.25 * level / np.abs(hiss).max() * hiss * _smooth((clock_s >= lead_s) & (clock_s < start_s))
    if onset in ("kh", "t"):
        puff = _resonate(noise, VOWELS[vowel], (200, 250, 300))
        burst = np.exp(-np.clip(clock_s - lead_s, 0, None) / 0.005) * (clock_s >= lead_s)
        breath = 0.5 * _smooth((clock_s >= lead_s) & (clock_s < start_s)) * (onset == "kh")
        sound += 0.3 * level / np.abs(puff).max() * puff * (breath + burst)
    return sound
