"""Agreement of trainings: the mean over pairs of seeds, against where chance ends."""

import pandas as pd
import pytest

from tonespan_utils.paper.figures import agreement_of_seeds


@pytest.fixture
def agreed():
    """Two pairs of seeds of vanilla over tokens, one of ASR over tokens (at chance), one over layers."""
    columns = ["condition", "language", "a", "b", "over", "rho", "ci_low", "ci_high", "null_low", "null_high", "n"]
    rows = [
        ("mini/vanilla", "th", 0, 1, "tokens", 0.5, 0.4, 0.6, -0.1, 0.1, 40),
        ("mini/vanilla", "th", 0, 2, "tokens", 0.7, 0.6, 0.8, -0.3, 0.3, 40),
        ("mini/asr-th", "th", 0, 1, "tokens", 0.1, -0.1, 0.3, -0.2, 0.2, 40),
        ("mini/vanilla", "th", 0, 1, "layers", 0.9, 0.8, 1.0, -0.6, 0.6, 7),
        ("large/vanilla", "th", 0, 1, "tokens", -0.9, -1.0, -0.8, -0.2, 0.2, 40),
    ]
    return {"seed_agreement": pd.DataFrame(rows, columns=columns)}


def test_pairs_of_seeds_are_averaged(agreed):
    rows = agreement_of_seeds.between_seeds(agreed["seed_agreement"], "mini").set_index(["label", "over"])
    vanilla = rows.loc[("vanilla", "tokens"), ["value", "low", "high", "null_high", "n"]]
    assert vanilla.tolist() == pytest.approx([0.6, 0.5, 0.7, 0.2, 40]) and len(rows) == 3


def test_values_and_the_end_of_chance_are_drawn(p, agreed):
    agreed["seed_agreement"] = agreed["seed_agreement"][agreed["seed_agreement"]["condition"] != "mini/asr-th"]
    figure = agreement_of_seeds.draw_seeds(agreed, p, backbone="mini")
    for axis, value, end in zip(figure.axes, (0.6, 0.9), (0.2, 0.6), strict=True):
        assert value in [pytest.approx(line.get_xdata()[0]) for line in axis.lines if len(line.get_xdata()) == 1]
        (upright,) = [c for c in axis.collections if c.get_label() == "end of chance"]
        assert upright.get_segments()[0][:, 0] == pytest.approx([end, end])
    assert [axis.get_xlabel() for axis in figure.axes] == ["rho over tokens", "rho over layers"]


def test_the_caption_counts_what_is_above_chance_and_names_the_least(p, agreed):
    caption = agreement_of_seeds.caption_seeds(agreed, p, backbone="mini")
    assert "over tokens above chance in 1 of 2, least in Thai" in caption
    assert "(n = 40), 0.10 [-0.10, 0.30]; over layers above chance in 1 of 1" in caption
