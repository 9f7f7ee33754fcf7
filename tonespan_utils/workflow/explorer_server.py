"""The explorer in a browser: ``notebooks/explorer`` served by Voila or JupyterLab, to this machine alone.

Conventions: the address carries a token; pages of another origin get nothing; nothing is fetched from elsewhere.

Notebook: notebooks/explorer
"""

from __future__ import annotations

import os
import signal

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile as params_module
from tonespan_utils.params.profile import ROOT
from tonespan_utils.workflow import processes, produced, surroundings, warm
from tonespan_utils.workflow.notebooks import NOTEBOOKS, literally
from tonespan_utils.workflow.run_folders import require_writable
from tonespan_utils.workflow.runner import environment

# Voila's page, without what it fetches from elsewhere; a python3 that is this Python, whatever the user's Jupyter has
TEMPLATES = ROOT / "tonespan_utils" / "paper" / "explorer" / "share"
IDENTITY = "identity_provider_class=tonespan_utils.paper.explorer.identity.SameOrigin"
WIDGETS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
LAB = [
    # Nothing is fetched from elsewhere: no news of JupyterLab, no icon fonts, no extension that Voila cannot use.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    # Whatever the user's Jupyter says: from this machine alone, by its own name, and no page of another origin.
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.allow_remote_access=False",
    "--ServerApp.allow_origin=",
    "--ServerApp.allow_origin_pat=",
    f"--ServerApp.{IDENTITY}",
]
VOILA = [
    "--template=tonespan",
    f"--VoilaConfiguration.extension_allowlist={WIDGETS}",
    "--Voila.ip=127.0.0.1",
    "--Voila.auto_token=True",  # Voila has no token by default
    f"--Voila.{IDENTITY}",
    # No other name of this machine, and no other origin: an empty string is a no among these settings, which Voila
    # fills with a yes.
    *(f"--Voila.tornado_settings={name}=" for name in ("allow_remote_access", "allow_origin", "allow_origin_pat")),
]


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
    require_writable(prepared.parent)
    source = NOTEBOOKS / "explorer.ipynb"
    parameters = {"params_path": str(params_module.find(profile).absolute())}  # the kernel works in another folder
    papermill.execute_notebook(literally(source), literally(prepared), parameters=parameters, prepare_only=True)
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
