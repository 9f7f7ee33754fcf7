"""The rows of the sanity checks from made-up measurements; the notebook itself runs in test_calibration."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.params import profile
from tonespan_utils.study import sanity, sanity_checks
from tonespan_utils.study.sanity_subjects import Subjects


@pytest.fixture
def checked():
    """Subjects of the smoke profile whose encoder has layers and nothing else."""
    given = profile.load("smoke")
    return Subjects(given, given, None, {"asr": SimpleNamespace(layers=["cnn", "0", "1"])}, pd.DataFrame())


def widths(intact_ms, permuted_ms):
    """Spans of twenty tokens of ten utterances, intact and with all eight parts permuted under two seeds."""
    rows = [
        {"task": "asr", "parts": parts, "seed": seed, "utterance_id": f"u{token // 2}", "token_id": f"t{token}",
         "span_ms": span_ms + token}
        for parts, seed, span_ms in ((0, 0, intact_ms), (4, 0, 999.0), (8, 0, permuted_ms), (8, 1, permuted_ms))
        for token in range(20)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_difference_is_that_of_the_same_tokens_with_everything_permuted(checked):
    (row,) = sanity_checks._intact_minus_randomised(checked, widths(100.0, 150.0))
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx((-50.0, -50.0, -50.0))
    assert (row["condition"], row["layer"], row["verdict"]) == ("asr", "1", sanity.PASSED)
    (same,) = sanity_checks._intact_minus_randomised(checked, widths(150.0, 150.0))
    assert same["value"] == 0 and same["verdict"] == sanity.UNDECIDED


@pytest.mark.parametrize(
    ("head", "high", "verdict"),
    [("mean", 150.0, sanity.PASSED), ("mean", 250.0, sanity.FAILED), ("3", 250.0, sanity.SHOWN)],
)
def test_the_upper_end_of_a_layer_s_mean_attention_decides(head, high, verdict):
    measured = SimpleNamespace(layer="1", head=head, distance_ms=120.0, ci_low_ms=90.0, ci_high_ms=high, null_ms=200.0)
    row = sanity_checks._head_row("attention", "asr", measured)
    assert row["verdict"] == verdict and row["statistic"] == f"distance_ms, head {head}" and row["null"] == 200.0


def test_the_code_of_readable_tones_is_shorter_and_that_of_noise_is_not(checked):
    rng, tones = np.random.default_rng(0), np.tile(["high", "low"], 100)
    tokens = pd.DataFrame({"utterance_id": np.repeat(np.arange(50), 4).astype(str), "tone": tones})
    there = Subjects(checked.given, checked.given, SimpleNamespace(tokens=tokens), checked.encoders, tokens)
    noise = rng.normal(size=(200, 3))
    labels = {"tone": tones, "control": rng.permutation(tones)}
    readable, control = sanity_checks._code_rows(there, "asr", "1", noise + 9 * (tones == "low")[:, None], labels)
    assert readable["verdict"] == sanity.PASSED and control["verdict"] == sanity.SHOWN and readable["null"] == 1
    unreadable, _ = sanity_checks._code_rows(there, "asr", "1", noise, labels)
    assert unreadable["verdict"] != sanity.PASSED
