"""What made a figure, inside the figure file itself: notebook, cell, parameters, commit, checkpoints, data, versions.

PNG carries it as a text chunk, PDF and SVG as document metadata, HTML in a ``meta`` element, CSV saved by the
explorer in its first line, always as one JSON object. Files are byte-stable: no time stamps, a fixed SVG salt.
``python -m tonespan_utils explain FILE`` prints it.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import os
import platform
import re
import subprocess
import textwrap
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib
import yaml
from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile, tables
from tonespan_utils.params.profile import ROOT, Params

PACKAGES = ("torch", "transformers", "librosa", "scikit-learn", "matplotlib", "praat-parselmouth")
FORMATS = ("pdf", "svg", "png")
PAGE_COLUMNS, PAGE_LINES = 110, 24  # of the parameters that explain prints: with the lines above them a page


def describe(
    params: Params, *, notebook: str, call: str, figure: str, checkpoints: dict[str, str], data: str
) -> dict[str, Any]:
    """Everything needed to make the figure again; ``checkpoints`` maps encoder name to commit or content hash, and
    ``call`` is what the notebook's cell that makes the figure calls.
    """
    return {
        "figure": figure,
        "notebook": notebook,
        "cell": cell_that_calls(call, notebook),
        "profile": params.profile,
        "params": params.model_dump(mode="json"),
        "commit": commit(),
        "checkpoints": checkpoints,
        "data": data,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "command": f"make figure NAME={figure} PROFILE={params.profile}",
    }


def describe_run(params: Params, *, notebook: str, call: str, figure: str) -> dict[str, Any]:
    """The same of a finished run, with every model it measured, and a hash of its tone tokens as the revision of the
    data. Raises TonespanError where a table is missing.
    """
    stored = tables.read(params.results, "encoders")
    checkpoints = stored.drop_duplicates("encoder").set_index("encoder")["identity"].to_dict()
    models = {f"{row.condition}, seed {row.seed}": row.identity for row in stored.itertuples()}
    path = params.results / "tokens.csv"
    if not path.is_file():
        raise TonespanError(f"{path}: no such table; run `make paper` for this profile first")
    tokens = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    data = f"{profile.describe_speech(params)}; tokens.csv sha256:{tokens}"
    record = describe(params, notebook=notebook, call=call, figure=figure, checkpoints=checkpoints, data=data)
    return record | {"models": models}


def cell_that_calls(call: str, notebook: str) -> int | None:
    """The number, from 1, of the first cell of a notebook that holds ``call``; None where the notebook is not there."""
    path = ROOT / notebook
    if not path.is_file():
        return None
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    holds = [cell["cell_type"] == "code" and call in "".join(cell["source"]) for cell in cells]
    return holds.index(True) + 1 if True in holds else None


def explain(path: Path, *, whole: bool = False) -> str:
    """What made a file, for people: a line each, then the parameters as YAML, on a page: those that are not as in
    params/base.yaml, and as many models as there are. ``whole`` gives every parameter and every model. Raises
    TonespanError as :func:`read`.
    """
    record = read(path)
    try:
        lines = {
            "figure": f"{record['figure']}, profile {record['profile']}",
            "made by": f"{record['notebook']}, cell {record.get('cell', 'unknown')}",
            **({"shows": record["address"]} if "address" in record else {}),
            "commit": record["commit"],
            "data": record["data"],
            **{f"encoder {name}": identity for name, identity in record["checkpoints"].items()},
            **_models(record.get("models", {}), whole=whole),
            "versions": ", ".join(f"{name} {number}" for name, number in record["versions"].items()),
            "again": f"git checkout {record['commit'].removesuffix('-dirty')[:12]} && {record['command']}",
        }
        parameters = record["params"] if whole else not_as_in_base(record["params"])
    except (KeyError, AttributeError):
        raise TonespanError(f"{path}: its provenance is of another version; draw the figure again") from None
    width = max(map(len, lines)) + 2
    text = "".join(f"{name:<{width}}{value}\n" for name, value in lines.items())
    listed = yaml.safe_dump(
        parameters, sort_keys=False, allow_unicode=True, width=PAGE_COLUMNS, default_flow_style=False if whole else None
    )
    if whole:
        return f"{text}parameters\n{textwrap.indent(listed, '  ')}"
    changed = _cut(textwrap.indent(listed, "  "))
    return f"{text}parameters that are not as in params/base.yaml (--all prints all)\n{changed}"


def not_as_in_base(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that differ from params/base.yaml, in their sections."""
    base = yaml.safe_load((profile.PARAMS_DIR / "base.yaml").read_text(encoding="utf-8"))
    return _difference(parameters, base)


def _difference(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in values.items():
        other = others.get(name)
        if isinstance(value, dict) and isinstance(other, dict) and name not in profile.WHOLE:
            value = _difference(value, other)
            if not value:
                continue
        if value != other:
            kept[name] = value
    return kept


def _models(models: dict[str, str], *, whole: bool) -> dict[str, str]:
    """Lines for the models that a figure is of: each of them, or how many there are."""
    if whole or len(models) <= 2:
        return {f"model {name}": identity for name, identity in models.items()}
    return {"models": f"{len(models)}, {next(iter(models))} and others (--all prints each)"}


def _cut(text: str) -> str:
    """A text of at most PAGE_LINES lines."""
    lines = text.splitlines(keepends=True)
    more = f"  ... and {len(lines) - PAGE_LINES} lines more (--all prints them)\n" if len(lines) > PAGE_LINES else ""
    return "".join(lines[:PAGE_LINES]) + more


def as_text(record: dict[str, Any]) -> str:
    """A record as the one line of JSON that a file carries."""
    return json.dumps(record, sort_keys=True, ensure_ascii=True)


def commit() -> str:
    """The checked-out commit, ``-dirty`` when tracked sources differ from it, or ``unknown`` outside a repository."""
    git = ["git", "-C", str(ROOT)]
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
    text = as_text(record)
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
                figure.set_layout_engine("none")  # laid out once, the same in every format
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
        text = _READERS[path.suffix](path)
        return json.loads(text)
    except KeyError:
        raise TonespanError(f"{path}: not a figure, page or saved table (pdf, svg, png, html, csv)") from None
    except UnidentifiedImageError:
        raise TonespanError(f"{path}: damaged, or no picture") from None
    except OSError as error:
        raise TonespanError(f"{path}: cannot be read ({error.strerror})") from None
    except (TypeError, ValueError):
        raise TonespanError(
            f"{path}: carries no provenance; it was not made by this project, or something has saved it again without"
        ) from None


def _read_png(path: Path) -> str | None:
    with Image.open(path) as image:
        return image.info.get("Description")


def _read_svg(path: Path) -> str | None:
    match = re.search(r"<dc:description>(.*?)</dc:description>", path.read_text(encoding="utf-8"), re.DOTALL)
    return html.unescape(match.group(1)) if match else None


def _read_pdf(path: Path) -> str | None:
    match = re.search(rb"/Subject \((.*?)(?<!\\)\)", path.read_bytes(), re.DOTALL)
    return re.sub(r"\\([()\\])", r"\1", match.group(1).decode("latin-1")) if match else None


def _read_html(path: Path) -> str | None:
    head = path.read_text(encoding="utf-8").partition("</head>")[0]
    match = re.search(r'<meta name="tonespan-provenance" content="(.*?)">', head, re.DOTALL)
    return html.unescape(match.group(1)) if match else None


def _read_csv(path: Path) -> str | None:
    with path.open(encoding="utf-8", newline="") as file:
        first = next(iter(next(csv.reader(file), [])), "")
    mark = "# tonespan-provenance: "
    return first.removeprefix(mark) if first.startswith(mark) else None


_READERS = {".png": _read_png, ".svg": _read_svg, ".pdf": _read_pdf, ".html": _read_html, ".csv": _read_csv}
