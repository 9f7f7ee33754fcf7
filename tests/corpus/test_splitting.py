"""Splits of recordings: nothing on both sides, as much as possible on one, and the rest said."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.corpus import splitting
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS
from tonespan_utils.statistics.splits import NEITHER


def table(rows) -> pd.DataFrame:
    """A recording per (speaker, sentence) or (speaker, sentence, tokens)."""
    filled = [
        (f"u{number}", sentence, speaker, *(size or [1])) for number, (speaker, sentence, *size) in enumerate(rows)
    ]
    return pd.DataFrame(filled, columns=["utterance_id", "sentence_id", "speaker", "n_tokens"])


def crossed(n_speakers: int, n_sentences: int) -> pd.DataFrame:
    return table([(f"s{person}", f"t{text}") for person in range(n_speakers) for text in range(n_sentences)])


def sizes(recordings: pd.DataFrame) -> dict[str, int]:
    """Tokens by split, after a check that no speaker and no sentence is in two."""
    rows = recordings.assign(split=recordings["utterance_id"].map(splitting.assign_recordings(recordings)))
    placed = rows[rows["split"] != NEITHER]
    for key in ("sentence_id", "speaker") if recordings["speaker"].nunique() > 1 else ("sentence_id",):
        assert (placed.groupby(key)["split"].nunique() == 1).all()
    return rows.groupby("split")["n_tokens"].sum().to_dict()


def test_speakers_with_texts_of_their_own_are_all_kept():
    n_tokens = sizes(table([(f"s{n % 20}", f"t{n}") for n in range(200)]))
    assert n_tokens == {"train": 140, "dev": 20, "test": 40}


def test_one_speaker_is_split_by_sentence():
    for name in ("", "x"):
        assert sizes(table([(name, f"t{n // 2}") for n in range(200)])) == {"train": 140, "dev": 20, "test": 40}


def test_ten_speakers_who_read_the_same_keep_two_thirds():
    n_tokens = sizes(crossed(10, 100))
    assert n_tokens == {"train": 640, "test": 40, NEITHER: 320}  # with dev 540 of 1,000 would be in a split


@pytest.mark.parametrize(("n_speakers", "kept"), [(2, 50), (3, 60), (4, 65), (5, 68)])
def test_few_speakers_who_read_the_same_keep_what_can_be_kept(n_speakers, kept):
    n_tokens = sizes(crossed(n_speakers, 100))
    assert n_tokens["test"] == 20 and n_tokens["train"] == 80 * (n_speakers - 1)
    assert 100 * (n_tokens["test"] + n_tokens["train"]) / sum(n_tokens.values()) == kept


def test_a_sentence_that_few_share_follows_most_of_its_readers():
    unshared = [(f"s{n % 10}", f"t{n}", 3) for n in range(300)]
    shared = [(f"s{person}", f"shared{text}") for text in range(20) for person in (text % 10, (text + 3) % 10)]
    n_tokens = sizes(table(unshared + shared))
    assert n_tokens.get(NEITHER, 0) < 0.02 * (3 * 300 + 40) and n_tokens["test"] > 150


def partly_crossed(n_speakers: int, n_sentences: int, share: float) -> pd.DataFrame:
    """Each speaker reads each sentence with this probability."""
    reads = np.random.default_rng(1).random((n_speakers, n_sentences)) < share
    return table([(f"s{person}", f"t{text}") for person, text in zip(*np.nonzero(reads), strict=True)])


def most_kept(recordings: pd.DataFrame) -> float:
    """The share of tokens that the best split keeps: every set of test speakers, sentences as they cost least.

    Test has a fifth of a fifth of the tokens, or more.
    """
    tokens = recordings.pivot_table(index="sentence_id", columns="speaker", values="n_tokens", aggfunc="sum")
    tokens = tokens.fillna(0).to_numpy()
    best = 0.0
    for is_test in itertools.product([False, True], repeat=tokens.shape[1]):
        in_test, in_train = tokens[:, np.array(is_test)].sum(axis=1), tokens[:, ~np.array(is_test)].sum(axis=1)
        order = np.argsort((in_train - in_test) / np.maximum(in_test, 1e-9))
        test = np.cumsum(in_test[order])
        kept = in_train.sum() + np.cumsum((in_test - in_train)[order])
        is_enough = (test >= 0.04 * tokens.sum()) & (kept >= 2 * test)
        best = max(best, kept[is_enough].max(initial=0.0) / tokens.sum())
    return best


def kept_share(recordings: pd.DataFrame) -> float:
    counted = sizes(recordings)
    return 1 - counted.get(NEITHER, 0) / sum(counted.values())


@pytest.mark.parametrize(("n_speakers", "n_sentences"), [(5, 20), (10, 100)])
def test_no_split_of_a_crossed_corpus_keeps_more(n_speakers, n_sentences):
    assert kept_share(crossed(n_speakers, n_sentences)) == pytest.approx(most_kept(crossed(n_speakers, n_sentences)))


@pytest.mark.parametrize(
    ("n_speakers", "n_sentences", "share"), [(10, 100, 0.5), (10, 100, 0.3), (6, 60, 0.2), (4, 100, 0.5)]
)
def test_where_speakers_share_some_sentences_nearly_all_that_can_be_kept_is(n_speakers, n_sentences, share):
    """By name alone 70, 74, 83 and 76 % were kept, of 84, 90, 96 and 81 %."""
    recordings = partly_crossed(n_speakers, n_sentences, share)
    assert kept_share(recordings) >= 0.94 * most_kept(recordings)


def test_forty_speakers_who_read_two_hundred_and_fifty_syllables_keep_two_thirds():
    counted = sizes(crossed(40, 250).assign(n_tokens=5))
    assert counted == {"train": 32_000, "test": 2_000, NEITHER: 16_000}


def test_of_two_speakers_the_one_who_says_less_is_tested():
    rows = [("much", f"a{n}") for n in range(900)] + [("little", f"b{n}") for n in range(100)]
    assert sizes(table(rows)) == {"train": 900, "test": 100}
    names = [("little", f"a{n}") for n in range(900)] + [("much", f"b{n}") for n in range(100)]
    assert sizes(table(names)) == {"train": 900, "test": 100}


def test_of_three_speakers_one_is_trained_on_who_says_most():
    rows = [(name, f"{name}{n}") for name, size in (("a", 50), ("b", 700), ("c", 250)) for n in range(size)]
    assert sizes(table(rows)) == {"train": 700, "dev": 50, "test": 250}


def test_a_speaker_who_says_nearly_everything_is_never_the_one_tested():
    for loud in range(8):
        n_tokens = sizes(table([(f"s{n}", f"s{n}t{k}") for n in range(8) for k in range(700 if n == loud else 40)]))
        assert n_tokens["train"] >= 700 and 80 <= n_tokens["test"] <= 200 and n_tokens["dev"] >= 40


def test_the_order_of_files_changes_nothing():
    recordings = crossed(7, 30)
    shuffled = recordings.sample(frac=1, random_state=1)
    assert splitting.assign_recordings(recordings) == splitting.assign_recordings(shuffled)


def test_a_single_recording_has_a_split():
    assert splitting.assign_recordings(table([("x", "t")])) == {"u0": "train"}


# Splits that are given


WHERE = ["row 2", "row 3", "row 4"]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train", "validation", "test"], ["train", "dev", "test"]),
        (["", "valid", " test "], ["train", "dev", "test"]),
        (["", "dev", "test"], ["train", "dev", "test"]),
        (["", "", ""], None),
        (["train", "train", ""], None),
    ],
)
def test_given_names(names, splits):
    assert splitting.given(names, WHERE) == splits


def test_given_names_that_cannot_be_used():
    with pytest.raises(TonespanError, match="row 3: no split is called 'fold1'; use train"):
        splitting.given(["train", "fold1", "test"], WHERE)
    with pytest.raises(TonespanError, match="row 2: everything is in the split test"):
        splitting.given(["test", "test", "test"], WHERE)
    with pytest.raises(TonespanError, match="row 2: the column split names no test"):
        splitting.given(["train", "dev", "dev"], WHERE)


def test_what_leaks_into_test_has_to_go():
    rows = [("a", "x", "test"), ("b", "x", "train"), ("a", "y", "dev"), ("b", "z", "train"), ("", "w", "train")]
    recordings = table([row[:2] for row in rows]).assign(split=[row[2] for row in rows])
    assert splitting.leaks(recordings) == {"u1": splitting.SHARED, "u2": splitting.SAME_SPEAKER}
    recordings.loc[0, "speaker"] = ""
    assert splitting.leaks(recordings) == {"u1": splitting.SHARED, "u4": splitting.UNNAMED}


def test_a_single_speaker_may_be_on_both_sides():
    recordings = table([("a", "x"), ("a", "y")]).assign(split=["test", "train"])
    assert splitting.leaks(recordings) == {}


def test_splits_that_leave_nothing_to_train_on_are_refused():
    recordings = table([("a", "x"), ("b", "y"), ("a", "z")]).assign(split=["test", "test", "train"])
    with pytest.raises(TonespanError, match="u2: its speaker belongs to the test split, and so it is with all 1"):
        splitting.leaks(recordings)


def test_what_is_in_no_split_is_said():
    recordings = crossed(2, 10)
    split = recordings["utterance_id"].map(splitting.assign_recordings(recordings))
    utterances = recordings.assign(split=split).reindex(columns=UTTERANCE_COLUMNS, fill_value="")
    tokens = utterances.assign(token_id=utterances["utterance_id"]).reindex(columns=TOKEN_COLUMNS, fill_value="")
    corpus = Corpus(utterances, tokens, {}.__getitem__, pd.DataFrame(columns=["item", "reason"]))
    aside = splitting.set_aside(corpus)
    assert len(aside) == 10 and set(aside["reason"]) == {splitting.CROSSING}
    assert np.isin(aside["item"], utterances["utterance_id"]).all()
    counts = "2 speakers, 10 sentences, 20 tokens: 8 in train, 2 in test, 10 in neither. "
    assert splitting.summary(corpus).startswith(counts + "50% fit no split")
