"""Recordings longer than Whisper's canvas: a token is measured in the clip around its centre, and keeps its place."""

from __future__ import annotations

import numpy as np
import pytest
from family_checkpoints import make_family

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.whisper import with_canvas
from tonespan_utils.instrument import gradient_energy, gradients, probes, spans
from tonespan_utils.statistics.classifier import LinearClassifier

CANVAS_S = 0.8  # recordings of the corpus last 2.1 s


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    folder = make_family(tmp_path_factory.mktemp("w"), "whisper-base")
    return with_canvas(checkpoints.load(folder, device="cpu"), CANVAS_S)


@pytest.fixture
def tokens(glide_corpus):
    """Tokens of three recordings in an order that is not theirs."""
    chosen = glide_corpus.tokens[glide_corpus.tokens["utterance_id"].isin(["u6", "u7", "u14"])]
    return chosen.iloc[[4, 0, 8, 2, 6, 1]]


def clip_of(corpus, token) -> tuple[np.ndarray, float]:
    samples, half = corpus.audio(token.utterance_id), round(CANVAS_S / 2 * SAMPLE_RATE)
    middle = round(token.center_s * SAMPLE_RATE)
    start = min(max(0, middle - half), samples.size - 2 * half)
    return samples[start : start + 2 * half], token.center_s - start / SAMPLE_RATE


def test_hidden_vectors_are_those_of_the_clips(whisper, glide_corpus, tokens):
    vectors = probes.hidden_vectors(whisper, glide_corpus, tokens)
    for row, token in enumerate(tokens.itertuples()):
        clip, center_s = clip_of(glide_corpus, token)
        for layer, hidden in whisper.hidden_at(clip, [center_s]).items():
            assert np.allclose(vectors[layer][row], hidden[0], rtol=0, atol=1e-5)


def test_gradients_are_those_of_the_clips_and_named_by_their_recordings(whisper, glide_corpus, tokens):
    width = whisper.model.config.d_model
    rng = np.random.default_rng(0)
    fitted = {"1": LinearClassifier(("fall", "rise"), rng.normal(size=(2, width)), np.zeros(2))}
    edges, _ = spans.offset_bins(200, 20)
    measured = gradient_energy.measure(whisper, fitted, glide_corpus, tokens, edges, target="margin", wrt="waveform")
    ordered = gradient_energy.by_utterance(tokens)
    assert measured.tokens.tolist() == ordered["token_id"].tolist()
    assert measured.utterances.tolist() == ordered["utterance_id"].tolist(), "intervals are over recordings"
    for row, token in enumerate(ordered.itertuples()):
        clip, center_s = clip_of(glide_corpus, token)
        slopes = gradients.input_gradients(whisper, fitted, clip, [center_s], [token.tone], target="margin")["1"]
        expected = gradient_energy.energy_over_offset(whisper, slopes, [center_s], edges)[0]
        assert np.allclose(measured.energy["1"][row], expected, rtol=1e-4, atol=1e-6 * expected.max())
        assert np.allclose(measured.null[row], gradient_energy.null_energy(clip.size, [center_s], edges)[0])
