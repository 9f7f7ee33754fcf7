"""The paper's key results as named checks with a verdict that is computed, and may go against the paper.

A check is one statistic, one relation (``< 0``, say) and an interval. Both ends of the interval inside the relation:
``supported``; both outside: ``not supported``; else ``undecided``, as is what cannot be asked, with what is missing.
``by construction``: the answer was planted in synthetic speech, and counts as no support.

What is no finding is asked for nothing: no distance where there is no cue width, no span that ``findings.why_no_span``
refuses, no best layer where none is above chance, no difference of F1 where both sides are at chance.

A claim that says several things at once (closer than every other condition, in all languages) is the conjunction of
its parts: what is shown is the least favourable value, lower and upper end among them, so that it is supported where
every part is, and not supported where any part is not (an intersection-union test). Per language and encoder, and
for ``all`` languages. Distances are the paper's ``|2 r_com - cue width|``, which decide; after the box correction
(``|4 r_com - cue width|``) they are told beside them. Claim names read ``<check>/<encoder>/<language>``.

Levels are those of single checks: nothing is corrected for how many there are.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils import comparison, findings, tables
from tonespan_utils.comparison import Measured, Study
from tonespan_utils.plots import LANGUAGE_NAMES
from tonespan_utils.spans import Interval

Floats = NDArray[np.float64]
Roles = Mapping[str, Mapping[str, Floats]]  # what a condition is to the language -> its draws by measure

RELATIONS = {"<": operator.lt, ">": operator.gt, ">=": operator.ge}
VERDICTS = {"supported": "✓", "not supported": "✗", "undecided": "?", "by construction": "="}
PAPER_WIDTHS_MS = {"my": 100.0, "th": 100.0, "lo": 180.0, "vi": 180.0}  # arXiv 2511.12285, abstract
MATCH_MS = 20.0  # one frame of a wav2vec 2.0 style encoder: what is nearer than that counts as the same
DISTANCES = ("distance_ms", "box_distance_ms")  # the paper's, which decides, and with the box correction
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


@dataclass(frozen=True)
class Check:
    """One claim about encoders. ``compute(roles, measure)`` gives the draws of its parts, all of which must hold; the
    first of ``measures`` decides.
    """

    name: str
    statement: str
    statistic: str
    relation: str
    bound: float
    needs: tuple[str, ...]
    measures: tuple[str, ...]
    compute: Callable[[Roles, str], list[Floats]]

    def uses(self, roles: Sequence[str]) -> list[str]:
        """Which of ``roles`` it compares."""
        every = self.compute is _target_to_others
        return [role for role in roles if role in self.needs or (every and role != "own_control")]


def _of(role: str) -> Callable[[Roles, str], list[Floats]]:
    return lambda roles, measure: [roles[role][measure]]


def _minus_next(*order: str) -> Callable[[Roles, str], list[Floats]]:
    """Every role minus the one after it: all below 0 where the measure rises in this order."""
    return lambda roles, measure: [roles[a][measure] - roles[b][measure] for a, b in itertools.pairwise(order)]


def _target_to_others(roles: Roles, measure: str) -> list[Floats]:
    others = [draws[measure] for role, draws in roles.items() if role not in ("target_asr", "own_control")]
    return [roles["target_asr"][measure] - other for other in others]


def _size(a: str, b: str) -> Callable[[Roles, str], list[Floats]]:
    """Both signs of a difference: below a bound, both, they say that it is small (two one-sided tests)."""
    return lambda roles, measure: [sign * (roles[a][measure] - roles[b][measure]) for sign in (1, -1)]


def _prosody_checks() -> list[Check]:
    checks = []
    for task in ("emotion", "gender", "speaker"):
        needs, compute = (task, "vanilla"), _minus_next(task, "vanilla")
        checks += [
            Check(
                f"{task}_longer_span", f"{task} fine-tuning makes the span longer than without fine-tuning",
                f"span, {task} minus vanilla (ms)", ">", 0, needs, ("span_ms",), compute,
            ),
            Check(
                f"{task}_lower_f1", f"{task} fine-tuning loses tone against no fine-tuning",
                f"probe F1, {task} minus vanilla", "<", 0, needs, ("f1",), compute,
            ),
        ]  # fmt: skip
    return checks


CHECKS = (
    Check(
        "best_layer_mid_to_high", "tone is read best in a mid to high layer",
        "relative depth of the best layer", ">=", 0.5, ("vanilla",), ("best_depth",),
        _of("vanilla"),
    ),
    Check(
        "upper_layers_keep_tone", "the upper half of the layers reads tone better than the lower half",
        "probe F1, upper minus lower half", ">", 0, ("vanilla",), ("upper_minus_lower_f1",),
        _of("vanilla"),
    ),
    Check(
        "target_asr_closest", "ASR in the language brings the span closer to the cue width than any other condition",
        "distance to the cue width, target ASR minus each other (ms)", "<", 0, ("target_asr", "vanilla"), DISTANCES,
        _target_to_others,
    ),
    Check(
        "target_asr_needs_transcripts", "ASR in the language comes closer than training on shuffled transcripts",
        "distance to the cue width, target ASR minus its shuffled control (ms)", "<", 0, ("target_asr", "own_control"),
        DISTANCES, _minus_next("target_asr", "own_control"),
    ),
    Check(
        "mandarin_second", "target ASR is closest to the cue width, Mandarin ASR next, English ASR after both",
        "distance to the cue width, target minus Mandarin and Mandarin minus English (ms)", "<", 0,
        ("target_asr", "mandarin_asr", "english_asr"), DISTANCES,
        _minus_next("target_asr", "mandarin_asr", "english_asr"),
    ),
    Check(
        "english_little", f"English ASR moves the distance by less than one frame ({MATCH_MS:.0f} ms)",
        "size of the change of distance, English ASR against vanilla (ms)", "<", MATCH_MS, ("english_asr", "vanilla"),
        DISTANCES, _size("english_asr", "vanilla"),
    ),
    *_prosody_checks(),
    Check(
        "upper_layers_closer", "under target ASR the upper layers come closer to the cue width than the lower ones",
        "mean distance to the cue width, upper minus lower half (ms)", "<", 0, ("target_asr",),
        tuple(f"upper_minus_lower_{name}" for name in DISTANCES), _of("target_asr"),
    ),
    Check(
        "upper_layers_match", f"under target ASR the upper layers match the cue width within {MATCH_MS:.0f} ms",
        "mean distance to the cue width in the upper half (ms)", "<", MATCH_MS, ("target_asr",),
        tuple(f"upper_{name}" for name in DISTANCES), _of("target_asr"),
    ),
)  # fmt: skip


def check(found: Study, cues: pd.DataFrame, languages: Sequence[str], *, speech: str, synthetic: bool,
          level: float) -> pd.DataFrame:  # fmt: skip
    """The table ``claims``: cue widths first, then every check per encoder, language and over all languages.

    ``cues``: the rows of ``baseline_spans`` of the front end in use; ``speech`` says on what, and ``synthetic`` that
    its cue widths were planted. Notebook: notebooks/05_rcom_comparison
    """
    widths = cues.set_index("language")
    rows = list(_cue_width_claims(widths, languages, speech, synthetic))
    for backbone in dict.fromkeys(one.condition.backbone for one in found.values()):
        measured = {language: _measured(found, backbone, language) for language in languages}
        roles = {language: _roles(found, backbone, language) for language in languages}
        for each in CHECKS:
            barred = {la: _why_not(each, measured[la], cue_ms=widths.loc[la, "span_ms"]) for la in languages}
            rows += _rows_of(each, roles, barred, backbone, speech, level)
    return pd.DataFrame(rows, columns=tables.COLUMNS["claims"])


def _roles(found: Study, backbone: str, language: str) -> dict[str, Mapping[str, Floats]]:
    """Draws by role as :func:`_measured` names them; those of what is no finding are nan."""
    measured = _measured(found, backbone, language)
    return {role: {name: one.finding(name) for name in one.draws} for role, one in measured.items()}


def _measured(found: Study, backbone: str, language: str) -> dict[str, Measured]:
    """What was measured by role, one by one condition name where a role is not unique. Of the shuffled controls only
    ``own_control``, that of the language's own ASR.
    """
    roles = {}
    for (name, where), one in found.items():
        if where != language or one.condition.backbone != backbone:
            continue
        role = comparison.role(one.condition, language)
        if role != "control":
            roles[name if role == "other_asr" else role] = one
        elif name == comparison.control_of(f"{backbone}/asr-{language}"):
            roles["own_control"] = one
    return roles


def _why_not(one: Check, measured: Mapping[str, Measured], *, cue_ms: float) -> str:
    """Why a check cannot be asked of conditions that are all there; empty where it can."""
    used = {role: measured[role] for role in one.uses(list(measured))}
    measure = one.measures[0]
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
    return "its shuffled control" if role == "own_control" else comparison.ROLES.get(role, role)


def worst(parts: Sequence[Interval], relation: str) -> Interval:
    """The conjunction of several intervals under one relation: the least favourable value and ends among them.

    One end of a part unknown (nan) leaves that end unknown.
    """
    pick = np.max if relation == "<" else np.min
    return Interval(*(float(pick([getattr(part, end) for part in parts])) for end in ("value", "low", "high")))


def _rows_of(
    one: Check, roles: Mapping[str, Roles], barred: Mapping[str, str], backbone: str, speech: str, level: float
) -> Iterator[dict[str, object]]:
    """A check's rows per language, then over all of them; ``barred``: why it cannot be asked though all is there."""
    missing = {language: [role for role in one.needs if role not in roles[language]] for language in roles}
    barred = {language: "" if missing[language] else reason for language, reason in barred.items()}
    asked = {}
    for language in (language for language in roles if not missing[language] and not barred[language]):
        parts = {measure: one.compute(roles[language], measure) for measure in one.measures}
        asked[language] = [
            worst([comparison.interval(part, level=level) for part in parts[measure]], one.relation)
            for measure in one.measures
        ]
    for language in roles:
        yield _row(
            one, backbone, language, speech, asked.get(language, []), _reason(missing[language], barred[language])
        )
    everywhere = [worst(each, one.relation) for each in zip(*asked.values(), strict=True)]
    told = "; ".join(f"{LANGUAGE_NAMES[language]}: {reason}" for language, reason in barred.items() if reason)
    reason = _reason(sorted(set().union(*missing.values())), told)
    yield _row(one, backbone, EVERY, speech, [] if reason else everywhere, reason)


def _reason(missing: Sequence[str], barred: str) -> str:
    """Why a check cannot be asked: the roles that are missing, and what is no finding."""
    absent = f"no {', '.join(map(_role_name, missing))}" if missing else ""
    return "; ".join(filter(None, [absent, barred]))


def _row(
    one: Check, backbone: str, language: str, speech: str, found: Sequence[Interval], reason: str
) -> dict[str, object]:
    where = "every language" if language == EVERY else LANGUAGE_NAMES[language]
    statement = f"{where}, {backbone}, {speech}: {one.statement}"
    row = {"claim": f"{one.name}/{backbone}/{language}", "statement": statement, "statistic": one.statistic}
    if not found:
        row["statement"] += f" (cannot be asked: {reason})"
        return row | dict.fromkeys(("value", "ci_low", "ci_high"), np.nan) | {"verdict": "undecided"}
    decides, *beside = found
    row["statistic"] += "".join(f"; box-corrected {b.value:.0f} [{b.low:.0f}, {b.high:.0f}]" for b in beside)
    row |= {"value": decides.value, "ci_low": decides.low, "ci_high": decides.high}
    return row | {"verdict": verdict(decides, one.relation, one.bound)}


def _cue_width_claims(
    cues: pd.DataFrame, languages: Sequence[str], speech: str, synthetic: bool
) -> Iterator[dict[str, object]]:
    """The paper's cue widths: nearer to the language's own group than to the other; and the groups apart."""
    narrow, wide = min(PAPER_WIDTHS_MS.values()), max(PAPER_WIDTHS_MS.values())
    middle, known = (narrow + wide) / 2, [language for language in languages if language in PAPER_WIDTHS_MS]
    groups = {width: [language for language in known if PAPER_WIDTHS_MS[language] == width] for width in (narrow, wide)}
    bounds = cues[["span_ms", "span_low_ms", "span_high_ms"]]
    for language in known:
        own, relation = PAPER_WIDTHS_MS[language], "<" if language in groups[narrow] else ">"
        claim = f"the cue is about {own:.0f} ms wide, nearer to that than to {narrow + wide - own:.0f} ms"
        found, where = Interval(*map(float, bounds.loc[language])), f"{LANGUAGE_NAMES[language]}, {speech}"
        there = not np.isnan(found.value)
        claim += "" if there else f" (cannot be asked: {findings.NO_CUE})"
        yield {
            "claim": f"cue_width/signal/{language}", "statement": f"{where}: {claim}",
            "statistic": "cue width in the signal (ms)", "value": found.value, "ci_low": found.low,
            "ci_high": found.high,
            "verdict": "by construction" if synthetic and there else verdict(found, relation, middle),
        }  # fmt: skip
    if known:
        widthless = [language for language in known if np.isnan(bounds.loc[language, "span_ms"])]
        asked = all(groups.values()) and not widthless
        found = _gap(bounds.loc[groups[wide]], bounds.loc[groups[narrow]]) if asked else Interval(*[np.nan] * 3)
        claim = "the cue is wider in Lao and Vietnamese than in Burmese and Thai"
        reason = "languages of one group are missing"
        if widthless:
            reason = f"{findings.NO_CUE} in {', '.join(LANGUAGE_NAMES[language] for language in widthless)}"
        claim += "" if asked else f" (cannot be asked: {reason})"
        yield {
            "claim": f"cue_width/signal/{EVERY}", "statement": f"every language, {speech}: {claim}",
            "statistic": "narrowest of the wide minus widest of the narrow (ms), worst case of their intervals",
            "value": found.value, "ci_low": found.low, "ci_high": found.high,
            "verdict": "by construction" if synthetic and asked else verdict(found, ">", 0),
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
