"""Scores of fine-tuned encoders: one row per condition, metric and seed, and how many beat their null."""

import pandas as pd
import pytest

from tonespan_utils.paper.figures import finetuned_scores


@pytest.fixture
def scored():
    """ASR of two seeds (one is no better than its null), its shuffled control, and gender; another encoder's scores."""
    rows = []
    for condition, seed, metric, numbers in (
        ("mini/asr-th", 0, "cer", (0.3, 0.25, 0.35, 0.9)),
        ("mini/asr-th", 1, "cer", (0.8, 0.7, 0.95, 0.9)),
        ("mini/shuffled_asr-th", 0, "cer", (0.9, 0.85, 0.95, 0.9)),
        ("mini/gender", 0, "accuracy", (0.97, 0.9, 0.99, 0.5)),
        ("large/asr-th", 0, "cer", (0.1, 0.0, 0.2, 0.9)),
    ):
        names = (metric, f"{metric}_ci_low", f"{metric}_ci_high", f"{metric}_null")
        keys = {"condition": condition, "backbone": condition.split("/")[0], "seed": seed}
        rows += [keys | {"metric": name, "value": value} for name, value in zip(names, numbers, strict=True)]
        rows.append(keys | {"metric": "train_loss", "value": 7.0})
    return {"finetune": pd.DataFrame(rows)}


def test_a_row_per_training_with_interval_and_null(scored):
    rows = finetuned_scores.task_scores(scored["finetune"], "mini")
    assert rows["name"].tolist() == ["asr-th", "asr-th", "shuffled_asr-th", "gender"]
    assert rows["objective"].tolist() == ["asr", "asr", "asr", "gender"]
    assert rows["shuffled"].tolist() == [False, False, True, False]
    numbers = rows[["value", "low", "high", "null"]]
    assert numbers.iloc[0].tolist() == [0.3, 0.25, 0.35, 0.9] and numbers.iloc[3].tolist() == [0.97, 0.9, 0.99, 0.5]


def test_a_panel_per_task_and_a_row_per_condition(p, scored):
    figure = finetuned_scores.draw_finetune(scored, p, backbone="mini")
    asr, gender = figure.axes
    assert asr.get_title() == "ASR: character error rate (lower is better)" and gender.get_title() == "gender: accuracy"
    assert [tick.get_text() for tick in asr.get_yticklabels()] == ["asr-th", "shuffled_asr-th"]
    dots = [float(x) for line in asr.lines if line.get_marker() == "o" for x in line.get_xdata()]
    assert sorted(dots) == [0.3, 0.8, 0.9] and asr.get_xlim()[0] == 0


def test_the_caption_counts_trainings_whose_whole_interval_is_better(p, scored):
    caption = finetuned_scores.caption_finetune(scored, p, backbone="mini")
    assert "better than the null: ASR 1 of 2; ASR shuffled 0 of 1; gender 1 of 1." in caption
