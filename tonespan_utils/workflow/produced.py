"""What the notebooks of a run left, by size, time and SHA-256, and what has become of it since.

Snakemake goes by times alone: to it, a table that was edited, or cut off by a full disk, is a newer table, and all that
depends on it would be made from it. So each notebook's files are written down when it has ended (:func:`record`, one
JSON file in ``runs/<profile>/made/``) and looked at before the next run (:func:`settle`): what has changed is set aside
under ``runs/<profile>/changed/``, named in one line, and made again. Files whose size and times are as they were are
not read. Missing files are made again too; but weights, which are large, may go once they have been measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile as params_module
from tonespan_utils.params.profile import Params

RECORDS, CHANGED, MODELS = "made", "changed", "models"


@dataclass(frozen=True)
class Loss:
    """A file that is no longer what a notebook left; ``path`` and ``job``, the executed notebook, are relative to the
    output folder.
    """

    path: Path
    job: str

    @property
    def is_missing(self) -> bool:
        return not (params_module.OUTPUT_ROOT / self.path).is_file()


def record(job: Path, made: Sequence[Path]) -> None:
    """Write down the files that an executed notebook left; of folders, all in them; figures are redrawn at any time.

    Raises TonespanError where the record cannot be written.
    """
    left = [file for path in made if not _is_drawn(path) for file in _files(path)]
    files = {str(_inside(file)): _state(file) | {"sha256": _digest(file)} for file in left}
    _write(_record_of(job), {"job": str(_inside(job)), "files": files})


def forget(job: Path) -> None:
    """A notebook begins anew: what it left before no longer counts."""
    _record_of(job).unlink(missing_ok=True)


def losses(params: Params) -> list[Loss]:
    """Files that are missing, or not what a notebook left; one that was only copied or touched gets its time back."""
    lost = []
    for path in sorted((params.runs / RECORDS).glob("*.json")):
        kept = _read(path)
        renewed = False
        for name, state in kept["files"].items():
            verdict = _compare(params_module.OUTPUT_ROOT / name, state)
            renewed |= verdict == "same content"
            if verdict == "changed" or (verdict == "missing" and MODELS not in Path(name).parts):
                lost.append(Loss(Path(name), kept["job"]))
        if renewed:
            _write(path, kept)
    return lost


def settle(params: Params) -> list[str]:
    """Set changed files aside; gives the executed notebooks that are to be made again, and a line for each change."""
    lost = losses(params)
    for loss in lost:
        if not loss.is_missing:
            kept = _set_aside(params, loss.path)
            print(f"tonespan: {loss.path} was changed after a run wrote it: kept as {kept}, and made again", flush=True)
    return sorted({loss.job for loss in lost})


def refuse_changed(params: Params) -> None:
    """Raise TonespanError for a table that is no longer what a run wrote: nothing is drawn from it."""
    for loss in losses(params):
        if not loss.is_missing and loss.path.suffix == ".csv":
            raise TonespanError(
                f"{params_module.OUTPUT_ROOT / loss.path}: changed after a run wrote it; "
                f"`make paper PROFILE={params.profile}` sets it aside and makes it again"
            )


def _record_of(job: Path) -> Path:
    return job.parent / RECORDS / f"{job.name}.json"


def _is_drawn(path: Path) -> bool:
    """Whether a path lies in ``results/<profile>/figures``."""
    return _inside(path).parts[2:3] == (params_module.FIGURES,)


def _inside(path: Path) -> Path:
    """A path as seen from the output folder."""
    return path.absolute().relative_to(params_module.OUTPUT_ROOT)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith("."))
    elif path.is_file():
        yield path


def _state(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "modified_ns": stat.st_mtime_ns, "changed_ns": stat.st_ctime_ns}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(path: Path, state: dict) -> str:
    """``missing``, ``changed``, ``same``, or ``same content``: then its time is set back, and ``state`` follows it."""
    if not path.is_file():
        return "missing"
    now = _state(path)
    if all(now[name] == state[name] for name in now):
        return "same"
    if now["size"] != state["size"] or _digest(path) != state["sha256"]:
        return "changed"
    if now["modified_ns"] != state["modified_ns"]:
        os.utime(path, ns=(state["modified_ns"], state["modified_ns"]))
    state.update(_state(path))
    return "same content"


def _set_aside(params: Params, path: Path) -> Path:
    name = "-".join(path.parts[2:])  # without results/<profile>
    kept = params.runs / CHANGED / name
    if kept.exists():
        kept = kept.with_name(f"{time.time_ns()}-{name}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.replace(params_module.OUTPUT_ROOT / path, kept)
    except OSError as error:
        raise TonespanError(f"{path}: changed, and cannot be set aside ({error.strerror}); move it away") from None
    return _inside(kept)


def _read(path: Path) -> dict:
    """A record; a damaged one, which only a full disk or a hand can leave, says nothing, and goes."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {"job": str(kept["job"]), "files": dict(kept["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return {"job": "", "files": {}}


def _write(path: Path, kept: dict) -> None:
    partial = path.with_name(f".partial.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise TonespanError(f"{path}: cannot be written ({error.strerror})") from None
