"""Executing one notebook through Papermill, with a kernel of this very Python.

A notebook is executed under a temporary name and moved into place when it has finished, so that a killed or failed
run leaves nothing that looks finished; the failed copy is kept under ``runs/<profile>/failed/``. Kernels talk over ipc
sockets, because kernels that start at the same time can race for the same port.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import ROOT
from tonespan_utils.workflow import sockets, warm

NOTEBOOKS = ROOT / "notebooks"
KERNEL_START_S = 180  # a busy machine can take more than a minute to start a kernel
# Half a hundred notebooks start and end in a run. Collecting garbage while torch and transformers are imported takes a
# fifth of that time, taking a finished kernel apart two seconds: what it made is on disk by then.
COLLECT_LESS = "import gc; gc.set_threshold(100_000)"
KERNEL = {"startup_timeout": KERNEL_START_S, "shutdown_kernel": "immediate"}


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
                literally(source),
                literally(partial),
                parameters=parameters,
                kernel_name="python3",
                cwd=str(ROOT),
                progress_bar={"desc": output.stem, "unit": "cell", "mininterval": 5, "leave": True},
                kernel_manager_class=kernels(folder),
                extra_arguments=[f"--IPKernelApp.exec_lines={_at_start()}"],
                **KERNEL,
            )
        os.replace(partial, output)
    except papermill.PapermillExecutionError as error:
        reason = error.evalue if error.ename == "TonespanError" else f"{error.ename}: {error.evalue}"
        raise _failed(partial, output, f"{source.name}, cell {error.cell_index + 1}: {reason}") from None
    except RuntimeError as error:  # nbclient's DeadKernelError and jupyter_client's failure to start
        why = str(error).splitlines()[0]
        raise _failed(partial, output, f"{source.name}: its kernel was killed or ran out of memory: {why}") from None
    finally:
        partial.unlink(missing_ok=True)


def literally(path: Path) -> str:
    """A path as Papermill takes it: for Papermill, {name} in it is the value of a parameter."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _at_start() -> str:
    """What a kernel does first: end with this process, whatever it is busy with, and collect garbage less often."""
    tie = f"from tonespan_utils.workflow import processes; processes.tie({os.getpid()}); del processes"
    return f"{COLLECT_LESS}; {tie}"


def kernels(folder: Path) -> type:
    """A manager of kernels of this very Python, whatever else the user's Jupyter calls python3, with their sockets in a
    folder of their own: the default name is shared by all kernels.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = KernelSpec(argv=launch, display_name="Python 3", language="python")
    return type("Kernels", (AsyncKernelManager,), {"transport": "ipc", "ip": f"{folder}/kernel", "kernel_spec": spec})


def _failed(partial: Path, output: Path, what: str) -> TonespanError:
    """The error of a notebook that failed, which is kept; the error is written beside it, for whoever started the
    notebook from another machine.
    """
    kept = output.parent / "failed" / output.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if partial.is_file():
        os.replace(partial, kept)
    error = TonespanError(f"{what} (log: {kept})")
    with contextlib.suppress(OSError):  # a full disk, say, which may be what failed
        kept.with_name(f"{output.name}.txt").write_text(f"{error}\n", encoding="utf-8")
    return error
