"""What made a figure, inside the figure file itself: notebook, parameters, commit, checkpoints, data, versions.

PNG carries it as a text chunk, PDF and SVG as document metadata, always as one JSON object. Files are byte-stable:
no time stamps, a fixed SVG salt.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import Params

PACKAGES = ("torch", "transformers", "librosa", "scikit-learn", "matplotlib", "praat-parselmouth")
FORMATS = ("pdf", "svg", "png")


def describe(params: Params, *, notebook: str, figure: str, checkpoints: dict[str, str], data: str) -> dict[str, Any]:
    """Everything needed to make the figure again; ``checkpoints`` maps encoder name to commit or content hash."""
    return {
        "figure": figure,
        "notebook": notebook,
        "profile": params.profile,
        "params": params.model_dump(mode="json"),
        "commit": commit(),
        "checkpoints": checkpoints,
        "data": data,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "command": f"make figure NAME={figure} PROFILE={params.profile}",
    }


def commit() -> str:
    """The checked-out commit, ``-dirty`` when tracked sources differ from it, or ``unknown`` outside a repository."""
    root = Path(__file__).parent.parent
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        sources = ["tonespan_utils", "notebooks", "params", "Snakefile"]
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", *sources], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("-dirty" if changed.stdout.strip() else "")


def save(figure: Figure, stem: Path, record: dict[str, Any]) -> list[Path]:
    """Write ``stem`` as PDF, SVG and PNG with the record inside, each moved into place when complete."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=True)
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # what Matplotlib's PDF and SVG writers take their dates from
    metadata = {"pdf": {"Subject": text}, "svg": {"Description": text, "Date": None}, "png": {"Description": text}}
    paths = []
    with matplotlib.rc_context({"svg.hashsalt": "tonespan"}):
        for kind in FORMATS:
            path = stem.with_suffix(f".{kind}")
            temporary = path.with_name(f".{path.name}.tmp")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                figure.savefig(temporary, format=kind, metadata=metadata[kind])
                os.replace(temporary, path)
            except OSError as error:
                raise TonespanError(f"{path}: cannot be written ({error.strerror})") from None
            finally:
                temporary.unlink(missing_ok=True)
            paths.append(path)
    return paths


def read(path: Path) -> dict[str, Any]:
    """The record inside a figure file. Raises TonespanError for a file that carries none."""
    try:
        found = _READERS[path.suffix](path)
        return json.loads(found)
    except KeyError:
        raise TonespanError(f"{path}: not a pdf, svg or png figure") from None
    except OSError as error:
        raise TonespanError(f"{path}: cannot be read ({error.strerror})") from None
    except (TypeError, ValueError):
        raise TonespanError(f"{path}: carries no provenance; was it made by this project?") from None


def _read_png(path: Path) -> str | None:
    from PIL import Image

    with Image.open(path) as image:
        return image.info.get("Description")


def _read_svg(path: Path) -> str | None:
    import html

    found = re.search(r"<dc:description>(.*?)</dc:description>", path.read_text(encoding="utf-8"), re.DOTALL)
    return html.unescape(found.group(1)) if found else None


def _read_pdf(path: Path) -> str | None:
    found = re.search(rb"/Subject \((.*?)(?<!\\)\)", path.read_bytes(), re.DOTALL)
    return re.sub(r"\\([()\\])", r"\1", found.group(1).decode("latin-1")) if found else None


_READERS = {".png": _read_png, ".svg": _read_svg, ".pdf": _read_pdf}
