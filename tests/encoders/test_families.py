"""A HuBERT encoder is the same under a wav2vec 2.0 head, or refused."""

import pytest
import torch
import transformers
from conftest import make_checkpoint
from encoder_states import assert_states_equal, noise, same
from transformers import AutoModel

from tonespan_utils.encoders import checkpoints, families
from tonespan_utils.errors import TonespanError

LARGE = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}  # HuBERT large's structure


@pytest.mark.parametrize("overrides", [{}, LARGE], ids=["base", "large"])
@pytest.mark.parametrize("head", ["ForXVector", "ForAudioFrameClassification"])
def test_hubert_is_exact_as_the_encoder_under_a_wav2vec2_head(tmp_path, overrides, head):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "mhubert-147", **overrides), device="cpu")
    model = getattr(transformers, f"Wav2Vec2{head}")(families.wav2vec2_config(encoder.model.config)).eval()
    model.wav2vec2.load_state_dict(encoder.model.state_dict())  # strict: every name and shape
    waveform = encoder.prepare(noise(9000))
    with torch.no_grad():
        ours, theirs = encoder.forward(waveform), model.wav2vec2(waveform, output_hidden_states=True)
    assert_states_equal(encoder, ours, theirs)
    model.save_pretrained(tmp_path / "tuned")
    again = checkpoints.load(tmp_path / "tuned", device="cpu").forward(waveform)
    assert all(same(again[layer], state) for layer, state in ours.items())


def test_a_wav2vec2_configuration_keeps_what_training_needs():
    config = transformers.HubertConfig(layerdrop=0.03, mask_time_prob=0.07, attention_dropout=0.02, final_dropout=0.01)
    ours = families.wav2vec2_config(config)
    assert ours.model_type == "wav2vec2"
    for name in ("layerdrop", "mask_time_prob", "attention_dropout", "final_dropout", "layer_norm_eps"):
        assert getattr(ours, name) == getattr(config, name), name


@pytest.mark.parametrize("variant", [{"conv_pos_batch_norm": True}, {"feat_proj_layer_norm": False}])
def test_hubert_variants_without_an_equal_are_refused(tmp_path, variant):
    with pytest.raises(TonespanError, match="has no equal in wav2vec"):
        families.wav2vec2_config(transformers.HubertConfig(**variant))
    folder = make_checkpoint(tmp_path, "mhubert-147", **variant)  # which are read all the same
    encoder, reference = checkpoints.load(folder), AutoModel.from_pretrained(folder).eval()
    waveform = encoder.prepare(noise(6000))
    with torch.no_grad():
        assert_states_equal(encoder, encoder.forward(waveform), reference(waveform, output_hidden_states=True))
