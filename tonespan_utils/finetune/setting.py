"""What all fine-tuning tasks of a run share: the encoder, the speech, the seed and how much is scored.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune.examples import Example, Speech, shuffled_targets

Predict = Callable[[Sequence[Example], Callable], list[np.ndarray]]


@dataclass(frozen=True)
class Setting:
    """What is common to all tasks of a run."""

    encoder: Encoder
    speech: Sequence[Speech]
    seed: int
    shuffled: bool
    clip_ms: float | None
    crop_ms: float
    max_test_utterances: int
    level: float
    phonetic: Sequence[str] = ()  # languages whose transcripts are sounds and tones

    def targets(self, examples: list[Example]) -> list[Example]:
        """The examples as they are trained on: with their own targets, or for the control with shuffled ones."""
        return shuffled_targets(examples, seed=self.seed) if self.shuffled else examples

    def test_utterances(self, speech: Speech) -> pd.DataFrame:
        """The test utterances of one corpus, or as many of them as are wanted, drawn at random."""
        table = speech.utterances(test=True)
        return table.sample(n=min(len(table), self.max_test_utterances), random_state=self.seed).sort_index()


def need_test(test: list[Example], label: str) -> None:
    """Raise TonespanError where there is no example to score the task ``label`` on."""
    if not test:
        raise TonespanError(f"{label}: no labelled utterance in the test split; the model could not be scored")
