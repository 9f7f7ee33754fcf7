"""What a condition is to a language: target ASR, Mandarin ASR, emotion, its shuffled control ...; and how it is named.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from tonespan_utils.params import conditions
from tonespan_utils.params.conditions import Condition

ROLES = {
    "vanilla": "vanilla",
    "target_asr": "target ASR",
    "mandarin_asr": "Mandarin ASR",
    "english_asr": "English ASR",
    "other_asr": "other ASR",
    "emotion": "emotion",
    "gender": "gender",
    "speaker": "speaker",
    "narrow_asr": "span-penalised ASR",
    "wide_asr": "span-rewarded ASR",
    "deaf_asr": "pitch-deaf ASR",
    "control": "shuffled control",
}


def role_of(condition: Condition, language: str) -> str:
    """What a condition is to a language (a key of ROLES): ``asr-th`` is Thai's target and another's other ASR."""
    if condition.is_shuffled:
        return "control"
    if condition.task != "asr":
        return condition.task
    role_by_language = {"cmn": "mandarin_asr", "en": "english_asr", language: "target_asr"}  # the last one counts
    return role_by_language.get(condition.language, "other_asr")


def label_of(condition: Condition, language: str) -> str:
    """A condition in a figure of one language: ``target ASR``, ``emotion``, ``shuffled ASR``, ``ASR yue``."""
    kind = role_of(condition, language)
    if kind not in ("control", "other_asr"):
        return ROLES[kind]
    words = ["shuffled"] * condition.is_shuffled + [condition.objective.replace("asr", "ASR")]
    return " ".join(words + [condition.language] * (condition.language not in ("", language)))


def control_of(name: str) -> str:
    """The shuffled control of a condition: ``mini/asr-th`` -> ``mini/shuffled_asr-th``."""
    return name.replace("/", f"/{conditions.SHUFFLED}", 1)
