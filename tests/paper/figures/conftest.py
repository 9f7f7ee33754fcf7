"""Parameters and small made-up tables for the tests of single figures: two conditions of one encoder in Thai."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import yaml

from tonespan_utils.params import profile

LAYERS = {"cnn": -1.0, "0": 0.0, "1": 1.0, "final": 1.0}  # name -> relative depth


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def p(tmp_path_factory):
    """A profile of one encoder in Thai, vanilla and after ASR."""
    tree = {
        "profile": "two",
        "speech": {"tonal": ["th"], "other": []},
        "encoders": {"mini": {"checkpoint": "models/mini", "revision": None}},
        "conditions": ["mini/vanilla", "mini/asr-th"],
    }
    path = tmp_path_factory.mktemp("two") / "two.yaml"
    path.write_text(yaml.safe_dump(tree))
    return profile.load(str(path))


@pytest.fixture
def loaded():
    """Curves over layers, their flags and the comparison of ``mini/vanilla`` and ``mini/asr-th``; another encoder's
    rows have values that no figure of mini may show.
    """
    names = {"mini/vanilla": 0.0, "mini/asr-th": 0.1, "large/vanilla": 99.0}
    curves = [
        {"condition": name, "language": "th", "layer": layer, "depth": depth, "f1": 0.4 + more,
         "f1_low": 0.3 + more, "f1_high": 0.5 + more, "span_ms": 120 + more, "span_low_ms": 110 + more,
         "span_high_ms": 130 + more, "n_tokens": 80, "n_span_tokens": 40}
        for name, more in names.items() for layer, depth in LAYERS.items()
    ]  # fmt: skip
    compared = [
        {"condition": name, "language": "th", "best_layer": "1", "f1": 0.62 + more, "f1_low": 0.55 + more,
         "f1_high": 0.7 + more, "chance_f1": 0.2, "span_ms": 140 + more, "span_low_ms": 130.0, "span_high_ms": 150.0,
         "distance_ms": 40 + more, "distance_low_ms": 30 + more, "distance_high_ms": 50 + more,
         "box_distance_ms": 180 + more, "box_distance_low_ms": 160.0, "box_distance_high_ms": 200.0,
         "top_span_ms": 151 + more, "top_span_low_ms": 141.0, "top_span_high_ms": 161.0, "null_span_ms": 497.0,
         "cue_width_ms": 100.0, "n_tokens": 80, "n_span_tokens": 40, "note": "", "top_note": ""}
        for name, more in names.items()
    ]  # fmt: skip
    cue = {"language": "th", "frontend": "logmel", "span_ms": 100.0, "span_low_ms": 90.0, "span_high_ms": 110.0}
    random = [
        {"encoder": encoder, "language": "th", "layer": layer, "depth": depth, "weight": weight, "span_ms": span_ms,
         "ci_low_ms": span_ms - 9, "ci_high_ms": span_ms + 9, "above_chance_low": -0.1, "n_tokens": 30, "n_seeds": 2}
        for encoder, weight, span_ms in (("mini", "none", 205.0), ("mini", "power", 80.0), ("large", "none", 950.0))
        for layer, depth in LAYERS.items()
    ]  # fmt: skip
    flags = [("mini/vanilla", "th", "0", "energy_at_null", ""), ("large/vanilla", "th", "1", "energy_at_null", "")]
    return {
        "layer_curves": pd.DataFrame(curves),
        "comparison": pd.DataFrame(compared),
        "baseline_spans": pd.DataFrame([cue]),
        "random_spans": pd.DataFrame(random),
        "signatures": pd.DataFrame(flags, columns=["condition", "language", "layer", "signature", "detail"]),
    }
