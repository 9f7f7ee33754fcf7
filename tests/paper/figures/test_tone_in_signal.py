"""F0 by tone and F1 against window: the numbers of the tables, and why there is no cue width where there is none."""

import pandas as pd
import pytest

from tonespan_utils.paper.figures import tone_in_signal


@pytest.fixture
def loaded(p):
    front = p.baseline.frontends[0]
    windows = [("th", front, w, fold, f1) for w, f1 in ((20.0, 0.3), (100.0, 0.6), (200.0, 0.62)) for fold in (0, 1)]
    f0 = [("th", tone, at, level, level - 1, level + 1, 9) for level, tone in enumerate("LH") for at in (-50.0, 50.0)]
    return {
        "tokens": pd.DataFrame({"language": ["th"] * 1234}),
        "f0": pd.DataFrame(f0, columns=["language", "tone", "offset_ms", "f0_st", "low_st", "high_st", "n_tokens"]),
        "baseline_f1": pd.DataFrame(windows, columns=["language", "frontend", "window_ms", "fold", "macro_f1"]),
        "baseline_spans": pd.DataFrame(
            [("th", front, 96.0, 88.0, 105.0, 0.62, 0.25)],
            columns=["language", "frontend", "span_ms", "span_low_ms", "span_high_ms", "peak_f1", "chance_f1"],
        ),
        "baseline_notes": pd.DataFrame(
            [("th", front, 321, "")], columns=["language", "frontend", "n_tokens", "reason"]
        ),
        "baseline_windows": pd.DataFrame([("th", 104.0)], columns=["language", "planted_span_ms"]),
    }  # fmt: skip


def test_a_contour_per_tone_and_how_many_tokens(p, loaded):
    figure = tone_in_signal.draw_f0_contours(loaded, p)
    (axis,) = figure.axes
    assert {line.get_label(): list(line.get_ydata()) for line in axis.lines if line.get_label() in "LH"} == {
        "L": [0, 0], "H": [1, 1],
    }  # fmt: skip
    assert axis.get_title(loc="right") == "n = 18 tokens"
    assert tone_in_signal.caption_f0_contours(loaded, p).endswith("Tone tokens in all: Thai 1,234.")


def test_the_planted_width_is_drawn_where_it_is_known(p, loaded):
    def planted():
        axis = tone_in_signal.draw_baseline_f1(loaded, p).axes[0]
        assert axis.get_title(loc="right") == "n = 321 tokens"
        return [line.get_xdata()[0] for line in axis.lines if line.get_label() == "planted width"]

    assert planted() == [104.0]
    loaded["baseline_windows"]["planted_span_ms"] = float("nan")
    assert planted() == []


def test_the_caption_tells_the_width_or_why_there_is_none(p, loaded):
    caption = tone_in_signal.caption_baseline_f1(loaded, p)
    assert "mean over 2 folds" in caption
    assert caption.endswith("Thai 96 ms [88, 105], peak F1 0.62 (chance 0.25, n = 321).")
    loaded["baseline_spans"]["span_ms"] = float("nan")
    loaded["baseline_notes"]["reason"] = "F1 not above chance"
    caption = tone_in_signal.caption_baseline_f1(loaded, p)
    assert "Thai no cue width (F1 not above chance), peak F1 0.62" in caption
