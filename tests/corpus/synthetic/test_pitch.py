"""The planted contour: exactly nothing outside its span, and F0 that follows it inside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonespan_utils.corpus.synthetic import pitch
from tonespan_utils.instrument import f0

digits = st.text("12345", min_size=1, max_size=4)
spans = st.floats(0.04, 0.3)


@given(digits, spans)
def test_tone_is_exactly_nothing_outside_its_span(chao, span_s):
    offsets = np.linspace(-0.5, 0.5, 2001)
    tone_st = pitch.contour(offsets, chao, span_s=span_s)
    assert not tone_st[np.abs(offsets) >= span_s / 2].any()
    assert np.abs(tone_st).max() <= 2 * pitch.Wander().step_st + 1e-9


def test_contour_by_hand():
    wander = pitch.Wander(step_st=2.0, gather=1.0)
    offsets = np.array([-0.03, 0.0, 0.03])
    # 1 to 5 over 100 ms: -0.6, 0 and 0.6 of the way to the ends, which lie two digits (4 st) from the middle
    assert pitch.contour(offsets, "15", span_s=0.1, wander=wander) == pytest.approx([-2.4, 0.0, 2.4])
    assert pitch.contour(offsets, "3", span_s=0.1).tolist() == [0, 0, 0]
    assert pitch.contour(offsets, "", span_s=0.1).tolist() == [0, 0, 0]
    assert pitch.contour(offsets, "55", span_s=0.1, wander=wander) == pytest.approx([4.0, 4.0, 4.0])


@pytest.mark.parametrize(("onset", "kind"), [("t", "voiceless"), ("b", "voiced"), ("m", "sonorant"), ("", "sonorant")])
def test_onset_voicing(onset, kind):
    assert pitch.onset_voicing(onset) == kind


def test_base_line_does_not_know_the_tone():
    times = np.arange(0, 1, pitch.POINT_S)
    lines = [
        pitch.base_line(times, [pitch.Target(0.3, 0.4, "voiced", chao), pitch.Target(0.7, 0.8, "sonorant", "1")],
                        rng=np.random.default_rng(0))
        for chao in ("51", "15", "")
    ]  # fmt: skip
    assert np.array_equal(lines[0], lines[1]) and np.array_equal(lines[0], lines[2])


def test_imposed_pitch_is_measured_and_the_length_stays():
    time_s = np.arange(16_000) / 16_000
    buzz = 0.1 * sum(np.sin(2 * np.pi * 140 * k * time_s) / k for k in range(1, 12))
    times = np.arange(0, 1, pitch.POINT_S)
    wanted = 140 * 2 ** (4 * np.clip((times - 0.3) / 0.4, 0, 1) / 12)
    spoken = pitch.impose(buzz.astype(np.float32), times, wanted, source_hz=140)
    assert spoken.shape == buzz.shape and spoken.dtype == np.float32
    at, hz = f0.track(spoken, floor_hz=75, ceiling_hz=300, step_ms=10)
    inner = (at > 0.1) & (at < 0.9)
    error_st = 12 * np.log2(hz[inner] / np.interp(at[inner], times, wanted))
    assert np.nanmax(np.abs(error_st)) < 0.5
