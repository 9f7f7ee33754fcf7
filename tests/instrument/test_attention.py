"""Attention distance against Hugging Face's own eager attention, summed by hand."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import attention

CENTERS = [0.1, 0.42]


@pytest.fixture(scope="module", params=["xlsr", "wav2vec2", "hubert"])
def folder(request, tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("x"), request.param)


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(0, 0.1, 9000).astype(np.float32)


def eager_weights(folder, samples):
    """Hugging Face's (layer, head, query, key) from the model's own forward with eager attention."""
    loaded = checkpoints.load(folder)
    loaded.model.set_attn_implementation("eager")
    with torch.no_grad():
        given = loaded.model(loaded.prepare(samples), output_attentions=True).attentions
    return torch.stack(given)[:, 0].double().numpy()


@pytest.mark.parametrize("window_ms", [np.inf, 90.0])
def test_distance_is_the_weighted_sum_over_eager_attention(folder, samples, window_ms):
    encoder, eager = checkpoints.load(folder), eager_weights(folder, samples)
    distances = attention.attention_distance(encoder, samples, CENTERS, window_ms=window_ms)
    assert list(distances) == ["1", "2"]
    for number, layer in enumerate(distances):
        for token, center_s in enumerate(CENTERS):
            query = encoder.frame_at(center_s, samples.size)
            for head in range(eager.shape[1]):
                total = away = 0.0
                for key, weight in enumerate(eager[number, head, query]):
                    if abs(key - query) * 20 <= window_ms:
                        total, away = total + weight, away + weight * abs(key - query) * 20
                assert distances[layer][token, head] == pytest.approx(away / total, rel=1e-4)


def test_even_attention_is_the_null(folder, samples):
    encoder = checkpoints.load(folder)
    with torch.no_grad():  # queries that ask for nothing attend to all alike
        for block in encoder.model.encoder.layers:
            block.attention.q_proj.weight.zero_()
            block.attention.q_proj.bias.zero_()
    distances = attention.attention_distance(encoder, samples, CENTERS, window_ms=150.0)
    null = attention.null_distance(encoder, samples.size, CENTERS, window_ms=150.0)
    assert np.allclose(distances["2"], null[:, None])
    frames = np.arange(encoder.n_frames(samples.size))
    away = np.abs(frames - encoder.frame_at(CENTERS[0], samples.size)) * 20
    assert null[0] == pytest.approx(away[away <= 150].mean())


def test_a_corpus_gives_means_with_intervals_and_null(glide_corpus, folder):
    encoder = checkpoints.load(folder)
    tokens = glide_corpus.tokens.head(12)
    table = attention.measure(encoder, glide_corpus, tokens, n_resamples=50, level=0.9, seed=0)
    assert list(table.columns) == attention.COLUMNS and (table["n_tokens"] == 12).all()
    slow = [
        attention.attention_distance(encoder, glide_corpus.audio(t.utterance_id), [t.center_s])["1"][0]
        for t in tokens.itertuples()
    ]
    by_head = table[table["layer"] == "1"].set_index("head")["distance_ms"]
    assert by_head["0"] == pytest.approx(np.mean(slow, axis=0)[0]) and by_head["mean"] == pytest.approx(np.mean(slow))
    assert (table["ci_low_ms"] <= table["distance_ms"]).all() and (table["distance_ms"] <= table["ci_high_ms"]).all()


def test_adapters_are_named(tmp_path, samples):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "xlsr", adapter_attn_dim=8))
    with pytest.raises(TonespanError, match="layer 1 has an adapter"):
        attention.attention_weights(encoder, samples, CENTERS)
