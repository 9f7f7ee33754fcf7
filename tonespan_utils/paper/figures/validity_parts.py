"""What the figures of calibration and sanity share: names and colours of estimators, conditions and verdicts.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils.study import sanity

Tables = dict[str, pd.DataFrame]
ESTIMATOR_NAMES = {
    "acoustic": "acoustic, log-Mel",
    "gradient": "gradient, 2 r_com",
    "gradient_power": "gradient times power, 2 r_com",
    "gradient_r90": "gradient, 2 r90",
    "margin_knee": "margin knee",
    "gradient_x_input": "gradient x input, 2 r_com",
    "smoothgrad": "SmoothGrad, 2 r_com",
    "integrated_gradients": "integrated gradients, 2 r_com",
    "occlusion": "occlusion, 2 r_com",
    "context_truncation": "context truncation, 95 % of F1",
    "pitch_flattening": "pitch flattening, 95 % of F1",
}
CONDITION_NAMES = {"signal": "signal", "vanilla": "vanilla", "asr": "ASR", "narrow_asr": "ASR, span penalised"}
CONDITION_COLORS = {"signal": "#000000", "vanilla": "#56B4E9", "asr": "#0072B2", "narrow_asr": "#4B0092"}


VERDICT_COLORS = {
    sanity.PASSED: "#00785a", sanity.FAILED: "#b34700", sanity.UNDECIDED: "#8a8a85", sanity.SHOWN: "#0072B2",
}  # fmt: skip


def top_layer(table: pd.DataFrame) -> str:
    """The highest layer that was measured."""
    names = [layer for layer in dict.fromkeys(table["layer"]) if layer]
    return names[-1]


def verdicts_text(rows: pd.DataFrame) -> str:
    """How many checks came out how: ``3 passed, 1 failed``."""
    counts = rows["verdict"].value_counts()
    return ", ".join(f"{counts[name]} {name}" for name in VERDICT_COLORS if name in counts and name != sanity.SHOWN)
