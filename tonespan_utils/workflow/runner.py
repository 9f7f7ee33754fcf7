"""Running the paper: one notebook through Papermill, or all of a profile through Snakemake.

A notebook is executed under a temporary name and moved into place when it has finished, so that a killed or failed
run leaves nothing that looks finished; the failed copy is kept under ``runs/<profile>/failed/``. Kernels talk over ipc
sockets, because kernels that start at the same time can race for the same port.

What a run starts ends with it (:mod:`.processes`) and holds its lock, so that the next run begins when
the last process of a killed one is gone. What a killed one left half written is removed then.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions
from tonespan_utils.params import profile as params_module
from tonespan_utils.params.profile import ROOT, Params
from tonespan_utils.workflow import gpus, processes, produced, sockets, surroundings, warm

NOTEBOOKS = ROOT / "notebooks"
CLUSTERS = ROOT / "cluster"
# Voila's page, without what it fetches from elsewhere; a python3 that is this Python, whatever the user's Jupyter has
TEMPLATES = ROOT / "tonespan_utils" / "paper" / "explorer" / "share"
RESOLVED = "params.yaml"
# Nothing is fetched from elsewhere: no news of JupyterLab, no icon fonts, no extension that Voila cannot use.
LAB = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
# Whoever's Jupyter says otherwise: from this machine alone, by its own name, and no page of another origin.
LAB += ["--ServerApp.ip=127.0.0.1", "--ServerApp.allow_remote_access=False", "--ServerApp.allow_origin="]
IDENTITY = "identity_provider_class=tonespan_utils.paper.explorer.identity.SameOrigin"
LAB += ["--ServerApp.allow_origin_pat=", f"--ServerApp.{IDENTITY}"]
WIDGETS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
VOILA = ["--template=tonespan", f"--VoilaConfiguration.extension_allowlist={WIDGETS}", "--Voila.ip=127.0.0.1"]
# A token, which Voila has only where it is asked for. And no other name of this machine, and no other origin: an empty
# string is a no among these settings, which Voila fills with a yes.
VOILA += ["--Voila.auto_token=True", f"--Voila.{IDENTITY}"]
VOILA += [f"--Voila.tornado_settings={name}=" for name in ("allow_remote_access", "allow_origin", "allow_origin_pat")]
KERNEL_START_S = 180  # a busy machine can take more than a minute to start a kernel
# Half a hundred notebooks start and end in a run. Collecting garbage while torch and transformers are imported takes a
# fifth of that time, taking a finished kernel apart two seconds: what it made is on disk by then.
COLLECT_LESS = "import gc; gc.set_threshold(100_000)"
KERNEL = {"startup_timeout": KERNEL_START_S, "shutdown_kernel": "immediate"}
LEFT_S = 60  # that the processes of a killed run have to end, before the next one gives up waiting
# What a killed process was writing: tables.write_atomically, finetune, corpora and run_notebook name it so.
PARTIAL = re.compile(r"\.partial\..+|\..+\.partial|\..+\.[a-z0-9_]{8}|unfinished-.+")


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
        _check_corpora(params)
    _writable(params.runs, params.results, params.figures)
    with _only_run(params.runs / ".lock", params.profile) as lock:
        params_module.write_resolved(params, resolved)
        _remove_partial(params)
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
        known = ", ".join(sorted(path.parent.name for path in CLUSTERS.glob("*/config.yaml")))
        raise TonespanError(f"no {folder / 'config.yaml'}; clusters in cluster/: {known}")
    return ["--workflow-profile", str(folder)]


def run_notebook(name: str, output: Path, parameters: dict[str, str]) -> None:
    """Execute ``notebooks/<name>.ipynb`` with Papermill parameters, into ``output``.

    Raises TonespanError naming the cell, the reason and where the partly executed notebook lies.
    """
    papermill = warm.papermill()
    source, output = NOTEBOOKS / f"{name}.ipynb", output.absolute()
    if not source.is_file():
        raise TonespanError(f"no notebook {source}; run `make sync` if only its .py is there")
    partial = output.with_name(f".partial.{output.name}")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with sockets.folder() as folder:
            papermill.execute_notebook(
                _literally(source),
                _literally(partial),
                parameters=parameters,
                kernel_name="python3",
                cwd=str(ROOT),
                progress_bar={"desc": output.stem, "unit": "cell", "mininterval": 5, "leave": True},
                kernel_manager_class=_kernels(folder),
                extra_arguments=[f"--IPKernelApp.exec_lines={_at_start()}"],
                **KERNEL,
            )
        os.replace(partial, output)
    except papermill.PapermillExecutionError as error:
        kept = _keep_failed(partial, output)
        reason = error.evalue if error.ename == "TonespanError" else f"{error.ename}: {error.evalue}"
        raise TonespanError(f"{source.name}, cell {error.cell_index + 1}: {reason} (log: {kept})") from None
    except RuntimeError as error:  # nbclient's DeadKernelError and jupyter_client's failure to start
        kept = _keep_failed(partial, output)
        why = str(error).splitlines()[0]
        raise TonespanError(f"{source.name}: its kernel was killed or ran out of memory: {why} (log: {kept})") from None
    finally:
        partial.unlink(missing_ok=True)


def explore(profile: str, *, lab: bool = False, open_browser: bool = True, port: int | None = None) -> None:
    """Serve ``notebooks/explorer`` for a profile until it is stopped, in Voila or JupyterLab, from this machine alone.

    The address that is printed, and opened, carries a token; without it, and for pages of other origins, there is
    nothing.

    Raises TonespanError where the server cannot start.
    """
    surroundings.allow_open_files()
    papermill = warm.papermill()
    params = params_module.load(profile)
    produced.refuse_changed(params)
    prepared = params.runs / "explorer" / "explorer.ipynb"  # a folder of its own, for JupyterLab lists it
    _writable(prepared.parent)
    source = NOTEBOOKS / "explorer.ipynb"
    parameters = {"params_path": str(params_module.find(profile).absolute())}  # the kernel works in another folder
    papermill.execute_notebook(_literally(source), _literally(prepared), parameters=parameters, prepare_only=True)
    command = [
        *processes.tied("jupyterlab" if lab else "tonespan_utils.paper.explorer.server", signum=signal.SIGTERM),
        str(prepared),
    ]
    command += LAB if lab else VOILA
    command += [] if open_browser else ["--no-browser"]
    command += [f"--{'ServerApp' if lab else 'Voila'}.port={port}"] if port else []
    print(f"serving {prepared}; stop with Ctrl-C", flush=True)
    templates = {"JUPYTER_PATH": os.pathsep.join([str(TEMPLATES), *filter(None, [os.environ.get("JUPYTER_PATH")])])}
    if processes.run(command, ask=signal.SIGTERM, env=environment() | templates):
        raise TonespanError("the notebook server stopped; its message above says why")


def _literally(path: Path) -> str:
    """A path as Papermill wants it: for Papermill, {name} in it is the value of a parameter."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _at_start() -> str:
    """What a kernel does first: end with this process, whatever it is busy with, and collect garbage less often."""
    tie = f"from tonespan_utils.workflow import processes; processes.tie({os.getpid()}); del processes"
    return f"{COLLECT_LESS}; {tie}"


def _kernels(folder: Path) -> type:
    """A manager of kernels of this very Python, whatever else the user's Jupyter calls python3, with their sockets in a
    folder of their own: the default name is shared by all kernels.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = KernelSpec(argv=launch, display_name="Python 3", language="python")
    return type("Kernels", (AsyncKernelManager,), {"transport": "ipc", "ip": f"{folder}/kernel", "kernel_spec": spec})


def _keep_failed(partial: Path, output: Path) -> Path:
    kept = output.parent / "failed" / output.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if partial.is_file():
        os.replace(partial, kept)
    return kept


def _check_corpora(params: Params) -> None:
    """Raise TonespanError at once for labelled speech that a condition would miss hours later."""
    parsed = [conditions.parse(name) for name in params.conditions if name not in params.finetune.public]
    for label, folder in params.finetune.corpora.items():
        needed = [c.name for c in parsed if c.objective == label and not c.language]
        if needed and not (ROOT / folder).is_dir():
            raise TonespanError(
                f"{ROOT / folder}: no such folder, and {needed[0]} learns {label} from it; put recordings with "
                f"labels.csv or Hugging Face's audiofolder there, or name another folder in finetune.corpora.{label}"
            )


def _writable(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".writable"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise TonespanError(f"{folder}: cannot be written ({error.strerror})") from None


@contextmanager
def _only_run(path: Path, profile: str) -> Iterator[IO[str]]:
    """An advisory lock that the operating system drops when the last process of a run ends, however it ends."""
    with path.open("a+") as file:
        _take(file, profile)
        file.truncate(0)
        print(os.getpid(), file=file, flush=True)
        try:
            yield file
        finally:
            file.truncate(0)  # no process is named where none runs


def _take(file: IO[str], profile: str) -> None:
    deadline = time.monotonic() + LEFT_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            if _runs(file.read().strip()):
                raise TonespanError(f"profile {profile} is being run by another process; wait for it to end") from None
        except OSError as error:
            why = f"cannot be locked ({error.strerror}); name a folder of another disk in TONESPAN_OUTPUT"
            raise TonespanError(f"{file.name}: {why}") from None
        if time.monotonic() > deadline:
            raise TonespanError(f"profile {profile}: processes of a killed run are still there; end them, or wait")
        time.sleep(0.1)


def _runs(pid: str) -> bool:
    """Whether a process is there; yes where that cannot be known."""
    try:
        os.kill(int(pid), 0)
    except ValueError:
        return True
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_partial(params: Params) -> None:
    """Remove what killed processes left half written; the lock says that none is at work."""
    for folder in (params.results, params.runs, params.figures, params.data):
        for path in [*folder.rglob("*")]:
            if PARTIAL.fullmatch(path.name):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """What Snakemake and the notebooks it starts find in their environment."""
    # One thread per notebook: two of them share two cores, and results do not depend on how many cores there are.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    quiet = {"TOKENIZERS_PARALLELISM": "false", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    paths = {"PATH": Path(sys.executable).parent, "PYTHONPATH": ROOT}  # this Python and this checkout come first
    first = {name: os.pathsep.join(filter(None, [str(p), os.environ.get(name)])) for name, p in paths.items()}
    return os.environ | threads | quiet | first
