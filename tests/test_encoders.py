"""Layers and frame times against plain transformers; damaged checkpoints refused in one line."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint
from transformers import AutoModel

from tonespan_utils import encoders
from tonespan_utils.errors import TonespanError

SAME = 1e-6


def test_layers_equal_plain_transformers(checkpoint):
    encoder = encoders.load(checkpoint)
    waveform = encoder.prepare(np.random.default_rng(0).normal(size=9000).astype(np.float32))
    reference = AutoModel.from_pretrained(checkpoint).eval()
    with torch.no_grad():
        ours, theirs = encoder.forward(waveform), reference(waveform, output_hidden_states=True)
        features = reference.feature_extractor(waveform).transpose(1, 2)
    assert list(ours) == encoder.layers
    assert torch.allclose(ours["cnn"], features, atol=SAME)
    for number, state in enumerate(theirs.hidden_states):
        assert torch.allclose(ours[str(number)], state, atol=SAME), number
    top = ours.get("final", ours[str(encoder.model.config.num_hidden_layers)])
    assert torch.allclose(top, theirs.last_hidden_state, atol=SAME)


def test_only_stable_layer_norm_has_a_final_layer(tmp_path):
    xlsr = encoders.load(make_checkpoint(tmp_path / "x", "xlsr"))
    base = encoders.load(make_checkpoint(tmp_path / "b", "wav2vec2"))
    assert xlsr.layers == ["cnn", "0", "1", "2", "final"] and base.layers == ["cnn", "0", "1", "2"]
    states = xlsr.forward(xlsr.prepare(np.random.default_rng(0).normal(size=8000)))
    assert not torch.allclose(states["2"], states["final"])


def test_frames_cover_the_samples_they_claim(checkpoint):
    encoder = encoders.load(checkpoint)
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
    encoder = encoders.load(make_checkpoint(tmp_path, "wav2vec2"))
    expected = int(encoder.model._get_feat_extract_output_lengths(torch.tensor(n_samples)))
    assert encoder.n_frames(n_samples) == max(0, expected)


def test_frame_at_is_the_nearest_centre(tmp_path):
    encoder = encoders.load(make_checkpoint(tmp_path, "wav2vec2"))
    centers = encoder.frame_center_s(np.arange(encoder.n_frames(16000)))
    for time_s in np.linspace(0, 1, 77):
        assert encoder.frame_at(time_s, 16000) == np.argmin(np.abs(centers - time_s))
    with pytest.raises(TonespanError, match="outside audio"):
        encoder.frame_at(1.2, 16000)
    with pytest.raises(TonespanError, match="shorter than one frame"):
        encoder.frame_at(0.01, 300)


def test_hidden_at_picks_the_frame(tmp_path):
    encoder = encoders.load(make_checkpoint(tmp_path, "xlsr"))
    samples = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    vectors = encoder.hidden_at(samples, [0.3, 0.7])
    states = encoder.forward(encoder.prepare(samples))
    assert np.allclose(vectors["1"][1], states["1"][0, encoder.frame_at(0.7, 16000)].numpy())


def test_weights_are_frozen_and_scaling_follows_the_checkpoint(tmp_path):
    scaled = encoders.load(make_checkpoint(tmp_path / "x", "xlsr"))
    plain = encoders.load(make_checkpoint(tmp_path / "w", "wav2vec2"))
    assert not any(p.requires_grad for p in scaled.model.parameters()) and not scaled.model.training
    samples = 5 + 3 * np.random.default_rng(0).normal(size=4000)
    assert scaled.prepare(samples).mean().abs() < 1e-4 and float(plain.prepare(samples).mean()) > 4


def test_old_bin_files_load_and_identity_tells_weights_apart(tmp_path):
    safe = encoders.load(make_checkpoint(tmp_path / "a", "hubert"))
    binary = encoders.load(make_checkpoint(tmp_path / "b", "hubert", safe=False))
    other = encoders.load(make_checkpoint(tmp_path / "c", "hubert", seed=1))
    assert safe.identity == binary.identity != other.identity


def test_damaged_checkpoints_are_refused_in_one_line(tmp_path):
    with pytest.raises(TonespanError, match="no such checkpoint"):
        encoders.load(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TonespanError, match=r"no config\.json"):
        encoders.load(empty)
    folder = make_checkpoint(tmp_path / "cut", "wav2vec2")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TonespanError, match="cannot be read") as error:
        encoders.load(folder)
    assert "\n" not in str(error.value)


def test_missing_extra_and_foreign_weights_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = make_checkpoint(tmp_path / "m", "wav2vec2")
    weights = load_file(folder / "model.safetensors")
    dropped = "encoder.layers.1.attention.k_proj.weight"
    save_file({k: v for k, v in weights.items() if k != dropped}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(TonespanError, match=f"missing encoder weights, first .*{dropped}"):
        encoders.load(folder)
    save_file(weights | {"encoder.layers.9.extra": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(TonespanError, match=r"unexpected encoder weights, first encoder\.layers\.9\.extra"):
        encoders.load(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(TonespanError, match="a 'bert' model"):
        encoders.load(folder)


def test_nan_audio_is_refused(tmp_path):
    encoder = encoders.load(make_checkpoint(tmp_path, "wav2vec2"))
    with pytest.raises(TonespanError, match="NaN"):
        encoder.prepare(np.array([0.0, np.nan]))
