"""The vowels of one recording that somebody wants measured: from its TextGrid, or found in the sound.

With a TextGrid, the first of these that it has: the labelled marks of a tier ``centre`` or ``nucleus``; the labelled
intervals of the syllable tier, in each the vowel of the tier ``phones``, or else the nucleus that is found in the
sound; the runs of vowels on ``phones``. A tone is read as :mod:`.grids` reads it, and may be missing.

Without one, each phonated stretch of the recording gives one nucleus (:func:`.nucleus.find_nucleus`), unless it is
fainter by more than ``FAINT_DB`` than the loudest. That is right for syllables spoken apart; in running speech, where
voicing goes on from one syllable to the next, a TextGrid is needed.

Conventions: times in s from the start of the recording, in order.
Notebook: notebooks/explorer
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import grids, keys, nucleus, textgrid
from tonespan_utils.corpus.grid_tones import Reject, Tones
from tonespan_utils.corpus.textgrid import Grid, Interval
from tonespan_utils.errors import TonespanError

FAINT_DB = 25.0  # as far as a vowel may fade between two loud parts (nucleus.DIP_DB): fainter is no vowel of its own
MAX_GAP_S = 0.05  # without phonation, within one stretch
EDGE_S = 0.05  # of sound before and after a stretch, which the finder hears too


class Vowel(NamedTuple):
    """The middle of a vowel, its syllable's label and its tone; both are empty where nothing names them."""

    center_s: float
    label: str = ""
    tone: str = ""


def in_sound(samples: np.ndarray, name: str) -> list[Vowel]:
    """The vowels of ``samples`` (n,) at 16 kHz. Raises TonespanError, naming the recording, where there is none."""
    times_s, is_phonated = nucleus.sonorance(samples)
    places = []
    for start_s, end_s in _stretches(times_s[is_phonated]):
        try:
            places.append(nucleus.find_nucleus(samples, start_s=max(0.0, start_s - EDGE_S), end_s=end_s + EDGE_S))
        except TonespanError:
            continue  # a click, or a stretch too short for a vowel
    levels_db = np.array([_level_db(samples, place.start_s, place.end_s) for place in places])
    if not places:
        raise TonespanError(f"{name}: no vowel is found in it; give a TextGrid that marks them (tier 'centre')")
    return [
        Vowel(place.center_s) for place, db in zip(places, levels_db, strict=True) if db > levels_db.max() - FAINT_DB
    ]


def in_grid(path: Path, samples: np.ndarray, *, tier: str, language: str) -> list[Vowel]:
    """The vowels that a TextGrid names in ``samples`` (n,). ``tier`` is that of the syllables, ``language`` a code, or
    empty where spelling is not to be read. Raises TonespanError for a grid that cannot be read, is not as long as the
    recording, has none of the tiers, or marks no vowel.
    """
    grid = textgrid.read_grid(path)
    seconds = len(samples) / SAMPLE_RATE
    if abs(grid.start_s) > grids.TOLERANCE_S or abs(grid.end_s - seconds) > grids.TOLERANCE_S:
        raise TonespanError(
            f"{path}: runs from {grid.start_s:.3f} to {grid.end_s:.3f} s, but the recording lasts {seconds:.3f} s; "
            "is it the grid of another one?"
        )
    syllables = _syllables(grid, path, tier)
    centers_s = list(_centers_s(grid, path, syllables, samples, tier))
    if not centers_s:
        raise TonespanError(f"{path}: no labelled vowel in it; label them on a tier 'centre', or leave the grid out")
    tones = Tones(grid.tiers, path, language, ())
    return [_named(center_s, syllables, tones) for center_s in centers_s if center_s < seconds]


def _stretches(times_s: np.ndarray) -> list[tuple[float, float]]:
    """First and last time of each run of phonated frames at ``times_s`` (frame,)."""
    if not times_s.size:
        return []
    breaks = np.flatnonzero(np.diff(times_s) > MAX_GAP_S)
    firsts, lasts = np.r_[0, breaks + 1], np.r_[breaks, times_s.size - 1]
    return [(float(times_s[first]), float(times_s[last])) for first, last in zip(firsts, lasts, strict=True)]


def _level_db(samples: np.ndarray, start_s: float, end_s: float) -> float:
    part = samples[round(start_s * SAMPLE_RATE) : max(round(end_s * SAMPLE_RATE), round(start_s * SAMPLE_RATE) + 1)]
    return float(10 * np.log10(np.mean(np.square(part, dtype=np.float64)) + 1e-12))


def _syllables(grid: Grid, path: Path, tier: str) -> list[Interval]:
    there = textgrid.tier_name(grid.tiers, tier, path=path)
    intervals = grid.tiers[there] if there else []
    return [each for each in intervals if keys.word(each.label).casefold() not in grids.NON_SPEECH]


def _centers_s(
    grid: Grid, path: Path, syllables: Sequence[Interval], samples: np.ndarray, tier: str
) -> Iterator[float]:
    names = [textgrid.tier_name(grid.tiers, name, path=path) for name in ("centre", "nucleus", "phones")]
    marks = grid.tiers[names[0] or names[1]] if names[0] or names[1] else []
    phones = grid.tiers[names[2]] if names[2] else []
    if not (marks or syllables or phones):
        there = ", ".join(grid.tiers) or "none"
        raise TonespanError(f"{path}: no tier 'centre', 'nucleus', {tier!r} or 'phones' with labels; tiers: {there}")
    if marks:
        yield from (mark.center_s for mark in marks if keys.text(mark.label))
    elif syllables:
        for syllable in syllables:
            yield from _of_syllable(syllable, phones, samples)
    else:
        yield from _runs_of_vowels(phones)


def _of_syllable(syllable: Interval, phones: Sequence[Interval], samples: np.ndarray) -> list[float]:
    """The middle of a syllable's vowel, by its phones or in the sound; nothing where neither shows one."""
    inside = [phone for phone in phones if syllable.start_s <= phone.center_s < syllable.end_s]
    if runs := list(_runs_of_vowels(inside)):
        return runs[:1]
    try:
        return [nucleus.find_nucleus(samples, start_s=syllable.start_s, end_s=syllable.end_s).center_s]
    except TonespanError:
        return []


def _runs_of_vowels(phones: Sequence[Interval]) -> Iterator[float]:
    """The middle of each unbroken run of vowels."""
    run: list[Interval] = []
    for phone in [*phones, Interval(np.inf, np.inf, "")]:
        if grids.is_vowel(keys.text(phone.label)) and (not run or phone.start_s - run[-1].end_s <= grids.OVERLAP_S):
            run.append(phone)
        elif run:
            yield (run[0].start_s + run[-1].end_s) / 2
            run = [phone] if grids.is_vowel(keys.text(phone.label)) else []


def _named(center_s: float, syllables: Sequence[Interval], tones: Tones) -> Vowel:
    """A vowel with the label of the syllable around it, and its tone where that can be read."""
    around = next((each for each in syllables if each.start_s <= center_s <= each.end_s), None)
    if around is None:
        return Vowel(center_s)
    try:
        syllable, _, tone = tones.of(around)
        return Vowel(center_s, syllable, tone)
    except Reject:
        return Vowel(center_s, keys.word(around.label))
