"""Checkpoints of the hub, without one: commits, what is fetched, what is kept."""

import json
from pathlib import Path

import pytest
import torch
from conftest import make_checkpoint
from encoder_states import noise
from huggingface_hub import errors
from safetensors.torch import load_file

from tonespan_utils import hub
from tonespan_utils.encoders import checkpoints, refusals
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Stands in for huggingface_hub: one model whose files appear in its cache when they are downloaded."""

    def __init__(self, source: Path, cache: Path) -> None:
        self.source, self.cache = source, cache
        self.commit, self.resolved, self.fetched = COMMIT, 0, []

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
        self.fetched.append([name for name in allow_patterns if name in refusals.WEIGHTS])
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
    assert (hub_model.resolved, hub_model.fetched) == (1, [["model.safetensors"]])  # nothing is fetched again
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
    assert hub_model.fetched == [["model.safetensors"], ["model.safetensors"], ["pytorch_model.bin"]]
    load_from_hub(tmp_path, revision="old")
    assert len(hub_model.fetched) == 3


def test_weights_without_the_feature_extractors_settings_are_not_taken_from_the_cache(tmp_path, hub_model):
    """Another program leaves such a snapshot behind; the input would go in unscaled, and nobody would notice."""
    load_from_hub(tmp_path)
    (hub_model.cache / "snapshots" / COMMIT / "preprocessor_config.json").unlink()
    assert load_from_hub(tmp_path).scale_input and len(hub_model.fetched) == 2


@pytest.mark.parametrize("error", [errors.HTTPError("no route\nto host"), errors.OfflineModeIsEnabled("offline")])
def test_no_hub_in_reach(tmp_path, hub_model, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(hub_model, "repo_info", fail)
    with pytest.raises(TonespanError, match=r"xls-r-300m: cannot be fetched from the hub .*local folder") as raised:
        load_from_hub(tmp_path)
    assert "\n" not in str(raised.value)
