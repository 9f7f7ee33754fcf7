"""The abstract of the report: four sentences, computed from the tables.

What was planted and recovered; what the span is worth; what fine-tuning does, by task; what the random encoder gives.
Every number is one cell of a table, with its interval where it has one; what was not measured is said to be missing.

Conventions: spans and cue widths in ms, intervals in brackets behind their value.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils import languages
from tonespan_utils.paper.report_text import listed
from tonespan_utils.params import conditions, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.params.roles import ROLES
from tonespan_utils.statistics import findings
from tonespan_utils.study import verdicts

Tables = dict[str, pd.DataFrame]
NAMES = languages.LANGUAGE_NAMES
ESTIMATORS = {"margin_knee": "the margin knee", "r_com": "2 r_com"}  # whose calibration is told, by name
TASKS = ("emotion", "gender", "speaker")


def abstract(loaded: Tables, params: Params) -> list[str]:
    """The four sentences. Notebook: notebooks/05_rcom_comparison"""
    return [_recovered(loaded, params), _worth(loaded), _by_task(loaded, params), _random(loaded, params)]


def _recovered(loaded: Tables, params: Params) -> str:
    front = {"frontend": params.baseline.frontends[0]}
    of_front = {
        name: tables.select(loaded[name], **front).set_index("language")
        for name in ("baseline_spans", "baseline_notes", "baseline_windows")
    }
    widths = []
    for language in params.speech.tonal:
        spans, notes, windows = (of_front[name].loc[language] for name in of_front)
        planted = windows["planted_span_ms"]
        width = findings.cue_text(spans, notes["reason"])
        was = f" {planted:.0f} ms planted," if params.speech.source == "synthetic" and pd.notna(planted) else ""
        widths.append(f"{NAMES[language]}{was} {width}" + (" recovered" if was else ""))
    return f"Width of the tone cue in the signal: {'; '.join(widths)}."


def _worth(loaded: Tables) -> str:
    lines = loaded.get("calibration_lines")
    slopes = []
    for estimator, name in ESTIMATORS.items():
        if lines is None:
            continue
        of_model = lines[(lines["estimator"] == estimator) & (lines["condition"] != "signal")]
        if len(of_model):
            row = of_model.iloc[-1]  # the top layer of the last condition of the calibration
            slope = findings.interval_text(row.slope, row.slope_low, row.slope_high, digits=2)
            slopes.append(f"{name} {slope} ({row.condition}, layer {row.layer})")
    if not slopes:
        return "What a span is worth has not been calibrated here (make validity)."
    return f"A span is worth what it follows a planted width with, as a slope that should be 1: {'; '.join(slopes)}."


def _by_task(loaded: Tables, params: Params) -> str:
    claims = loaded["claims"].set_index("claim")
    said = []
    for backbone in backbones(params):
        asr = _effect(claims, f"target_asr_closest/{backbone}/{verdicts.EVERY}", "ms from the cue against the next")
        said += [f"{ROLES['target_asr']} {asr}"] if asr else []
        for task in TASKS:
            span = _effect(claims, f"{task}_longer_span/{backbone}/{verdicts.EVERY}", "ms of span")
            f1 = _effect(claims, f"{task}_lower_f1/{backbone}/{verdicts.EVERY}", "of F1", digits=3)
            both = " and ".join(filter(None, [span, f1]))
            said += [f"{task} {both}"] if both else []
    counts = claims["verdict"].value_counts()
    board = listed([f"{n} {verdict}" for verdict, n in counts.items()])
    if not said:
        return f"What fine-tuning does was not tested here; of the board's cells are {board}."
    return (
        "Fine-tuning moves the upper half of the layers, against no fine-tuning in the mean of the languages, by this: "
        f"{'; '.join(said)}; of the board's cells are {board}."
    )


def _effect(claims: pd.DataFrame, name: str, unit: str, *, digits: int = 0) -> str:
    """A claim's value with interval and verdict; empty where it is not tested."""
    if name not in claims.index or claims.loc[name, "verdict"] == verdicts.NOT_TESTED:
        return ""
    row = claims.loc[name]
    bounds = findings.interval_text(row.value, row.ci_low, row.ci_high, digits=digits)
    return f"{bounds} {unit} ({row.verdict})"


def _random(loaded: Tables, params: Params) -> str:
    stored = loaded.get("random_spans")
    if stored is None or stored.empty:
        return "What an encoder with random weights gives has not been measured here."
    plain = stored[stored["weight"] == "none"]
    compared, texts = loaded["upper_spans"], []
    for backbone in backbones(params):
        for language in params.speech.tonal:
            there = plain[(plain["encoder"] == backbone) & (plain["language"] == language)]
            trained = compared[(compared["condition"] == f"{backbone}/vanilla") & (compared["language"] == language)]
            if there.empty:
                continue
            top = there.iloc[-1]
            text = f"{NAMES[language]} {findings.interval_text(top.span_ms, top.ci_low_ms, top.ci_high_ms)} ms"
            if len(trained):
                row = trained.iloc[0]
                text += f" against {findings.interval_text(row.span_ms, row.span_low_ms, row.span_high_ms)} ms trained"
            texts.append(text)
    return f"The same encoder with random weights has a span, in its top layer, of {'; '.join(texts)}."


def backbones(params: Params) -> list[str]:
    """The encoders of which some condition is measured, in the order of the conditions."""
    parsed = map(conditions.parse, params.conditions)
    return list(dict.fromkeys(condition.backbone for condition in parsed if condition.is_measured))
