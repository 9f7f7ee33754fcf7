"""What is read of a checkpoint: weights under old names and heads, how the input is scaled, and its identity."""

import json

import numpy as np
import pytest
import torch
import transformers
from conftest import FAMILIES, make_checkpoint
from encoder_states import assert_states_equal, edit_weights, noise, refuse, same
from safetensors.torch import load_file
from transformers import AutoModel

from tonespan_utils.encoders import checkpoints, families


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


def test_shards(tmp_path):
    folder = make_checkpoint(tmp_path, "xlsr")
    expected = checkpoints.load(folder).identity
    AutoModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1 and checkpoints.load(folder).identity == expected
    shards[1].unlink()
    refuse(folder, shards[1].name)
