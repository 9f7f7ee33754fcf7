import csv
from collections import defaultdict

import numpy as np
import parselmouth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonation import CODAS, CONTOURS, ONSETS, PHONATIONS, syllable

from tonespan_utils.audio import reading
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.nucleus import TOO_SHORT, UNVOICED, _without_gaps, find_nucleus, sonorance, trimmed
from tonespan_utils.errors import TonespanError

EDGE_TOLERANCE_S = 0.025  # half of Praat's pitch window: how far voicing is smeared at an edge
N_CLIPS = 25  # real clips per language, at least: quick enough for every run


def vowel(seconds: float, *, hz: float = 140.0, peak: float = 0.3) -> np.ndarray:
    """Ten falling harmonics: voiced throughout, with a level that is flat but for short ramps."""
    times_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum(np.sin(2 * np.pi * k * hz * times_s) / k for k in range(1, 11))
    ramp = np.minimum(1, np.minimum(times_s, times_s[::-1]) / 0.01)
    return peak * ramp * wave / np.abs(wave).max()


def noise(seconds: float, *, level: float = 1e-4) -> np.ndarray:
    return level * np.random.default_rng(3).normal(size=round(seconds * SAMPLE_RATE))


@pytest.mark.parametrize("hz", [90.0, 140.0, 250.0, 420.0])
def test_a_vowel_in_silence(hz):
    nucleus = find_nucleus(np.concatenate([noise(0.3), vowel(0.25, hz=hz), noise(0.4)]))
    assert nucleus.start_s == pytest.approx(0.3, abs=EDGE_TOLERANCE_S)
    assert nucleus.end_s == pytest.approx(0.55, abs=EDGE_TOLERANCE_S)
    assert nucleus.center_s == pytest.approx(0.425, abs=EDGE_TOLERANCE_S / 2)
    assert nucleus.voiced_fraction > 0.9


def test_a_loud_fricative_is_no_nucleus():
    clip = np.concatenate([noise(0.1), noise(0.2, level=0.2), vowel(0.2), noise(0.1)])
    assert find_nucleus(clip).start_s == pytest.approx(0.3, abs=EDGE_TOLERANCE_S)
    assert find_nucleus(clip).voiced_fraction < 0.7


def test_a_soft_coda_is_no_nucleus():
    clip = np.concatenate([noise(0.1), vowel(0.2), vowel(0.3, peak=0.03), noise(0.1)])  # 20 dB below
    assert find_nucleus(clip).end_s == pytest.approx(0.3, abs=EDGE_TOLERANCE_S)


def test_a_loud_voiced_burst_is_no_nucleus():
    clip = np.concatenate([noise(0.1), vowel(0.06, peak=0.5), noise(0.1), vowel(0.3, peak=0.2), noise(0.1)])
    assert find_nucleus(clip).center_s == pytest.approx(0.41, abs=EDGE_TOLERANCE_S)


def test_a_gap_of_one_frame_does_not_end_a_nucleus():
    np.testing.assert_array_equal(
        _without_gaps(np.array([1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1], dtype=bool)),
        np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1], dtype=bool),
    )


def test_an_interval_contains_the_nucleus_of_its_syllable():
    clip = np.concatenate([noise(0.1), vowel(0.2, peak=0.9), noise(0.1), vowel(0.2, peak=0.1), noise(0.1)])
    nucleus = find_nucleus(clip, start_s=0.38, end_s=0.65)
    assert nucleus.center_s == pytest.approx(0.5, abs=EDGE_TOLERANCE_S)
    within = find_nucleus(clip, start_s=0.15, end_s=0.25)  # voiced throughout: the interval is the limit
    assert 0.15 <= within.start_s < within.end_s <= 0.25


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.01, 3.0), n_steps=st.integers(0, 40))
def test_neither_level_nor_place_matter(gain, n_steps):
    clip = np.concatenate([noise(0.1), vowel(0.2, hz=120), noise(0.2)])
    late = np.concatenate([np.zeros(n_steps * 160), clip]) * gain
    shift_s = find_nucleus(late).center_s - find_nucleus(clip).center_s
    assert shift_s == pytest.approx(n_steps * 0.01, abs=0.011)  # one frame: Praat centres its frames in the clip


@pytest.mark.parametrize("clip", [noise(0.5, level=0.1), np.zeros(8_000), np.ones(8_000)], ids=["noise", "zeros", "dc"])
def test_nothing_voiced(clip):
    with pytest.raises(TonespanError, match=f"^{UNVOICED}$"):
        find_nucleus(clip)


def test_too_short_for_praat():
    for clip in (np.zeros(0), vowel(0.05)):
        with pytest.raises(TonespanError, match=f"^{TOO_SHORT}$"):
            find_nucleus(clip)
    with pytest.raises(TonespanError, match=f"^{TOO_SHORT}$"):
        find_nucleus(vowel(0.5), start_s=2.0, end_s=2.2)


@pytest.mark.parametrize("name", ["cmn_syllables", "yue_syllables", "my_vowels"])
def test_real_syllables_are_voiced_at_the_centre(shared_data, name):
    """Judged by Praat's other pitch method, cross-correlation, with a lower floor."""
    folder = shared_data / "speech" / name
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clips = [reading.read(folder / row["file"]) for row in rows[:: max(1, len(rows) // N_CLIPS)]]
    voiced = []
    for samples in clips:
        nucleus = find_nucleus(samples)
        assert 0 <= nucleus.start_s < nucleus.center_s < nucleus.end_s <= len(samples) / SAMPLE_RATE
        sound = parselmouth.Sound(samples.astype(float), SAMPLE_RATE)
        pitch = sound.to_pitch_cc(time_step=0.01, pitch_floor=60, pitch_ceiling=600)
        voiced.append(pitch.get_value_at_time(nucleus.center_s) > 0)
    assert np.mean(voiced) >= 0.95


def test_unvoiced_edges_are_trimmed_and_creak_inside_stays():
    times_s = np.arange(20) * 0.01
    is_voiced = np.isin(np.arange(20), [5, 6, 7, 12, 13])
    assert trimmed(0.02, 0.18, times_s=times_s, is_voiced=is_voiced) == pytest.approx((0.045, 0.135))
    assert trimmed(0.055, 0.13, times_s=times_s, is_voiced=is_voiced) == pytest.approx((0.055, 0.13))
    with pytest.raises(TonespanError, match="unvoiced"):
        trimmed(0.15, 0.19, times_s=times_s, is_voiced=is_voiced)


# The middle must not depend on how a tone is phonated

SYLLABLES = [(onset, coda, 10 * i + j) for i, onset in enumerate(ONSETS) for j, coda in enumerate(CODAS)]


def center_s(phonation: str, onset: str, coda: str, seed: int) -> float:
    contour = CONTOURS[seed % len(CONTOURS)]
    return find_nucleus(
        syllable(phonation=phonation, contour=contour, onset=onset, coda=coda, seed=90_000 + seed).samples
    ).center_s


def test_modal_vowels_are_found_where_they_are():
    errors = []
    for onset, coda, seed in SYLLABLES:
        spoken = syllable(phonation="modal", contour="level", onset=onset, coda=coda, seed=seed)
        errors.append(find_nucleus(spoken.samples).center_s - (spoken.start_s + spoken.end_s) / 2)
    assert abs(np.mean(errors)) < 0.01 and np.abs(errors).max() < 0.04


@pytest.mark.parametrize("phonation", PHONATIONS)
def test_phonation_does_not_move_the_middle(phonation):
    """By voicing alone creak and breaks moved it by 44 to 65 ms on average, up to 240, and lost creaky syllables."""
    shifts = [center_s(phonation, *kind) - center_s("modal", *kind) for kind in SYLLABLES]
    assert abs(np.mean(shifts)) < 0.01
    assert np.mean(np.abs(shifts) <= 0.02) >= 0.8 and np.abs(shifts).max() <= 0.04


def test_creak_at_the_end_is_not_trimmed():
    spoken = syllable(phonation="creaky end", contour="falling", onset="s", coda="p", seed=5)
    times_s, is_phonated = sonorance(spoken.samples)
    edges = trimmed(spoken.start_s, spoken.end_s, times_s=times_s, is_voiced=is_phonated)
    assert edges == pytest.approx((spoken.start_s, spoken.end_s), abs=0.03)
    assert sonorance(np.zeros(100))[0].size == 0


def test_a_burst_and_its_closure_are_no_broken_vowel():
    clip = np.concatenate([noise(0.1), vowel(0.1, peak=0.3), noise(0.15), vowel(0.3, peak=0.3), noise(0.1)])
    assert find_nucleus(clip).center_s == pytest.approx(0.5, abs=EDGE_TOLERANCE_S)


def test_real_tones_have_their_middle_at_one_place(shared_data):
    """Burmese rhymes in three tones, against the middle of what is within 20 dB: 36 ms apart by voicing alone."""
    folder, places = shared_data / "speech" / "my_vowels", defaultdict(list)
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            samples = reading.read(folder / row["file"])
            power = np.convolve(samples.astype(float) ** 2, np.ones(400), "same")
            loud = np.flatnonzero(power > power.max() / 100)
            places[row["tone"]].append(find_nucleus(samples).center_s - loud[[0, -1]].mean() / SAMPLE_RATE)
    assert np.ptp([np.mean(times) for times in places.values()]) < 0.015
