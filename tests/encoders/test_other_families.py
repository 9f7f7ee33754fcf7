"""Every family beside wav2vec 2.0 and HuBERT: states against plain transformers, gradients against plain autograd."""

import json

import numpy as np
import pytest
import torch
import transformers
from conftest import make_checkpoint
from encoder_states import noise, refuse, same
from family_checkpoints import FAMILIES, extractor, make_family

from tonespan_utils.encoders import checkpoints, randomised
from tonespan_utils.encoders.conformer import Wav2Vec2BertEncoder
from tonespan_utils.encoders.families import FAMILIES as READ
from tonespan_utils.encoders.sew import SEWEncoder
from tonespan_utils.encoders.whisper import WhisperEncoder, with_canvas
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import attention, features, gradients
from tonespan_utils.statistics.classifier import LinearClassifier

CENTERS, TONES = [0.11, 0.31], ["fall", "rise"]
GRADIENT = 1e-5  # of the norm: single precision


@pytest.fixture(scope="module", params=list(FAMILIES))
def folder(request, tmp_path_factory):
    return make_family(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def encoder(folder):
    return checkpoints.load(folder, device="cpu")


@pytest.fixture(scope="module")
def reference(folder):
    """transformers' own encoder: of Whisper a part of the model."""
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval().requires_grad_(False)
    return model.encoder if model.config.model_type == "whisper" else model


SAMPLES = 0.1 * noise(9000)


def given(encoder, reference, samples):
    """What transformers' model takes in, by its own feature extractor (or for Wav2Vec2-BERT ours: see its test)."""
    if isinstance(encoder, Wav2Vec2BertEncoder):
        return encoder.features(encoder.prepare(samples))
    made = transformers.AutoFeatureExtractor.from_pretrained(encoder.name)
    return made(samples, sampling_rate=16000, return_tensors="pt")[reference.main_input_name]


def states_of(reference, values):
    """Layers ``0`` to ``L`` and ``final`` as transformers computes them: the inputs and outputs of its blocks."""
    states, stack = {}, getattr(reference, "encoder", reference)

    def keep(number):
        def hook(module, arguments, output):
            states.setdefault("0", arguments[0])
            states[str(number)] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks = [block.register_forward_hook(keep(i)) for i, block in enumerate(stack.layers, start=1)]
    states["final"] = reference(values).last_hidden_state
    for hook in hooks:
        hook.remove()
    return states


def of_every_frame(encoder, state, n_frames):
    """A state of SEW's squeezed frames, once for each frame that it stands for."""
    if not isinstance(encoder, SEWEncoder) or state.shape[1] == n_frames:
        return state
    return state[:, [min(frame // 2, state.shape[1] - 1) for frame in range(n_frames)]]


def test_layers_equal_plain_transformers(encoder, reference):
    with torch.no_grad():
        ours = encoder.forward(encoder.prepare(SAMPLES))
        theirs = states_of(reference, given(encoder, reference, SAMPLES))
    assert list(ours) == encoder.layers and set(ours) - {"cnn", "final"} == set(theirs) - {"final"}
    for layer in set(ours) - {"cnn"}:
        assert same(ours[layer], of_every_frame(encoder, theirs[layer], ours["cnn"].shape[1])), layer
    assert same(ours[encoder.layers[-1]], theirs["final"])
    assert ours["cnn"].shape == (1, encoder.n_frames(SAMPLES.size), encoder.feature_width)
    again = encoder.forward_from_cnn(ours["cnn"])
    assert all(same(again[layer], ours[layer]) for layer in again)


def random_probes(encoder):
    rng, width = np.random.default_rng(1), encoder.model.config.hidden_size
    widths = dict.fromkeys(encoder.layers, width) | {"cnn": encoder.feature_width}
    return {
        layer: LinearClassifier(("fall", "rise"), rng.normal(size=(2, n)), np.zeros(2)) for layer, n in widths.items()
    }


def autograd(encoder, reference, probe, layer, center_s, tone, wrt):
    """The gradient of a logit by plain autograd through transformers' model, from its ``wrt`` on."""
    waveform = encoder.prepare(SAMPLES)
    if wrt == "waveform":
        source = waveform.requires_grad_(True)
        values = source
        if "input_features" in encoder.inputs:
            bands = encoder.input_features(source) if isinstance(encoder, WhisperEncoder) else encoder.features(source)
            values = bands.mT if isinstance(encoder, WhisperEncoder) else bands
    else:
        source = given(encoder, reference, SAMPLES).requires_grad_(True)
        values = source
    frame = encoder.frame_at(center_s, SAMPLES.size)
    if layer == "cnn":
        state = cnn_of(encoder, reference, values)
    else:
        state = states_of(reference, values)["final" if layer == encoder.layers[-1] else layer]
        state = of_every_frame(encoder, state, encoder.n_frames(SAMPLES.size))
    weight = torch.as_tensor(probe.weight[probe.classes.index(tone)], dtype=torch.float32)
    gradient = torch.autograd.grad(state[0, frame] @ weight, source)[0][0]
    return (gradient.T if wrt == "input_features" and isinstance(encoder, WhisperEncoder) else gradient).numpy()


def cnn_of(encoder, reference, values):
    """The ``cnn`` layer as transformers' own modules have it."""
    gelu = torch.nn.functional.gelu
    if isinstance(encoder, WhisperEncoder):
        return gelu(reference.conv2(gelu(reference.conv1(values)))).mT
    return values if isinstance(encoder, Wav2Vec2BertEncoder) else reference.feature_extractor(values).mT


@pytest.mark.parametrize("wrt", ["waveform", "input_features"])
def test_gradients_equal_plain_autograd(encoder, reference, wrt):
    if wrt not in encoder.inputs:
        with pytest.raises(TonespanError, match=r"no gradient with respect to 'input_features'; .* waveform, cnn"):
            gradients.input_gradients(encoder, random_probes(encoder), SAMPLES, CENTERS, TONES, wrt=wrt)
        return
    probes = random_probes(encoder)
    ours = gradients.input_gradients(encoder, probes, SAMPLES, CENTERS, TONES, wrt=wrt)
    for layer, probe in probes.items():
        for token, (center_s, tone) in enumerate(zip(CENTERS, TONES, strict=True)):
            expected = autograd(encoder, reference, probe, layer, center_s, tone, wrt)
            assert ours[layer][token].shape == expected.shape and np.linalg.norm(expected) > 0
            assert np.linalg.norm(ours[layer][token] - expected) < GRADIENT * np.linalg.norm(expected), layer


def test_gradients_at_the_cnn_layer_lead_to_those_at_the_waveform(encoder):
    probes = random_probes(encoder)
    at_cnn = gradients.input_gradients(encoder, probes, SAMPLES, CENTERS, TONES, wrt="cnn")
    at_waveform = gradients.input_gradients(encoder, probes, SAMPLES, CENTERS, TONES)
    source = encoder.prepare(SAMPLES).requires_grad_(True)
    cnn = encoder.features(source)
    for layer in probes:
        below = torch.autograd.grad(cnn, source, torch.from_numpy(at_cnn[layer][:1]), retain_graph=True)[0][0].numpy()
        assert np.linalg.norm(below - at_waveform[layer][0]) < GRADIENT * np.linalg.norm(below), layer


def test_clips_of_one_length_come_together_as_they_would_alone(encoder):
    encoder = with_canvas(encoder, 1.0 if isinstance(encoder, WhisperEncoder) else None)
    clips, probes = 0.1 * noise(3, 6000, seed=2), random_probes(encoder)
    centers, tones = [[0.1, 0.2]] * 3, [["rise", "fall"]] * 3
    together = gradients.input_gradients(encoder, probes, clips, centers, tones)
    for i, clip in enumerate(clips):
        alone = gradients.input_gradients(encoder, probes, clip, centers[i], tones[i])
        for layer in probes:
            error = np.linalg.norm(together[layer][i] - alone[layer])
            assert error < GRADIENT * np.linalg.norm(alone[layer]), layer


@pytest.mark.parametrize("name", FAMILIES)
def test_half_precision_on_disk_is_read_as_single(tmp_path, name):
    half = checkpoints.load(make_family(tmp_path, name, half=True), device="cpu")
    model = transformers.AutoModel.from_pretrained(tmp_path, dtype=torch.float32)
    given_model = checkpoints.of_model(model.eval().requires_grad_(False))
    expected, weights = given_model.model.state_dict(), half.model.state_dict()
    assert weights.keys() == expected.keys() and type(given_model) is type(half)
    assert all(torch.equal(weights[name], weight) for name, weight in expected.items())
    assert half.model.dtype == torch.float32 and not any(w.dtype == torch.float16 for w in weights.values())
    from_waveform = isinstance(extractor(name), transformers.Wav2Vec2FeatureExtractor)
    assert half.scale_input == given_model.scale_input == from_waveform


HEADS = {"wavlm-base": "ForXVector", "data2vec-audio-base": "ForCTC", "unispeech-large": "ForPreTraining",
         "unispeech-sat-base": "ForPreTraining", "sew-tiny": "ForCTC", "conformer-rope-large": "ForCTC",
         "w2v-bert-2.0": "ForCTC", "whisper-base": "ForConditionalGeneration"}  # fmt: skip


@pytest.mark.parametrize(("name", "head"), HEADS.items())
def test_heads_are_left_out(tmp_path, name, head):
    whole = checkpoints.load(make_family(tmp_path / "head", name, head=head), device="cpu").model.state_dict()
    kind = getattr(transformers, FAMILIES[name][0] + head)
    model = kind.from_pretrained(tmp_path / "head")
    given_model = checkpoints.of_model(model)
    assert whole.keys() == given_model.model.state_dict().keys() and len(model.state_dict()) > len(whole)
    assert all(torch.equal(whole[name], weight) for name, weight in given_model.model.state_dict().items())


def test_every_weight_belongs_to_a_part_and_is_permuted(encoder):
    names = [name for name, _ in encoder.model.named_parameters()]
    assert {randomised._part_of(encoder, name) for name in names} == set(randomised.parts(encoder))
    other = randomised.permuted(encoder, randomised.parts(encoder), seed=0)
    assert type(other) is type(encoder) and other.identity != encoder.identity
    with torch.no_grad():
        before, after = (each.forward(each.prepare(SAMPLES)) for each in (encoder, other))
    assert not any(same(before[layer], after[layer]) for layer in encoder.layers if layer != "cnn")
    assert features.front_end_identity(encoder) == features.front_end_identity(encoder)


def test_an_unknown_family_is_refused_with_a_list_of_those_that_are_read(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"model_type": "audio-spectrogram-transformer"}))
    refuse(folder, "a 'audio-spectrogram-transformer' model; this study reads", *READ)


PADDED = {"wavlm", "unispeech", "unispeech-sat"}


def test_padding_is_hidden_or_refused(encoder):
    n_frames = encoder.n_frames(SAMPLES.size)
    cnn = encoder.features(encoder.prepare(SAMPLES))
    padded = torch.cat([cnn, torch.randn(1, 6, cnn.shape[2])], dim=1)
    mask = torch.arange(n_frames + 6)[None] < n_frames
    if encoder.model.config.model_type not in PADDED:
        with pytest.raises(TonespanError, match="give clips of one length, without a mask"):
            encoder.forward_from_cnn(padded, mask)
        return
    alone, hidden = encoder.forward_from_cnn(cnn), encoder.forward_from_cnn(padded, mask)
    assert all(same(hidden[layer][:, :n_frames], alone[layer]) for layer in alone)


def test_attention_is_read_from_blocks_that_are_known_alone(encoder):
    if not encoder.blocks_are_known:
        with pytest.raises(TonespanError, match="attention is read from blocks like wav2vec"):
            attention.attention_weights(encoder, SAMPLES, CENTERS)
        return
    weights = attention.attention_weights(encoder, SAMPLES, CENTERS)
    assert all(of_layer.shape == (2, 4, encoder.n_frames(SAMPLES.size)) for of_layer in weights.values())
    assert all(np.allclose(of_layer.sum(axis=-1), 1) for of_layer in weights.values())
