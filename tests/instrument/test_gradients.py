"""Gradients against finite differences and plain autograd; which tokens and clips go together changes nothing."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint
from gradient_parts import CENTERS, TONES, double_encoder, logit, prepare_in_the_model_s_precision, random_probes

from tonespan_utils.encoders import backward, checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import chunks, gradient_energy, gradients, spans
from tonespan_utils.statistics.classifier import LinearClassifier


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return double_encoder(tmp_path_factory.mktemp("x"), "xlsr")


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(0, 0.1, 8000)


def prepare_double(encoder, samples):
    return encoder.prepare(samples).double()


@pytest.fixture(autouse=True)
def double_input(monkeypatch):
    prepare_in_the_model_s_precision(monkeypatch)


@pytest.mark.parametrize("layer", ["cnn", "0", "2", "final"])
def test_gradient_equals_finite_differences(encoder, samples, layer):
    probes = random_probes(encoder, [layer])
    gradient = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)[layer]
    prepared = encoder.prepare(samples)
    rng = np.random.default_rng(2)
    for token, (center_s, tone) in enumerate(zip(CENTERS, TONES, strict=True)):
        direction = torch.as_tensor(rng.normal(size=samples.size))
        step = 1e-5
        up = logit(encoder, probes[layer], prepared + step * direction, layer, center_s, tone)
        down = logit(encoder, probes[layer], prepared - step * direction, layer, center_s, tone)
        slope = float(gradient[token] @ direction.numpy())
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-9)


def test_cnn_input_gradient_at_the_cnn_layer_is_the_probe_weight(encoder, samples):
    probes = random_probes(encoder, ["cnn", "1"])
    gradient = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES, wrt="cnn")
    frame = encoder.frame_at(CENTERS[1], samples.size)
    assert np.allclose(gradient["cnn"][1, frame], probes["cnn"].weight[1])
    assert np.count_nonzero(gradient["cnn"][1].any(axis=1)) == 1
    assert gradient["1"].shape == gradient["cnn"].shape and np.count_nonzero(gradient["1"][1].any(axis=1)) > 1


def test_batch_size_changes_nothing_and_the_model_is_left_as_found(encoder, samples, monkeypatch):
    probes = random_probes(encoder, encoder.layers)
    before = {name: weight.clone() for name, weight in encoder.model.state_dict().items()}
    calls = []
    hook = encoder.model.encoder.layers[0].register_forward_hook(lambda *_: calls.append(1))
    given = samples.copy()
    together = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    monkeypatch.setattr(gradients, "MAX_STORED_VALUES", 1)
    monkeypatch.setattr(chunks, "CPU_CHUNK_VALUES", 1)
    apart = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    for layer in encoder.layers:
        assert np.allclose(together[layer], apart[layer], rtol=1e-9, atol=1e-12)
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.model.state_dict().items())
    assert not encoder.model.training and not any(p.requires_grad for p in encoder.model.parameters())
    assert np.array_equal(given, samples)
    encoder.forward(encoder.prepare(samples))
    assert calls == [1] and len(encoder.model.encoder.layers[0]._forward_hooks) == 1
    hook.remove()


@pytest.mark.parametrize("wrt", ["waveform", "cnn"])
@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
def test_clips_of_one_length_come_together_as_they_would_alone(tmp_path, monkeypatch, family, wrt):
    loaded = checkpoints.load(make_checkpoint(tmp_path, family))
    loaded.model.double()
    rng, probes = np.random.default_rng(4), random_probes(loaded, loaded.layers)
    clips = rng.normal(0, 0.1, (5, 12000)) * rng.uniform(0.1, 3, (5, 1))
    centers, tones = rng.uniform(0.1, 0.65, (5, 2)), rng.choice(["fall", "rise"], (5, 2))
    settings = {"target": "margin", "wrt": wrt, "reach_s": 0.1}
    alone = [
        gradients.input_gradients(loaded, probes, *clip, **settings) for clip in zip(clips, centers, tones, strict=True)
    ]
    for most in (5, 2):  # all at once, and in parts of which the last is smaller
        monkeypatch.setattr(chunks, "together", lambda encoder, n_samples, most=most: most)
        together = gradients.input_gradients(loaded, probes, clips, centers, tones, **settings)
        for layer in loaded.layers:
            expected = np.stack([by_layer[layer] for by_layer in alone])
            assert together[layer].shape == expected.shape
            assert np.allclose(together[layer], expected, rtol=1e-9, atol=1e-12)


def test_how_many_clips_go_together(encoder, monkeypatch):
    frames = encoder.n_frames(8000)
    config = encoder.model.config
    each = frames * max(config.num_attention_heads * frames, config.intermediate_size)
    for values, expected in ((each - 1, 1), (3 * each, 3), (1000 * each, 40)):  # of half a second: 20 s at most
        monkeypatch.setattr(chunks, "CPU_CHUNK_VALUES", values)
        assert chunks.together(encoder, 8000) == expected
    assert chunks.together(encoder, 60 * 16000) == 1
    assert chunks.together(encoder, 300) >= 1, "without a frame"


@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
@pytest.mark.parametrize("center_s", [0.02, 0.4, 0.97])
def test_reach_spares_work_but_changes_nothing_within_it(tmp_path, family, center_s):
    loaded = checkpoints.load(make_checkpoint(tmp_path, family))
    loaded.model.double()
    long = np.random.default_rng(3).normal(0, 0.1, 16000)
    probes = random_probes(loaded, ["cnn", "2"])
    everywhere = gradients.input_gradients(loaded, probes, long, [center_s], ["rise"])
    near = gradients.input_gradients(loaded, probes, long, [center_s], ["rise"], reach_s=0.1)
    inside = np.abs(np.arange(16000) / 16000 - center_s) <= 0.1
    for layer in probes:
        assert np.allclose(near[layer][0, inside], everywhere[layer][0, inside], rtol=1e-9, atol=1e-15)
    if family == "xlsr" and center_s == 0.4:
        assert not near["2"][0, :1600].any() and everywhere["2"][0, :1600].any()


def plain_gradients(encoder, probes, samples, center_s, tone):
    """A forward and a backward pass of autograd per layer, straight from the definition."""
    for layer, probe in probes.items():
        source = encoder.prepare(samples).clone().requires_grad_(True)
        hidden = encoder.forward(source)[layer][0, encoder.frame_at(center_s, samples.size)]
        weight = torch.as_tensor(probe.weight[probe.classes.index(tone)], dtype=hidden.dtype)
        yield layer, torch.autograd.grad(hidden @ weight, source)[0][0].numpy()


@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
def test_single_precision_agrees_with_plain_autograd(tmp_path, family):
    loaded = checkpoints.load(make_checkpoint(tmp_path, family, num_hidden_layers=4))
    long = np.random.default_rng(3).normal(0, 0.1, 20007).astype(np.float32)
    probes, centers = random_probes(loaded, loaded.layers), [0.03, 0.6, 0.61]
    single = gradients.input_gradients(loaded, probes, long, centers, ["rise", "fall", "rise"])
    for token, tone in enumerate(["rise", "fall", "rise"]):
        for layer, expected in plain_gradients(loaded, probes, long, centers[token], tone):
            error = np.linalg.norm(single[layer][token] - expected) / np.linalg.norm(expected)
            assert single[layer].dtype == np.float32 and error < 1e-5


@pytest.mark.gpu
@pytest.mark.parametrize("family", ["xlsr", "wav2vec2", "hubert"])
def test_a_gpu_gives_what_the_processor_gives(tmp_path, family):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    long = np.random.default_rng(3).normal(0, 0.1, 20007).astype(np.float32)
    on_gpu = {}
    for device in ("cpu", "cuda"):
        loaded = checkpoints.load(make_checkpoint(tmp_path / device, family), device=device)
        probes = random_probes(loaded, loaded.layers)
        on_gpu[device] = gradients.input_gradients(loaded, probes, long, [0.6, 0.9], ["rise", "fall"], reach_s=0.2)
    for layer, expected in on_gpu["cpu"].items():
        assert np.linalg.norm(on_gpu["cuda"][layer] - expected) < 1e-5 * np.linalg.norm(expected)


def test_out_of_memory_halves_the_chunk_says_so_and_goes_on(encoder, samples, monkeypatch):
    probes, pull = random_probes(encoder, encoder.layers), backward.StableBlock.pull
    expected = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)

    def small(self, g):
        if len(g) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return pull(self, g)

    monkeypatch.setattr(backward.StableBlock, "pull", small)
    with pytest.warns(UserWarning) as said:
        halved = gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)
    assert "out of memory with 2 passes under way; going on with 1" in str(said[0].message) + str(said[-1].message)
    assert all(np.allclose(halved[layer], expected[layer], rtol=1e-9, atol=1e-12) for layer in probes)
    monkeypatch.setattr(backward.StableBlock, "pull", lambda self, g: pull(self, g.new_empty(2**50)))
    with pytest.raises(TonespanError, match="cut the utterance"), pytest.warns(UserWarning):
        gradients.input_gradients(encoder, probes, samples, CENTERS, TONES)


def test_fewer_clips_go_together_where_they_do_not_fit(encoder, monkeypatch):
    probes, trace = random_probes(encoder, ["1"]), backward.trace
    clips = np.random.default_rng(5).normal(0, 0.1, (4, 8000))
    inputs = (probes, clips, [CENTERS] * 4, [TONES] * 4)
    expected = gradients.input_gradients(encoder, *inputs)["1"]

    def small(encoder, waveforms):
        if len(waveforms) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return trace(encoder, waveforms)

    monkeypatch.setattr(backward, "trace", small)
    monkeypatch.setattr(chunks, "together", lambda encoder, n_samples: 4)
    with pytest.warns(UserWarning) as said:
        halved = gradients.input_gradients(encoder, *inputs)["1"]
    assert [str(warning.message)[-15:] for warning in said] == ["going on with 2", "going on with 1"]
    assert np.allclose(halved, expected, rtol=1e-9, atol=1e-12)
    monkeypatch.setattr(backward, "trace", lambda encoder, waveforms: trace(encoder, waveforms.new_empty(1, 2**50)))
    with (
        pytest.raises(TonespanError, match=r"an utterance of 0\.5 s; cut it shorter"),
        pytest.warns(UserWarning, match="out of memory"),
    ):
        gradients.input_gradients(encoder, *inputs)


def test_weights_that_are_not_finite_name_the_layer(tmp_path, samples):
    loaded = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    with torch.no_grad():
        loaded.model.encoder.layers[1].feed_forward.output_dense.weight[0, 0] = torch.nan
    probes = random_probes(loaded, loaded.layers)
    with pytest.raises(TonespanError, match="layer 2 holds NaN"):
        gradients.input_gradients(loaded, probes, samples, CENTERS, TONES)


def test_a_logit_that_moves_with_nothing_has_no_radius(encoder, samples):
    flat = LinearClassifier(("fall", "rise"), np.zeros((2, 32)), np.zeros(2))
    gradient = gradients.input_gradients(encoder, {"1": flat}, samples, CENTERS, TONES)["1"]
    assert not gradient.any()
    edges, offsets = spans.offset_bins(200, 10)
    energy = gradient_energy.energy_over_offset(encoder, gradient, CENTERS, edges)
    assert np.isnan(spans.effective_span(energy, offsets)).all()


def test_a_clip_shorter_than_one_frame_is_refused(encoder):
    with pytest.raises(TonespanError, match="shorter than one frame"):
        gradients.input_gradients(encoder, random_probes(encoder, ["1"]), np.zeros(300), [0.01], ["rise"])
