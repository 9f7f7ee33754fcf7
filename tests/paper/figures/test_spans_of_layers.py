"""Effective span by layer: curves of one encoder, its null and the cue width; open where the span is no finding."""

import numpy as np

from tonespan_utils.paper.figures import spans_of_layers


def test_curves_cue_and_null_are_those_of_the_tables(p, loaded):
    figure = spans_of_layers.draw_spans(loaded, p, backbone="mini")
    (axis,) = figure.axes
    spans = [curve.get_ydata() for curve in axis.lines if len(curve.get_xdata()) == 3]
    shown = {round(float(np.nanmax(span)), 1): np.isnan(span).tolist() for span in spans}
    assert set(shown) == {120.0, 120.1}, "those of mini and no others"
    assert not any(shown[120.1]) and [False, True, False] in [np.isnan(span).tolist() for span in spans]
    heights = {float(line.get_ydata()[0]) for line in axis.lines if len(set(line.get_ydata())) == 1}
    assert {497.0, 100.0} <= heights and axis.get_ylim()[0] == 0
    assert axis.get_title(loc="right") == "n = 40 tokens"


def test_the_caption_tells_the_top_layer_and_counts_open_points(p, loaded):
    caption = spans_of_layers.caption_spans(loaded, p, backbone="mini")
    assert "Top layer of mini/vanilla: Thai 151 [141, 161] ms (null 497, n = 40)." in caption
    assert "(1 of 6 points)" in caption, "two conditions of three layers; final has no depth of its own"
    loaded["signatures"] = loaded["signatures"].iloc[:0]
    assert "points" not in spans_of_layers.caption_spans(loaded, p, backbone="mini")


def test_a_top_layer_without_a_finding_is_told_with_its_reason(p, loaded):
    loaded["comparison"]["top_note"] = "F1 not above chance"
    caption = spans_of_layers.caption_spans(loaded, p, backbone="mini")
    assert "Top layer of mini/vanilla: Thai none (F1 not above chance, n = 40)." in caption
