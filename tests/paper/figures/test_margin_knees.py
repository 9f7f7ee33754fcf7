"""Margins while pitch is taken away, and knees by layer: lines and captions are those of the tables."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.paper.figures import margin_knees


@pytest.fixture
def with_knees(loaded):
    """Two conditions, two seeds: a knee of 100 (and 110) ms in numbered layers, none in ``cnn``."""
    rows = pd.DataFrame(
        [(c, "th", s, layer) for c in ("mini/vanilla", "mini/asr-th") for s in (0, 1) for layer in ("cnn", "0", "1")],
        columns=["condition", "language", "seed", "layer"],
    )
    knee = np.where(rows["layer"] == "cnn", np.nan, 100.0 + 10 * rows["seed"])
    note = np.where(rows["layer"] == "cnn", "F1 not above chance", "")
    bounds = {"knee_ms": knee, "ci_low_ms": knee - 6, "ci_high_ms": knee + 8, "n_tokens": 24, "note": note}
    widths = pd.DataFrame({"half_width_ms": [0.0, 50.0, 90.0], "gain": [0.0, 3.0, 3.2]})
    keep = rows.merge(widths, how="cross")
    curves = {"keep": keep["gain"], "flatten": 3.2 - keep["gain"]}
    margins = pd.concat([keep.assign(curve=name, margin=value) for name, value in curves.items()])
    beyond = keep[keep["half_width_ms"] > 0].assign(influence=0.07, ci_low=0.05, ci_high=0.09, n_tokens=24)
    left_out = pd.DataFrame({"language": ["th"], "token_id": ["a"], "utterance_id": ["u"], "reason": ["creak"]})
    return loaded | {
        "margin_knee": rows.assign(encoder="mini", **bounds),
        "margin_curves": margins.assign(ci_low=margins["margin"] - 0.1, ci_high=margins["margin"] + 0.1),
        "influence": beyond,
        "knee_left_out": left_out,
    }


def test_curves_of_the_top_layer_and_half_its_knee(p, with_knees):
    figure = margin_knees.draw_margin_curves(with_knees, p, backbone="mini")
    (axis,) = figure.axes
    drawn = [line.get_ydata().tolist() for line in axis.lines if len(line.get_xdata()) == 3]
    assert np.allclose(drawn, [[0.0, 3.0, 3.2], [3.2, 0.2, 0.0]])
    assert [line.get_xdata()[0] for line in axis.lines if len(set(line.get_xdata())) == 1] == [50.0]
    assert axis.get_title(loc="right") == "n = 24 tokens"
    caption = margin_knees.caption_margin_curves(with_knees, p, backbone="mini")
    assert "at layer 1 of mini/vanilla" in caption and "Thai 100 [94, 108] ms (n = 24)" in caption
    assert "cannot be taken away: 1 tokens" in caption


def test_a_layer_without_a_knee_says_why(p, with_knees):
    knees = with_knees["margin_knee"]
    with_knees["margin_knee"] = knees.assign(knee_ms=np.nan, note="F1 not above chance")
    figure = margin_knees.draw_margin_curves(with_knees, p, backbone="mini")
    assert "no knee: F1 not above chance" in [text.get_text() for text in figure.axes[0].texts]
    assert "Thai none (F1 not above chance)" in margin_knees.caption_margin_curves(with_knees, p, backbone="mini")


def test_knees_by_depth_are_means_over_seeds_and_cnn_has_none(p, with_knees):
    figure = margin_knees.draw_knees(with_knees, p, backbone="mini")
    lines = [line.get_ydata() for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert len(lines) == 2 and all(np.isnan(line[0]) and line[1:].tolist() == [105.0, 105.0] for line in lines)
    caption = margin_knees.caption_knees(with_knees, p, backbone="mini")
    assert "No knee, and no point, for 4 of 12 layers" in caption
    assert "beyond ±90 ms" in caption and "Thai 0.07 [0.05, 0.09]" in caption
