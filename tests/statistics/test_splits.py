"""No sentence and no known speaker on both sides of any split."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tokens

from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics import splits


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


def named(tokens: pd.DataFrame, n_speakers: int) -> pd.DataFrame:
    """The tokens, one a sentence of its own, from so many speakers."""
    number = np.arange(len(tokens))
    return tokens.assign(speaker=[f"s{n % n_speakers}" for n in number], sentence_id=number.astype(str))


def crossed(n_speakers: int, n_sentences: int) -> pd.DataFrame:
    """Every speaker reads every sentence, in two tones each."""
    rows = [(f"s{s}", f"{t}", tone) for s in range(n_speakers) for t in range(n_sentences) for tone in "12"]
    return pd.DataFrame(rows, columns=["speaker", "sentence_id", "tone"])


def check(tokens: pd.DataFrame, planned: splits.Folds) -> None:
    """Every token is tested once, and no fold trains on a sentence or a known speaker of its test part."""
    assert sorted(np.concatenate([test for _, test in planned.parts])) == list(range(len(tokens)))
    for train, test in planned.parts:
        assert train.size and test.size
        for key in ("sentence_id", "speaker") if tokens["speaker"].nunique() > 1 else ("sentence_id",):
            assert not set(tokens[key].iloc[train]) & set(tokens[key].iloc[test])


@pytest.mark.parametrize(("n_speakers", "n_groups"), [(2, 2), (3, 3), (4, 4), (9, 4)])
def test_few_speakers_make_fewer_folds(n_speakers, n_groups):
    tokens = named(make_tokens(), n_speakers)
    planned = splits.plan(tokens, n_folds=4, seed=0)
    check(tokens, planned)
    assert len(planned.parts) == planned.n_speaker_groups == n_groups and planned.n_sentence_groups == 1
    assert planned.kept_apart == f"{n_groups} groups of speakers"


@pytest.mark.parametrize("n_speakers", [1, 2, 3, 10])
def test_speakers_who_all_read_the_same_are_crossed_with_sentences(n_speakers):
    tokens = crossed(n_speakers, 12)
    planned = splits.plan(tokens, n_folds=4, seed=0)
    check(tokens, planned)
    n_groups = min(4, n_speakers)
    assert (planned.n_speaker_groups, planned.n_sentence_groups) == (n_groups, 4)
    assert len(planned.parts) == 4 * n_groups
    share = (1 - 1 / n_groups if n_groups > 1 else 1) * 3 / 4
    assert np.mean([train.size for train, _ in planned.parts]) == pytest.approx(share * len(tokens), rel=0.01)


def test_one_speaker_or_none_is_grouped_by_sentence():
    for speaker in ("", "x"):
        tokens = named(make_tokens(), 1).assign(speaker=speaker)
        planned = splits.plan(tokens, n_folds=4, seed=0)
        check(tokens, planned)
        assert planned.kept_apart == "4 groups of sentences"


def test_who_has_no_name_counts_as_one_more_speaker():
    tokens = named(make_tokens(), 3)
    tokens.loc[tokens["speaker"] == "s0", "speaker"] = ""
    check(tokens, splits.plan(tokens, n_folds=4, seed=0))


def test_two_sentences_make_two_folds_and_one_makes_none():
    assert len(list(splits.folds(crossed(1, 2), n_folds=4, seed=0))) == 2
    with pytest.raises(TonespanError, match="two are needed"):
        splits.plan(crossed(1, 1), n_folds=4, seed=0)
    with pytest.raises(TonespanError, match="two are needed"):
        splits.plan(crossed(3, 1), n_folds=4, seed=0)


def test_the_plan_hangs_on_the_seed_alone():
    tokens = crossed(5, 12)
    for (train, test), (again, tested) in zip(*[splits.folds(tokens, n_folds=4, seed=1) for _ in "ab"], strict=True):
        assert np.array_equal(train, again) and np.array_equal(test, tested)


def test_the_summary_says_what_a_fold_cannot_learn():
    tokens = named(make_tokens(), 2)
    tokens["tone"] = ["5" if speaker == "s0" and n % 10 == 0 else "1" for n, speaker in enumerate(tokens["speaker"])]
    row = splits.summary(tokens, n_folds=4, seed=0)
    assert row["tones unlearnt by a fold"] == "5" and row["test parts"] == "2 groups of speakers"
    assert row["tokens"] == len(tokens) and row["fewest to train on"] == len(tokens) // 2


def test_what_fits_neither_side_is_on_neither():
    tokens = make_tokens()
    aside = tokens["split"].eq("train") & (np.arange(len(tokens)) % 2 == 0)
    marked = tokens.assign(split=tokens["split"].mask(aside, splits.NEITHER))
    assert set(splits.in_a_split(marked).index) == set(tokens.index[~aside])
    train, test = splits.train_test(marked)
    assert set(tokens.index[train]) == set(tokens.index[(tokens["split"] != "test") & ~aside])
    assert set(tokens.index[test]) == set(tokens.index[tokens["split"] == "test"])


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
