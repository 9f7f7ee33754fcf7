"""The split of each recording: the train, dev or test that the user names, or one assigned here.

No sentence, and no speaker where there are several names, is on both sides of a split. Where everybody read the same
sentences, some recordings cannot be placed: their speaker is on one side and their sentence on the other. They are in
``NEITHER``: nothing is trained, probed or measured on them, but they stay tokens of the corpus, for the baseline has
folds of its own, in which every token is tested once. Sharing sentences instead would keep them, and would be a leak:
a word that was learnt gives its tone away.

Conventions
-----------
- Splits are assigned so that as many tokens as possible are in one.
- Speakers and sentences go to train, dev and test (70, 10, 20 %) in the order of the hashes of their names, so that no
  split depends on the order of files.
- Up to ``FEW`` speakers go by how much they say, and so do more where some say far more than others: test would
  otherwise get nearly everything.
- Nothing here is chosen on dev: it counts as train, and is given up where that keeps more tokens.

How much can be kept: where everybody read everything, and test gets a share a of the speakers and b of the sentences,
it has ab of the tokens and train (1 - a)(1 - b). For a test of given size that is most where a = b: with a fifth of
each, 68 %, which no other split exceeds. Where speakers read some of the same sentences only, ``N_ORDERS`` orders of
the speakers are tried, each with its sentences on the side of most readers, and as many in test as cost least.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import numpy as np
import pandas as pd

from tonespan_utils.corpus import audiofolder
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics.splits import NEITHER

TEST_SHARE, DEV_SHARE = 0.2, 0.1
N_ORDERS = 16  # of the speakers; eight times as many keep 0.5 % more
FEW = 4  # speakers: with five, a fifth of the names is one
MIN_TRAIN_SHARE = 0.5  # of all tokens, for speakers that are assigned by name
MIN_TEST_SHARE = 0.03  # of all tokens: somewhat less than the fifth of a fifth that a crossed corpus gives
SHARED = "its sentence belongs to the test split"
SAME_SPEAKER = "its speaker belongs to the test split"
UNNAMED = "its speaker is not named, nor is one of the test split, who may be the same"
CROSSING = "in neither train nor test, its sentence and its speaker being in different splits: for the baseline alone"

SIDES = ("train", "test", "dev")  # the first of equals gets a sentence


def assign_names(names: Iterable[str], *, with_dev: bool = True, order: int = 0) -> dict[str, str]:
    """Split of each name, by the order of their hashes: test first, then dev from three names on, the rest train.

    ``order`` numbers one of many such orders.
    """
    ordered = _ordered(set(names), order)
    n_test = max(1, round(TEST_SHARE * len(ordered))) if len(ordered) > 1 else 0
    n_dev = max(1, round(DEV_SHARE * len(ordered))) if with_dev and len(ordered) > 2 else 0
    n_train = len(ordered) - n_test - n_dev
    return dict(zip(ordered, ["test"] * n_test + ["dev"] * n_dev + ["train"] * n_train, strict=True))


def assign_recordings(recordings: pd.DataFrame) -> dict[str, str]:
    """The split of each utterance: train, dev, test or ``NEITHER``.

    ``recordings`` has columns utterance_id, sentence_id, speaker and n_tokens. Sentences that several speakers read are
    placed by name, or follow their readers, with dev and without; the first of those that keep most tokens in a split
    is taken, and one without train or test only where there is no other.
    """
    if recordings["speaker"].nunique() < 2:
        by_sentence = assign_names(recordings["sentence_id"])
        return dict(zip(recordings["utterance_id"], recordings["sentence_id"].map(by_sentence), strict=True))
    readings = _Readings(recordings)
    best, most = None, (False, False, -1.0)
    for order, with_dev, by_readers in itertools.product(range(N_ORDERS), (True, False), (False, True)):
        sides = readings.sides_of_speakers(order, with_dev=with_dev)
        sizes = readings.sizes(sides)
        homes = _by_readers(sizes) if by_readers else readings.by_name(sizes, with_dev=with_dev)
        if (worth := _worth(sizes, homes)) > most:
            best, most = (sides, homes), worth
        if most == (True, True, readings.n_tokens.sum()):
            break
    return readings.splits(*best)


def given(names: Sequence[str], where: Sequence[str]) -> list[str] | None:
    """The splits that a column names, where blank is train; None where every row is train.

    ``where`` is the place of each row, for messages. Raises TonespanError for a name that is no split's, and where dev
    is named and test is not, or nothing but test.
    """
    written = [name.strip() for name in names]
    for name, place in zip(written, where, strict=True):
        if name and name not in audiofolder.SPLIT_NAMES:
            raise TonespanError(f"{place}: no split is called {name!r}; use {', '.join(audiofolder.SPLIT_NAMES)}")
    splits = [audiofolder.SPLIT_NAMES[name or "train"] for name in written]
    if set(splits) == {"train"}:
        return None
    if "test" not in splits:
        raise TonespanError(f"{where[0]}: the column split names no test; call what models are to be scored on test")
    if set(splits) == {"test"}:
        raise TonespanError(f"{where[0]}: everything is in the split test; call what models are to learn from train")
    return splits


def leaks(recordings: pd.DataFrame, *, keys: Sequence[str] = ("sentence_id", "speaker")) -> dict[str, str]:
    """Utterances outside of test that share one of ``keys`` with it, and why they are left out: utterance id -> reason.

    ``recordings`` has columns utterance_id, split and the keys. Speakers count where there are two or more; unnamed
    speakers count as one speaker where others are named.
    Raises TonespanError where no other utterance is outside of test.
    """
    is_test = recordings["split"] == "test"
    reasons: dict[str, str] = {}
    for key in keys:
        if key == "speaker" and recordings["speaker"].nunique() < 2:
            continue
        shared = recordings[~is_test & recordings[key].isin(recordings.loc[is_test, key])]
        for utterance_id, value in zip(shared["utterance_id"], shared[key], strict=True):
            reasons.setdefault(utterance_id, SHARED if key != "speaker" else SAME_SPEAKER if value else UNNAMED)
    if not is_test.all() and len(reasons) == int((~is_test).sum()):
        raise TonespanError(
            f"{next(iter(reasons))}: {next(iter(reasons.values()))}, and so it is with all {len(reasons)} recordings "
            "outside of test; name other splits, or none, and they are assigned"
        )
    return reasons


def set_aside(corpus: Corpus) -> pd.DataFrame:
    """The recordings of a corpus that are in no split: item and reason, as in ``rejected``."""
    items = corpus.utterances.loc[corpus.utterances["split"] == NEITHER, "utterance_id"]
    return pd.DataFrame({"item": items, "reason": CROSSING}).reset_index(drop=True)


def summary(corpus: Corpus) -> str:
    """One line on a corpus' speakers, sentences and tokens, and how many tokens are in no split.

    Notebook: notebooks/00_corpus
    """
    tokens = corpus.tokens
    counts = tokens["split"].value_counts()
    n_speakers = tokens["speaker"].nunique() if (tokens["speaker"] != "").any() else 0
    parts = ", ".join(f"{counts[name]:,} in {name}" for name in ("train", "dev", "test", NEITHER) if name in counts)
    who = f"{n_speakers or 'no named'} speaker{'s' * (n_speakers != 1)}"
    line = f"{who}, {tokens['sentence_id'].nunique():,} sentences, {len(tokens):,} tokens: {parts}"
    if NEITHER not in counts:
        return line
    share = counts[NEITHER] / len(tokens)
    return (
        f"{line}. {share:.0%} fit no split, since their speaker is on one side and their sentence, which others read "
        "too, on another; the baseline uses them"
    )


def _ordered(names: Iterable[str], order: int) -> list[str]:
    """Names by the hashes of themselves, or of themselves behind the number of another order."""
    return sorted(names, key=lambda name: sha256((f"{order} {name}" if order else name).encode()).hexdigest())


class _Readings:
    """Who reads which sentence, in how many tokens; sides and homes are indices of ``SIDES``."""

    def __init__(self, recordings: pd.DataFrame) -> None:
        self.utterances = recordings["utterance_id"]
        self.sentences, self.sentence = _coded(recordings["sentence_id"])
        self.speakers, self.speaker = _coded(recordings["speaker"])
        self.n_tokens = recordings["n_tokens"].to_numpy(dtype=float)
        self.said = pd.Series(np.bincount(self.speaker, weights=self.n_tokens), index=self.speakers)
        self._homes_by_name = {
            with_dev: _indices(assign_names(self.sentences, with_dev=with_dev), self.sentences)
            for with_dev in (True, False)
        }

    def sides_of_speakers(self, order: int, *, with_dev: bool) -> np.ndarray:
        """The side of each speaker (speaker,)."""
        return _indices(_speakers(self.said, order, with_dev=with_dev), self.speakers)

    def sizes(self, sides: np.ndarray) -> np.ndarray:
        """Tokens (sentence, side)."""
        place = self.sentence * len(SIDES) + sides[self.speaker]
        size = np.bincount(place, weights=self.n_tokens, minlength=len(self.sentences) * len(SIDES))
        return size.reshape(-1, len(SIDES))

    def by_name(self, sizes: np.ndarray, *, with_dev: bool) -> np.ndarray:
        """The home of each sentence (sentence,): the one side that reads it, else by name."""
        is_shared = (sizes > 0).sum(axis=1) > 1
        return np.where(is_shared, self._homes_by_name[with_dev], sizes.argmax(axis=1))

    def splits(self, sides: np.ndarray, homes: np.ndarray) -> dict[str, str]:
        """Split of each utterance: where its speaker and its sentence both are."""
        side = sides[self.speaker]
        is_in_one = side == homes[self.sentence]
        names = np.where(is_in_one, np.array(SIDES)[side], NEITHER).tolist()
        return dict(zip(self.utterances, names, strict=True))


def _coded(names: pd.Series) -> tuple[list[str], np.ndarray]:
    """The names that occur, by their hashes, and the index of each row's."""
    occurring = _ordered(names.unique(), 0)
    return occurring, pd.Categorical(names, categories=occurring).codes.astype(int)


def _indices(splits: Mapping[str, str], names: Sequence[str]) -> np.ndarray:
    return np.array([SIDES.index(splits[name]) for name in names])


def _speakers(sizes: pd.Series, order: int, *, with_dev: bool) -> dict[str, str]:
    """Split of each speaker of ``sizes`` (speaker,), in tokens: by name, unless that leaves train less than half."""
    splits = assign_names(sizes.index, with_dev=with_dev, order=order)
    in_train = sizes[[splits[name] == "train" for name in sizes.index]].sum()
    if len(sizes) > FEW and in_train >= MIN_TRAIN_SHARE * sizes.sum():
        return splits
    has_dev = with_dev and len(sizes) > 2
    ordered = _ordered(sizes.index, order)
    test = _nearest(ordered, sizes, TEST_SHARE, spare=2 if has_dev else 1)
    rest = [name for name in ordered if name not in test]
    dev = _nearest(rest, sizes, DEV_SHARE, spare=1) if has_dev else []
    return dict.fromkeys(rest, "train") | dict.fromkeys(test, "test") | dict.fromkeys(dev, "dev")


def _nearest(names: Sequence[str], sizes: pd.Series, share: float, *, spare: int) -> list[str]:
    """Names whose share of all ``sizes`` is near ``share``, chosen one at a time; ``spare`` names or more are left."""
    wanted, chosen, rest = share * sizes.sum(), [], list(names)
    total = 0
    while len(rest) > spare:
        best = min(rest, key=lambda name: abs(total + sizes[name] - wanted))  # the first of equals
        if chosen and abs(total + sizes[best] - wanted) >= abs(total - wanted):
            break
        chosen.append(best)
        rest.remove(best)
        total += sizes[best]
    return chosen


def _by_readers(sizes: np.ndarray) -> np.ndarray:
    """The home of each sentence (sentence,) of ``sizes`` (sentence, side): where most of its tokens are.

    Then test is filled up with those that cost least, to the share of what its speakers say that it has by name.
    """
    homes, test = sizes.argmax(axis=1), SIDES.index("test")
    missing = TEST_SHARE * sizes[:, test].sum() - sizes[homes == test, test].sum()
    elsewhere = np.flatnonzero((homes != test) & (sizes[:, test] > 0))
    cost = sizes[elsewhere, homes[elsewhere]] / sizes[elsewhere, test]
    for sentence in elsewhere[np.argsort(cost, kind="stable")]:
        if missing <= 0:
            break
        homes[sentence] = test
        missing -= sizes[sentence, test]
    return homes


def _worth(sizes: np.ndarray, homes: np.ndarray) -> tuple[bool, bool, float]:
    """Whether both sides are there, whether test is large enough to score on, and how many tokens are in a split."""
    kept = sizes[np.arange(len(homes)), homes]
    n_test = kept[homes == SIDES.index("test")].sum()
    is_enough = n_test >= MIN_TEST_SHARE * sizes.sum()
    return bool(0 < n_test < kept.sum()), bool(is_enough), float(kept.sum())
