"""``python -m tonespan_utils measure FILE.wav [FILE.TextGrid] --encoder ...``: spans of a recording, without Python.

Prints a table of layers, and writes a figure. What is measured says :mod:`.recording`, where vowels come from
:mod:`tonespan_utils.corpus.vowels`.

Notebook: notebooks/explorer
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from transformers.utils import logging as transformers_logging

from tonespan_utils.corpus import vowels
from tonespan_utils.corpus.vowels import Vowel
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.paper import recording
from tonespan_utils.paper.explorer import measure
from tonespan_utils.paper.recording import MeasuredRecording
from tonespan_utils.params import profile
from tonespan_utils.statistics import findings

FIGURES = (".png", ".pdf", ".svg")
MAX_SHOWN = 8  # vowels beside each other in a table


def run(arguments: argparse.Namespace) -> None:
    """Measure a recording, print its table, and write its figure, and its numbers where a file is named for them.

    Raises TonespanError in one line for input that cannot be measured.
    """
    figure = arguments.figure or Path(f"{arguments.audio.stem}.spans.png")
    if figure.suffix.lower() not in FIGURES:
        raise TonespanError(f"{figure}: a figure ends with {', '.join(FIGURES)}")
    if arguments.language not in ("", *LANGUAGE_NAMES):
        raise TonespanError(f"no language {arguments.language!r}; there are: {', '.join(LANGUAGE_NAMES)}")
    samples = measure.decode(_content(arguments.audio), str(arguments.audio))
    places = _places(arguments, samples)
    transformers_logging.disable_progress_bar()  # of a second
    encoder = checkpoints.load(arguments.encoder)
    stored = None
    if arguments.language:
        stored = recording.stored_probes(profile.load(arguments.profile), encoder, arguments.language)
    measured = recording.measure(encoder, samples, places, stored, name=arguments.audio.name)
    print(describe(measured, arguments))
    print(table(measured).to_string(index=False))
    if arguments.csv:
        _write(arguments.csv, lambda path: measured.vowels.to_csv(path, index=False))
        print(arguments.csv)
    _write(figure, lambda path: _save(measured, path))
    print(figure)


def describe(measured: MeasuredRecording, arguments: argparse.Namespace) -> str:
    """What was measured, in a few lines above the table."""
    centers = measured.vowels.drop_duplicates("center_s")
    named = [" ".join(filter(None, (f"{row.center_s:.2f} s", row.label, row.tone))) for row in centers.itertuples()]
    shown = ", ".join(named[:MAX_SHOWN]) + (f" and {len(named) - MAX_SHOWN} more" if len(named) > MAX_SHOWN else "")
    how = "of the TextGrid" if arguments.grid else "found in the sound"
    lines = [
        f"{measured.name}, {measured.encoder}",
        f"vowels {how}: {len(named)}, at {shown}",
    ]
    if measured.has_probes:
        language = LANGUAGE_NAMES[arguments.language]
        lines.append(
            f"span of the tone's logit; tones as the probes of {language} of profile {arguments.profile} have them"
        )
    elif arguments.language:
        lines.append(
            f"span of the whole hidden vector: profile {arguments.profile} has no probes of this encoder for "
            f"{LANGUAGE_NAMES[arguments.language]}, so no tone is named"
        )
    else:
        lines.append("span of the whole hidden vector: no tone is named (--language, with a run that has probes, does)")
    return "\n".join(lines)


def table(measured: MeasuredRecording) -> pd.DataFrame:
    """One row per layer: its span with interval, the flat null, and the tone of each vowel with its probability."""
    rows = measured.layers
    shown = pd.DataFrame({
        "layer": rows["layer"],
        "span 2 r_com (ms)": [
            findings.interval_text(*row) for row in rows[["span_ms", "ci_low_ms", "ci_high_ms"]].to_numpy()
        ],
        "flat null (ms)": rows["null_span_ms"].map("{:.0f}".format),
        "vowels": rows["n_tokens"],
    })  # fmt: skip
    if measured.has_probes:
        for center_s in measured.vowels["center_s"].unique()[:MAX_SHOWN]:
            of_vowel = measured.vowels[measured.vowels["center_s"] == center_s]
            tones = (f"{row.predicted} {row.probability:.2f}" for row in of_vowel.itertuples())
            shown[f"tone at {center_s:.2f} s"] = list(tones)
    return shown


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TonespanError(f"{path}: cannot be read ({error.strerror or error})") from None


def _places(arguments: argparse.Namespace, samples: np.ndarray) -> list[Vowel]:
    if arguments.grid is None:
        return vowels.in_sound(samples, str(arguments.audio))
    return vowels.in_grid(arguments.grid, samples, tier=arguments.tier, language=arguments.language)


def _save(measured: MeasuredRecording, path: Path) -> None:
    figure = measured.plot()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # of a script that no font here has
        figure.savefig(path)


def _write(path: Path, save: Callable[[Path], None]) -> None:
    """``save(temporary)`` beside a file, then moved there. Raises TonespanError where it cannot be written."""
    try:
        with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".tonespan-") as folder:
            temporary = Path(folder) / path.name
            save(temporary)
            os.replace(temporary, path)
    except OSError as error:
        raise TonespanError(f"{path}: cannot be written ({error.strerror or error})") from None
