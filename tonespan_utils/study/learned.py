"""Has a model learned its task? Where it has not, what it did to the encoder is not what the task does.

A training has learned its task where the interval of the task's own test score (:data:`TASK_METRICS`) lies wholly on
the better side of its null, that of the same predictions against shuffled references (table ``finetune``); a condition,
where every one of its trainings has. Whether an ASR has learned to tell tones apart is another question, which its tone
errors answer. Shuffled controls have nothing to learn, and are asked for nothing; a condition of which no score is
stored (a public checkpoint) is taken as it is.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonespan_utils.params import conditions
from tonespan_utils.params.tables import LOWER_IS_BETTER

TASK_METRICS = ("cer", "eer", "accuracy", "macro_f1")  # of ASR, speaker, gender, and emotion or tone


def why_not(scores: pd.DataFrame) -> dict[str, str]:
    """Why conditions have not learned their task, by name; those that have are left out. ``scores`` is the table
    ``finetune``. Notebook: notebooks/05_rcom_comparison
    """
    reasons = {}
    for name, rows in scores.groupby("condition", sort=False):
        if conditions.parse(name).is_shuffled:
            continue
        by_seed = {seed: reason(of_seed.set_index("metric")["value"]) for seed, of_seed in rows.groupby("seed")}
        if any(by_seed.values()):
            reasons[name] = "; ".join(f"seed {seed}: {said}" for seed, said in by_seed.items() if said)
    return reasons


def reason(values: pd.Series) -> str:
    """Why one training has not learned its task; empty where it has. ``values`` of the table ``finetune`` by metric."""
    for metric in (name for name in TASK_METRICS if f"{name}_null" in values.index):
        null, low, high = (values.get(f"{metric}_{name}", np.nan) for name in ("null", "ci_low", "ci_high"))
        better = high < null if metric in LOWER_IS_BETTER else low > null
        if not better:
            return f"{metric} {values[metric]:.2f} [{low:.2f}, {high:.2f}], chance {null:.2f}"
    return ""
