"""Whisper's canvas and bands, and Kaldi's filter banks, against transformers' feature extractors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from conftest import make_checkpoint
from encoder_states import noise, refuse, same
from family_checkpoints import extractor, make_family

from tonespan_utils.encoders import checkpoints, filter_banks
from tonespan_utils.encoders.whisper import with_canvas
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import features, gradient_energy, gradients, spans
from tonespan_utils.params import profile
from tonespan_utils.statistics.classifier import LinearClassifier


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return checkpoints.load(make_family(tmp_path_factory.mktemp("w"), "whisper-base"), device="cpu")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return checkpoints.load(make_family(tmp_path_factory.mktemp("b"), "w2v-bert-2.0"), device="cpu")


def with_silence(n):
    samples = 0.1 * noise(n)
    samples[n // 3 : n // 2] = 0
    return samples


@pytest.mark.parametrize("n_samples", [1, 400, 9000, 480_000])
def test_log_mel_bands_are_those_of_the_feature_extractor(whisper, n_samples):
    samples = with_silence(n_samples)
    expected = extractor("whisper-base")(samples, sampling_rate=16000, return_tensors="pt").input_features
    assert same(whisper.input_features(whisper.prepare(samples)).mT, expected)


@pytest.mark.parametrize("n_samples", [9000, 9097, 9240, 16000])
def test_filter_banks_are_those_of_the_feature_extractor(bert, n_samples):
    samples, made = with_silence(n_samples), extractor("w2v-bert-2.0")
    banks = made._extract_fbank_features(samples)  # stored in single precision
    assert np.allclose(filter_banks.kaldi(torch.from_numpy(samples)[None], 80)[0], banks, rtol=0, atol=5e-6)
    banks = banks.astype(np.float64)  # transformers takes the mean of single-precision values around 20
    normed = (banks - banks.mean(axis=0)) / np.sqrt(banks.var(axis=0, ddof=1) + 1e-7)
    n_frames = len(banks) // 2
    ours = bert.features(bert.prepare(samples))[0]
    assert ours.shape == (bert.n_frames(n_samples), 160) == (n_frames, 160)
    assert np.allclose(ours, normed[: 2 * n_frames].reshape(n_frames, 160), rtol=0, atol=1e-5)
    given = made(samples, sampling_rate=16000, return_tensors="pt")
    assert int(given.attention_mask.sum()) == n_frames
    assert np.allclose(ours, given.input_features[0, :n_frames], rtol=0, atol=3e-5)


@pytest.mark.parametrize("bands", ["whisper", "kaldi"])
def test_gradients_pass_through_the_bands(bands):
    torch.manual_seed(0)
    waveform = torch.randn(2, 960, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: getattr(filter_banks, bands)(x, 20), waveform, eps=1e-6, atol=1e-4, fast_mode=True
    )


def test_frames_lie_where_the_bands_say(whisper, bert):
    """A click moves the frames whose centres are nearest to it most."""
    for encoder in (with_canvas(whisper, 1.0), bert):
        quiet = 0.01 * noise(16000)
        click = quiet.copy()
        at = 8000
        click[at - 20 : at + 20] += 0.5
        moved = [encoder.features(encoder.prepare(samples))[0] for samples in (quiet, click)]
        change = (moved[1] - moved[0]).norm(dim=1)
        nearest = encoder.frame_at(at / 16000, 16000)
        assert abs(int(change.argmax()) - nearest) <= 1
        assert abs(encoder.frame_center_s(nearest) - at / 16000) <= 0.010


def test_the_canvas_is_thirty_seconds_unless_another_is_wanted(whisper):
    assert whisper.canvas == 480_000 and whisper.n_frames(9000) == whisper.n_frames(400_000) == 1500
    short = with_canvas(whisper, 2.0)
    assert short.n_frames(9000) == 100 and short.canvas == 32_000 and with_canvas(whisper, None) is whisper
    assert short.identity != whisper.identity
    assert features.front_end_identity(short) != features.front_end_identity(whisper)
    samples = 0.1 * noise(9000)
    long, cut = (encoder.forward(encoder.prepare(samples)) for encoder in (whisper, short))
    assert same(long["cnn"][:, :99], cut["cnn"][:, :99])  # but for the frame at the end of the canvas
    assert not same(long["2"][:, :20], cut["2"][:, :20])  # attention has less silence to look at
    for canvas_s in (0.0, 31.0):
        with pytest.raises(TonespanError, match=r"no canvas of \d+ s; it can have 0.02 to 30 s"):
            with_canvas(whisper, canvas_s)


def test_a_canvas_is_for_whisper_alone_and_holds_every_clip(whisper, tmp_path):
    with pytest.raises(TonespanError, match="canvas_s is for Whisper"):
        with_canvas(checkpoints.load(make_checkpoint(tmp_path, "xlsr")), 2.0)
    short = with_canvas(whisper, 0.5)
    probes = {"0": LinearClassifier(("a", "b"), np.ones((2, 32)), np.zeros(2))}
    with pytest.raises(TonespanError, match=r"audio of 0\.56 s is longer than this encoder's canvas of 0\.5 s"):
        gradients.input_gradients(short, probes, noise(9000), [0.2], ["a"])
    with pytest.raises(TonespanError, match="longer than this encoder's canvas"):
        short.features(short.prepare(noise(9000)))


def test_a_canvas_filled_by_hand_gives_the_same(whisper):
    samples, short = 0.1 * noise(9000), with_canvas(whisper, 1.0)
    filled = np.pad(samples, (0, 7000))
    ours, theirs = (short.forward(short.prepare(each)) for each in (samples, filled))
    assert all(same(ours[layer], theirs[layer]) for layer in ours)


def test_energy_of_bands_lies_at_their_own_times(whisper):
    """The bands that move the ``cnn`` layer at a centre lie within two of their frames of it: energy within +-30 ms."""
    short = with_canvas(whisper, 1.0)
    probe = LinearClassifier(("a", "b"), np.random.default_rng(0).normal(size=(2, 32)), np.zeros(2))
    samples, centers = 0.1 * noise(16000), [0.5]
    edges, offsets = spans.offset_bins(200, 10)
    for wrt in ("input_features", "waveform", "cnn"):
        gradient = gradients.input_gradients(short, {"cnn": probe}, samples, centers, ["a"], wrt=wrt)["cnn"]
        energy = gradient_energy.energy_over_offset(short, gradient, centers, edges, wrt=wrt)[0]
        share = energy[np.abs(offsets) < 40].sum() / energy.sum()
        assert gradient.shape[1] == {"input_features": 100, "waveform": 16000, "cnn": 50}[wrt]
        assert share > 0.99


def test_double_precision_equals_finite_differences(whisper):
    short = replace(with_canvas(whisper, 1.0))
    model = checkpoints.of_model(short.model).model
    samples, layer = 0.1 * noise(8000), "2"
    probe = LinearClassifier(("a", "b"), np.random.default_rng(3).normal(size=(2, 32)), np.zeros(2))
    double = with_canvas(checkpoints.cast(replace(whisper), "float64"), 1.0)
    gradient = gradients.input_gradients(double, {layer: probe}, samples, [0.25], ["a"])[layer][0]
    assert gradient.dtype == np.float64 and model.dtype == torch.float32
    prepared, frame = double.prepare(samples), double.frame_at(0.25, 8000)
    direction = torch.from_numpy(np.random.default_rng(4).normal(size=8000))
    values = [
        float(double.forward(prepared + step * direction)[layer][0, frame].numpy() @ probe.weight[0])
        for step in (1e-6, -1e-6)
    ]
    assert float(gradient @ direction.numpy()) == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4)


def test_other_bands_than_whisper_s_are_refused(tmp_path):
    folder = make_family(tmp_path, "whisper-base")
    transformers.WhisperFeatureExtractor(hop_length=200).save_pretrained(folder)
    refuse(folder, "hop_length 200", "makes 160")
    transformers.WhisperFeatureExtractor(sampling_rate=8000).save_pretrained(folder)
    refuse(folder, "8000 Hz")


def test_a_profile_says_how_long_the_canvas_is(tmp_path):
    folder = make_family(tmp_path / "whisper", "whisper-base")
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"profile: mine\nencoders: {{w: {{checkpoint: {folder}, revision: null, canvas_s: 1.0}}}}\n"
        "conditions: [w/vanilla]\n"
    )
    params = profile.load(path)
    assert checkpoints.load_condition(params, "w/vanilla", seed=0).canvas == 16_000
    assert params.checkpoint("w/asr-th", 0).canvas_s == 1.0
    path.write_text(path.read_text().replace("1.0", "-1"))
    with pytest.raises(TonespanError, match=r"encoders\.w\.canvas_s"):
        profile.load(path)
