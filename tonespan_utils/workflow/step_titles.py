"""The steps of a run in words: ``fine-tuned tonespan-units on Thai ASR, seed 1``.

A step is a rule of the Snakefile with its wildcards. Each has two forms: what was done, for a step that has ended, and
what is being done, for one that failed.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.params import conditions
from tonespan_utils.params.conditions import Condition
from tonespan_utils.params.profile import Params

Wildcards = Mapping[str, str]
NOT_A_STEP = "paper"  # the rule that only names what a run is to leave


def title(rule: str, wildcards: Wildcards, params: Params, *, ended: bool) -> str:
    """A step in words; a rule without any is named as it is."""
    if rule not in _TITLES:
        return rule
    did, doing, rest = _TITLES[rule]
    return f"{did if ended else doing} {rest(wildcards, params)}"


def condition_in_words(condition: Condition) -> str:
    """What an encoder was fine-tuned on: ``Thai ASR``, ``emotion``, ``shuffled Thai ASR``, ``Thai tone after ASR``."""
    words = ["shuffled"] * condition.is_shuffled
    words += ["span-penalised"] * condition.is_narrow + ["span-rewarded"] * condition.is_wide
    words += ["pitch-deaf"] * condition.is_deaf
    words += [LANGUAGE_NAMES.get(condition.language, condition.language)] * bool(condition.language)
    words += [_task(condition.objective)]
    return " ".join(words + ["after", _task(condition.follows)] * bool(condition.follows))


def _task(name: str) -> str:
    return "ASR" if name == "asr" else name


def _encoder(name: str, params: Params) -> str:
    """An encoder by the name of its checkpoint, by which others know it."""
    return PurePath(params.encoders[name].checkpoint).name


def _condition(wildcards: Wildcards) -> Condition:
    return conditions.parse(wildcards["part"].replace("--", "/", 1))


def _training(wildcards: Wildcards, params: Params) -> str:
    condition = _condition(wildcards)
    return f"{_encoder(condition.backbone, params)} on {condition_in_words(condition)}, seed {wildcards['seed']}"


def _encoder_of_condition(wildcards: Wildcards, params: Params) -> str:
    condition = _condition(wildcards)
    encoder = _encoder(condition.backbone, params)
    return f"{encoder} after {condition_in_words(condition)}" if condition.is_trained else f"{encoder} as it is"


def _planted(wildcards: Wildcards, params: Params) -> str:
    named = {params.validity.corpus_name(*each): each for each in params.validity.corpora}
    language, span_ms = named[wildcards["corpus"]]
    return f"{span_ms:g} ms in {LANGUAGE_NAMES.get(language, language)}"


def _fixed(text: str) -> Callable[[Wildcards, Params], str]:
    return lambda wildcards, params: text


def _language(text: str) -> Callable[[Wildcards, Params], str]:
    return lambda wildcards, params: text.format(LANGUAGE_NAMES.get(wildcards["language"], wildcards["language"]))


_TITLES: dict[str, tuple[str, str, Callable[[Wildcards, Params], str]]] = {
    "corpus": ("collected", "collecting", _fixed("the speech and its tone tokens")),
    "baseline": ("measured", "measuring", _fixed("how wide the tone cue is in the signal")),
    "finetune": ("fine-tuned", "fine-tuning", _training),
    "probes": ("probed", "probing", lambda w, p: f"the layers of {_encoder_of_condition(w, p)}"),
    "flattened": ("took", "taking", _language("the pitch of {} tokens away")),
    "random_weights": (
        "measured", "measuring", lambda w, p: f"{_encoder(w['encoder'], p)} with permuted weights"
    ),
    "gradients": ("measured", "measuring", lambda w, p: f"how far {_encoder_of_condition(w, p)} looks"),
    "alignment": ("measured", "measuring", _fixed("the errors of the aligner")),
    "figures": ("compared", "comparing", _fixed("the conditions: figures and report")),
    "explorer": ("made", "making", _fixed("the explorer's page")),
    "planted_span": ("calibrated", "calibrating", lambda w, p: f"on a cue of {_planted(w, p)}"),
    "sanity": ("checked", "checking", _fixed("the instrument where it has to fail")),
    "validity": ("put", "putting", _fixed("the calibration together")),
}  # fmt: skip
