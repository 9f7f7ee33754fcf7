"""The checks that the paper's claims are made of: which conditions, which measure, which relation, which bound.

Conventions: a check's ``compare`` gives the estimates of its parts by name, all of which must satisfy the relation. Of
two measures of distance the first, the paper's, decides. Measures are means over the upper half of the blocks
(:mod:`tonespan_utils.study.token_values`). What a condition is to a language is its role
(:mod:`tonespan_utils.params.roles`); its shuffled control is ``<role>_control``. Relations: ``<`` and ``>`` the bound,
or ``within`` plus and minus the bound.

Claims that a model looks too far rest on the influence of pitch beyond the cue, for the paper's 2 r_com also grows
where nothing that lies there changes the tone; it stands beside it.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tonespan_utils.params.claims import Claims
from tonespan_utils.params.conditions import ON_PURPOSE
from tonespan_utils.statistics.estimates import Estimate
from tonespan_utils.study import cue_claims

Roles = Mapping[str, Estimate]  # what a condition is to the language -> a measure of it
Parts = dict[str, Estimate]
DISTANCES = ("distance_ms", "box_distance_ms")  # the paper's, which decides, and with the box correction
CONTROL = "_control"


@dataclass(frozen=True)
class Check:
    """One claim about encoders. ``compare(roles)`` gives the estimates of its parts, all of which must hold; the first
    of ``measures`` decides. A ``smallest`` effect makes what is surely smaller too small to matter; nan: not asked.
    """

    name: str
    statement: str
    statistic: str
    relation: str
    bound: float
    needs: tuple[str, ...]
    measures: tuple[str, ...]
    compare: Callable[[Roles], Parts]
    smallest: float

    def uses(self, roles: Sequence[str]) -> list[str]:
        """Which of ``roles`` it compares."""
        every = self.compare is _target_to_others
        return [role for role in roles if role in self.needs or (every and _is_rival(role))]


def _is_rival(role: str) -> bool:
    # what was changed on purpose is a control of the board, and no rival of target ASR
    return not role.endswith(CONTROL) and role not in ON_PURPOSE


def _of(role: str) -> Callable[[Roles], Parts]:
    return lambda roles: {role: roles[role]}


def _minus_next(*order: str) -> Callable[[Roles], Parts]:
    """Every role minus the one after it: all below 0 where the measure rises in this order."""
    return lambda roles: {f"{a} minus {b}": roles[a] - roles[b] for a, b in itertools.pairwise(order)}


def _target_to_others(roles: Roles) -> Parts:
    others = [role for role in roles if role != "target_asr" and _is_rival(role)]
    return {f"target_asr minus {role}": roles["target_asr"] - roles[role] for role in others}


NAN = float("nan")


def checks_of(params: Claims) -> list[Check]:
    """The checks under the smallest effects of interest in ``params``. Notebook: notebooks/05_rcom_comparison"""
    return [*_layer_checks(params), *_distance_checks(params), *_task_checks(params), *_match_checks(params)]


def statements(params: Claims) -> dict[str, str]:
    """What each row of the board says, by the name of its check; the cue widths among them."""
    return {each.name: each.statement for each in checks_of(params)} | {cue_claims.NAME: cue_claims.STATEMENT}


def _layer_checks(params: Claims) -> Iterator[Check]:
    yield Check(
        "best_layer_mid_to_high", "tone is read best in a mid to high layer",
        "probe F1, best layer of the upper half minus best of the lower", ">", 0, ("vanilla",),
        ("best_upper_minus_lower_f1",), _of("vanilla"), params.smallest_f1,
    )  # fmt: skip
    yield Check(
        "upper_layers_keep_tone", "the upper half of the layers reads tone better than the lower half",
        "probe F1, upper minus lower half", ">", 0, ("vanilla",), ("upper_minus_lower_f1",), _of("vanilla"),
        params.smallest_f1,
    )  # fmt: skip


def _distance_checks(params: Claims) -> Iterator[Check]:
    frame_ms = params.smallest_ms
    yield Check(
        "target_asr_closest", "ASR in the language brings the span closer to the cue width than any other condition",
        "distance to the cue width, target ASR minus each other (ms)", "<", 0, ("target_asr", "vanilla"), DISTANCES,
        _target_to_others, frame_ms,
    )  # fmt: skip
    yield Check(
        "target_asr_needs_transcripts", "ASR in the language comes closer than training on shuffled transcripts",
        "distance to the cue width, target ASR minus its shuffled control (ms)", "<", 0,
        ("target_asr", f"target_asr{CONTROL}"), DISTANCES, _minus_next("target_asr", f"target_asr{CONTROL}"), frame_ms,
    )  # fmt: skip
    yield Check(
        "mandarin_second", "target ASR is closest to the cue width, Mandarin ASR next, English ASR after both",
        "distance to the cue width, target minus Mandarin and Mandarin minus English (ms)", "<", 0,
        ("target_asr", "mandarin_asr", "english_asr"), DISTANCES,
        _minus_next("target_asr", "mandarin_asr", "english_asr"), frame_ms,
    )  # fmt: skip
    yield Check(
        "english_little", f"English ASR moves the distance by less than {frame_ms:g} ms",
        "change of the distance to the cue width, English ASR minus vanilla (ms)", "within", frame_ms,
        ("english_asr", "vanilla"), DISTANCES, _minus_next("english_asr", "vanilla"), NAN,
    )  # fmt: skip


def _task_checks(params: Claims) -> Iterator[Check]:
    for task in ("emotion", "gender", "speaker"):
        needs, compare = (task, "vanilla"), _minus_next(task, "vanilla")
        yield Check(
            f"{task}_looks_too_far", f"{task} fine-tuning lets pitch beyond the cue move the tone more than before",
            f"influence of pitch beyond the cue on the margin, {task} minus vanilla", ">", 0, needs, ("influence",),
            compare, params.smallest_influence,
        )  # fmt: skip
        yield Check(
            f"{task}_longer_span", f"{task} fine-tuning makes the span 2 r_com longer than without fine-tuning",
            f"span, {task} minus vanilla (ms)", ">", 0, needs, ("span_ms",), compare, params.smallest_ms,
        )  # fmt: skip
        yield Check(
            f"{task}_lower_f1", f"{task} fine-tuning loses tone against no fine-tuning",
            f"probe F1, {task} minus vanilla", "<", 0, needs, ("f1",), compare, params.smallest_f1,
        )  # fmt: skip
    control = f"emotion{CONTROL}"
    yield Check(
        "emotion_needs_labels", "emotion fine-tuning makes the span longer than training on shuffled labels",
        "span, emotion minus its shuffled control (ms)", ">", 0, ("emotion", control), ("span_ms",),
        _minus_next("emotion", control), params.smallest_ms,
    )  # fmt: skip


def _match_checks(params: Claims) -> Iterator[Check]:
    yield Check(
        "upper_layers_closer", "under target ASR the upper layers come closer to the cue width than the lower ones",
        "mean distance to the cue width, upper minus lower half (ms)", "<", 0, ("target_asr",),
        tuple(f"upper_minus_lower_{name}" for name in DISTANCES), _of("target_asr"), params.smallest_ms,
    )  # fmt: skip
    yield Check(
        "upper_layers_match", f"under target ASR the upper layers match the cue width within {params.smallest_ms:g} ms",
        "mean distance to the cue width in the upper half (ms)", "<", params.smallest_ms, ("target_asr",), DISTANCES,
        _of("target_asr"), NAN,
    )  # fmt: skip
