"""The abstract of the report: the question, and five findings computed from the tables.

What was planted and recovered; what the span is worth; what fine-tuning does, by task; what the random encoder gives;
how many of the paper's statements are decided by it. Every number is one cell of a table, with its interval where it
has one; what was not measured is said to be missing.

Conventions: spans and cue widths in ms, intervals in brackets behind their value.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils import languages
from tonespan_utils.paper.report_text import count, listed
from tonespan_utils.params import conditions, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.statistics import findings
from tonespan_utils.study import verdicts

Tables = dict[str, pd.DataFrame]
NAMES = languages.LANGUAGE_NAMES
ESTIMATORS = {"margin_knee": "the margin knee", "r_com": "2 r_com"}  # whose calibration is told, by name
QUESTION = (
    "How wide is the acoustic cue to lexical tone, and how far around the centre of a tone do self-supervised speech "
    "encoders look for it, before and after fine-tuning?"
)
SPAN = ("longer_span", "changes the span by", " ms", 0)
F1 = ("lower_f1", "tone F1 by", "", 3)
EFFECTS = (
    ("target_asr", ("closest", "changes the distance to the cue width, against the next task, by", " ms", 0)),
    ("emotion", SPAN, F1), ("gender", SPAN, F1), ("speaker", SPAN, F1),
)  # fmt: skip


def abstract(loaded: Tables, params: Params) -> list[tuple[str, str]]:
    """Heading and text of each paragraph. Notebook: notebooks/05_rcom_comparison"""
    return [
        ("Question", QUESTION),
        ("In the signal", _recovered(loaded, params)),
        ("The instrument", _worth(loaded)),
        ("Fine-tuning", _by_task(loaded, params)),
        ("Random weights", _random(loaded, params)),
        ("What is decided", _decided(loaded)),
    ]


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
        is_planted = params.speech.source == "synthetic" and pd.notna(planted)
        widths.append(f"{NAMES[language]} {width}" + (f", {planted:.0f} ms planted" if is_planted else ""))
    return f"Width of the tone cue, by a linear classifier: {'; '.join(widths)}."


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
        return "How well a span follows the width of a cue has not been measured in this run (make validity does)."
    return f"When the planted cue gets 1 ms wider, a measure should grow by 1 ms. It grows by: {'; '.join(slopes)}."


def _by_task(loaded: Tables, params: Params) -> str:
    claims = loaded["claims"].set_index("claim")
    said, rows = [], []
    for backbone in backbones(params):
        for task, *measures in EFFECTS:
            names = [f"{task}_{measure}/{backbone}/{verdicts.EVERY}" for measure, *_ in measures]
            tested = [name in claims.index and claims.loc[name, "verdict"] != verdicts.NOT_TESTED for name in names]
            texts = [
                _effect(claims.loc[name], *how)
                for name, (_, *how), is_tested in zip(names, measures, tested, strict=True)
                if is_tested
            ]
            rows += [claims.loc[name] for name, is_tested in zip(names, tested, strict=True) if is_tested]
            if texts:
                said.append(f"{task.replace('_', ' ').replace('asr', 'ASR')} {' and '.join(texts)}")
    if not said:
        return "What fine-tuning does was not tested here."
    n_seeds = count(int(min(row.n_seeds for row in rows)), "training")
    return (
        f"Against no fine-tuning, in the mean of {count(len(params.speech.tonal), 'language')} over the upper half of "
        f"the layers, with at least {n_seeds} of each task and n tokens "
        f"in each language: {'; '.join(said)}."
    )


def _effect(row: pd.Series, before: str, unit: str, digits: int) -> str:
    """A claim's value with interval, number of tokens and verdict."""
    bounds = findings.interval_text(row.value, row.ci_low, row.ci_high, digits=digits)
    return f"{before} {bounds}{unit} ({row.verdict}, n = {row.n_tokens:.0f})"


def _decided(loaded: Tables) -> str:
    counts = loaded["claims"]["verdict"].value_counts()
    tested = [(verdict, int(counts.get(verdict, 0))) for verdict in verdicts.TESTED]
    text = listed([f"{n} {verdict}" for verdict, n in tested])
    n_not = int(counts.get(verdicts.NOT_TESTED, 0))
    rest = f"; {n_not} more could not be tested" if n_not else ""
    return f"Of {sum(n for _, n in tested)} tests of the paper's statements, {text}{rest}."


def _random(loaded: Tables, params: Params) -> str:
    stored = loaded.get("random_spans")
    if stored is None or stored.empty:
        return "What an encoder with random weights gives was not measured in this run."
    plain = stored[stored["weight"] == "none"]
    compared, texts = loaded["upper_spans"], []
    for backbone in backbones(params):
        for language in params.speech.tonal:
            there = plain[(plain["encoder"] == backbone) & (plain["language"] == language)]
            vanilla = compared[(compared["condition"] == f"{backbone}/vanilla") & (compared["language"] == language)]
            if there.empty:
                continue
            top = there.iloc[-1]
            text = f"{NAMES[language]} {findings.interval_text(top.span_ms, top.ci_low_ms, top.ci_high_ms)} ms"
            if len(vanilla):
                row = vanilla.iloc[0]
                trained_ms = findings.interval_text(row.span_ms, row.span_low_ms, row.span_high_ms)
                text += f" against {trained_ms} ms in the upper half of the trained one"
            texts.append(text)
    return f"Span of the same encoder with its weights permuted, top layer: {'; '.join(texts)}."


def backbones(params: Params) -> list[str]:
    """The encoders of which some condition is measured, in the order of the conditions."""
    parsed = map(conditions.parse, params.conditions)
    return list(dict.fromkeys(condition.backbone for condition in parsed if condition.is_measured))
