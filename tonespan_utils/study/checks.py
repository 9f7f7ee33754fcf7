"""The checks that the paper's claims are made of: which conditions, which statistic, which relation, which bound.

Conventions: a check's ``compute`` gives the draws (1 + resample,) of its parts, all of which must satisfy the relation.
Of two measures of distance the first, the paper's, decides. What a condition is to a language is its role
(:mod:`tonespan_utils.params.roles`).

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tonespan_utils.study.draws import Floats

Roles = Mapping[str, Mapping[str, Floats]]  # what a condition is to the language -> its draws by measure
RELATIONS = {"<": operator.lt, ">": operator.gt, ">=": operator.ge}
MATCH_MS = 20.0  # one frame of a wav2vec 2.0 style encoder: what is nearer than that counts as the same
DISTANCES = ("distance_ms", "box_distance_ms")  # the paper's, which decides, and with the box correction


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
