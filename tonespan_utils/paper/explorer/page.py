"""The explorer as one HTML file: module, style and bundle inside, nothing to fetch, no kernel.

Notebook: notebooks/05_explorer_page
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.explorer import bundle, script
from tonespan_utils.params import profile, tables
from tonespan_utils.params.profile import Params

MAX_BYTES = 30_000_000  # of the page: more than this and a browser takes seconds to open it
NOTEBOOK = "notebooks/05_explorer_page.ipynb"
NAME = "explorer"  # as `make figure NAME=...` knows it


def write(params: Params) -> Path:
    """Write ``results/<profile>/figures/explorer.html`` with about ``explorer.n_tokens`` tokens, fewer where they
    would pass MAX_BYTES. Returns its path. Notebook: notebooks/05_explorer_page
    """
    n_tokens = params.explorer.n_tokens
    while len(page := render(params, n_tokens)) > MAX_BYTES:
        if n_tokens <= len(params.speech.tonal):
            raise TonespanError(
                f"one token per language makes a page over {MAX_BYTES:,} bytes; measure fewer conditions"
            )
        n_tokens = int(n_tokens * min(0.9, MAX_BYTES / len(page)))
    path = params.figures / f"{NAME}.html"
    tables.write_atomically(path, lambda file: file.write(page))
    return path


def render(params: Params, n_tokens: int) -> str:
    """The text of the page."""
    record = provenance.describe_run(params, notebook=NOTEBOOK, call="page.write(", figure=NAME)
    made = bundle.build(params, n_tokens=n_tokens)
    made.header["record"] = record
    header, packed = made.packed()
    environment = Environment(
        loader=PackageLoader("tonespan_utils.paper.explorer", "."),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
    )
    return environment.get_template("page.html").render(
        profile=params.profile,
        record=provenance.as_text(record),
        commit=record["commit"][:12],
        command=record["command"],
        licence=LICENCES.get(params.speech.source, "") or profile.describe_speech(params) + ".",
        target=params.gradient.target,
        input=params.gradient.wrt,
        weight=", times its local power" if params.gradient.weight == "power" else "",
        bin_ms=f"{params.gradient.bin_ms:g}",
        css=Markup(script.style()),
        module=Markup(script.module()),
        header=Markup(json.dumps(header, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")),
        bytes=base64.b64encode(packed).decode("ascii"),
    )


LICENCES = {
    "synthetic": "Synthetic speech (eSpeak NG voices, planted pitch): for calibration, no evidence about any language.",
    "fleurs": "Speech: clips from FLEURS (Conneau et al. 2022), CC BY 4.0.",
}
