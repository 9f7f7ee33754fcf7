"""Local power against a slow loop, and weighted energy against autograd and plain numpy."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import gradient_energy, local_power, spans
from tonespan_utils.statistics.classifier import LinearClassifier

EDGES, OFFSETS = spans.offset_bins(100.0, 10.0)
WIDTH = 400  # samples of 25 ms


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr"))


def slow_power(samples, width):
    """The mean square over the samples that lie within the window, one sample after the other."""
    means = []
    for at in range(len(samples)):
        first = at - width // 2
        inside = [x for x in range(first, first + width) if 0 <= x < len(samples)]
        means.append(np.mean([samples[x] ** 2 for x in inside]))
    return np.array(means)


def test_local_power_is_the_mean_square_of_what_lies_in_the_window():
    samples = np.random.default_rng(0).normal(0, 1, 900) * np.linspace(0, 3, 900)
    np.testing.assert_allclose(local_power.local_power(samples), slow_power(samples, WIDTH), rtol=1e-9, atol=1e-12)


def test_power_of_a_constant_is_its_square_to_the_very_ends_and_silence_has_none():
    assert local_power.local_power(np.full(700, 0.5)) == pytest.approx(0.25)
    assert (local_power.local_power(np.r_[np.ones(900), np.zeros(900)])[1200:] < 1e-15).all()
    with pytest.raises(ValueError, match="holds no sample"):
        local_power.local_power(np.ones(10), window_ms=0.01)


def test_weighted_energy_is_autograd_s_gradient_squared_times_power_in_its_bin(encoder, glide_corpus):
    """Nothing of ours but the encoder's forward pass: autograd for the slopes, loops for power and bins."""
    tokens = glide_corpus.tokens[glide_corpus.tokens["split"] == "test"].head(2)
    probe = LinearClassifier(("fall", "rise"), np.random.default_rng(1).normal(size=(2, 32)), np.zeros(2))
    measured = gradient_energy.measure(
        encoder, {"2": probe}, glide_corpus, tokens, EDGES, target="true", wrt="waveform"
    ).weighted_by("power")
    for row, token in enumerate(tokens.itertuples()):
        waveform = encoder.prepare(glide_corpus.audio(token.utterance_id)).clone().requires_grad_(True)
        hidden = encoder.forward(waveform)["2"][0, encoder.frame_at(token.center_s, waveform.shape[1])]
        (hidden @ torch.as_tensor(probe.weight[probe.classes.index(token.tone)], dtype=torch.float32)).backward()
        slope, samples = waveform.grad[0].double().numpy(), waveform.detach()[0].double().numpy()
        power = slow_power(samples, WIDTH)
        energy, null = np.zeros(OFFSETS.size), np.zeros(OFFSETS.size)
        for at in range(len(samples)):
            offset = 1000 * at / 16000 - 1000 * token.center_s
            if -100 <= offset < 100:
                energy[int((offset + 100) // 10)] += slope[at] ** 2 * power[at]
                null[int((offset + 100) // 10)] += power[at]
        np.testing.assert_allclose(measured.energy["2"][row], energy, rtol=2e-3, atol=1e-4 * energy.max())
        np.testing.assert_allclose(measured.null[row], null / null.sum(), rtol=1e-6)


def test_frames_are_weighted_by_the_power_at_their_centres(encoder):
    gradient, power = np.zeros((1, 24, 3)), np.arange(8000.0)
    gradient[0, 10, 1] = 2.0
    center_s = encoder.frame_center_s(10)
    energy = gradient_energy.energy_over_offset(encoder, gradient, [center_s], np.array([-10.0, 10.0]), power=power)
    assert energy.item() == 4 * power[round(center_s * 16000)]


def test_speech_that_is_as_loud_everywhere_has_one_span_under_both_weights(encoder):
    gradient = np.random.default_rng(2).normal(size=(1, 8000))
    plain, weighted = (
        gradient_energy.energy_over_offset(encoder, gradient, [0.25], EDGES, power=power)
        for power in (None, np.full(8000, 7.0))
    )
    np.testing.assert_allclose(weighted, 7 * plain)


def test_a_weight_that_is_none_is_named():
    measured = gradient_energy.Measured({}, EDGES, EDGES, EDGES, {}, {}, EDGES)
    with pytest.raises(TonespanError, match="no weight 'loudness' of energy; there are: none, power"):
        measured.weighted_by("loudness")
