"""Files of the Hugging Face hub at a commit that stays the same from the first use on.

Conventions: a repository is ``owner/name``; its type is the hub's word, ``dataset`` or ``model``. A revision (a
branch or tag) moves, so what it stood for at first is kept in a JSON file, ``owner/name@revision`` -> commit, and used
from then on. Delete the line to move on to what the revision stands for now.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from huggingface_hub import HfApi, errors, snapshot_download

from tonespan_utils.errors import TonespanError

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")


def commit(repo: str, revision: str, *, repo_type: str, record: Path) -> str:
    """The commit of a revision, as it was at first use; a full commit hash is returned as it is, without the network.

    Raises :class:`TonespanError` where the hub cannot answer, and for a damaged ``record``.
    """
    if COMMIT.fullmatch(revision):
        return revision
    with _in_one_line(repo):
        record.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(record.with_suffix(".lock")):  # notebooks run side by side: none may lose another's line
            commits, key = _read(record), f"{repo}@{revision}"
            if key not in commits:
                commits[key] = HfApi().repo_info(repo, repo_type=repo_type, revision=revision).sha
                unfinished = record.with_suffix(".unfinished")
                unfinished.write_text(json.dumps(commits, indent=1) + "\n", encoding="utf-8")
                unfinished.replace(record)
    return commits[key]


def on_disk(repo: str, commit: str, *, repo_type: str, cache_dir: Path | None = None) -> Path | None:
    """The folder of what was downloaded of a commit, maybe not all of it; None if nothing was. Needs no network."""
    try:
        return Path(
            snapshot_download(repo, repo_type=repo_type, revision=commit, cache_dir=cache_dir, local_files_only=True)
        )
    except (errors.HTTPError, OSError):  # HTTPError: the hub's HTTP client's
        return None


def download(repo: str, commit: str, files: Sequence[str], *, repo_type: str, cache_dir: Path | None = None) -> Path:
    """The folder of a commit with those of ``files`` that it has; ``cache_dir`` None is the hub client's own cache.

    What was interrupted goes on. Raises :class:`TonespanError` where the hub cannot be reached or refuses.
    """
    with _in_one_line(repo):
        return Path(
            snapshot_download(
                repo, repo_type=repo_type, revision=commit, cache_dir=cache_dir, allow_patterns=list(files)
            )
        )


def _read(record: Path) -> dict[str, str]:
    try:
        return json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    except ValueError:
        raise TonespanError(f"{record}: not a JSON file of commits; delete it to resolve revisions anew") from None


@contextmanager
def _in_one_line(repo: str) -> Iterator[None]:
    try:
        yield
    except (errors.HTTPError, errors.EntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise TonespanError(f"{repo}: cannot be fetched from the hub ({reason}); or give a local folder") from None
