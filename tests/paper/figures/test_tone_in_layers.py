"""Probe F1 by layer: curves of one encoder, the mean control task and chance."""

import pandas as pd
import pytest

from tonespan_utils.paper.figures import tone_in_layers


@pytest.fixture
def probed(loaded):
    """The tables with F1 of the control task and chance: layer 0 has two seeds, another encoder other numbers."""
    rows = [("mini/vanilla", "th", layer, f1) for layer, f1 in (("cnn", 0.25), ("0", 0.3), ("0", 0.4), ("1", 0.3))]
    rows += [("mini/vanilla", "th", "final", 0.9), ("large/vanilla", "th", "0", 0.9)]
    table = pd.DataFrame(rows, columns=["condition", "language", "layer", "control_f1"])
    return loaded | {"probe_f1": table, "probe_chance": table.rename(columns={"control_f1": "chance_f1"})}


def test_control_and_chance_are_means_of_this_encoder_without_the_closing_norm(p, probed):
    figure = tone_in_layers.draw_probe_f1(probed, p, backbone="mini")
    (axis,) = figure.axes
    for label in ("control task", "chance"):
        (line,) = [line for line in axis.lines if line.get_label() == label]
        assert list(line.get_xdata()) == [-1, 0, 1] and list(line.get_ydata()) == pytest.approx([0.25, 0.35, 0.3])
    curves = [list(line.get_ydata()) for line in axis.lines if len(line.get_xdata()) == 3]
    assert curves[0] == pytest.approx([0.4] * 3) and curves[1] == pytest.approx([0.5] * 3)
    assert axis.get_ylim() == (0, 1) and axis.get_title(loc="right") == "n = 80 tokens"


def test_the_caption_tells_the_best_layer_of_the_first_condition(p, probed):
    caption = tone_in_layers.caption_probe_f1(probed, p, backbone="mini")
    assert "Best layer of mini/vanilla" in caption
    assert "Thai 0.62 [0.55, 0.70] at layer 1 (chance 0.20, n = 80)." in caption
    probed["comparison"]["best_layer"] = ""
    assert "and no layer above chance (chance 0.20" in tone_in_layers.caption_probe_f1(probed, p, backbone="mini")
