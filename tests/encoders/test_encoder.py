"""Layers, frame times, masks and inputs of an encoder against plain transformers."""

import numpy as np
import pytest
import torch
import transformers
from conftest import FAMILIES, make_checkpoint
from encoder_states import SAME, assert_states_equal, noise, same
from transformers import AutoModel

from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import prepared
from tonespan_utils.errors import TonespanError

GROUP_NORM = {"wav2vec2-base", "mhubert-147"}


def layer_norm_families() -> list[str]:
    return [family for family in FAMILIES if family not in GROUP_NORM]


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
@pytest.mark.parametrize("family", FAMILIES)
def test_layers_equal_plain_transformers(tmp_path, family, safe):
    folder = make_checkpoint(tmp_path, family, safe=safe)
    encoder, reference = checkpoints.load(folder), AutoModel.from_pretrained(folder).eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    samples = 3 + noise(9000)
    given = extractor(samples, sampling_rate=16000, return_tensors="pt").input_values
    with torch.no_grad():
        ours, theirs = encoder.forward(encoder.prepare(samples)), reference(given, output_hidden_states=True)
        features = reference.feature_extractor(given).transpose(1, 2)
    assert list(ours) == encoder.layers
    assert same(ours["cnn"], features)
    assert_states_equal(encoder, ours, theirs)


def test_a_batch_of_equal_lengths_equals_single_utterances(checkpoint):
    encoder = checkpoints.load(checkpoint)
    samples = noise(3, 8000)
    together = encoder.forward(encoder.prepare(samples))
    for number, row in enumerate(samples):
        for layer, state in encoder.forward(encoder.prepare(row)).items():
            assert same(together[layer][number], state[0]), layer


def padded(encoder, n_samples: int, n_padding: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """A prepared waveform with zeros behind it, its attention mask, and how many frames are the utterance's own."""
    waveform = torch.nn.functional.pad(encoder.prepare(noise(n_samples)), (0, n_padding))
    attention_mask = (torch.arange(n_samples + n_padding) < n_samples).long()[None]
    return waveform, attention_mask, encoder.n_frames(n_samples)


def test_a_mask_is_transformers_attention_mask(checkpoint):
    encoder, reference = checkpoints.load(checkpoint), AutoModel.from_pretrained(checkpoint).eval()
    waveform, attention_mask, n_frames = padded(encoder, 8000, 5000)
    with torch.no_grad():
        theirs = reference(waveform, attention_mask=attention_mask, output_hidden_states=True)
    features = encoder.features(waveform)
    mask = torch.arange(features.shape[1])[None] < n_frames
    kept = features.clone()
    assert_states_equal(encoder, encoder.forward_from_cnn(features, mask), theirs, n_frames)
    assert torch.equal(features, kept)
    without = encoder.forward_from_cnn(features)
    assert not same(without["1"][0, :n_frames], theirs.hidden_states[1][0, :n_frames])


@pytest.mark.parametrize("family", layer_norm_families())
def test_padding_changes_nothing_in_layer_normed_models(tmp_path, family):
    encoder = checkpoints.load(make_checkpoint(tmp_path, family))
    waveform, _, n_frames = padded(encoder, 8000, 5000)
    features = encoder.features(waveform)
    masked = encoder.forward_from_cnn(features, torch.arange(features.shape[1])[None] < n_frames)
    for layer, state in encoder.forward(waveform[:, :8000]).items():
        assert same((masked | {"cnn": features})[layer][:, :n_frames], state), layer


@pytest.mark.parametrize("family", sorted(GROUP_NORM))
def test_padding_changes_every_frame_of_group_normed_models(tmp_path, family):
    """Why no waveform is padded here: no mask could mend this."""
    encoder = checkpoints.load(make_checkpoint(tmp_path, family))
    waveform, _, n_frames = padded(encoder, 8000, 5000)
    difference = encoder.features(waveform)[0, :n_frames] - encoder.features(waveform[:, :8000])[0]
    assert (difference.abs().amax(dim=1) > 100 * SAME).all()


def test_cached_features_padded_with_a_mask_equal_single_utterances(checkpoint):
    encoder = checkpoints.load(checkpoint)
    cached = [encoder.features(encoder.prepare(noise(n, seed=n)))[0] for n in (4000, 9000, 400)]
    features = torch.nn.utils.rnn.pad_sequence(cached, batch_first=True, padding_value=7.0)  # not 0: it must not matter
    mask = torch.arange(features.shape[1]) < torch.tensor([len(row) for row in cached])[:, None]
    together = encoder.forward_from_cnn(features, mask)
    for number, row in enumerate(cached):
        for layer, state in encoder.forward_from_cnn(row[None]).items():
            assert same(together[layer][number, : len(row)], state[0]), (layer, number)


def test_only_stable_layer_norm_has_a_final_layer(tmp_path):
    xlsr = checkpoints.load(make_checkpoint(tmp_path / "x", "xlsr"))
    base = checkpoints.load(make_checkpoint(tmp_path / "b", "wav2vec2"))
    assert xlsr.layers == ["cnn", "0", "1", "2", "final"] and base.layers == ["cnn", "0", "1", "2"]
    states = xlsr.forward(xlsr.prepare(np.random.default_rng(0).normal(size=8000)))
    assert not torch.allclose(states["2"], states["final"])


def test_frames_cover_the_samples_they_claim(checkpoint):
    encoder = checkpoints.load(checkpoint)
    assert (encoder.hop, encoder.receptive) == (320, 400)
    assert encoder.frame_center_s(3) == pytest.approx((3 * 320 + 199.5) / 16000)
    waveform = encoder.prepare(np.random.default_rng(1).normal(size=6000)).requires_grad_(True)
    frame = 7
    (gradient,) = torch.autograd.grad(encoder.forward(waveform)["cnn"][0, frame].sum(), waveform)
    support = gradient[0].nonzero().flatten()
    within = support.min() >= 320 * frame and support.max() <= 320 * frame + 399
    assert within == (encoder.model.config.feat_extract_norm == "layer")  # group norm ties a frame to every sample


@pytest.mark.parametrize("n_samples", [399, 400, 719, 720, 16000, 16001])
def test_number_of_frames_is_the_models_own(tmp_path, n_samples):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    expected = int(encoder.model._get_feat_extract_output_lengths(torch.tensor(n_samples)))
    assert encoder.n_frames(n_samples) == max(0, expected)


def test_frame_at_is_the_nearest_centre(tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    centers = encoder.frame_center_s(np.arange(encoder.n_frames(16000)))
    for time_s in np.linspace(0, 1, 77):
        assert encoder.frame_at(time_s, 16000) == np.argmin(np.abs(centers - time_s))
    with pytest.raises(TonespanError, match="outside audio"):
        encoder.frame_at(1.2, 16000)
    with pytest.raises(TonespanError, match="shorter than one frame"):
        encoder.frame_at(0.01, 300)


def test_hidden_at_picks_the_frame(tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "xlsr"))
    samples = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    vectors = encoder.hidden_at(samples, [0.3, 0.7])
    states = encoder.forward(encoder.prepare(samples))
    assert np.allclose(vectors["1"][1], states["1"][0, encoder.frame_at(0.7, 16000)].numpy())


def test_group_norm_undoes_the_scaling_of_the_input(tmp_path):
    """Why it matters little which is assumed for those models."""
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2-base"))
    samples = 0.1 + 0.05 * noise(6000)
    scaled, plain = (encoder.features(prepared(samples, scaled=scaled)) for scaled in (True, False))
    assert (scaled - plain).abs().max() < 0.02 * scaled.abs().max()


def test_nan_audio_is_refused(tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    with pytest.raises(TonespanError, match="NaN"):
        encoder.prepare(np.array([0.0, np.nan]))
