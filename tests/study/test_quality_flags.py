"""Quality flags of made-up layers, each alone, and on the tables of a made-up study."""

import numpy as np
import pandas as pd
import pytest
from fake_results import predictions, token_spans, tokens

from tonespan_utils.params import conditions, tables
from tonespan_utils.study import comparison, quality_flags

GOOD = {
    "layer": "3", "f1": 0.6, "chance_f1": 0.2, "above_chance_low": 0.3, "span_ms": 160.0, "ci_low_ms": 150.0,
    "ci_high_ms": 170.0, "null_span_ms": 480.0, "n_tokens": 60,
}  # fmt: skip


def signs(*layers, cue_width_ms=np.nan):
    rows = [GOOD | {"layer": str(number)} | layer for number, layer in enumerate(layers, start=3)]
    flags = quality_flags.of_layers(pd.DataFrame(rows), cue_width_ms=cue_width_ms)
    return list(zip(flags["layer"], flags["signature"], strict=True)), flags["detail"].tolist()


def test_a_good_layer_has_no_sign():
    assert signs({}, {}, cue_width_ms=100.0) == ([], [])


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        ({"above_chance_low": -0.01, "f1": 0.24}, "f1_at_chance", "F1 0.24, chance 0.20"),
        ({"span_ms": 470.0, "ci_low_ms": 455.0, "ci_high_ms": 485.0}, "energy_at_null", "of a flat map 480 ms"),
        ({"n_tokens": 12}, "few_tokens", "12 tokens"),
        ({"ci_low_ms": 60.0, "ci_high_ms": 240.0}, "few_tokens", "[60, 240]"),
        ({"ci_low_ms": np.nan, "ci_high_ms": np.nan}, "no_interval", "span 160 [no interval] ms"),
        ({"span_ms": 481.0, "ci_low_ms": np.nan, "ci_high_ms": np.nan}, "energy_at_null", "of a flat map 480 ms"),
        ({"above_chance_low": np.nan}, "f1_at_chance", "F1 0.60"),
    ],
)
def test_each_failure_has_its_sign(changed, name, said):
    flags, (detail,) = signs(changed)
    assert flags == [("3", name)] and said in detail


def test_far_is_judged_by_the_whole_interval_and_needs_a_cue():
    assert signs({}, cue_width_ms=74.0)[0] == [("3", "span_over_cue")]  # 150 > 2 x 74
    assert signs({}, cue_width_ms=76.0)[0] == [] == signs({})[0]


def test_a_jump_needs_its_size_and_intervals_apart():
    far = {"span_ms": 400.0, "ci_low_ms": 380.0, "ci_high_ms": 420.0}
    assert signs({}, far)[0] == [("4", "jump")] == signs(far, {})[0], "up or down"
    assert signs({}, {}, far)[1] == ["span 400 [380, 420] ms, in layer 4 160 ms"]
    assert signs({}, far | {"ci_low_ms": 165.0})[0] == [], "the intervals overlap"
    assert signs({}, {"span_ms": 220.0, "ci_low_ms": 210.0, "ci_high_ms": 230.0})[0] == [], "27 % of the larger"
    assert signs({}, far | {"layer": "0"})[0] == [], "the positional convolution lies below layer 0"


def test_the_front_end_that_knows_nothing_is_found_in_a_study():
    test_tokens, rng = tokens("th"), np.random.default_rng(0)
    parsed = [conditions.parse(name) for name in ("mini/vanilla", "mini/emotion")]
    probed = pd.concat([predictions(condition, test_tokens) for condition in parsed], ignore_index=True)
    low = probed["layer"].isin(["cnn", "0"]) & (probed["condition"] == "mini/vanilla")
    probed.loc[low, "predicted"] = rng.permutation(probed.loc[low, "predicted"])
    radii = pd.concat([token_spans(condition, test_tokens) for condition in parsed], ignore_index=True)
    study = comparison.study(probed, radii, test_tokens, {"th": 100.0}, n_resamples=200, seed=1)
    rows = [
        {"condition": name, "language": "th", "layer": layer, "r_com_ms": 80.0, "span_ms": 160.0, "ci_low_ms": 150.0,
         "ci_high_ms": 170.0, "r50_ms": 1.0, "r90_ms": 1.0, "null_span_ms": 480.0, "n_tokens": 36}
        for name, _ in study for layer in study[name, "th"].layers
    ]  # fmt: skip
    cues = pd.DataFrame({"language": ["th"], "span_high_ms": [100.0]})
    stored = quality_flags.table(study, pd.DataFrame(rows), cues, level=0.95)
    assert list(stored.columns) == tables.COLUMNS["signatures"] and len(stored) == 2
    assert quality_flags.unknown_layers(stored, "mini/vanilla", "th") == {"cnn", "0"}
    assert not quality_flags.unknown_layers(stored, "mini/emotion", "th")
    board = quality_flags.board(stored)
    assert board["condition"].tolist() == ["mini/vanilla"] and board["th"].tolist() == ["F1 at chance: cnn, 0"]
    assert quality_flags.board(stored.iloc[:0]).empty
