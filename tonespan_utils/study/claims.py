"""The paper's key results as named checks with a verdict that is computed, and may go against the paper.

A check is one statistic, one relation (``< 0``, say) and an interval. Both ends of the interval inside the relation:
``supported``; both outside: ``not supported``; else ``undecided``, as is what cannot be asked, with what is missing.
``by construction``: the answer was planted in synthetic speech, and counts as no support.

Nothing is concluded from what is no finding: no distance where there is no cue width, no span that
``findings.why_no_span`` refuses, no best layer where none is above chance, no difference of F1 where
both sides are at chance.

A claim that says several things at once (closer than every other condition, in all languages) is the conjunction of
its parts: what is shown is the least favourable value, lower and upper end among them, so that it is supported where
every part is, and not supported where any part is not (an intersection-union test). Per language and encoder, and
for ``all`` languages. Distances are the paper's ``|2 r_com - cue width|``, which decide; after the box correction
(``|4 r_com - cue width|``) they are given beside them. Claim names read ``<check>/<encoder>/<language>``.

Levels are those of single checks: nothing is corrected for how many there are.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.params import tables
from tonespan_utils.params.roles import ROLES, control_of, role_of
from tonespan_utils.statistics import findings
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study.checks import CHECKS, RELATIONS, Check, Roles
from tonespan_utils.study.comparison import Study
from tonespan_utils.study.draws import Floats, interval
from tonespan_utils.study.measured import Measured

VERDICTS = {"supported": "✓", "not supported": "✗", "undecided": "?", "by construction": "="}
PAPER_WIDTHS_MS = {"my": 100.0, "th": 100.0, "lo": 180.0, "vi": 180.0}  # arXiv 2511.12285, abstract
EVERY = "all"


def verdict(interval: Interval, relation: str, bound: float) -> str:
    """``supported`` if the whole interval satisfies ``relation`` to ``bound``, ``not supported`` if none of it does.

    An interval without bounds (nan) decides nothing. Raises KeyError for a relation not in RELATIONS.
    """
    holds = RELATIONS[relation]
    ends = (holds(interval.low, bound), holds(interval.high, bound))
    if np.isnan([interval.low, interval.high]).any() or ends[0] != ends[1]:
        return "undecided"
    return "supported" if ends[0] else "not supported"


def check(study: Study, cues: pd.DataFrame, languages: Sequence[str], *, speech: str, synthetic: bool,
          level: float) -> pd.DataFrame:  # fmt: skip
    """The table ``claims``: cue widths first, then every check per encoder, language and over all languages.

    ``cues``: the rows of ``baseline_spans`` of the front end in use; ``speech`` says on what, and ``synthetic`` that
    its cue widths were planted. Notebook: notebooks/05_rcom_comparison
    """
    widths = cues.set_index("language")
    rows = list(_cue_width_claims(widths, languages, speech, synthetic))
    for backbone in dict.fromkeys(measured_condition.condition.backbone for measured_condition in study.values()):
        measured = {language: _measured(study, backbone, language) for language in languages}
        roles = {language: _roles(study, backbone, language) for language in languages}
        for each in CHECKS:
            barred = {la: _why_not(each, measured[la], cue_ms=widths.loc[la, "span_ms"]) for la in languages}
            rows += _rows_of(each, roles, barred, backbone, speech, level)
    return pd.DataFrame(rows, columns=tables.COLUMNS["claims"])


def _roles(study: Study, backbone: str, language: str) -> dict[str, Mapping[str, Floats]]:
    """Draws by role as :func:`_measured` names them; those of what is no finding are nan."""
    measured = _measured(study, backbone, language)
    return {
        role: {name: measured_role.finding(name) for name in measured_role.draws}
        for role, measured_role in measured.items()
    }


def _measured(study: Study, backbone: str, language: str) -> dict[str, Measured]:
    """What was measured by role, one by one condition name where a role is not unique. Of the shuffled controls only
    ``own_control``, that of the language's own ASR.
    """
    roles = {}
    for (name, where), condition_measured in study.items():
        if where != language or condition_measured.condition.backbone != backbone:
            continue
        role = role_of(condition_measured.condition, language)
        if role != "control":
            roles[name if role == "other_asr" else role] = condition_measured
        elif name == control_of(f"{backbone}/asr-{language}"):
            roles["own_control"] = condition_measured
    return roles


def _why_not(check: Check, measured: Mapping[str, Measured], *, cue_ms: float) -> str:
    """Why a check cannot be asked of conditions that are all there; empty where it can."""
    used = {role: measured[role] for role in check.uses(list(measured))}
    measure = check.measures[0]
    if "distance" in measure and np.isnan(cue_ms):
        return findings.NO_CUE
    if measure.endswith("f1"):
        return "" if any(each.reads_tone for each in used.values()) else "F1 of none is above chance"
    if measure == "best_depth":
        return "" if all(each.reads_tone for each in used.values()) else "no layer reads tone above chance"
    if measure.startswith("upper"):  # means over the layers whose span is a finding
        there = all(not np.isnan(each.draws[measure][0]) for each in used.values())
        return "" if there else "no layer whose span is a finding in one half of them"
    barred = [f"{_role_name(role)} ({each.note})" for role, each in used.items() if each.note]
    return f"the span is no finding in {', '.join(barred)}" if barred else ""


def _role_name(role: str) -> str:
    return "its shuffled control" if role == "own_control" else ROLES.get(role, role)


def worst(parts: Sequence[Interval], relation: str) -> Interval:
    """The conjunction of several intervals under one relation: the least favourable value and ends among them.

    One end of a part unknown (nan) leaves that end unknown.
    """
    pick = np.max if relation == "<" else np.min
    return Interval(*(float(pick([getattr(part, end) for part in parts])) for end in ("value", "low", "high")))


def _rows_of(
    check: Check, roles: Mapping[str, Roles], barred: Mapping[str, str], backbone: str, speech: str, level: float
) -> Iterator[dict[str, object]]:
    """A check's rows per language, then over all of them; ``barred``: why it cannot be asked though all is there."""
    missing = {language: [role for role in check.needs if role not in roles[language]] for language in roles}
    barred = {language: "" if missing[language] else reason for language, reason in barred.items()}
    intervals = {}
    for language in (language for language in roles if not missing[language] and not barred[language]):
        parts = {measure: check.compute(roles[language], measure) for measure in check.measures}
        intervals[language] = [
            worst([interval(part, level=level) for part in parts[measure]], check.relation)
            for measure in check.measures
        ]
    for language in roles:
        yield _row(
            check, backbone, language, speech, intervals.get(language, []), _reason(missing[language], barred[language])
        )
    everywhere = [worst(each, check.relation) for each in zip(*intervals.values(), strict=True)]
    reasons = "; ".join(f"{LANGUAGE_NAMES[language]}: {reason}" for language, reason in barred.items() if reason)
    reason = _reason(sorted(set().union(*missing.values())), reasons)
    yield _row(check, backbone, EVERY, speech, [] if reason else everywhere, reason)


def _reason(missing: Sequence[str], barred: str) -> str:
    """Why a check cannot be asked: the roles that are missing, and what is no finding."""
    absent = f"no {', '.join(map(_role_name, missing))}" if missing else ""
    return "; ".join(filter(None, [absent, barred]))


def _row(
    check: Check, backbone: str, language: str, speech: str, intervals: Sequence[Interval], reason: str
) -> dict[str, object]:
    where = "every language" if language == EVERY else LANGUAGE_NAMES[language]
    statement = f"{where}, {backbone}, {speech}: {check.statement}"
    row = {"claim": f"{check.name}/{backbone}/{language}", "statement": statement, "statistic": check.statistic}
    if not intervals:
        row["statement"] += f" (cannot be asked: {reason})"
        return row | dict.fromkeys(("value", "ci_low", "ci_high"), np.nan) | {"verdict": "undecided"}
    decides, *beside = intervals
    row["statistic"] += "".join(f"; box-corrected {b.value:.0f} [{b.low:.0f}, {b.high:.0f}]" for b in beside)
    row |= {"value": decides.value, "ci_low": decides.low, "ci_high": decides.high}
    return row | {"verdict": verdict(decides, check.relation, check.bound)}


def _cue_width_claims(
    cues: pd.DataFrame, languages: Sequence[str], speech: str, synthetic: bool
) -> Iterator[dict[str, object]]:
    """The paper's cue widths: nearer to the language's own group than to the other; and the groups apart."""
    narrow, wide = min(PAPER_WIDTHS_MS.values()), max(PAPER_WIDTHS_MS.values())
    middle, with_claim = (narrow + wide) / 2, [language for language in languages if language in PAPER_WIDTHS_MS]
    groups = {
        width: [language for language in with_claim if PAPER_WIDTHS_MS[language] == width] for width in (narrow, wide)
    }
    bounds = cues[["span_ms", "span_low_ms", "span_high_ms"]]
    for language in with_claim:
        width_ms, relation = PAPER_WIDTHS_MS[language], "<" if language in groups[narrow] else ">"
        claim = f"the cue is about {width_ms:.0f} ms wide, nearer to that than to {narrow + wide - width_ms:.0f} ms"
        measured, where = Interval(*map(float, bounds.loc[language])), f"{LANGUAGE_NAMES[language]}, {speech}"
        there = not np.isnan(measured.value)
        claim += "" if there else f" (cannot be asked: {findings.NO_CUE})"
        yield {
            "claim": f"cue_width/signal/{language}", "statement": f"{where}: {claim}",
            "statistic": "cue width in the signal (ms)", "value": measured.value, "ci_low": measured.low,
            "ci_high": measured.high,
            "verdict": "by construction" if synthetic and there else verdict(measured, relation, middle),
        }  # fmt: skip
    if with_claim:
        widthless = [language for language in with_claim if np.isnan(bounds.loc[language, "span_ms"])]
        can_be_asked = all(groups.values()) and not widthless
        measured = (
            _gap(bounds.loc[groups[wide]], bounds.loc[groups[narrow]]) if can_be_asked else Interval(*[np.nan] * 3)
        )
        claim = "the cue is wider in Lao and Vietnamese than in Burmese and Thai"
        reason = "languages of one group are missing"
        if widthless:
            reason = f"{findings.NO_CUE} in {', '.join(LANGUAGE_NAMES[language] for language in widthless)}"
        claim += "" if can_be_asked else f" (cannot be asked: {reason})"
        yield {
            "claim": f"cue_width/signal/{EVERY}", "statement": f"every language, {speech}: {claim}",
            "statistic": "narrowest of the wide minus widest of the narrow (ms), worst case of their intervals",
            "value": measured.value, "ci_low": measured.low, "ci_high": measured.high,
            "verdict": "by construction" if synthetic and can_be_asked else verdict(measured, ">", 0),
        }  # fmt: skip


def _gap(wide: pd.DataFrame, narrow: pd.DataFrame) -> Interval:
    """How far two groups lie apart; interval arithmetic, wider than a joint bootstrap would give."""
    return Interval(
        float(wide["span_ms"].min() - narrow["span_ms"].max()),
        float(wide["span_low_ms"].min() - narrow["span_high_ms"].max()),
        float(wide["span_high_ms"].min() - narrow["span_low_ms"].max()),
    )


def board(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims at a glance: a row per encoder and claim, a column per language, verdicts as symbol and word."""
    said = {each.name: each.statement for each in CHECKS} | {"cue_width": "the cue is as wide as the paper has it"}
    keys = claims["claim"].str.split("/", expand=True).set_axis(["claim", "encoder", "language"], axis=1)
    shown = keys.assign(verdict=[f"{VERDICTS[v]} {v}" for v in claims["verdict"]])
    wide = shown.pivot(index=["encoder", "claim"], columns="language", values="verdict")
    rows, languages = shown[["encoder", "claim"]].drop_duplicates(), shown["language"].unique()
    order = [language for language in languages if language != EVERY] + [EVERY]
    wide = wide.loc[pd.MultiIndex.from_frame(rows), order].fillna("").reset_index()
    return wide.assign(claim=wide["claim"].map(said))
