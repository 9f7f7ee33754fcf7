"""Running a profile: all of its notebooks through Snakemake, on this machine or on a cluster.

What a run starts ends with it (:mod:`.processes`) and holds its lock (:mod:`.run_folders`), so that the next run begins
when the last process of a killed one is gone. One notebook is executed by :mod:`.notebooks`.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions
from tonespan_utils.params import profile as params_module
from tonespan_utils.params.profile import ROOT, Params
from tonespan_utils.workflow import gpus, processes, produced, surroundings, warm
from tonespan_utils.workflow.run_folders import only_run, remove_partial, require_writable

CLUSTERS = ROOT / "cluster"
RESOLVED = "params.yaml"  # in the folder of runs: every parameter of the run


def run(
    profile: str,
    *,
    cores: str = "all",
    cluster: str | None = None,
    dry_run: bool = False,
    target: str = "paper",
) -> None:
    """Run a profile end to end; what is up to date is not redone. Raises TonespanError when a step failed.

    ``target`` is a rule of the Snakefile: ``paper``, ``validity`` for calibration and sanity checks, ``alignment``
    for the aligner's errors.

    ``cluster`` is a Snakemake profile that sends the jobs to a cluster: a name in cluster/, or a folder.
    """
    surroundings.allow_open_files()
    params = params_module.load(profile)
    resolved = params.runs / RESOLVED
    if not dry_run:
        check_corpora(params)
    require_writable(params.runs, params.results, params.figures)
    with only_run(params.runs / ".lock", params.profile) as lock:
        params_module.write_resolved(params, resolved)
        remove_partial(params)
        again = [loss.job for loss in produced.losses(params)] if dry_run else produced.settle(params)
        options = [*where(cores=cores, cluster=cluster), *(["--dry-run"] if dry_run else [])]
        options += [*(["--forcerun", *again] if again else []), "--", target]
        # Jobs on a cluster end by Snakemake's own hand, as after Ctrl-C; here nothing is lost by an end at once.
        ask = signal.SIGINT if cluster else signal.SIGKILL
        command = snakemake(resolved, options, ends_by=ask)
        start, held = time.monotonic(), [lock.fileno()]
        with warm.serving(environment(), keep=held) if not (cluster or dry_run) else nullcontext({}) as server:
            status = processes.run(command, ask=ask, env=environment() | server, pass_fds=held)
    if status < 0:
        raise TonespanError(f"profile {params.profile}: Snakemake {processes.why(status)}; the same command goes on")
    if status:
        raise TonespanError(
            f"profile {params.profile} stopped; the message above names the notebook, the cell and its log"
        )
    if dry_run:
        return
    shown = {
        "paper": params.figures / "index.html",
        "validity": params.runs / "06_validity.ipynb",
        "alignment": params.runs / "07_alignment.ipynb",
    }[target]
    print(f"profile {params.profile}: up to date after {time.monotonic() - start:.0f} s; open {shown}")


def snakemake(resolved: Path, options: Sequence[str], *, ends_by: int = signal.SIGKILL) -> list[str]:
    """The call of Snakemake for a file of resolved parameters; ``ends_by`` reaches it when this process ends."""
    command = [*processes.tied("snakemake", signum=ends_by), "--snakefile", str(ROOT / "Snakefile")]
    root = params_module.OUTPUT_ROOT
    command += ["--directory", str(root), "--config", f"params={resolved.relative_to(root)}"]
    # Our own lock dies with the process; Snakemake's would outlive a kill.
    return [*command, "--nolock", "--rerun-incomplete", "--quiet", "host", "reason", "rules", *options]


def where(*, cores: str = "all", cluster: str | None = None) -> list[str]:
    """Snakemake's options for where jobs run: on a cluster, or here on so many cores and no two on one GPU.

    Raises TonespanError for a cluster that has no profile.
    """
    if cluster is None:
        n_gpus = len(gpus.visible())
        return ["--cores", cores, *(["--resources", f"gpu={n_gpus}"] if n_gpus else [])]
    folder = CLUSTERS / cluster if (CLUSTERS / cluster).is_dir() else Path(cluster).absolute()
    if not (folder / "config.yaml").is_file():
        clusters = ", ".join(sorted(path.parent.name for path in CLUSTERS.glob("*/config.yaml")))
        raise TonespanError(f"no {folder / 'config.yaml'}; clusters in cluster/: {clusters}")
    return ["--workflow-profile", str(folder)]


def check_corpora(params: Params) -> None:
    """Raise TonespanError at once for labelled speech that a condition would miss hours later."""
    parsed = [conditions.parse(name) for name in params.conditions if name not in params.finetune.public]
    for label, folder in params.finetune.corpora.items():
        needed = [c.name for c in parsed if c.objective == label and not c.language]
        if needed and not (ROOT / folder).is_dir():
            raise TonespanError(
                f"{ROOT / folder}: no such folder, and {needed[0]} learns {label} from it; put recordings with "
                f"labels.csv or Hugging Face's audiofolder there, or name another folder in finetune.corpora.{label}"
            )


def environment() -> dict[str, str]:
    """What Snakemake and the notebooks it starts find in their environment."""
    # One thread per notebook: two of them share two cores, and results do not depend on how many cores there are.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    quiet = {"TOKENIZERS_PARALLELISM": "false", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    paths = {"PATH": Path(sys.executable).parent, "PYTHONPATH": ROOT}  # this Python and this checkout come first
    first = {name: os.pathsep.join(filter(None, [str(p), os.environ.get(name)])) for name, p in paths.items()}
    return os.environ | threads | quiet | first
