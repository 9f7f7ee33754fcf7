"""What a command finds around it and cannot work with: replaced for itself and for all that it starts, or refused.

- ``HOME`` that cannot be written: libraries keep caches and settings there (Snakemake, IPython, Jupyter, matplotlib,
  numba). A folder ``.cache/home`` in the output folder stands in for it; Hugging Face's token is still read at home.
- ``PYTHONHOME``, ``PYTHONWARNINGS`` and the like are meant for another Python or another program.
- Text is UTF-8 whatever the locale (``PYTHONUTF8``).
- Few open files: as many as may be, are; too few are refused.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import warnings
from pathlib import Path

from tonespan_utils.errors import TonespanError

NOT_OURS = ("PYTHONHOME", "PYTHONWARNINGS", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONINSPECT")
XDG = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
TOKEN = "HF_TOKEN_PATH"  # huggingface_hub's
OPEN_FILES, MIN_OPEN_FILES = 4096, 128  # wanted; that a run has been seen to do with (64 are too few)


def settle() -> None:
    """Make this process's environment one to work in. Raises TonespanError where no home can be had."""
    for name in NOT_OURS:
        os.environ.pop(name, None)
    os.environ["PYTHONUTF8"] = "1"
    if sys.warnoptions:  # "error" would make exceptions of what libraries say of each other
        warnings.resetwarnings()
    _settle_home()


def allow_open_files() -> None:
    """Let this process open as many files as a run may need. Raises TonespanError where too few are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft != resource.RLIM_INFINITY and soft < MIN_OPEN_FILES:
        raise TonespanError(f"only {soft} files may be open at a time; allow more: ulimit -n {OPEN_FILES}")


def _settle_home() -> None:
    for name in XDG:
        if name in os.environ and not _writable(Path(os.environ[name])):
            del os.environ[name]
    home = Path(os.environ.get("HOME") or os.path.expanduser("~"))
    if home.is_dir() and _writable(home):
        return
    from tonespan_utils.params import OUTPUT_ROOT  # a second, which a usual home does not cost

    if os.access(token := home / ".cache" / "huggingface" / "token", os.R_OK):
        os.environ.setdefault(TOKEN, str(token))
    stand_in = OUTPUT_ROOT / ".cache" / "home"
    if not _writable(stand_in):
        raise TonespanError(
            f"{home}: this home cannot be written, nor {stand_in} in its place; set HOME or TONESPAN_OUTPUT"
        )
    os.environ["HOME"] = str(stand_in)


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
