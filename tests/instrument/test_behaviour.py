"""Truncated audio and flattened pitch against the model on plain audio, and saturation by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from gradient_parts import double_encoder, prepare_in_the_model_s_precision, random_probes

from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import behaviour, resynthesis


@pytest.fixture(scope="module", params=["xlsr", "wav2vec2"])
def encoder(request, tmp_path_factory):
    return double_encoder(tmp_path_factory.mktemp("x"), request.param)


@pytest.fixture(autouse=True)
def in_double_precision(monkeypatch):
    prepare_in_the_model_s_precision(monkeypatch)


@pytest.fixture(scope="module")
def probes(encoder):
    return random_probes(encoder, ["0", "2", "cnn"], ("fall", "rise", "level"))


def test_unknown_names_list_the_known_ones(encoder, probes):
    with pytest.raises(TonespanError, match="context_truncation"):
        behaviour.f1_by_width("lime", encoder, probes, None, None, [50], n_resamples=20, seed=0)


def small_tokens(corpus):
    return corpus.tokens[corpus.tokens["split"] == "test"].head(9)


def test_context_truncation_is_the_model_on_cut_audio(encoder, probes, glide_corpus):
    tokens, widths = small_tokens(glide_corpus), [40.0, 150.0]
    table = behaviour.f1_by_width(
        "context_truncation", encoder, probes, glide_corpus, tokens, widths, n_resamples=20, seed=0
    )
    for layer, probe in probes.items():
        f1 = table[(table["layer"] == layer) & (table["draw"] == 0)].set_index("half_width_ms")["macro_f1"]
        assert f1.index.tolist() == [40.0, 150.0, np.inf]
        for width in f1.index:
            predicted = []
            for token in tokens.itertuples():
                prepared = encoder.prepare(glide_corpus.audio(token.utterance_id))
                frame = encoder.frame_at(token.center_s, prepared.shape[1])
                kept = prepared
                if np.isfinite(width):  # whole frames on the left, cut by hand: 40 ms hold 1 of them, 150 ms 6
                    first = frame - {40.0: 1, 150.0: 6}[width]
                    end = 320 * frame + 200 + round(width * 16)
                    kept, frame = prepared[:, 320 * first : end], frame - first
                predicted += list(probe.predict(encoder.forward(kept)[layer][:, frame].numpy()))
            assert f1[width] == pytest.approx(slow_f1(tokens["tone"], predicted))


def slow_f1(truth, predicted):
    scores = []
    for tone in sorted(set(truth)):
        hits = sum(t == h == tone for t, h in zip(truth, predicted, strict=True))
        scores.append(2 * hits / (sum(t == tone for t in truth) + sum(h == tone for h in predicted)))
    return np.mean(scores)


def test_a_frame_needs_its_own_samples(encoder, probes, glide_corpus):
    with pytest.raises(TonespanError, match=r"at least 12\.5 ms"):
        behaviour.f1_by_width(
            "context_truncation", encoder, probes, glide_corpus, small_tokens(glide_corpus), [5], n_resamples=20, seed=0
        )


def test_flattened_pitch_reaches_the_probe(encoder, probes, glide_corpus):
    tokens = small_tokens(glide_corpus)
    table = behaviour.f1_by_width(
        "pitch_flattening",
        encoder,
        probes,
        glide_corpus,
        tokens,
        [0.0, 60.0],
        n_resamples=20,
        seed=0,
        ceiling_hz=1500.0,
    )
    width = table["half_width_ms"].unique().tolist()
    assert width == [0.0, 60.0, np.inf] and (table.groupby(["layer", "half_width_ms"]).size() == 21).all()
    audio = glide_corpus.audio(tokens["utterance_id"].iloc[0])
    bounds = {"floor_hz": 75.0, "ceiling_hz": 1500.0}
    center_s = tokens["center_s"].iloc[0]
    calls = list(behaviour.pitch_flattening(encoder, audio, [0], [center_s], [60.0], **bounds))
    flattened = resynthesis.resynthesiser(audio, resynthesis.track(audio, **bounds), **bounds)
    assert torch.equal(calls[0][2], encoder.prepare(flattened(center_s, 60.0, "inside"))[0])


def curve(f1, chance=0.2, n_draws=40, spread=0.0):
    """A made-up table of one layer: ``f1`` half-width -> F1; draws move it all up and down."""
    rng = np.random.default_rng(0)
    moved = np.concatenate([[0], rng.normal(0, spread, n_draws)])
    rows = [
        {
            "estimator": "x", "layer": "1", "half_width_ms": width, "draw": draw, "macro_f1": value + shift,
            "chance_f1": chance, "n_tokens": 12,
        }
        for width, value in f1.items() for draw, shift in enumerate(moved)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_saturation_span_by_hand():
    # 95 % of the way from 0.2 to 0.8 is 0.77: half-way between 40 ms (0.74) and 60 ms (0.80)
    (row,) = behaviour.saturation_span(curve({20.0: 0.3, 40.0: 0.74, 60.0: 0.8, np.inf: 0.8})).itertuples()
    assert row.span_ms == row.ci_low_ms == row.ci_high_ms == pytest.approx(100) and row.whole_f1 == 0.8
    (row,) = behaviour.saturation_span(curve({20.0: 0.79, np.inf: 0.8})).itertuples()
    assert row.span_ms == 40, "no narrower than what was tried"
    (row,) = behaviour.saturation_span(curve({20.0: 0.3, 40.0: 0.5, np.inf: 0.8})).itertuples()
    assert row.span_ms == np.inf, "not reached"
    (row,) = behaviour.saturation_span(curve({20.0: 0.2, np.inf: 0.22}, spread=0.1)).itertuples()
    assert np.isnan(row.span_ms) and np.isnan(row.ci_high_ms), "nothing is known of the whole utterance"
