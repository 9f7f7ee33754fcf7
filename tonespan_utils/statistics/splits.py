"""Splits without leakage: no sentence is on both sides, and no speaker where speakers are known.

Folds serve the baseline, in which every token is tested once; the corpus' train and test split serves the probes.
Where every speaker reads the same sentences, folds of speakers alone would leave nothing to train on: there a test part
is some speakers' reading of some sentences, and training parts have neither those speakers nor those sentences.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tonespan_utils.errors import TonespanError

NEITHER = "neither"  # beside train, dev and test: the split of what can be in none of them; see splitting.py

NOTHING_LEFT = "every training token shares a sentence or speaker with the test tokens; nothing to train on"
MAX_DROPPED = 1 / 3  # of the training tokens that folds of speakers may lose to shared sentences


def knows_speakers(tokens: pd.DataFrame) -> bool:
    """Whether the tokens come from two or more speakers; those without a name count as one more beside the named."""
    return tokens["speaker"].nunique() > 1


@dataclass(frozen=True)
class Folds:
    """Train and test rows of every fold, and the numbers of groups of speakers and of sentences (1: not kept apart)."""

    n_speaker_groups: int
    n_sentence_groups: int
    parts: list[tuple[np.ndarray, np.ndarray]]

    @property
    def kept_apart(self) -> str:
        """What the test parts are made of, in words."""
        groups = ((self.n_speaker_groups, "speakers"), (self.n_sentence_groups, "sentences"))
        return " x ".join(f"{n} groups of {name}" for n, name in groups if n > 1)


def plan(tokens: pd.DataFrame, *, n_folds: int, seed: int) -> Folds:
    """Folds whose test parts partition the tokens, made of ``n_folds`` groups, or of fewer where there are not as many.

    Groups are whole speakers where there are two or more, otherwise whole sentences. Training rows that share a
    sentence or a speaker with the test rows are dropped; where that would drop more than ``MAX_DROPPED`` of what folds
    of speakers could train on, test parts are groups of speakers by groups of sentences. Raises TonespanError where
    there are not two groups. Notebook: notebooks/01_baseline_spans
    """
    if not knows_speakers(tokens):
        sentence = _groups(tokens, "sentence_id", n_folds=n_folds, seed=seed)
        return _crossed(tokens, np.zeros(len(tokens), dtype=int), sentence)
    speaker = _groups(tokens, "speaker", n_folds=n_folds, seed=seed)
    rows, kept, could = np.arange(len(tokens)), [], 0
    for group in range(speaker.max() + 1):
        train, test = rows[speaker != group], rows[speaker == group]
        kept.append((train[~_shared(tokens, train, test)], test))
        could += train.size
    if sum(train.size for train, _ in kept) >= (1 - MAX_DROPPED) * could and all(train.size for train, _ in kept):
        return Folds(len(kept), 1, kept)
    return _crossed(tokens, speaker, _groups(tokens, "sentence_id", n_folds=n_folds, seed=seed))


def folds(tokens: pd.DataFrame, *, n_folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Train and test rows of each fold of :func:`plan`. Test folds partition the tokens."""
    yield from plan(tokens, n_folds=n_folds, seed=seed).parts


def summary(tokens: pd.DataFrame, *, n_folds: int, seed: int) -> dict[str, object]:
    """A summary of the folds: their groups, the fewest training tokens, and tones that some fold has no example of.

    A fold cannot predict a tone it was not trained on; such tokens count as errors. Notebook:
    notebooks/01_baseline_spans
    """
    planned = plan(tokens, n_folds=n_folds, seed=seed)
    tone = tokens["tone"].to_numpy(dtype=str)
    unlearnt = [set(tone[test]) - set(tone[train]) for train, test in planned.parts]
    return {
        "test parts": planned.kept_apart,
        "groups wanted": n_folds,
        "tokens": len(tokens),
        "fewest to train on": min(train.size for train, _ in planned.parts),
        "tones unlearnt by a fold": " ".join(sorted(set().union(*unlearnt))),
    }


def train_test(tokens: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the corpus' train (with dev) and test split, without training rows that share a sentence or speaker.

    Raises TonespanError where a split is empty, or where no training row is left.
    """
    rows = np.arange(len(tokens))
    is_test = (tokens["split"] == "test").to_numpy()
    is_train = ~is_test & (tokens["split"] != NEITHER).to_numpy()
    if not is_test.any() or not is_train.any():
        raise TonespanError(f"the corpus needs tokens in train and in test; there are {is_test.sum()} in test")
    return _without_overlap(tokens, rows[is_train], rows[is_test]), rows[is_test]


def in_a_split(tokens: pd.DataFrame) -> pd.DataFrame:
    """The tokens that may be used for training, probing and measuring: those that are not in ``NEITHER``."""
    return tokens[tokens["split"] != NEITHER]


def sample_utterances(tokens: pd.DataFrame, *, n_tokens: int, seed: int) -> pd.DataFrame:
    """Whole utterances in random order until ``n_tokens`` are reached; the tokens keep their order."""
    if len(tokens) <= n_tokens:
        return tokens
    order = np.random.default_rng(seed).permutation(tokens["utterance_id"].unique())
    counts = tokens["utterance_id"].value_counts().loc[order].cumsum()
    kept = counts.index[: int((counts < n_tokens).sum()) + 1]
    return tokens[tokens["utterance_id"].isin(kept)]


def _groups(tokens: pd.DataFrame, key: str, *, n_folds: int, seed: int) -> np.ndarray:
    """The group (token,) of each token's speaker or sentence, as a number: up to ``n_folds`` groups."""
    from sklearn.model_selection import GroupKFold  # here, for most notebooks split without it

    n_groups = min(n_folds, tokens[key].nunique())
    if n_groups < 2:
        raise TonespanError("all tokens are of one sentence (or syllable); to be tested on another, two are needed")
    splitter = GroupKFold(n_splits=n_groups, shuffle=True, random_state=seed)
    group = np.empty(len(tokens), dtype=int)
    for number, (_, test) in enumerate(splitter.split(tokens, groups=tokens[key])):
        group[test] = number
    return group


def _crossed(tokens: pd.DataFrame, speaker: np.ndarray, sentence: np.ndarray) -> Folds:
    """Folds whose test parts are the tokens of one group of speakers and one group of sentences, for all such pairs."""
    n_speaker_groups, n_sentence_groups = speaker.max() + 1, sentence.max() + 1
    parts = []
    for person in range(n_speaker_groups):
        for text in range(n_sentence_groups):
            test = np.flatnonzero((speaker == person) & (sentence == text))
            is_other = (speaker != person) | (n_speaker_groups == 1)
            if test.size:
                parts.append((np.flatnonzero(is_other & (sentence != text)), test))
    if not all(train.size for train, _ in parts):
        raise TonespanError(NOTHING_LEFT)
    return Folds(n_speaker_groups, n_sentence_groups, parts)


def _without_overlap(tokens: pd.DataFrame, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    shared = _shared(tokens, train, test)
    if shared.all():
        raise TonespanError(NOTHING_LEFT)
    return train[~shared]


def _shared(tokens: pd.DataFrame, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Whether a training row shares a sentence, or a known speaker, with the test rows: (train,)."""
    keys = ["sentence_id", "speaker"] if knows_speakers(tokens) else ["sentence_id"]
    shared = np.zeros(train.size, dtype=bool)
    for key in keys:
        column = tokens[key]  # by hash: numpy sorts, and sorting strings takes a tenth of a second for 10,000 tokens
        shared |= column.iloc[train].isin(column.iloc[test]).to_numpy()
    return shared
