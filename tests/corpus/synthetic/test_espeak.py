"""eSpeak NG through ctypes: the phones asked for, when they sound, flat, and the same every time."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import resample_poly

from tonespan_utils.corpus.synthetic import espeak
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import f0

WORDS = ["m|'a:|n", "t|'i:", "n|'u:|m"]


def test_phones_come_back_in_order_and_tile_the_words():
    spoken = espeak.speak(WORDS, voice="th")
    assert [len(word) for word in spoken.words] == [3, 2, 3]
    assert [phone.name for phone in spoken.words[0]] == ["m", "a:", "n"]
    for word in spoken.words:
        assert all(a.end_s == b.start_s for a, b in pairwise(word))
        assert all(phone.end_s > phone.start_s for phone in word)
    assert spoken.words[-1][-1].end_s <= len(spoken.samples) / espeak.SAMPLE_RATE


def test_same_call_same_samples_whatever_was_spoken_before():
    first = espeak.speak(WORDS, voice="th", variant="f1")
    espeak.speak(["k|'a:"], voice="vi")
    again = espeak.speak(WORDS, voice="th", variant="f1")
    assert np.array_equal(first.samples, again.samples) and first.words == again.words


def test_pitch_is_flat_where_it_was_asked_for():
    spoken = espeak.speak(["m|'a:|n"] * 3, voice="th", pitch_hz=140)
    samples = resample_poly(spoken.samples, 320, 441)  # 22,050 to 16,000 Hz
    _, hz = f0.track(samples, floor_hz=75, ceiling_hz=300, step_ms=10)
    voiced = hz[~np.isnan(hz)]
    assert voiced.size > 20 and np.abs(12 * np.log2(voiced / 140)).max() < 0.5  # semitones


@pytest.mark.parametrize(
    ("words", "options", "problem"),
    [
        ([], {"voice": "th"}, "nothing to speak"),
        (["m|'a:", " "], {"voice": "th"}, "empty word"),
        (WORDS, {"voice": "nowhere"}, "no voice 'nowhere'"),
        (WORDS, {"voice": "th", "rate_wpm": 9999}, "rate_wpm is 9999"),
    ],
)
def test_what_cannot_be_spoken_is_said(words, options, problem):
    with pytest.raises(TonespanError, match=problem):
        espeak.speak(words, **options)
