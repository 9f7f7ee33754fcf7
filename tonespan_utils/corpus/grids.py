"""Syllables with tone and nucleus, from the TextGrid beside a recording; each is read whole or rejected with a reason.

Conventions
-----------
- The syllables are the labelled intervals of one tier; the case of tier names does not matter.
- The tone comes from a tier ``tone``, if there is one. On a point tier it is the one labelled point inside the syllable
  (not on its edges); on an interval tier the interval that covers the syllable's middle. There is no token where there
  is no such label, or two; a neighbour's tone is never taken.
- Without that tier the tone is the digits (``ma1``, ``ma51``) or the tone letters (``ma˥˩``) that end the syllable's
  label; without them, what the language's spelling says of a label that is one syllable and nothing else. A label of
  which only a part can be read (``T1?``, ``ma1x``, an unknown backslash sequence) gives no token.
- A syllable whose tone its spelling does not tell for sure (flags of :class:`tonespan_utils.tone.Syllable`) is left out
  as alignment leaves it out (``align.leave_out``).
- The nucleus is the one labelled mark in the syllable on a tier ``centre`` or ``nucleus``, or the first run of vowels
  on ``phones``. With two marks there is no token; with none the nucleus is looked for in the sound.
- A grid must be as long as its audio to within ``TOLERANCE_S``. One that does not begin at 0 was cut from a longer one:
  where its length fits and its end does not, its times are moved to begin at 0.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from tonespan_utils.audio import reading
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import keys, textgrid
from tonespan_utils.corpus.grid_tones import EDGE_S, LEAVE_OUT, Reject, Tones
from tonespan_utils.corpus.nucleus import Nucleus
from tonespan_utils.corpus.textgrid import Grid, Interval, Tiers
from tonespan_utils.errors import TonespanError

Rejected = list[tuple[str, str]]

SUFFIX = ".textgrid"
# what aligners write for silence and noise
NON_SPEECH = {"", "sil", "sp", "spn", "<eps>", "<sil>", "#", "pau", "<p:>", "silence"}
VOWELS = set("iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝ")
SYLLABIC = "\u0329\u030d"  # marks of a consonant that is a nucleus, as in Cantonese 唔
ARPABET_VOWEL = re.compile(r"[AEIOU][A-Z][0-2]?")
TOLERANCE_S = 0.1  # of a grid's length: encoders pad an mp3 by up to this much, aligners round up to whole frames
OVERLAP_S = 1e-3  # syllables may share this much, by rounding

TWO_NUCLEI = "two or more labelled marks of the tier {!r} lie inside it"
OVERLAPS = "overlaps another syllable"
BEFORE_AUDIO = "begins before its audio"
NO_LENGTH = "has no length"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A syllable with its tone and its times in a file; without ``end_s`` it lasts to the end of the file.

    ``nucleus`` is None where the annotation does not mark it.
    """

    syllable: str
    ipa: str
    tone: str
    start_s: float = 0.0
    end_s: float | None = None
    nucleus: Nucleus | None = None


def beside(path: Path) -> Path | None:
    """The TextGrid of the same name beside an audio file, whatever the case of its suffix and the Unicode form.

    Raises :class:`TonespanError` where there are two.
    """
    plain = path.with_suffix(".TextGrid")
    if plain.is_file() and not plain.name.startswith("._"):
        return plain
    stem = unicodedata.normalize("NFC", path.stem)
    grids = [other for other in path.parent.iterdir() if other.suffix.lower() == SUFFIX] if path.parent.is_dir() else []
    alike = sorted(other for other in grids if unicodedata.normalize("NFC", other.stem) == stem)
    if len(alike) > 1:
        raise TonespanError(f"{path}: two TextGrids are named like it, {alike[0].name} and {alike[1].name}; keep one")
    return alike[0] if alike else None


def read(
    path: Path, audio_path: Path, *, tier: str, language: str, leave_out: Sequence[str] = LEAVE_OUT
) -> tuple[list[Spoken], Rejected]:
    """The syllables of a TextGrid, in seconds of its audio, and (item, reason) of those that cannot be tokens.

    Raises :class:`TonespanError` for a grid that cannot be read, has no such tier, or is not as long as its audio.
    """
    grid = textgrid.read_grid(path)
    syllables = textgrid.tier(grid.tiers, tier, path=path)
    shift_s = _shift_s(grid, audio_path, path)
    tones = Tones(grid.tiers, path, language, leave_out)
    labelled = [interval for interval in syllables if keys.word(interval.label).casefold() not in NON_SPEECH]
    overlapping = _overlapping(labelled)
    spoken, rejected = [], []
    for index, interval in enumerate(labelled):
        try:
            _check_place(interval, shift_s, index in overlapping)
            syllable, ipa, tone = tones.of(interval)
            given = _given_nucleus(interval, grid.tiers, path)
        except Reject as reason:
            rejected.append(
                (f", {keys.text(interval.label)!r} at {max(0.0, interval.start_s + shift_s):.3f} s", str(reason))
            )
            continue
        spoken.append(_moved(Spoken(syllable, ipa, tone, interval.start_s, interval.end_s, given), shift_s))
    return spoken, rejected


# Time


def _shift_s(grid: Grid, audio_path: Path, path: Path) -> float:
    """Seconds to add to a grid's times so that they are those of its audio; refuses a grid of another length."""
    length_s = grid.end_s - grid.start_s
    for seconds in (_header_s, _decoded_s):  # headers of mp3s and streams may be wrong, decoding takes long
        duration_s = seconds(audio_path)
        if duration_s is None:
            continue
        by_end, by_length = abs(grid.end_s - duration_s), abs(length_s - duration_s)
        if min(by_end, by_length) <= TOLERANCE_S:
            starts_elsewhere = abs(grid.start_s) > EDGE_S
            return -grid.start_s if starts_elsewhere and by_length <= by_end else 0.0
    if duration_s is None:
        return 0.0  # the audio cannot be read, which is said where it is decoded
    raise TonespanError(
        f"{path}: runs from {grid.start_s:.3f} to {grid.end_s:.3f} s ({length_s:.3f} s), but its audio "
        f"{audio_path.name} lasts {duration_s:.3f} s; is it the grid of another recording?"
    )


def _header_s(path: Path) -> float | None:
    try:
        return soundfile.info(path).duration
    except (soundfile.LibsndfileError, OSError):
        return None


def _decoded_s(path: Path) -> float | None:
    try:
        return len(reading.read(path)) / SAMPLE_RATE
    except TonespanError:
        return None


def _moved(spoken: Spoken, shift_s: float) -> Spoken:
    marked = spoken.nucleus
    if marked is not None and shift_s:
        marked = Nucleus(
            marked.start_s + shift_s, marked.end_s + shift_s, marked.center_s + shift_s, marked.voiced_fraction
        )
    start_s, end_s = max(0.0, spoken.start_s + shift_s), spoken.end_s + shift_s
    return Spoken(spoken.syllable, spoken.ipa, spoken.tone, start_s, end_s, marked)


def _check_place(interval: Interval, shift_s: float, overlaps: bool) -> None:
    if interval.end_s - interval.start_s <= EDGE_S:
        raise Reject(NO_LENGTH)
    if interval.start_s + shift_s < -EDGE_S:
        raise Reject(BEFORE_AUDIO)
    if overlaps:
        raise Reject(OVERLAPS)


def _overlapping(intervals: Sequence[Interval]) -> set[int]:
    """Indices of the intervals that share time with another; they are in order of their starts."""
    shared: set[int] = set()
    longest = 0  # index of the interval that ends last so far
    for index in range(1, len(intervals)):
        if intervals[index].start_s < intervals[longest].end_s - OVERLAP_S:
            shared |= {longest, index}
        if intervals[index].end_s > intervals[longest].end_s:
            longest = index
    return shared


# Tone


# Nucleus


def _given_nucleus(interval: Interval, tiers: Tiers, path: Path) -> Nucleus | None:
    """The nucleus a TextGrid marks inside a syllable, None where it marks none; raises Reject where it marks two."""
    names = {name: textgrid.tier_name(tiers, name, path=path) for name in ("centre", "nucleus", "phones")}
    if marked := next((name for name in ("centre", "nucleus") if names[name]), None):
        run = [part for part in _inside(tiers[names[marked]], interval) if keys.text(part.label)]
        if len(run) > 1:
            raise Reject(TWO_NUCLEI.format(marked))
    else:
        run = _first_run_of_vowels(_inside(tiers[names["phones"]] if names["phones"] else [], interval))
    if not run:
        return None
    return Nucleus(run[0].start_s, run[-1].end_s, (run[0].start_s + run[-1].end_s) / 2, 1.0)


def _inside(parts: Sequence[Interval], interval: Interval) -> Sequence[Interval]:
    """The parts whose middle lies in an interval; tiers are in order."""
    first, last = (bisect_left(parts, edge_s, key=lambda part: part.center_s) for edge_s in interval[:2])
    return parts[first:last]


def _first_run_of_vowels(phones: Sequence[Interval]) -> list[Interval]:
    run: list[Interval] = []
    for phone in phones:
        if is_vowel(keys.text(phone.label)):
            run.append(phone)
        elif run:
            break
    return run


def is_vowel(phone: str) -> bool:
    """Whether an IPA (any diacritics, tone letters) or ARPABET phone is the nucleus of a syllable."""
    letters = unicodedata.normalize("NFD", phone)
    return letters[:1] in VOWELS or any(mark in letters for mark in SYLLABIC) or bool(ARPABET_VOWEL.fullmatch(phone))
