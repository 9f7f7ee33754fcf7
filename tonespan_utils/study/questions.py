"""What is asked of the study: every check of every encoder in every language, and of the languages together.

A :class:`Question` holds the estimates that answer it, or why it is not tested: a condition is missing, has not learned
its task (:mod:`tonespan_utils.study.learned`), or its span is no finding (:mod:`tonespan_utils.statistics.findings`).

Of the languages together the mean effect is asked, over those in which the question is tested; whether it holds in
each of them (the conjunction) is said beside it.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.params.claims import Claims
from tonespan_utils.params.roles import ROLES, control_of, role_of
from tonespan_utils.statistics import estimates, findings
from tonespan_utils.statistics.estimates import Seeds
from tonespan_utils.study import comparison, token_values
from tonespan_utils.study.checks import CONTROL, DISTANCES, Check, Parts, checks_of
from tonespan_utils.study.measured import Measured
from tonespan_utils.study.token_values import Summary
from tonespan_utils.study.verdicts import EVERY

NO_INFLUENCE = "the influence of pitch beyond the cue has not been measured"


@dataclass(frozen=True)
class Question:
    """One check of one encoder in one language, or in all (EVERY).

    ``parts`` by measure: the estimates that must all satisfy the check; ``seeds`` by measure. ``reason``: why it is not
    tested, else empty. ``by_language``, of EVERY: the questions that are tested and that it is the mean of.
    ``left_out``: conditions that it would compare, and why it does not.
    """

    check: Check
    backbone: str
    language: str
    parts: Mapping[str, Parts] = field(default_factory=dict)
    seeds: Mapping[str, Seeds] = field(default_factory=dict)
    reason: str = ""
    by_language: tuple[Question, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.check.name}/{self.backbone}/{self.language}"

    @property
    def deciding(self) -> Parts:
        """The parts of the measure that decides."""
        return self.parts[self.check.measures[0]]

    @property
    def deciding_seeds(self) -> Seeds:
        return self.seeds[self.check.measures[0]]


def ask(
    study: comparison.Study,
    values: token_values.Study,
    cue_widths_ms: Mapping[str, float],
    languages: Sequence[str],
    *,
    not_learned: Mapping[str, str],
    params: Claims,
) -> list[Question]:
    """Every question of every encoder: its checks per language, then over all.

    ``not_learned``: why a condition has not learned its task, by its name. Notebook: notebooks/05_rcom_comparison
    """
    questions = []
    for backbone in backbones(study):
        summary = token_values.summarise(of_backbone(values, backbone), from_depth=params.from_depth)
        roles = {language: roles_in(study, backbone, language) for language in languages}
        for check in checks_of(params):
            in_languages = [
                _ask(check, backbone, language, roles[language], summary, study, not_learned, cue_widths_ms[language])
                for language in languages
            ]
            questions += [*in_languages, over_all(check, backbone, in_languages)]
    return questions


def backbones(study: Mapping[tuple[str, str], object]) -> list[str]:
    return list(dict.fromkeys(name.partition("/")[0] for name, _ in study))


def of_backbone(values: token_values.Study, backbone: str) -> dict[tuple[str, str], token_values.TokenValues]:
    """The token values of one encoder's conditions."""
    return {key: each for key, each in values.items() if key[0].startswith(f"{backbone}/")}


def roles_in(study: comparison.Study, backbone: str, language: str) -> dict[str, str]:
    """The conditions of an encoder by what they are to a language; several other ASRs by their names."""
    roles = {}
    here = [measured.condition for (_, where), measured in study.items() if where == language]
    of_encoder = {condition.name: condition for condition in here if condition.backbone == backbone}
    for name, condition in of_encoder.items():
        role = role_of(condition, language)
        if role == "control":
            continue
        roles[name if role == "other_asr" else role] = name
        if role != "other_asr" and control_of(name) in of_encoder:
            roles[f"{role}{CONTROL}"] = control_of(name)
    return roles


def _ask(
    check: Check, backbone: str, language: str, roles: Mapping[str, str], summary: Summary, study: comparison.Study,
    not_learned: Mapping[str, str], cue_ms: float,
) -> Question:  # fmt: skip
    used = {role: roles[role] for role in check.uses(list(roles))}
    left_out = {role: _why_no_rival(name, study[name, language], not_learned) for role, name in used.items()
                if role not in check.needs}  # fmt: skip
    used = {role: name for role, name in used.items() if not left_out.get(role)}
    measured = {role: study[name, language] for role, name in used.items()}
    reason = (
        _missing(check, roles)
        or _unlearned(used, not_learned)
        or _no_finding(check, measured, cue_ms)
        or _unmeasured(check, used, summary, language)
    )
    if reason:
        return Question(check, backbone, language, reason=reason)
    parts = {
        measure: check.compare({role: summary.samples[measure][name, language].estimate for role, name in used.items()})
        for measure in check.measures
    }
    seeds = {measure: summary.seeds[measure] for measure in parts}
    without = tuple(f"{_role_name(role)}: {reason}" for role, reason in left_out.items() if reason)
    return Question(check, backbone, language, parts, seeds, left_out=without)


def _why_no_rival(name: str, measured: Measured, not_learned: Mapping[str, str]) -> str:
    """Why a condition is no rival to be closer than: it has not learned its task, or its span is no finding."""
    return "the task was not learned" if name in not_learned else measured.upper_note


def over_all(check: Check, backbone: str, in_languages: Sequence[Question]) -> Question:
    """The mean effect over the languages in which a question is tested; not tested where it is in none."""
    tested = tuple(each for each in in_languages if not each.reason)
    if not tested:
        reasons = dict.fromkeys(each.reason for each in in_languages)
        return Question(check, backbone, EVERY, reason="; ".join(reasons))
    parts = {
        measure: {
            name: estimates.mean_of([each.parts[measure][name] for each in tested if name in each.parts[measure]])
            for name in dict.fromkeys(name for each in tested for name in each.parts[measure])
        }
        for measure in check.measures
    }
    return Question(check, backbone, EVERY, parts, tested[0].seeds, by_language=tested)


def _missing(check: Check, roles: Mapping[str, str]) -> str:
    missing = [_role_name(role) for role in check.needs if role not in roles]
    return f"no {', '.join(missing)}" if missing else ""


def _unlearned(used: Mapping[str, str], not_learned: Mapping[str, str]) -> str:
    reasons = [f"{_role_name(role)} ({not_learned[name]})" for role, name in used.items() if name in not_learned]
    return f"the task was not learned: {', '.join(reasons)}" if reasons else ""


def _no_finding(check: Check, measured: Mapping[str, Measured], cue_ms: float) -> str:
    """Why nothing follows from what was measured, though all is there; empty where something does."""
    measure = check.measures[0]
    if any(name in measure for name in DISTANCES) and np.isnan(cue_ms):
        return findings.NO_CUE
    if measure.endswith("f1"):
        return "" if any(each.reads_tone for each in measured.values()) else "F1 of none is above chance"
    if measure == "influence":
        return "" if all(each.reads_tone for each in measured.values()) else "F1 not above chance"
    barred = [f"{_role_name(role)} ({each.upper_note})" for role, each in measured.items() if each.upper_note]
    return f"the span of the upper half is no finding in {', '.join(barred)}" if barred else ""


def _unmeasured(check: Check, used: Mapping[str, str], summary: Summary, language: str) -> str:
    for measure in check.measures:
        without = [
            _role_name(role) for role, name in used.items() if (name, language) not in summary.samples.get(measure, {})
        ]
        if without:
            return NO_INFLUENCE if measure == "influence" else f"no value of {', '.join(without)} in every layer"
    return ""


def _role_name(role: str) -> str:
    task = role.removesuffix(CONTROL)
    named = ROLES.get(task, task)
    return named if task == role else f"shuffled control of {named}"


def where(question: Question, languages: Sequence[str]) -> str:
    """``Thai``, or of which languages it is the mean."""
    if question.language != EVERY:
        return LANGUAGE_NAMES[question.language]
    tested = [each.language for each in question.by_language]
    if len(tested) == len(languages) or not tested:
        return "mean of all languages"
    return f"mean of {', '.join(LANGUAGE_NAMES[language] for language in tested)}"
