"""Agreement of estimators: a row per pair, coloured by its verdict, over tokens and over layers."""

import pandas as pd
import pytest
from matplotlib.colors import same_color

from tonespan_utils.paper.figures import agreement_of_estimators
from tonespan_utils.paper.figures.validity_parts import VERDICT_COLORS
from tonespan_utils.study import sanity


@pytest.fixture
def loaded():
    columns = ["check", "statistic", "value", "ci_low", "ci_high", "null", "verdict"]
    rows = [
        ("agreement", "rho over tokens, gradient and occlusion", 0.6, 0.5, 0.7, 0.2, sanity.PASSED),
        ("agreement", "rho over tokens, gradient and smoothgrad", 0.1, -0.1, 0.3, 0.2, sanity.FAILED),
        ("agreement", "rho over layers, gradient and occlusion", 0.9, 0.8, 1.0, 0.7, sanity.PASSED),
        ("confounds", "rho of r_com and duration", 0.99, 0.9, 1.0, 0.2, sanity.FAILED),
    ]
    return {"sanity": pd.DataFrame(rows, columns=columns)}


def test_pairs_are_rows_and_verdicts_colours(p, loaded):
    figure = agreement_of_estimators.draw_agreement(loaded, p)
    tokens, layers = figure.axes
    assert [tick.get_text() for tick in tokens.get_yticklabels()] == ["gradient | occlusion", "gradient | SmoothGrad"]
    dots = [(line.get_xdata()[0], line.get_color()) for line in tokens.lines if line.get_marker() == "o"]
    assert [x for x, _ in dots] == [0.6, 0.1]
    for (_, color), verdict in zip(dots, (sanity.PASSED, sanity.FAILED), strict=True):
        assert same_color(color, VERDICT_COLORS[verdict])
    assert [line.get_xdata()[0] for line in layers.lines if line.get_marker() == "|"] == [0.7]


def test_the_caption_tells_the_range_and_the_verdicts(p, loaded):
    caption = agreement_of_estimators.caption_agreement(loaded, p)
    assert "over tokens 0.10 to 0.60 (1 passed, 1 failed); over layers 0.90 to 0.90 (1 passed)." in caption
