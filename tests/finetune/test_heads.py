"""Models with heads give the outputs of transformers' own, padded or not, and their front end stays as it was."""

import numpy as np
import pytest
import torch
from conftest import FAMILIES, make_checkpoint
from family_checkpoints import make_family

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import heads
from tonespan_utils.finetune.examples import NO_TARGET, Collate
from tonespan_utils.instrument import features

LENGTHS = (9000, 16000, 12345)  # samples
TOLERANCE = 1e-4  # outputs are of the order of 1 to 20 and differ between utterances by 0.01 or more
SETTINGS = {
    "ctc": {"vocab_size": 7, "pad_token_id": 0, "ctc_loss_reduction": "mean"},
    "classification": {"num_labels": 3},
    "xvector": {"num_labels": 3, "tdnn_dim": (40,), "tdnn_kernel": (1,), "tdnn_dilation": (1,)},
    "frames": {"num_labels": 3},
}


@pytest.fixture(scope="module", params=FAMILIES)
def encoder(request, tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), request.param))


@pytest.fixture(scope="module")
def speech():
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, length).astype(np.float32) for length in LENGTHS]


def model_of(encoder, kind):
    model = heads.build(encoder, kind, seed=1, **SETTINGS[kind]).eval()
    for name, weight in model.named_parameters():  # a new head of this width is near 0 and would hide differences
        if not name.startswith(model.base_model_prefix) and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=2 / weight[0].numel() ** 0.5)
    return model


def output(model, batch) -> np.ndarray:
    with torch.no_grad():
        outputs = model(batch["input_values"], attention_mask=batch["attention_mask"])
    return (outputs.embeddings if "embeddings" in outputs else outputs.logits).numpy()


def batch_of(encoder, parts):
    items = [{"features": features.of_samples(encoder, samples), "target": 0} for samples in parts]
    return Collate(encoder)(items)


def cut(row, encoder, samples):
    return row[: encoder.n_frames(samples.size)] if row.ndim == 2 else row


@pytest.mark.parametrize("kind", heads.HEADS)
def test_an_example_in_a_padded_batch_is_the_example_alone_and_plain_transformers(encoder, speech, kind):
    model = model_of(encoder, kind)
    with torch.no_grad():
        plain = [model(encoder.prepare(samples)) for samples in speech]
    plain = [(outputs.embeddings if kind == "xvector" else outputs.logits)[0].numpy() for outputs in plain]
    heads.take_features(model)
    together = output(model, batch_of(encoder, speech))
    for samples, row, expected in zip(speech, together, plain, strict=True):
        alone = output(model, batch_of(encoder, [samples]))[0]
        assert np.allclose(alone, expected, atol=TOLERANCE), "the features stand for the waveform"
        assert np.allclose(cut(row, encoder, samples), expected, atol=TOLERANCE), "padding changes nothing"
    assert np.ptp(np.stack([row.ravel()[:3] for row in plain]), axis=0).min() > 0.01, "utterances do differ"


@pytest.mark.parametrize("kind", ["ctc", "classification"])
def test_layer_normed_families_equal_plain_transformers_on_padded_waveforms(encoder, speech, kind):
    if encoder.model.config.feat_extract_norm == "group":
        pytest.skip("group norm depends on the padding of a waveform; these models run one by one")
    model = model_of(encoder, kind)
    waveforms = [encoder.prepare(samples)[0] for samples in speech]
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    padded = torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True)
    expected = output(model, {"input_values": padded, "attention_mask": mask.long()})
    heads.take_features(model)
    for row, frames_of_batch, samples in zip(expected, output(model, batch_of(encoder, speech)), speech, strict=True):
        assert np.allclose(cut(row, encoder, samples), cut(frames_of_batch, encoder, samples), atol=TOLERANCE)


@pytest.mark.parametrize("kind", heads.HEADS)
def test_the_encoder_goes_in_as_it_is_and_is_left_alone(encoder, kind):
    before = {name: weight.clone() for name, weight in encoder.model.state_dict().items()}
    model = model_of(encoder, kind)
    inside = model.base_model.state_dict()
    assert inside.keys() == before.keys() and all(torch.equal(inside[name], before[name]) for name in before)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.model.state_dict().items())
    assert not any(weight.requires_grad for weight in encoder.model.parameters())
    assert encoder.model.config.num_labels == 2, "transformers' default"


def test_only_the_head_hangs_on_the_seed(encoder):
    first, again, other = (heads.build(encoder, "frames", seed=seed, num_labels=3).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert {name for name in first if not torch.equal(first[name], other[name])} == {"classifier.weight"}


def test_taking_features_and_back_leaves_the_model_as_built(encoder, speech):
    model = model_of(encoder, "ctc")
    keys, waveform = list(model.state_dict()), encoder.prepare(speech[0])
    kinds = [type(module) for module in model.modules()]
    before = model(waveform).logits
    heads.take_features(model)
    assert sorted(model.state_dict()) != sorted(keys) and len(model.state_dict()) == len(keys)
    heads.take_waveforms(model)
    assert list(model.state_dict()) == keys and [type(module) for module in model.modules()] == kinds
    assert torch.equal(model(waveform).logits, before)


@pytest.mark.parametrize("kind", heads.HEADS)
def test_gradients_reach_the_whole_transformer_but_not_the_front_end(encoder, speech, kind):
    model = model_of(encoder, kind)
    heads.take_features(model)
    batch = batch_of(encoder, speech)
    outputs = model(batch["input_values"], attention_mask=batch["attention_mask"])
    (outputs.embeddings if kind == "xvector" else outputs.logits).square().sum().backward()
    frozen = [weight for name, weight in model.named_parameters() if ".front_end." in name]
    assert frozen and all(weight.grad is None and not weight.requires_grad for weight in frozen)
    moved = {name for name, weight in model.base_model.encoder.named_parameters() if weight.grad is not None}
    assert moved == {name for name, _ in model.base_model.encoder.named_parameters()}


def test_hubert_gets_wav2vec2_heads_for_x_vectors_and_frames(tmp_path):
    hubert = checkpoints.load(make_checkpoint(tmp_path, "hubert"))
    kinds = {kind: model_of(hubert, kind).config.model_type for kind in heads.HEADS}
    assert kinds == {"ctc": "hubert", "classification": "hubert", "xvector": "wav2vec2", "frames": "wav2vec2"}


def test_a_checkpoint_in_half_precision_is_trained_in_single(tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "xlsr", dtype="float16"))
    assert {weight.dtype for weight in model_of(encoder, "ctc").parameters()} == {torch.float32}


def test_what_is_left_out_of_a_loss_is_what_transformers_leaves_out():
    assert torch.nn.CrossEntropyLoss().ignore_index == NO_TARGET


@pytest.mark.parametrize("name", ["wavlm-base", "whisper-base"])
def test_families_that_are_only_measured_are_not_trained(tmp_path, name):
    encoder = checkpoints.load(make_family(tmp_path, name))
    with pytest.raises(TonespanError, match="is measured, not trained; wav2vec2 and hubert are"):
        heads.build(encoder, "classification", seed=0, num_labels=2)
