"""Open question 1 of the paper, does it hold beyond its four languages and on other speech: what a run measured of it.

Two tables of the report of a profile with recordings (none for synthetic speech). A language of the study without
recordings in the profile has its row too, which says that it was not measured.

- ``real_cues``: language, speakers, tokens, reader (front end), F1 with interval and chance, and the cue width or why
  there is none.
- ``real_layers``: language, encoder, layer, F1 with interval and chance, 2 r_com of squared gradients and of squared
  gradients times local power with their nulls, and the margin knee or why there is none. Vanilla encoders only: what
  fine-tuning changes is for the claims.

Conventions: ms; intervals in square brackets; seeds of a vanilla encoder are one.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.params import conditions
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import style

NAME, TITLE = "open-question", "Open question 1: other languages, real speech"
NOT_MEASURED = "not measured: no recordings in this profile"
OF_THE_PAPER = ("my", "th", "lo", "vi")
FEW_SPEAKERS = 5


def tables(loaded: dict[str, pd.DataFrame], params: Params) -> dict[str, pd.DataFrame]:
    """``real_cues`` and ``real_layers``; nothing for synthetic speech. Notebook: notebooks/05_rcom_comparison"""
    if params.speech.source == "synthetic":
        return {}
    return {"real_cues": _cues(loaded, params), "real_layers": _layers(loaded, params)}


def text(loaded: dict[str, pd.DataFrame], params: Params) -> str:
    """What the tables can and cannot say, with the number of speakers of each language."""
    spoken = _speakers(loaded["tokens"])
    tonal = params.speech.tonal
    counted = ", ".join(f"{LANGUAGE_NAMES[la]} {_count(spoken.get(la, 0))}" for la in tonal)
    few = [LANGUAGE_NAMES[la] for la in tonal if spoken.get(la, 0) < FEW_SPEAKERS]
    limits = f" {', '.join(few)}: too few voices to say how another one would be read." if few else ""
    missing = [LANGUAGE_NAMES[la] for la in OF_THE_PAPER if la not in tonal]
    absent = f" Of the paper's four languages not measured here: {', '.join(missing)}." if missing else ""
    return (
        "The paper asks whether its answers hold for tone languages beyond Burmese, Thai, Lao and Vietnamese. Measured "
        f"here, on recordings: {counted}.{limits}{absent} Splits share no sentence (isolated syllables: no syllable "
        "type), and no speaker where there are several. Where there is no cue width or no knee, the table says why."
    )


def _count(n: int) -> str:
    return "(speakers not named)" if n == 0 else f"({n} speaker{'' if n == 1 else 's'})"


def _speakers(tokens: pd.DataFrame) -> dict[str, int]:
    named = tokens[tokens["speaker"] != ""]
    return named.groupby("language")["speaker"].nunique().to_dict()


def _cues(loaded: dict[str, pd.DataFrame], params: Params) -> pd.DataFrame:
    rows = loaded["baseline_spans"].merge(loaded["baseline_notes"], on=["language", "frontend"])
    speakers = _speakers(loaded["tokens"])
    measured = [
        {
            "language": LANGUAGE_NAMES[row.language], "speakers": speakers.get(row.language, 0), "tokens": row.n_tokens,
            "reader": style.FRONTEND_NAMES[row.frontend], "F1": _between(row.peak_f1, row.f1_low, row.f1_high, ".2f"),
            "chance": f"{row.chance_f1:.2f}",
            "cue width (ms)": _or_none(row.span_ms, row.span_low_ms, row.span_high_ms, row.reason),
        }
        for row in rows.itertuples()
    ]  # fmt: skip
    absent = [{"language": LANGUAGE_NAMES[la], "cue width (ms)": NOT_MEASURED} for la in _absent(params.speech.tonal)]
    return pd.DataFrame(measured + absent).fillna("")


def _absent(tonal: list[str]) -> list[str]:
    """The tone languages of the study that a profile has no recordings of."""
    return [language for language in LANGUAGE_NAMES if language not in (*tonal, "en")]


def _layers(loaded: dict[str, pd.DataFrame], params: Params) -> pd.DataFrame:
    key = ["condition", "language", "layer"]
    vanilla = [name for name in params.conditions if not conditions.parse(name).is_trained]
    rows = loaded["layer_curves"][loaded["layer_curves"]["condition"].isin(vanilla)]
    weighted = loaded["span_weights"][loaded["span_weights"]["weight"] == "power"]
    knees = loaded["margin_knee"].drop_duplicates(key).set_index(key)
    chance = loaded["probe_chance"].groupby(key)["chance_f1"].mean()
    flat = loaded["spans"].set_index(key)["null_span_ms"]
    power = weighted.set_index(key)
    measured = []
    for row in rows.itertuples():
        at = (row.condition, row.language, row.layer)
        by_power = power.loc[at]
        measured.append({
            "language": LANGUAGE_NAMES[row.language], "encoder": row.condition.partition("/")[0], "layer": row.layer,
            "F1": _between(row.f1, row.f1_low, row.f1_high, ".2f"), "chance": f"{chance[at]:.2f}",
            "2 r_com (ms)": _between(row.span_ms, row.span_low_ms, row.span_high_ms, ".0f"),
            "null (ms)": f"{flat[at]:.0f}",
            "2 r_com, power-weighted (ms)": _between(by_power.span_ms, by_power.ci_low_ms, by_power.ci_high_ms, ".0f"),
            "power-weighted null (ms)": f"{by_power.null_span_ms:.0f}",
            "margin knee (ms)": _knee(knees, at),
        })  # fmt: skip
    absent = [{"language": LANGUAGE_NAMES[la], "encoder": NOT_MEASURED} for la in _absent(params.speech.tonal)]
    return pd.DataFrame(measured + absent).fillna("")


def _knee(knees: pd.DataFrame, at: tuple[str, str, str]) -> str:
    if at not in knees.index:
        return "none: not measured at this layer"
    row = knees.loc[at]
    return _or_none(row.knee_ms, row.ci_low_ms, row.ci_high_ms, row.note)


def _or_none(value: float, low: float, high: float, reason: str) -> str:
    return _between(value, low, high, ".0f") if pd.notna(value) else f"none: {reason}" if reason else "none"


def _between(value: float, low: float, high: float, how: str) -> str:
    """A value with its interval, which may be missing: ``123 [110, 140]``."""
    if pd.isna(value):
        return "none"
    return f"{value:{how}}" + ("" if pd.isna(low) else f" [{low:{how}}, {high:{how}}]")
