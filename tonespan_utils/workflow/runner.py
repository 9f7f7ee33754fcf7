"""Running a profile: all of its notebooks through Snakemake, on this machine or on a cluster.

What a run starts ends with it (:mod:`.processes`) and holds its lock (:mod:`.run_folders`), so that the next run begins
when the last process of a killed one is gone. One notebook is executed by :mod:`.notebooks`. A line is printed for each
step that ends; what Snakemake and the notebooks say goes to a log (:mod:`.watching`).

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
from tonespan_utils.workflow import gpus, processes, produced, surroundings, warm, watching
from tonespan_utils.workflow.progress import Progress, in_words
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
    """Run a profile end to end; what is up to date is not redone. Raises TonespanError when a step failed, which names
    the step, the reason and the log.

    ``target`` is a rule of the Snakefile: ``paper``, ``validity`` for calibration and sanity checks, ``alignment``
    for the aligner's errors.

    ``cluster`` is a Snakemake profile that sends the jobs to a cluster: a name in cluster/, or a folder.
    """
    params = params_module.load(profile)
    if dry_run:
        print(to_do(plan(params, cores=cores, cluster=cluster, target=target), params.profile))
        return
    check_corpora(params)
    start = time.monotonic()
    progress = _run(params, cores=cores, cluster=cluster, target=target, dry_run=False)
    done = f"up to date after {time.monotonic() - start:.0f} s" if progress.n_steps else "nothing to be done"
    print(f"profile {params.profile}: {done}; open {shown(params, target)}")


def plan(params: Params, *, cores: str = "all", cluster: str | None = None, target: str = "paper") -> Progress:
    """What a run would do, of which nothing has been done. Raises TonespanError as :func:`run`."""
    return _run(params, cores=cores, cluster=cluster, target=target, dry_run=True)


def _run(params: Params, *, cores: str, cluster: str | None, target: str, dry_run: bool) -> Progress:
    """One call of Snakemake, and how far it came."""
    surroundings.allow_open_files()
    resolved = params.runs / RESOLVED
    require_writable(params.runs, params.results, params.figures)
    with only_run(params.runs / ".lock", params.profile) as lock:
        params_module.write_resolved(params, resolved)
        remove_partial(params)
        again = [loss.job for loss in produced.losses(params)] if dry_run else produced.settle(params)
        options = [*where(cores=cores, cluster=cluster), *(["--dry-run"] if dry_run else []), *watching.OPTIONS]
        options += [*(["--forcerun", *again] if again else []), "--", target]
        # Jobs on a cluster end by Snakemake's own hand, as after Ctrl-C; here nothing is lost by an end at once.
        ask = signal.SIGINT if cluster else signal.SIGKILL
        command, held = snakemake(resolved, options, ends_by=ask), [lock.fileno()]
        if not dry_run:
            print(f"profile {params.profile}: Snakemake's messages go to {params.runs / watching.LOG}", flush=True)
        with (
            watching.watching(params, lanes=None if cluster else lanes(cores), quiet=dry_run) as watched,
            warm.serving(environment(), keep=held) if not (cluster or dry_run) else nullcontext({}) as server,
        ):
            status = processes.run(
                command, ask=ask, env=environment() | server | watched.environment, stdout=watched.stream,
                stderr=watched.stream, pass_fds=[*held, *watched.pass_fds],
            )  # fmt: skip
    if status:
        why = watched.why() if status > 0 else f"Snakemake {processes.why(status)}"
        raise TonespanError(
            f"profile {params.profile} stopped: {why}; Snakemake's messages: {watched.log}; the same command goes on"
        )
    return watched.progress


def shown(params: Params, target: str) -> Path:
    """What to open when a target of the Snakefile has been run."""
    return {
        "paper": params.figures / "index.html",
        "validity": params.runs / "06_validity.ipynb",
        "alignment": params.runs / "07_alignment.ipynb",
    }[target]


def to_do(progress: Progress, profile: str) -> str:
    """What a run would do: how many steps of each rule, and how long they may take."""
    if not progress.n_steps:
        return f"profile {profile}: nothing to be done"
    guess = f", {in_words(progress.left_s(0.0))} at a first guess" if progress.times.are_of_profile else ""
    rows = [*sorted(progress.counts.items()), ("total", progress.n_steps)]
    return "\n".join([f"profile {profile}: to do{guess}", *(f"{rule:<16}{n:>5}" for rule, n in rows)])


def lanes(cores: str) -> int:
    """How many steps run side by side on this machine."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_cores = int(cores) if cores.isdigit() and int(cores) else available
    return min(n_cores, len(gpus.visible()) or n_cores)


def snakemake(resolved: Path, options: Sequence[str], *, ends_by: int = signal.SIGKILL) -> list[str]:
    """The call of Snakemake for a file of resolved parameters; ``ends_by`` reaches it when this process ends."""
    command = [*processes.tied("snakemake", signum=ends_by), "--snakefile", str(ROOT / "Snakefile")]
    root = params_module.OUTPUT_ROOT
    command += ["--directory", str(root), "--config", f"params={resolved.relative_to(root)}"]
    # Our own lock dies with the process; Snakemake's would outlive a kill.
    return [*command, "--nolock", "--rerun-incomplete", "--quiet", "host", *options]


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
    # This Python and this checkout come first; Snakemake finds its logger plugin by Python's path.
    paths = {"PATH": [Path(sys.executable).parent], "PYTHONPATH": [ROOT, watching.PLUGINS]}
    first = {name: os.pathsep.join(filter(None, [*map(str, p), os.environ.get(name)])) for name, p in paths.items()}
    return os.environ | threads | quiet | first
