"""Figure: what the fine-tuned encoders learned of their own tasks, from the table ``finetune``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.paper.figures.parts import Tables
from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params
from tonespan_utils.params.tables import LOWER_IS_BETTER
from tonespan_utils.plots import training
from tonespan_utils.plots.style import is_narrow, width_in

TASK_METRICS = {
    ("asr", "cer"): "character error rate (lower is better)",
    ("asr", "tone_error_rate"): "wrong tones among syllables of right sounds (lower is better)",
    ("asr", "minimal_pair_error"): "texts with one wrong tone preferred (lower is better)",
    ("emotion", "macro_f1"): "macro-F1",
    ("gender", "accuracy"): "accuracy",
    ("speaker", "eer"): "equal error rate (lower is better)",
    ("tone", "macro_f1"): "macro-F1",
}
OF_TONE = {"tone_error_rate": ", tones", "minimal_pair_error": ", minimal pairs"}


def draw_finetune(loaded: Tables, params: Params, *, backbone: str) -> Figure:
    """Scores of the fine-tuned encoders on their own tasks, one panel per task, a row per condition."""
    scores = task_scores(loaded["finetune"], backbone)
    by_task = {key: rows for key, rows in scores.groupby(["objective", "metric"]) if key in TASK_METRICS}
    n_rows = {key: by_task[key]["name"].nunique() for key in TASK_METRICS if key in by_task}
    height = 0.17 * sum(n_rows.values()) + 0.45 * len(n_rows) + 0.4
    figure, axes = plt.subplots(
        len(n_rows), figsize=(width_in(), height), height_ratios=list(n_rows.values()), sharex=True,
        squeeze=False,
    )  # fmt: skip
    for (objective, metric), axis in zip(n_rows, axes.flat, strict=True):
        training.task_scores(axis, by_task[objective, metric])
        title = f"{objective.replace('asr', 'ASR')}: {TASK_METRICS[objective, metric]}"
        axis.set_title(title.replace(" (", "\n(") if is_narrow() else title)
        axis.set_xlim(left=0)
    return figure


def caption_finetune(loaded: Tables, params: Params, *, backbone: str) -> str:
    scores = task_scores(loaded["finetune"], backbone)
    falls = scores["metric"].isin(LOWER_IS_BETTER)
    scores = scores.assign(beats=scores["low"].gt(scores["null"]).where(~falls, scores["high"].lt(scores["null"])))
    counts = "; ".join(
        f"{objective.replace('asr', 'ASR')}{OF_TONE.get(metric, '')}{' shuffled' if shuffled else ''} "
        f"{rows['beats'].sum()} of {len(rows)}"
        for (objective, metric, shuffled), rows in scores.groupby(["objective", "metric", "shuffled"], sort=False)
    )
    return (
        f"Fine-tuned {backbone} on the test split of its own tasks: a dot per seed with its "
        f"{params.bootstrap.level:.0%} interval; the upright bar is the null, the same outputs shuffled; grey: "
        f"controls trained on shuffled labels. Trainings whose whole interval is better than the null: {counts}."
    )


def task_scores(finetune: pd.DataFrame, backbone: str) -> pd.DataFrame:
    """The table ``finetune`` as one row per condition, metric and seed: name, objective, metric, seed, value, low,
    high, null, shuffled. Training losses are left out.
    """
    rows = finetune[(finetune["backbone"] == backbone) & (finetune["metric"] != "train_loss")]
    parts = rows["metric"].str.extract(r"^(?P<metric>.+?)(?:_(?:ci_)?(?P<part>low|high|null))?$").fillna("value")
    keys = ["condition", "metric", "seed"]
    wide = rows.assign(**parts).pivot(index=keys, columns="part", values="value")
    order = rows.assign(**parts)[keys].drop_duplicates()
    wide = wide.loc[pd.MultiIndex.from_frame(order)].reindex(columns=["value", "low", "high", "null"]).reset_index()
    wide = wide[wide["value"].notna()]
    parsed = [conditions.parse(name) for name in wide["condition"]]
    return wide.assign(
        name=[condition.name.partition("/")[2] for condition in parsed],
        objective=[condition.objective for condition in parsed],
        shuffled=[condition.is_shuffled for condition in parsed],
    )
