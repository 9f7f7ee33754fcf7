"""A revision is resolved once, whoever asks and however many at a time; what cannot be had is said in one line."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub import errors

from tonespan_utils import hub
from tonespan_utils.errors import TonespanError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Api:
    """Answers every question with another commit, as a branch does that moves on."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def repo_info(self, repo: str, *, repo_type: str, revision: str):
        self.requests.append(f"{repo_type} {repo}@{revision}")
        time.sleep(0.01)  # long enough for another thread to come between
        return type("Info", (), {"sha": f"{len(self.requests):040x}"})


@pytest.fixture
def api(monkeypatch) -> Api:
    api = Api()
    monkeypatch.setattr(hub, "HfApi", lambda: api)
    return api


def resolve(record: Path, revision: str = "main") -> str:
    return hub.commit("owner/name", revision, repo_type="model", record=record)


def test_a_revision_is_resolved_once(tmp_path, api):
    record = tmp_path / "new" / "commits.json"
    assert resolve(record) == resolve(record) == f"{1:040x}"
    assert json.loads(record.read_text()) == {"owner/name@main": f"{1:040x}"}
    assert api.requests == ["model owner/name@main"]
    assert resolve(tmp_path / "other" / "commits.json") == f"{2:040x}"


def test_a_commit_is_its_own(tmp_path, api):
    assert resolve(tmp_path / "commits.json", COMMIT) == COMMIT
    assert not api.requests and not list(tmp_path.iterdir())


def test_those_who_ask_together_get_one_answer_and_lose_no_line(tmp_path, api):
    record = tmp_path / "commits.json"
    revisions = [f"v{number % 4}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda revision: resolve(record, revision), revisions))
    commits = json.loads(record.read_text())
    assert len(commits) == len(api.requests) == 4
    assert answers == [commits[f"owner/name@{revision}"] for revision in revisions]


@pytest.mark.parametrize("text", ["{", "\xff"])
def test_a_damaged_record(tmp_path, api, text):
    record = tmp_path / "commits.json"
    record.write_text(text, encoding="latin-1")
    with pytest.raises(TonespanError, match=r"commits\.json: not a JSON file of commits; delete it") as error:
        resolve(record)
    assert "\n" not in str(error.value) and not api.requests


def test_a_folder_that_cannot_be_written(tmp_path, api):
    (tmp_path / "file").touch()
    with pytest.raises(TonespanError, match="owner/name: cannot be fetched"):
        resolve(tmp_path / "file" / "commits.json")


def test_what_is_on_disk_needs_no_network(tmp_path, monkeypatch):
    """The hub client's own code on a folder laid out as its cache is."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    snapshot = tmp_path / "models--owner--name" / "snapshots" / COMMIT
    assert hub.on_disk("owner/name", COMMIT, repo_type="model", cache_dir=tmp_path) is None
    snapshot.mkdir(parents=True)
    assert hub.on_disk("owner/name", COMMIT, repo_type="model", cache_dir=tmp_path) == snapshot


@pytest.mark.parametrize("error", [errors.HTTPError("no route\nto host"), ConnectionError("refused")])
def test_a_download_that_fails(tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(TonespanError, match=r"owner/name: cannot be fetched .*local folder") as raised:
        hub.download("owner/name", COMMIT, ["config.json"], repo_type="model", cache_dir=tmp_path)
    assert "\n" not in str(raised.value)
