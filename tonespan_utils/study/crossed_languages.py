"""Is an answer to a width one to the language? The same planted widths in a second language, answer against answer.

Where every language has one width, an estimator that answers to its sounds or tones looks as if it answered to the
width. Here both languages have the same widths. Per estimator, condition and layer: the slope of the answers in each
over the widths they share, and the *shift*, the mean difference at equal width (the second language minus the main).
An estimator of the width has equal slopes and no shift.

Conventions: as in :mod:`tonespan_utils.study.calibration`. The corpora share no utterance, so draws of the two
languages are independent; intervals hold what other utterances would change, not what another training or corpus would.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.params import tables
from tonespan_utils.statistics import bootstrap
from tonespan_utils.study.calibration import KEYS

Floats = NDArray[np.float64]


def crossed_table(main: pd.DataFrame, others: Mapping[str, pd.DataFrame], *, level: float) -> pd.DataFrame:
    """One row per estimator, condition, layer and other language; ``main`` and ``others`` are ``calibration_draws``.

    Rows whose widths do not all have an answer are nan.
    """
    rows = []
    answers_of_main = {key: _wide(answers) for key, answers in main.groupby(KEYS, sort=False)}
    for language, draws in others.items():
        for key, answers in draws.groupby(KEYS, sort=False):
            if key in answers_of_main:
                here, there = _wide(answers), answers_of_main[key]
                shared = here.columns.intersection(there.columns)
                numbers = compare(shared.to_numpy(), there[shared].to_numpy(), here[shared].to_numpy(), level=level)
                about = dict(zip(KEYS, key, strict=True)) | {"language": language, "n_spans": len(shared)}
                rows.append(about | numbers)
    return pd.DataFrame(rows, columns=tables.COLUMNS["calibration_languages"])


def _wide(answers: pd.DataFrame) -> pd.DataFrame:
    return answers.pivot(index="draw", columns="true_span_ms", values="width_ms").sort_index()


def compare(true_ms: Floats, main_ms: Floats, other_ms: Floats, *, level: float) -> dict[str, float]:
    """Slopes and shift of the answers (draw, span) of two languages to the same widths, the first draw the data."""
    centred = true_ms - true_ms.mean()
    by_name = {
        "slope_main": main_ms @ centred / np.square(centred).sum(),
        "slope": other_ms @ centred / np.square(centred).sum(),
        "shift": (other_ms - main_ms).mean(axis=1),
    }
    by_name["slope_difference"] = by_name["slope"] - by_name["slope_main"]
    numbers: dict[str, float] = {}
    for name, draws in by_name.items():
        low, high = bootstrap.percentile_interval(draws[1:], level=level)
        unit = "_ms" if name == "shift" else ""
        numbers |= {f"{name}{unit}": float(draws[0]), f"{name}_low{unit}": low, f"{name}_high{unit}": high}
    return numbers
