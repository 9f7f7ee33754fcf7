"""Trains the weights of Thai linking vowels again: ``python -m tools.train_thai_links [OUTPUT.npz]``.

What it learns from: words that ``sea-g2p`` (Apache-2.0) has as one entry, asked with the word lists of PyThaiNLP (its
own, the Royal Institute's and Volubilis), wherever an entry is spelled as two other entries written together and sounds
as those two do, with one more light syllable between them (a link) or without. No entry of a test set is among them.

Before it writes, it prints how often it errs in cross-validation, twice: with test words that it has not learned from,
and with test words whose first part it has not learned from either. Nothing is tuned on these. The same weights to the
byte each time. About two minutes on one core, nearly all for asking the dictionary.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse
from pythainlp.corpus import get_corpus, thai_orst_words, thai_words
from sklearn.linear_model import LogisticRegression

from tonespan_utils.tone import _thai_links as links
from tonespan_utils.tone import thai
from tonespan_utils.tone._thai_reader import Phones

VOLUBILIS = "volubilis_words_th.txt"
MAX_LENGTH = 24  # characters of a word
SHORTEST_PART = 2
INVERSE_PENALTY = 3.0
FOLDS = 10


class Pair(NamedTuple):
    """An entry that is two entries written together, and the light syllable between them, if any."""

    word: str
    first: str
    second: str
    link: Phones | None


def entries() -> dict[str, tuple[Phones, ...]]:
    """Word -> syllables, for every word of the lists that is one entry of the dictionary."""
    sounds = {}
    for word in sorted(thai_words() | thai_orst_words() | get_corpus(VOLUBILIS)):
        proper = thai.LETTERS.fullmatch(word) and SHORTEST_PART <= len(word) <= MAX_LENGTH
        if proper and thai.tidy(word)[0] == word and len(thai.segments(word)) == 1:
            phones = thai.dictionary(word)
            if phones:
                sounds[word] = phones
    return sounds


def pairs(sounds: dict[str, tuple[Phones, ...]]) -> Iterator[Pair]:
    """Every way to cut an entry into two whose sounds it has, and whose first can link."""
    for word, phones in sounds.items():
        for cut in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1):
            first, second = word[:cut], word[cut:]
            if first in sounds and second in sounds and links.light(first):
                before, after = sounds[first], sounds[second]
                middle = phones[len(before) : len(phones) - len(after)]
                whole = phones[: len(before)] == before and phones[len(phones) - len(after) :] == after
                if whole and len(before) + len(middle) + len(after) == len(phones) and len(middle) <= 1:
                    yield Pair(word, first, second, middle[0] if middle else None)


def matrix(given: Sequence[Pair], sounds: dict[str, tuple[Phones, ...]]) -> scipy.sparse.csr_matrix:
    """Hashed features, (pair, bucket)."""
    rows = [
        [links.bucket(name) for name in links.features(p.first, sounds[p.first], p.second, sounds[p.second])]
        for p in given
    ]
    row = np.repeat(np.arange(len(rows)), [len(buckets) for buckets in rows])
    column = np.concatenate(rows)
    return scipy.sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(len(rows), links.N_BUCKETS))


def fit(x: scipy.sparse.csr_matrix, linked: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", random_state=0).fit(x, linked)


def errors(
    given: Sequence[Pair], x: scipy.sparse.csr_matrix, linked: np.ndarray, group: Callable[[Pair], str]
) -> np.ndarray:
    """Per fold, links left out and links put in wrongly: (fold, 2). Pairs of one group are in one fold."""
    fold = np.array([zlib.crc32(group(pair).encode()) // 7 % FOLDS for pair in given])
    wrong = np.zeros((FOLDS, 2), int)
    for k in range(FOLDS):
        said = fit(x[fold != k], linked[fold != k]).predict_proba(x[fold == k])[:, 1] >= links.THRESHOLD
        wrong[k] = np.sum(linked[fold == k] & ~said), np.sum(~linked[fold == k] & said)
    return wrong


def save(model: LogisticRegression, output: str) -> None:
    """Weights as int8 with their scale."""
    scale = np.float32(np.abs(model.coef_).max() / 127)
    weights = np.round(model.coef_[0] / scale).astype(np.int8)
    np.savez_compressed(output, weights=weights, scale=scale, bias=np.float32(model.intercept_[0]))


def main(output: str) -> None:
    """Judge, then train on everything and write the weights."""
    sounds = entries()
    given = list(pairs(sounds))
    linked = np.array([pair.link is not None for pair in given])
    x = matrix(given, sounds)
    right = sum(links.light(pair.first) == pair.link for pair in given if pair.link)
    print(f"{len(sounds)} entries, {len(given)} pairs, {linked.sum()} linked, {right} with the syllable expected")
    for name, group in (("words", lambda pair: pair.word), ("first parts", lambda pair: pair.first)):
        wrong = errors(given, x, linked, group)
        total, spread = wrong.sum(axis=0), wrong.std(axis=0, ddof=1)
        print(f"unseen {name}: {total[0]} left out (sd {spread[0]:.1f} a fold), {total[1]} put in ({spread[1]:.1f})")
    save(fit(x, linked), output)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(links.WEIGHTS))
