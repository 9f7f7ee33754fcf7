"""No sentence and no known speaker on both sides of any split."""

import numpy as np
import pytest
from conftest import make_tokens

from tonespan_utils import splits
from tonespan_utils.errors import TonespanError


@pytest.mark.parametrize("speakers", [8, 1])
def test_folds_share_nothing_and_test_every_token_once(speakers):
    tokens = make_tokens(n_speakers=speakers).assign(
        sentence_id=lambda t: t["utterance_id"].str[1:].astype(int).floordiv(2).astype(str)
    )
    tested = []
    for train, test in splits.folds(tokens, n_folds=4, seed=0):
        assert not set(tokens["sentence_id"].iloc[train]) & set(tokens["sentence_id"].iloc[test])
        if speakers > 1:
            assert not set(tokens["speaker"].iloc[train]) & set(tokens["speaker"].iloc[test])
        tested.append(test)
    assert sorted(np.concatenate(tested)) == list(range(len(tokens)))


def test_folds_need_enough_groups():
    with pytest.raises(TonespanError, match="50 folds need"):
        list(splits.folds(make_tokens(), n_folds=50, seed=0))


def test_train_test_drops_what_is_shared():
    tokens = make_tokens()
    leak = tokens["utterance_id"] == tokens.loc[tokens["split"] == "train", "utterance_id"].iloc[0]
    test_sentence = tokens.loc[tokens["split"] == "test", "sentence_id"].iloc[0]
    tokens.loc[leak, "sentence_id"] = test_sentence
    train, test = splits.train_test(tokens)
    assert not np.isin(np.flatnonzero(leak), train).any()
    assert (tokens["split"].iloc[test] == "test").all()


def test_train_test_needs_both_sides():
    with pytest.raises(TonespanError, match="in train and in test"):
        splits.train_test(make_tokens().assign(split="train"))
    with pytest.raises(TonespanError, match="nothing to train on"):
        splits.train_test(make_tokens().assign(sentence_id="1", speaker=""))


def test_sample_keeps_whole_utterances_and_is_repeatable():
    tokens = make_tokens()
    sample = splits.sample_utterances(tokens, n_tokens=20, seed=3)
    assert len(sample) == 21 and (sample.groupby("utterance_id").size() == 3).all()
    assert sample.index.is_monotonic_increasing
    assert sample.equals(splits.sample_utterances(tokens, n_tokens=20, seed=3))
    assert splits.sample_utterances(tokens, n_tokens=10_000, seed=3) is tokens
