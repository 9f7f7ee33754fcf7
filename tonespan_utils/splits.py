"""Splits without leakage: no sentence on both sides, nor a speaker where speakers are known.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tonespan_utils.errors import TonespanError


def knows_speakers(tokens: pd.DataFrame) -> bool:
    """Whether the tokens come from two or more named speakers."""
    return bool((tokens["speaker"] != "").all() and tokens["speaker"].nunique() > 1)


def folds(tokens: pd.DataFrame, *, n_folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Train and test rows of each fold. Test folds partition the tokens.

    Folds are made of whole speakers where there are at least ``n_folds``, otherwise of whole sentences; training rows
    that share a sentence (or a speaker) with the test rows are dropped. Raises TonespanError for too few groups.
    """
    from sklearn.model_selection import GroupKFold  # here, for most notebooks split without it

    by = "speaker" if knows_speakers(tokens) and tokens["speaker"].nunique() >= n_folds else "sentence_id"
    if tokens[by].nunique() < n_folds:
        raise TonespanError(f"{n_folds} folds need as many different {by} values; there are {tokens[by].nunique()}")
    splitter = GroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    for train, test in splitter.split(tokens, groups=tokens[by]):
        yield _without_overlap(tokens, train, test), test


def train_test(tokens: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the corpus' own train (with dev) and test split, checked for shared sentences and speakers."""
    rows = np.arange(len(tokens))
    is_test = (tokens["split"] == "test").to_numpy()
    if not is_test.any() or is_test.all():
        raise TonespanError(f"the corpus needs tokens in train and in test; there are {is_test.sum()} in test")
    return _without_overlap(tokens, rows[~is_test], rows[is_test]), rows[is_test]


def sample_utterances(tokens: pd.DataFrame, *, n_tokens: int, seed: int) -> pd.DataFrame:
    """Whole utterances in random order until ``n_tokens`` are reached; the tokens keep their order."""
    if len(tokens) <= n_tokens:
        return tokens
    order = np.random.default_rng(seed).permutation(tokens["utterance_id"].unique())
    counts = tokens["utterance_id"].value_counts().loc[order].cumsum()
    kept = counts.index[: int((counts < n_tokens).sum()) + 1]
    return tokens[tokens["utterance_id"].isin(kept)]


def _without_overlap(tokens: pd.DataFrame, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    keys = ["sentence_id", "speaker"] if knows_speakers(tokens) else ["sentence_id"]
    shared = np.zeros(train.size, dtype=bool)
    for key in keys:
        column = tokens[key]  # by hash: numpy sorts, and sorting strings takes a tenth of a second for 10,000 tokens
        shared |= column.iloc[train].isin(column.iloc[test]).to_numpy()
    if shared.all():
        raise TonespanError(
            "every training token shares a sentence or speaker with the test tokens; nothing to train on"
        )
    return train[~shared]
