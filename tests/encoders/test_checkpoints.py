"""Layers and frame times against plain transformers; damaged checkpoints refused in one line."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from conftest import FAMILIES, make_checkpoint
from huggingface_hub import errors
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from tonespan_utils import hub
from tonespan_utils.encoders import checkpoints, families, refusals
from tonespan_utils.encoders.encoder import Encoder, prepared
from tonespan_utils.errors import TonespanError

SAME = 1e-5  # of states of about 1: float32 sums in another order (a batch, a mask, another version of attention)
GROUP_NORM = {"wav2vec2-base", "mhubert-147"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def layer_norm_families() -> list[str]:
    return [family for family in FAMILIES if family not in GROUP_NORM]


def same(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return torch.allclose(ours, theirs, atol=SAME, rtol=0)


def assert_states_equal(encoder, ours, theirs, n_frames=None) -> None:
    """Ours by name against a transformers output, layer by layer, in the first ``n_frames`` frames of row 0."""
    assert len(theirs.hidden_states) == encoder.model.config.num_hidden_layers + 1
    for number, state in enumerate(theirs.hidden_states):
        assert same(ours[str(number)][0, :n_frames], state[0, :n_frames]), number
    top = ours.get("final", ours[str(encoder.model.config.num_hidden_layers)])
    assert same(top[0, :n_frames], theirs.last_hidden_state[0, :n_frames])


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


def test_weights_are_frozen_and_scaling_follows_the_checkpoint(tmp_path):
    scaled = checkpoints.load(make_checkpoint(tmp_path / "x", "xlsr"))
    plain = checkpoints.load(make_checkpoint(tmp_path / "w", "wav2vec2", scaled=False))
    assert not any(p.requires_grad for p in scaled.model.parameters()) and not scaled.model.training
    samples = 5 + 3 * np.random.default_rng(0).normal(size=4000)
    assert scaled.prepare(samples).mean().abs() < 1e-4 and float(plain.prepare(samples).mean()) > 4


def test_old_bin_files_load_and_identity_tells_weights_apart(tmp_path):
    safe = checkpoints.load(make_checkpoint(tmp_path / "a", "hubert"))
    binary = checkpoints.load(make_checkpoint(tmp_path / "b", "hubert", safe=False))
    other = checkpoints.load(make_checkpoint(tmp_path / "c", "hubert", seed=1))
    assert safe.identity == binary.identity != other.identity


def test_damaged_checkpoints_are_refused_in_one_line(tmp_path):
    with pytest.raises(TonespanError, match="no such checkpoint"):
        checkpoints.load(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TonespanError, match=r"no config\.json"):
        checkpoints.load(empty)
    folder = make_checkpoint(tmp_path / "cut", "wav2vec2")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TonespanError, match="cannot be read") as error:
        checkpoints.load(folder)
    assert "\n" not in str(error.value)


def test_missing_extra_and_foreign_weights_are_refused(tmp_path):
    folder = make_checkpoint(tmp_path / "m", "wav2vec2")
    weights = load_file(folder / "model.safetensors")
    dropped = "encoder.layers.1.attention.k_proj.weight"
    save_file({k: v for k, v in weights.items() if k != dropped}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(TonespanError, match=f"missing encoder weights, first .*{dropped}"):
        checkpoints.load(folder)
    save_file(weights | {"encoder.layers.9.extra": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(TonespanError, match=r"unexpected encoder weights, first encoder\.layers\.9\.extra"):
        checkpoints.load(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(TonespanError, match="a 'bert' model"):
        checkpoints.load(folder)


def test_other_weights_of_the_same_name_are_refused(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr")
    edit_weights(folder, lambda name, weight: {name: weight[:-1] if name == "encoder.layer_norm.bias" else weight})
    with pytest.raises(TonespanError, match=r"misshapen encoder weights|cannot be read") as error:
        checkpoints.load(folder)
    assert "\n" not in str(error.value)


def edit_weights(folder: Path, edit) -> None:
    """Write the weights again, each as the dictionary that ``edit(name, weight)`` makes of it."""
    weights = load_file(folder / "model.safetensors")
    edited = {key: value for pair in weights.items() for key, value in edit(*pair).items()}
    save_file(edited, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
def test_old_names_of_the_positional_convolution(tmp_path, family, safe):
    folder = make_checkpoint(tmp_path, family)
    before = checkpoints.load(folder)
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    renamed = []

    def rename(name, weight):
        for new, former in old.items():
            if name.endswith(new):
                renamed.append(former)
                name = name.replace(new, former)
        return {name: weight}

    edit_weights(folder, rename)
    assert sorted(renamed) == ["weight_g", "weight_v"]
    if not safe:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    assert checkpoints.load(folder).identity == before.identity


TASKS = ["ForCTC", "ForSequenceClassification"]
WAV2VEC2_TASKS = [*TASKS, "ForXVector", "ForAudioFrameClassification", "ForPreTraining"]
HEADS = [("xlsr-300m", task) for task in WAV2VEC2_TASKS] + [("mhubert-147", task) for task in TASKS]


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
@pytest.mark.parametrize(("family", "head"), HEADS)
def test_heads_are_left_out_and_the_encoder_is_exact(tmp_path, capsys, family, head, safe):
    folder = make_checkpoint(tmp_path, family, head=head, safe=safe, use_weighted_layer_sum=head != "ForCTC")
    capsys.readouterr()
    loaded = checkpoints.load(folder, device="cpu").model.state_dict()
    assert "UNEXPECTED" not in "".join(capsys.readouterr())
    whole = getattr(transformers, ("Hubert" if family == "mhubert-147" else "Wav2Vec2") + head).from_pretrained(folder)
    expected = whole.base_model.state_dict()
    assert loaded.keys() == expected.keys() and all(torch.equal(loaded[name], expected[name]) for name in loaded)
    assert len(whole.state_dict()) > len(loaded)


@pytest.mark.parametrize(("head", "prefix"), [("Model", ""), ("ForXVector", "wav2vec2.")])
def test_what_is_left_over_in_the_convolutions_is_no_head(tmp_path, head, prefix):
    """Though the x-vector's embedding layer is called feature_extractor as they are."""
    folder = make_checkpoint(tmp_path, "xlsr", head=head)
    extra = f"{prefix}feature_extractor.conv_layers.7.conv.weight"
    edit_weights(folder, lambda name, weight: {name: weight, extra: torch.zeros(1)})
    with pytest.raises(TonespanError, match=f"1 unexpected encoder weights, first {extra}"):
        checkpoints.load(folder)


def test_the_vector_of_masked_frames_may_be_missing_or_left_over(tmp_path):
    folder = make_checkpoint(tmp_path, "wav2vec2")
    edit_weights(folder, lambda name, weight: {} if name == families.MASKED else {name: weight})
    assert checkpoints.load(folder).identity == checkpoints.load(folder).identity
    kept = make_checkpoint(tmp_path / "kept", "wav2vec2")
    settings = json.loads((kept / "config.json").read_text())
    (kept / "config.json").write_text(json.dumps(settings | {"mask_time_prob": 0.0}))
    assert checkpoints.load(kept).layers == ["cnn", "0", "1", "2"]


def test_safetensors_are_preferred(tmp_path):
    folder = make_checkpoint(tmp_path / "both", "xlsr", seed=0)
    expected = checkpoints.load(folder).identity
    other = make_checkpoint(tmp_path / "other", "xlsr", seed=1, safe=False)
    assert checkpoints.load(other).identity != expected
    (other / "pytorch_model.bin").rename(folder / "pytorch_model.bin")
    assert checkpoints.load(folder).identity == expected


class Payload:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_that_would_run_code_are_refused(tmp_path):
    folder = make_checkpoint(tmp_path / "bin", "wav2vec2", safe=False)
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save(weights | {"payload": Payload(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(TonespanError, match="more than weights: refused") as error:
        checkpoints.load(folder)
    assert "\n" not in str(error.value) and not (tmp_path / "ran").exists()
    torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert (tmp_path / "ran").exists()  # so it would have run


@pytest.mark.parametrize("model_type", ["wav2vec2", "mine"])
def test_code_beside_the_weights_is_not_run(tmp_path, model_type):
    folder = make_checkpoint(tmp_path / "code", "wav2vec2")
    (folder / "mine.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    classes = {"AutoConfig": "mine.Config", "AutoModel": "mine.Model", "AutoFeatureExtractor": "mine.Extractor"}
    for name in ("config.json", "preprocessor_config.json"):
        settings = json.loads((folder / name).read_text()) | {"auto_map": classes}
        (folder / name).write_text(json.dumps(settings | ({"model_type": model_type} if name == "config.json" else {})))
    with pytest.raises(TonespanError, match="a 'mine' model" if model_type == "mine" else "auto_map.*never run"):
        checkpoints.load(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("config.json", "{", r"config\.json: cannot be read"),
        ("config.json", "[]", r"config\.json: cannot be read"),
        ("config.json", '{"model_type": "wav2vec2", "hidden_size": "wide"}', r"config\.json: cannot be read"),
        ("preprocessor_config.json", "{", r"preprocessor_config\.json cannot be read"),
    ],
)
def test_damaged_settings_are_refused_in_one_line(tmp_path, name, text, match):
    folder = make_checkpoint(tmp_path, "wav2vec2")
    (folder / name).write_text(text)
    with pytest.raises(TonespanError, match=match) as error:
        checkpoints.load(folder)
    assert "\n" not in str(error.value)


def test_no_weights_at_all(tmp_path):
    folder = make_checkpoint(tmp_path, "wav2vec2")
    (folder / "model.safetensors").unlink()
    with pytest.raises(TonespanError, match=r"the weights cannot be read .*no file named model\.safetensors"):
        checkpoints.load(folder)


def test_a_processor_says_how_the_input_is_scaled(tmp_path):
    folder = make_checkpoint(tmp_path, "wav2vec2")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    assert checkpoints.load(folder).scale_input
    settings["do_normalize"] = False
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": settings}))
    assert not checkpoints.load(folder).scale_input


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("settings", ["none", "scaled", "plain"])
def test_a_folder_and_its_weights_as_an_object_give_the_same(tmp_path, family, settings):
    folder = make_checkpoint(tmp_path, family, scaled=settings != "plain")
    if settings == "none":
        (folder / "preprocessor_config.json").unlink()
    model = AutoModel.from_pretrained(folder).train()
    loaded, given = checkpoints.load(folder, device="cpu"), checkpoints.of_model(model)
    assert loaded.scale_input == given.scale_input == (settings != "plain")
    assert model.training  # left as it was
    model.eval()
    samples = 0.2 + 0.01 * noise(6000)
    with torch.no_grad():
        ours, theirs = (encoder.forward(encoder.prepare(samples)) for encoder in (loaded, given))
    assert all(same(ours[layer], state) for layer, state in theirs.items())


def test_group_norm_undoes_the_scaling_of_the_input(tmp_path):
    """Why it matters little which is assumed for those models."""
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2-base"))
    samples = 0.1 + 0.05 * noise(6000)
    scaled, plain = (encoder.features(prepared(samples, scaled=scaled)) for scaled in (True, False))
    assert (scaled - plain).abs().max() < 0.02 * scaled.abs().max()


def refuse(folder: Path, *words: str) -> None:
    with pytest.raises(TonespanError) as error:
        checkpoints.load(folder)
    message = str(error.value)
    assert "\n" not in message and str(folder) in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "name", ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin", "adapter.tha.safetensors",
             "adapter.cmn-script_simplified.safetensors", "adapter.eng.bin"]
)  # fmt: skip
def test_an_adapter_beside_the_weights_is_never_ignored(tmp_path, name):
    folder = make_checkpoint(tmp_path, "xlsr")
    (folder / name).write_bytes(b"{}")
    refuse(folder, name, "adapter", "save_pretrained")


def test_an_adapter_alone(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    refuse(tmp_path, "adapter_config.json", "merge")


def test_adapters_that_are_part_of_the_weights_are_applied(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr", adapter_attn_dim=4)
    edit_weights(folder, lambda name, w: {name: torch.randn_like(w) if "adapter_layer" in name else w})
    encoder, reference = checkpoints.load(folder, device="cpu"), AutoModel.from_pretrained(folder).eval()
    waveform = encoder.prepare(noise(6000))
    with torch.no_grad():
        assert_states_equal(encoder, encoder.forward(waveform), reference(waveform, output_hidden_states=True))
    settings = json.loads((folder / "config.json").read_text()) | {"adapter_attn_dim": None}
    (folder / "config.json").write_text(json.dumps(settings))
    refuse(folder, "unexpected encoder weights", "adapter_layer")


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model.", "encoder.", "model.wav2vec2."]
)
@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
def test_prefixed_weights_get_a_hint(tmp_path, prefix, safe):
    folder = make_checkpoint(tmp_path, "xlsr")
    edit_weights(folder, lambda name, weight: {prefix + name: weight})
    if not safe:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    refuse(folder, f"begin with {prefix!r}", "removeprefix")


def test_other_missing_weights_get_no_hint(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr")
    edit_weights(folder, lambda name, weight: {} if "k_proj" in name else {name: weight})
    with pytest.raises(TonespanError) as error:
        checkpoints.load(folder)
    assert "removeprefix" not in str(error.value)


@pytest.mark.parametrize("n_layers", [1, 3])
def test_a_configuration_with_another_depth(tmp_path, n_layers):
    folder = make_checkpoint(tmp_path, "xlsr")
    settings = json.loads((folder / "config.json").read_text()) | {"num_hidden_layers": n_layers}
    (folder / "config.json").write_text(json.dumps(settings))
    refuse(folder, "encoder weights, first encoder.layers.")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(tmp_path, value):
    folder, name = make_checkpoint(tmp_path, "xlsr"), "encoder.layers.1.attention.k_proj.weight"
    edit_weights(folder, lambda key, w: {key: torch.full_like(w, value) if key == name else w})
    refuse(folder, name, "NaN")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_float_on_disk_is_read_as_float32(tmp_path, dtype):
    folder = make_checkpoint(tmp_path, "xlsr")
    expected = {
        name: w.to(dtype).float() for name, w in checkpoints.load(folder, device="cpu").model.state_dict().items()
    }
    edit_weights(folder, lambda name, w: {name: w.to(dtype)})
    states = checkpoints.load(folder, device="cpu").model.state_dict()
    assert all(
        torch.equal(states[name], weight) and states[name].dtype == torch.float32 for name, weight in expected.items()
    )


def test_quantised_checkpoints(tmp_path):
    folder = make_checkpoint(tmp_path / "a", "xlsr")
    edit_weights(folder, lambda name, w: {name: (100 * w).to(torch.int8) if "k_proj.weight" in name else w})
    refuse(folder, "quantised", "k_proj")
    folder = make_checkpoint(tmp_path / "b", "xlsr")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"quantization_config": {"quant_method": "gptq"}}))
    refuse(folder, "quantised")


def test_a_checkpoint_that_wants_its_own_code(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"auto_map": {"AutoModel": "own.Model"}}))
    refuse(folder, "auto_map", "never run")
    assert not (tmp_path / "ran").exists()


def test_shards(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr")
    expected = checkpoints.load(folder).identity
    AutoModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1 and checkpoints.load(folder).identity == expected
    shards[1].unlink()
    refuse(folder, shards[1].name)


# HuBERT as wav2vec 2.0

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


# From the hub, without one


class Hub:
    """Stands in for huggingface_hub: one model whose files appear in its cache when they are downloaded."""

    def __init__(self, source: Path, cache: Path) -> None:
        self.source, self.cache = source, cache
        self.commit, self.resolved, self.asked = COMMIT, 0, []

    def repo_info(self, repo: str, *, repo_type: str, revision: str):
        assert (repo, repo_type) == ("facebook/wav2vec2-xls-r-300m", "model")
        self.resolved += 1
        return type("Info", (), {"sha": self.commit})

    def snapshot_download(self, repo, *, repo_type, revision, cache_dir, allow_patterns=(), local_files_only=False):
        assert repo_type == "model" and cache_dir is None
        folder = self.cache / "snapshots" / revision
        if local_files_only:
            if not folder.is_dir():
                raise errors.LocalEntryNotFoundError("not there yet")
            return str(folder)
        self.asked.append([name for name in allow_patterns if name in refusals.WEIGHTS])
        folder.mkdir(parents=True, exist_ok=True)
        for name in allow_patterns:
            if (self.source / name).is_file():
                (folder / name).write_bytes((self.source / name).read_bytes())
        return str(folder)


@pytest.fixture
def hub_model(tmp_path, monkeypatch) -> Hub:
    source = make_checkpoint(tmp_path / "source", "xlsr-300m", head="ForPreTraining")
    fake = Hub(source, tmp_path / "hf")
    monkeypatch.setattr(hub, "snapshot_download", fake.snapshot_download)
    monkeypatch.setattr(hub, "HfApi", lambda: fake)
    return fake


def load_from_hub(tmp_path: Path, **options) -> Encoder:
    return checkpoints.load("facebook/wav2vec2-xls-r-300m", cache_dir=tmp_path / "cache", **options)


def test_a_hub_id_gives_what_its_folder_gives(tmp_path, hub_model):
    there, here = load_from_hub(tmp_path), checkpoints.load(hub_model.source)
    assert (there.identity, there.name) == (COMMIT, "facebook/wav2vec2-xls-r-300m")
    assert there.scale_input and here.identity.startswith("sha256:")
    samples = noise(6000)
    ours, theirs = (encoder.forward(encoder.prepare(samples)) for encoder in (there, here))
    assert all(torch.equal(ours[layer], state) for layer, state in theirs.items())


def test_the_commit_is_recorded_at_first_use_and_reused(tmp_path, hub_model):
    first = load_from_hub(tmp_path)
    hub_model.commit = "f" * 40  # the branch moves on
    assert load_from_hub(tmp_path).identity == first.identity == COMMIT
    assert (hub_model.resolved, hub_model.asked) == (1, [["model.safetensors"]])  # nothing is asked for again
    record = json.loads((tmp_path / "cache" / "commits.json").read_text())
    assert record == {"facebook/wav2vec2-xls-r-300m@main": COMMIT}
    assert load_from_hub(tmp_path, revision="v2").identity == "f" * 40
    assert load_from_hub(tmp_path).identity == COMMIT


def test_a_commit_needs_no_resolving(tmp_path, hub_model):
    assert load_from_hub(tmp_path, revision=COMMIT).identity == COMMIT
    assert not hub_model.resolved and not (tmp_path / "cache").exists()


def test_old_weights_are_fetched_where_there_are_no_others(tmp_path, hub_model):
    weights = load_file(hub_model.source / "model.safetensors")
    torch.save(weights, hub_model.source / "pytorch_model.bin")
    load_from_hub(tmp_path)
    (hub_model.source / "model.safetensors").unlink()
    hub_model.commit = "f" * 40
    load_from_hub(tmp_path, revision="old")
    assert hub_model.asked == [["model.safetensors"], ["model.safetensors"], ["pytorch_model.bin"]]
    load_from_hub(tmp_path, revision="old")
    assert len(hub_model.asked) == 3


def test_weights_without_the_feature_extractors_settings_are_not_taken_from_the_cache(tmp_path, hub_model):
    """Another program leaves such a snapshot behind; the input would go in unscaled, and nobody would notice."""
    load_from_hub(tmp_path)
    (hub_model.cache / "snapshots" / COMMIT / "preprocessor_config.json").unlink()
    assert load_from_hub(tmp_path).scale_input and len(hub_model.asked) == 2


@pytest.mark.parametrize("error", [errors.HTTPError("no route\nto host"), errors.OfflineModeIsEnabled("offline")])
def test_no_hub_in_reach(tmp_path, hub_model, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(hub_model, "repo_info", fail)
    with pytest.raises(TonespanError, match=r"xls-r-300m: cannot be fetched from the hub .*local folder") as raised:
        load_from_hub(tmp_path)
    assert "\n" not in str(raised.value)


def test_nan_audio_is_refused(tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    with pytest.raises(TonespanError, match="NaN"):
        encoder.prepare(np.array([0.0, np.nan]))
