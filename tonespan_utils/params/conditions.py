"""Conditions: which encoder, fine-tuned on what. ``<backbone>/<task>[-<language>]``, as in ``mini/asr-th``.

Tasks
-----
- ``vanilla``: no update at all.
- ``asr`` (CTC over characters), ``emotion``, ``gender`` (mean-pooled classification), ``speaker`` (x-vectors with an
  angular margin), ``tone`` (the tone of each token, read at its centre frame).
- ``narrow_asr``: ASR that pays for looking further than ``finetune.span_penalty.span_ms``; ``wide_asr``: ASR that is
  rewarded for it; ``deaf_asr``: ASR that pays for hearing pitch. Controls of the claims board: what they look at was
  changed on purpose.
- ``shuffled_<task>``: the same number of updates on the same speech with shuffled labels, a control.
- ``<task>_tone``: tone after that task, starting where ``<task>`` ended.

The language says on whose speech the task was trained; a task without one is trained on all languages of the profile.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tonespan_utils.errors import TonespanError

TASKS = ("asr", "emotion", "gender", "speaker", "tone")
SHUFFLED, NARROW, WIDE, DEAF, THEN_TONE = "shuffled_", "narrow_", "wide_", "deaf_", "_tone"
ON_PURPOSE = tuple(prefix + "asr" for prefix in (NARROW, WIDE, DEAF))


@dataclass(frozen=True)
class Condition:
    """One condition, taken apart; ``language`` is empty where the task is trained on every language."""

    name: str
    backbone: str
    task: str
    language: str

    @property
    def part(self) -> str:
        """The name as a file name."""
        return self.name.replace("/", "--")

    @property
    def is_trained(self) -> bool:
        return self.task != "vanilla"

    @property
    def is_shuffled(self) -> bool:
        """Whether it is a control whose labels say nothing."""
        return self.task.startswith(SHUFFLED)

    @property
    def is_narrow(self) -> bool:
        """Whether its training penalises input gradients far from the centre."""
        return self.task.startswith(NARROW)

    @property
    def is_wide(self) -> bool:
        """Whether its training rewards input gradients far from the centre."""
        return self.task.startswith(WIDE)

    @property
    def is_deaf(self) -> bool:
        """Whether its training penalises hidden vectors that change with the pitch."""
        return self.task.startswith(DEAF)

    @property
    def follows(self) -> str:
        """The task that was trained before tone, ``asr`` of ``asr_tone``; empty where there was none."""
        return self.task.removesuffix(THEN_TONE) if self.task.endswith(THEN_TONE) and not self.is_shuffled else ""

    @property
    def objective(self) -> str:
        """The task that is trained last: ``tone`` of ``asr_tone``, ``asr`` of ``shuffled_asr``."""
        if self.follows:
            return "tone"
        return "asr" if self.task in ON_PURPOSE else self.task.removeprefix(SHUFFLED)

    @property
    def is_measured(self) -> bool:
        """Whether its layers are probed and differentiated; encoders trained on tone are only scored on it."""
        return self.objective != "tone"

    @property
    def starts_from(self) -> str:
        """The condition whose encoder the training starts from."""
        if self.follows == "asr":
            return f"{self.backbone}/asr-{self.language}"
        return f"{self.backbone}/{self.follows or 'vanilla'}"


def parse(name: str) -> Condition:
    """A condition from its name. Raises TonespanError naming the tasks there are."""
    backbone, _, what = name.partition("/")
    task, dash, language = what.partition("-")
    condition = Condition(name, backbone, task, language)
    tasks = {"vanilla", *TASKS, *ON_PURPOSE, *(SHUFFLED + task for task in TASKS)}
    tasks |= {task + THEN_TONE for task in TASKS if task != "tone"}
    if not backbone or task not in tasks:
        raise TonespanError(f"{name!r} is no condition: use <encoder>/<task>[-<language>], task {', '.join(TASKS)}")
    if condition.objective in ("asr", "tone") and not language:
        raise TonespanError(f"{name!r}: {task} needs a language, as in {backbone}/{task}-th")
    if dash and (task == "vanilla" or not language):
        raise TonespanError(f"{name!r}: {'vanilla is trained on no' if language else 'no'} language; drop the end")
    return condition


def measured_languages(condition: Condition, tonal: Sequence[str]) -> list[str]:
    """The tonal languages a condition is measured on: its own if that is one of them, else all."""
    return [condition.language] if condition.language in tonal else list(tonal)
