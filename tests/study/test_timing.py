"""Errors of times, their summary, and centres moved on purpose."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_checkpoint, make_tokens

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tonespan_utils.study import timing


def test_errors_are_aligned_minus_known():
    reference = make_tokens(4)
    aligned = reference.assign(center_s=reference["center_s"] + 0.012).iloc[2:]
    errors = timing.errors_ms(aligned, reference)
    assert errors["error_ms"].to_numpy() == pytest.approx(12.0) and len(errors) == len(reference) - 2
    with pytest.raises(TonespanError, match="known time"):
        timing.errors_ms(aligned.assign(token_id="other"), reference)


def test_summary_as_by_hand():
    rng = np.random.default_rng(0)
    errors = pd.DataFrame({"utterance_id": np.repeat(np.arange(50).astype(str), 4), "error_ms": rng.normal(5, 20, 200)})
    row = timing.error_row(errors, n_known=210, n_resamples=400, level=0.9, seed=0)
    size = errors["error_ms"].abs()
    assert row["bias_ms"] == errors["error_ms"].median() and row["median_ms"] == size.median()
    assert row["p95_ms"] == pytest.approx(np.quantile(size, 0.95)) and row["over_40_ms"] == (size > 40).mean()
    assert (row["n_tokens"], row["n_known"]) == (200, 210)
    slow = [
        np.median(size.to_numpy().reshape(50, 4)[rng.choice(50, 50)])
        for _ in range(2000)
    ]  # fmt: skip
    low, high = np.quantile(slow, [0.05, 0.95])
    assert (row["median_low_ms"], row["median_high_ms"]) == pytest.approx((low, high), abs=1.5)
    single = timing.error_row(errors.assign(utterance_id="1"), n_known=210, n_resamples=400, level=0.9, seed=0)
    assert single["median_ms"] == row["median_ms"] and np.isnan(single["median_low_ms"]), "one utterance, no interval"


def test_moved_centres_have_the_deviation_asked_for(glide_corpus):
    tokens = glide_corpus.tokens
    small, large = (
        timing.moved(tokens, glide_corpus, sd_ms=sd, seed=0)["center_s"] - tokens["center_s"] for sd in (10, 20)
    )
    assert large.to_numpy() == pytest.approx(2 * small.to_numpy())
    assert 1000 * small.std() == pytest.approx(10, rel=0.2)
    far = timing.moved(tokens, glide_corpus, sd_ms=1e6, seed=0)["center_s"]
    assert far.min() >= 0 and far.max() <= glide_corpus.utterances["n_samples"].max() / 16_000
    assert timing.moved(tokens, glide_corpus, sd_ms=0, seed=0).equals(tokens)


@pytest.fixture
def small():
    """A profile of small sizes over the glides, whose cue is 120 ms wide."""
    p = profile.load("smoke")
    return p.model_copy(
        update={
            "baseline": p.baseline.model_copy(update={"windows_ms": [20, 60, 100, 140, 180, 240]}),
            "jitter": p.jitter.model_copy(update={"sd_ms": [0.0, 60.0]}),
            "gradient": p.gradient.model_copy(update={"n_tokens": 6, "bin_ms": 50.0}),
        }
    )


def test_tone_is_lost_where_centres_are_wrong(small, glide_corpus):
    rows = timing.baseline_rows(small, glide_corpus, "th").set_index("jitter_ms")
    assert rows.loc[0, "f1"] > rows.loc[60, "f1"] + 0.05
    assert rows.loc[0, "ci_low_ms"] <= rows.loc[0, "value_ms"] <= rows.loc[0, "ci_high_ms"]
    assert np.isnan(rows.loc[60, "value_ms"]), "a curve that no longer bends has no cue width"
    assert set(rows["condition"]) == {"logmel"} and (rows["n_tokens"] == len(glide_corpus.tokens)).all()


def test_radii_of_every_layer_at_every_error(small, glide_corpus, tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path / "checkpoint", "hubert"))
    rows = timing.r_com_rows(small, encoder, glide_corpus, "th", condition="x/vanilla")
    assert rows.groupby("jitter_ms")["layer"].apply(list).tolist() == [encoder.layers] * 2
    assert ((rows["value_ms"] > 0) & (rows["value_ms"] < small.gradient.window_ms)).all()
    assert (rows["null_ms"] > 100).all() and rows["f1"].between(0, 1).all()
    cnn = rows[rows["layer"] == "cnn"]
    assert cnn["value_ms"].to_numpy() == pytest.approx(25, abs=0.5), "a frame sees 25 ms, but for its group norm"
