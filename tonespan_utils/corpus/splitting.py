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

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

import pandas as pd

from tonespan_utils.corpus import audiofolder
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.statistics.splits import NEITHER

TEST_SHARE, DEV_SHARE = 0.2, 0.1
FEW = 4  # speakers: with five, a fifth of the names is one
MIN_TRAIN_SHARE = 0.5  # of all tokens, for speakers that are assigned by name
MIN_TEST_SHARE = 0.03  # of all tokens: somewhat less than the fifth of a fifth that a crossed corpus gives
SHARED = "its sentence belongs to the test split"
SAME_SPEAKER = "its speaker belongs to the test split"
UNNAMED = "its speaker is not named, nor is one of the test split, who may be the same"
CROSSING = "in neither train nor test, its sentence and its speaker being in different splits: for the baseline alone"

PlaceShared = Callable[[pd.DataFrame, Mapping[str, str], bool], dict[str, str]]  # split of each shared sentence


def assign_names(names: Iterable[str], *, with_dev: bool = True) -> dict[str, str]:
    """The split of each name: in the order of their hashes test, then dev from three names on, the rest train."""
    order = sorted(set(names), key=_hash)
    n_test = max(1, round(TEST_SHARE * len(order))) if len(order) > 1 else 0
    n_dev = max(1, round(DEV_SHARE * len(order))) if with_dev and len(order) > 2 else 0
    n_train = len(order) - n_test - n_dev
    return dict(zip(order, ["test"] * n_test + ["dev"] * n_dev + ["train"] * n_train, strict=True))


def assign_recordings(recordings: pd.DataFrame) -> dict[str, str]:
    """The split of each utterance: train, dev, test or ``NEITHER``.

    ``recordings`` has columns utterance_id, sentence_id, speaker and n_tokens. Four assignments are tried: with dev and
    without, and each with the sentences that several speakers read going by name or to the split of most of their
    readers. The one that keeps most tokens in a split is taken, the first of equals; one without train or test only
    where there is no other.
    """
    candidates = [
        _assign_recordings(recordings, place_shared, with_dev)
        for with_dev in (True, False)
        for place_shared in (_by_name, _by_readers)
    ]
    return max(candidates, key=lambda splits: _worth(recordings, splits))  # the first of equals


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


def _hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def _assign_recordings(recordings: pd.DataFrame, place_shared: PlaceShared, with_dev: bool) -> dict[str, str]:
    """Speakers first; a sentence read in one split only belongs there; ``place_shared`` decides on the others."""
    sizes = recordings.groupby("speaker")["n_tokens"].sum()
    by_speaker = _speakers(sizes, with_dev=with_dev) if len(sizes) > 1 else {}
    rows = recordings.assign(side=recordings["speaker"].map(by_speaker).fillna(""))
    n_sides = rows.groupby("sentence_id")["side"].transform("nunique")
    is_shared = (n_sides > 1) | (rows["side"] == "")
    by_sentence = place_shared(rows[is_shared], by_speaker, with_dev)
    split = rows["sentence_id"].map(by_sentence).where(is_shared, rows["side"])
    split = split.where((rows["side"] == split) | (rows["side"] == ""), NEITHER)
    return dict(zip(rows["utterance_id"], split, strict=True))


def _speakers(sizes: pd.Series, *, with_dev: bool) -> dict[str, str]:
    """Split of each speaker of ``sizes`` (speaker,), in tokens: by name, unless that leaves train less than half."""
    splits = assign_names(sizes.index, with_dev=with_dev)
    in_train = sizes[[splits[name] == "train" for name in sizes.index]].sum()
    if len(sizes) > FEW and in_train >= MIN_TRAIN_SHARE * sizes.sum():
        return splits
    has_dev = with_dev and len(sizes) > 2
    order = sorted(sizes.index, key=_hash)
    test = _nearest(order, sizes, TEST_SHARE, spare=2 if has_dev else 1)
    rest = [name for name in order if name not in test]
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


def _by_name(rows: pd.DataFrame, by_speaker: Mapping[str, str], with_dev: bool) -> dict[str, str]:
    return assign_names(rows["sentence_id"], with_dev=with_dev)


def _by_readers(rows: pd.DataFrame, by_speaker: Mapping[str, str], with_dev: bool) -> dict[str, str]:
    """The split with most tokens of each sentence, of equals train; by name where speakers are not kept apart."""
    if not by_speaker or rows.empty:
        return _by_name(rows, by_speaker, with_dev)
    sizes = rows.pivot_table(index="sentence_id", columns="side", values="n_tokens", aggfunc="sum", fill_value=0)
    return sizes.reindex(columns=["train", "test", "dev"], fill_value=0).idxmax(axis=1).to_dict()


def _worth(recordings: pd.DataFrame, splits: Mapping[str, str]) -> tuple[bool, bool, int]:
    """By what candidates are ranked: both sides are there, test is large enough, and how many tokens are in a split."""
    size = recordings.groupby(recordings["utterance_id"].map(splits))["n_tokens"].sum()
    n_test, n_rest = int(size.get("test", 0)), int(size.get("train", 0) + size.get("dev", 0))
    is_enough = n_test >= MIN_TEST_SHARE * int(recordings["n_tokens"].sum())
    return n_test > 0 and n_rest > 0, is_enough, n_test + n_rest
