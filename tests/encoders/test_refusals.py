"""Damaged, incomplete, adapted, quantised and foreign checkpoints are refused in one line; no code of theirs runs."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_checkpoint
from encoder_states import edit_weights, refuse
from safetensors.torch import load_file, save_file

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError


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


@pytest.mark.parametrize(("head", "prefix"), [("Model", ""), ("ForXVector", "wav2vec2.")])
def test_what_is_left_over_in_the_convolutions_is_no_head(tmp_path, head, prefix):
    """Though the x-vector's embedding layer is called feature_extractor as they are."""
    folder = make_checkpoint(tmp_path, "xlsr", head=head)
    extra = f"{prefix}feature_extractor.conv_layers.7.conv.weight"
    edit_weights(folder, lambda name, weight: {name: weight, extra: torch.zeros(1)})
    with pytest.raises(TonespanError, match=f"1 unexpected encoder weights, first {extra}"):
        checkpoints.load(folder)


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
