"""The probe beside the encoder fine-tuned on tone, and their paired difference."""

import pandas as pd
import pytest

from tonespan_utils.paper.figures import probe_and_finetuned


@pytest.fixture
def both():
    columns = ["condition", "language", "layer", "probe_f1", "finetuned_f1", "chance_f1", "difference", "ci_low",
               "ci_high", "n_tokens"]  # fmt: skip
    rows = [
        ("mini/vanilla", "th", "best", 0.5, 0.8, 0.2, 0.3, 0.2, 0.4, 80),
        ("mini/vanilla", "th", "top", 0.45, 0.8, 0.2, 0.35, -0.1, 0.7, 80),
        ("large/vanilla", "th", "best", 0.1, 0.9, 0.2, 0.8, 0.7, 0.9, 80),
    ]
    return {"probe_vs_finetuned": pd.DataFrame(rows, columns=columns)}


def test_rows_name_condition_and_layer(both):
    rows = probe_and_finetuned.probe_and_tuned(both["probe_vs_finetuned"], "mini")
    assert rows["label"].tolist() == ["vanilla, best layer", "vanilla, top layer"]
    assert rows[["value", "low", "high"]].iloc[0].tolist() == [0.3, 0.2, 0.4]


def test_open_is_the_probe_and_filled_the_fine_tuned(p, both):
    figure = probe_and_finetuned.draw_tuned(both, p, backbone="mini")
    scores, difference = figure.axes
    probe, tuned, chance = scores.lines[:3]
    assert list(probe.get_xdata()) == [0.5, 0.45] and probe.get_markerfacecolor() == "white"
    assert list(tuned.get_xdata()) == [0.8, 0.8] and tuned.get_markerfacecolor() != "white"
    assert list(chance.get_xdata()) == [0.2, 0.2]
    dots = [
        (float(line.get_xdata()[0]), line.get_markerfacecolor() == "white")
        for line in difference.lines if len(line.get_xdata()) == 1
    ]  # fmt: skip
    assert dots == [(0.3, False), (0.35, True)], "open where the interval contains 0"


def test_the_caption_tells_the_best_layer_alone(p, both):
    caption = probe_and_finetuned.caption_tuned(both, p, backbone="mini")
    assert caption.endswith("at the best layer: Thai, mini/vanilla +0.30 [+0.20, +0.40] (n = 80).")
