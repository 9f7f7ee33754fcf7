"""The paper's key results as named checks with a verdict that is computed, and may go against the paper.

A check is one statistic over layers that were stated beforehand, one relation (``< 0``, say), and an estimate with its
interval (:mod:`tonespan_utils.statistics.estimates`); :mod:`tonespan_utils.study.verdicts` says what follows. Nothing
is concluded from what is no finding, or of a model that has not learned its task: such a claim is *not tested*.

Per language and encoder, and for ``all`` languages: their mean effect, with the conjunction, whether it holds in each,
beside it in ``every_language``. Distances are the paper's ``|2 r_com - cue width|``, which decide; after the box
correction (``|4 r_com - cue width|``) they are given beside them. Claim names read ``<check>/<encoder>/<language>``.

``verdict`` is that of a single check; ``holm_verdict`` the one that stands when the number of all tested ones is
allowed for.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from tonespan_utils.params import tables
from tonespan_utils.statistics import estimates
from tonespan_utils.study import cue_claims, questions, verdicts
from tonespan_utils.study.questions import Question
from tonespan_utils.study.verdicts import EVERY


def check(
    posed: Sequence[Question],
    cues: pd.DataFrame,
    languages: Sequence[str],
    *,
    speech: str,
    synthetic: bool,
    level: float,
) -> pd.DataFrame:
    """The table ``claims``: cue widths first, then every question.

    ``cues``: the rows of ``baseline_spans`` of the front end in use; ``speech`` says on what, and ``synthetic`` that
    its cue widths were planted. Notebook: notebooks/05_rcom_comparison
    """
    widths = cues.set_index("language")
    rows = list(cue_claims.rows(widths, languages, speech=speech, synthetic=synthetic, level=level))
    rows += [_row(question, languages, speech, level) for question in posed]
    table = pd.DataFrame(rows)
    table["holm_verdict"] = verdicts.after_holm(table["verdict"].tolist(), table["p_value"].tolist(), level=level)
    return table[tables.COLUMNS["claims"]]


def _row(question: Question, languages: Sequence[str], speech: str, level: float) -> dict[str, object]:
    check = question.check
    statement = f"{questions.where(question, languages)}, {question.backbone}, {speech}: {check.statement}"
    row = {"claim": question.name, "statement": statement, "statistic": check.statistic, "every_language": ""}
    if question.reason:
        row["statement"] += f" (not tested: {question.reason})"
        numbers = ("value", "ci_low", "ci_high", "p_value", "n_tokens", "n_seeds")
        return row | dict.fromkeys(numbers, np.nan) | {"smallest": check.smallest, "verdict": verdicts.NOT_TESTED}
    if question.left_out:
        row["statement"] += f" (without {'; '.join(question.left_out)})"
    shown, *beside = (
        verdicts.worst(list(parts.values()), question.seeds[measure], relation=check.relation, level=level)
        for measure, parts in question.parts.items()
    )
    row["statistic"] += "".join(f"; box-corrected {b.value:.0f} [{b.low:.0f}, {b.high:.0f}]" for b in beside)
    decision = _decide(question, level)
    if question.language == EVERY:
        row["every_language"] = conjunction(question, languages, level=level)
    parts = list(question.deciding.values())
    return row | {
        "value": shown.value, "ci_low": shown.low, "ci_high": shown.high, "smallest": check.smallest,
        "verdict": decision.verdict, "p_value": decision.p_value,
        "n_tokens": min(part.n_tokens for part in parts), "n_seeds": max(fewest_seeds(parts), 1),
    }  # fmt: skip


def fewest_seeds(parts: Sequence[estimates.Estimate]) -> int:
    """The smallest number of trainings of any trained condition in ``parts``; 0 where none was trained."""
    return min((part.n_seeds for part in parts if part.n_seeds), default=0)


def _decide(question: Question, level: float) -> verdicts.Decision:
    check = question.check
    return verdicts.decide(
        list(question.deciding.values()), question.deciding_seeds, relation=check.relation, bound=check.bound,
        smallest=check.smallest, level=level,
    )  # fmt: skip


def conjunction(question: Question, languages: Sequence[str], *, level: float) -> str:
    """Whether a check holds in every language, all parts of all of them together; not tested where it is not in one."""
    if len(question.by_language) < len(languages):
        return verdicts.NOT_TESTED
    parts = [part for each in question.by_language for part in each.deciding.values()]
    check = question.check
    return verdicts.decide(
        parts, question.deciding_seeds, relation=check.relation, bound=check.bound, smallest=check.smallest, level=level
    ).verdict


def tally(claims: pd.DataFrame, *, column: str = "verdict") -> dict[str, int]:
    """How many tested claims have each verdict."""
    counted = claims[column].value_counts()
    return {verdict: int(counted.get(verdict, 0)) for verdict in verdicts.TESTED}


def undecided_share(claims: pd.DataFrame, *, column: str = "verdict") -> float:
    """The share of tested claims that are undecided; nan where none is tested."""
    counted = tally(claims, column=column)
    n_tested = sum(counted.values())
    return counted[verdicts.UNDECIDED] / n_tested if n_tested else np.nan


def board(claims: pd.DataFrame, statements: dict[str, str]) -> pd.DataFrame:
    """The claims at a glance: a row per encoder and claim, a column per language, verdicts as symbol and word.

    ``statements`` by the name of a check; what does not stand after Holm's correction has a star. Beside the mean over
    all languages stands whether it holds in every one.
    """
    keys = claims["claim"].str.split("/", expand=True).set_axis(["claim", "encoder", "language"], axis=1)
    shown = keys.assign(verdict=list(_cells(claims)))
    wide = shown.pivot(index=["encoder", "claim"], columns="language", values="verdict")
    rows, languages = shown[["encoder", "claim"]].drop_duplicates(), shown["language"].unique()
    order = [language for language in languages if language != EVERY] + [EVERY]
    wide = wide.loc[pd.MultiIndex.from_frame(rows), order].fillna("").reset_index()
    return wide.assign(claim=wide["claim"].map(statements))


def _cells(claims: pd.DataFrame) -> Iterator[str]:
    for row in claims.itertuples():
        cell = f"{verdicts.VERDICTS[row.verdict]} {row.verdict}"
        cell += "" if row.holm_verdict == row.verdict else " *"
        yield cell + (f"; in each: {row.every_language}" if row.every_language else "")
