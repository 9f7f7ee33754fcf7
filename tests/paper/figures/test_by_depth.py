"""Figures over the layers: spans with their nulls and the cue width, and probe F1 with the control task and chance."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.paper.figures import by_depth


def test_curves_cue_and_null_are_those_of_the_tables(p, loaded):
    figure = by_depth.draw_spans(loaded, p, backbone="mini")
    (axis,) = figure.axes
    spans = [curve.get_ydata() for curve in axis.lines if len(curve.get_xdata()) == 3]
    shown = {round(float(np.nanmax(span)), 1): np.isnan(span).tolist() for span in spans}
    assert set(shown) == {120.0, 120.1, 205.0}, "those of mini, and of its permuted weights"
    assert not any(shown[120.1]) and [False, True, False] in [np.isnan(span).tolist() for span in spans]
    heights = {float(line.get_ydata()[0]) for line in axis.lines if len(set(line.get_ydata())) == 1}
    assert {497.0, 100.0} <= heights and axis.get_ylim()[0] == 0
    assert axis.get_title(loc="right") == "n = 40 tokens"


def test_the_caption_tells_the_top_layer_and_counts_open_points(p, loaded):
    caption = by_depth.caption_spans(loaded, p, backbone="mini")
    assert "Top layer of mini/vanilla: Thai 151 [141, 161] ms (null 497, n = 40)." in caption
    assert "(1 of 6 points)" in caption, "two conditions of three layers; final has no depth of its own"
    loaded["signatures"] = loaded["signatures"].iloc[:0]
    assert "points" not in by_depth.caption_spans(loaded, p, backbone="mini")


def test_a_top_layer_without_a_finding_is_told_with_its_reason(p, loaded):
    loaded["comparison"]["top_note"] = "F1 not above chance"
    caption = by_depth.caption_spans(loaded, p, backbone="mini")
    assert "Top layer of mini/vanilla: Thai none (F1 not above chance, n = 40)." in caption


@pytest.fixture
def probed(loaded):
    """The tables with F1 of the control task and chance: layer 0 has two seeds, another encoder other numbers."""
    rows = [("mini/vanilla", "th", layer, f1) for layer, f1 in (("cnn", 0.25), ("0", 0.3), ("0", 0.4), ("1", 0.3))]
    rows += [("mini/vanilla", "th", "final", 0.9), ("large/vanilla", "th", "0", 0.9)]
    table = pd.DataFrame(rows, columns=["condition", "language", "layer", "control_f1"])
    return loaded | {"probe_f1": table, "probe_chance": table.rename(columns={"control_f1": "chance_f1"})}


def test_control_and_chance_are_means_of_this_encoder_without_the_closing_norm(p, probed):
    figure = by_depth.draw_probe_f1(probed, p, backbone="mini")
    (axis,) = figure.axes
    for label in ("control task", "chance"):
        (line,) = [line for line in axis.lines if line.get_label() == label]
        assert list(line.get_xdata()) == [-1, 0, 1] and list(line.get_ydata()) == pytest.approx([0.25, 0.35, 0.3])
    curves = [list(line.get_ydata()) for line in axis.lines if len(line.get_xdata()) == 3]
    assert curves[0] == pytest.approx([0.4] * 3) and curves[1] == pytest.approx([0.5] * 3)
    assert axis.get_ylim() == (0, 1) and axis.get_title(loc="right") == "n = 80 tokens"


def test_the_caption_tells_the_best_layer_of_the_first_condition(p, probed):
    caption = by_depth.caption_probe_f1(probed, p, backbone="mini")
    assert "Best layer of mini/vanilla" in caption
    assert "Thai 0.62 [0.55, 0.70] at layer 1 (chance 0.20, n = 80)." in caption
    probed["comparison"]["best_layer"] = ""
    assert "and no layer above chance (chance 0.20" in by_depth.caption_probe_f1(probed, p, backbone="mini")
