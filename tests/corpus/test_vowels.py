"""Vowels of one recording: in the sound where it has no TextGrid, else where its tiers put them."""

import numpy as np
import pytest

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import textgrid, vowels
from tonespan_utils.corpus.textgrid import Interval
from tonespan_utils.corpus.vowels import Vowel
from tonespan_utils.errors import TonespanError

WITHIN_S = 0.02  # two steps of the finder


def buzz(*places, seconds=2.0, hz=140.0):
    """Harmonics of a steady pitch, where ``places`` (start_s, end_s, gain) have them, in faint noise."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * k * hz * time_s) / k for k in range(1, 20))
    envelope = sum(gain * ((time_s >= start_s) & (time_s < end_s)) for start_s, end_s, gain in places)
    noise = 1e-4 * np.random.default_rng(0).normal(size=time_s.size)
    return (0.2 * envelope * tone + noise).astype(np.float32)


def test_each_voiced_stretch_has_its_vowel():
    samples = buzz((0.3, 0.5, 1.0), (1.0, 1.3, 0.6))
    assert [vowel.center_s for vowel in vowels.in_sound(samples, "x.wav")] == pytest.approx([0.4, 1.15], abs=WITHIN_S)


def test_what_is_much_fainter_is_no_vowel():
    samples = buzz((0.3, 0.5, 1.0), (1.0, 1.3, 0.03))  # 30 dB below
    assert [vowel.center_s for vowel in vowels.in_sound(samples, "x.wav")] == pytest.approx([0.4], abs=WITHIN_S)


@pytest.mark.parametrize("samples", [buzz((0.1, 0.11, 0.0)), buzz((0.1, 0.11, 0.0))[:400]])
def test_a_recording_without_a_vowel_is_named(samples):
    with pytest.raises(TonespanError, match=r"x\.wav: no vowel is found in it; give a TextGrid"):
        vowels.in_sound(samples, "x.wav")


@pytest.fixture
def grid(tmp_path):
    def write(tiers, seconds=2.0):
        textgrid.write(tmp_path / "x.TextGrid", tiers, duration_s=seconds)
        return tmp_path / "x.TextGrid"

    return write


SAMPLES = buzz((0.3, 0.5, 1.0), (1.0, 1.3, 0.6))
SYLLABLES = [Interval(0.25, 0.55, "ma4"), Interval(0.9, 1.4, "na"), Interval(1.5, 1.8, "sil")]


def read(path, language=""):
    return vowels.in_grid(path, SAMPLES, tier="syllable", language=language)


def test_marks_come_first_and_are_named_by_their_syllable(grid):
    marks = [Interval(0.34, 0.36, "x"), Interval(1.19, 1.21, "x"), Interval(1.89, 1.91, "x")]
    read_marks = [
        vowel._replace(center_s=round(vowel.center_s, 6))
        for vowel in read(grid({"syllable": SYLLABLES, "centre": marks}))
    ]
    assert read_marks == [Vowel(0.35, "ma", "4"), Vowel(1.2, "na", ""), Vowel(1.9, "", "")]


def test_in_a_syllable_the_vowel_is_that_of_its_phones_or_of_the_sound(grid):
    phones = [Interval(0.25, 0.3, "m"), Interval(0.3, 0.5, "a"), Interval(0.5, 0.52, "i"), Interval(0.52, 0.55, "n")]
    first, second = read(grid({"syllable": SYLLABLES, "phones": phones}))
    assert first.center_s == pytest.approx(0.41) and second.center_s == pytest.approx(1.15, abs=WITHIN_S)


def test_phones_alone_give_each_run_of_vowels(grid):
    phones = [Interval(0.3, 0.5, "a"), Interval(0.5, 0.6, "n"), Interval(0.6, 0.8, "o"), Interval(1.0, 1.2, "u")]
    assert [vowel.center_s for vowel in read(grid({"phones": phones}))] == pytest.approx([0.4, 0.7, 1.1])


def test_the_spelling_of_a_language_names_tones(grid):
    (vowel, _) = read(grid({"syllable": [Interval(0.25, 0.55, "đà"), Interval(0.9, 1.4, "đà")]}), "vi")
    assert vowel.tone == "huyen"


@pytest.mark.parametrize(
    ("tiers", "seconds", "problem"),
    [
        ({"words": SYLLABLES}, 2.0, "no tier 'centre', 'nucleus', 'syllable' or 'phones' with labels; tiers: words"),
        ({"syllable": SYLLABLES}, 3.0, r"runs from 0\.000 to 3\.000 s, but the recording lasts 2\.000 s"),
        ({"syllable": SYLLABLES, "centre": [Interval(0.39, 0.41, " ")]}, 2.0, "no labelled vowel in it"),
    ],
)
def test_a_grid_that_cannot_be_used_is_one_line(grid, tiers, seconds, problem):
    with pytest.raises(TonespanError, match=problem):
        read(grid(tiers, seconds))
