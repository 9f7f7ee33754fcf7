"""Which Burmese syllables are reduced to a toneless schwa: a small model, read from ``burmese_reduction.npz``.

What it decides: Burmese spelling writes the full vowel of a minor syllable (စကား *sa-ka:* is said [zə.ɡá]), so no
spelling rule can tell class ``R`` from the written tone. The model gives each syllable the probability of ``R`` from
its own spelling and its neighbours'. It only ever considers an open syllable with the inherent vowel, or one of the
closed set of other syllables seen reduced in training (သူ, တစ်, ပု ...): :func:`may_reduce` says which.

Two parts. ``wide``, a logistic regression on about thirty feature strings a syllable (hashed with CRC-32, so that the
file holds numbers and no words), knows words and phrases. ``deep``, the mean of three one-hidden-layer networks on
embeddings of spelling, onset, rhyme and tone in a window of five syllables, knows words only: runs of up to
LONGEST_WORD syllables get the mean of both, which errs less than either (by half a per cent of words in
cross-validation); longer runs are taken for phrases, whose inner word edges do not show, and get ``wide`` alone.

Source and licence: the numbers were learned by ``train_burmese_reduction.py`` from Burmese words and their
transcriptions in Wiktionary (CC BY-SA), as scraped by WikiPron; phrases joined from those words and a handful of our own
grammatical frames teach it running text. No word list of theirs is shipped.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

MODEL_PATH = Path(__file__).with_name("burmese_reduction.npz")
WIDE_SIZE = 1 << 16  # buckets of the regression: about 40,000 feature strings occur in training
DEEP_SIZE = 1 << 15  # rows of an embedding table: about 2,000 keys, so one in sixteen shares its row
REACH = 2  # syllables seen on each side: enough to know a word's edge from the second syllable off
LONGEST_WORD = 5  # syllables: 98 % of dictionary words are no longer
PALI_LETTERS = frozenset("ဂဃဇဈဋဌဍဎဏဓဘဠ")  # rare outside loans from Pali, where a short a is kept more often


class Context(NamedTuple):
    """What the model knows of one syllable: normalised spelling and its parts, and the tone as written."""

    spelling: str
    onset: str
    rhyme: str
    tone: str
    stacked: bool = False

    @property
    def open_a(self) -> bool:
        """Whether this is a bare consonant, with the inherent short vowel: the usual minor syllable."""
        return self.rhyme == ""

    @property
    def shape(self) -> str:
        """The tone as written, with the bare inherent vowel kept apart from other creaky syllables."""
        return "a" if self.open_a else self.tone


EDGE = Context("#", "#", "#", "#")


def bucket(key: str, size: int) -> int:
    """The row of ``key`` in a hashed table: CRC-32, equal on every machine."""
    return zlib.crc32(key.encode()) % size


def wide_features(word: Sequence[Context], i: int, traits: Sequence[object]) -> list[str]:
    """The feature strings of syllable ``i`` of an unbroken run, whose :func:`word_traits` are given."""
    pp, p, c, n, nn = window(word, i)
    last = len(word) - 1
    place = ("F" if i == 0 else "M") + ("L" if i == last else "M")
    has_pali, has_stack, n_low = traits
    keys = [
        ("c", c.spelling), ("rh", c.rhyme), ("on", c.onset), ("t", c.tone),
        ("c.place", c.spelling, place), ("rh.place", c.rhyme, place),
        ("ns", n.spelling), ("nt", n.tone), ("nrh", n.rhyme), ("non", n.onset),
        ("ps", p.spelling), ("pt", p.tone), ("prh", p.rhyme), ("pon", p.onset),
        ("n2t", n.tone, nn.tone), ("p2t", p.tone, pp.tone),
        ("c.n", c.spelling, n.spelling), ("p.c", p.spelling, c.spelling),
        ("c.nt", c.spelling, n.tone), ("c.pt", c.spelling, p.tone),
        ("c.nrh", c.spelling, n.rhyme), ("c.nb", c.spelling, n.onset[:1]),
        ("rh.nrh", c.rhyme, n.rhyme), ("rh.nt.place", c.rhyme, n.tone, place),
        ("rh.pt.nt", c.rhyme, p.tone, n.tone), ("rh.n2", c.rhyme, n.tone, nn.tone),
        ("a.pcnn", c.shape, p.shape, n.shape, nn.shape), ("a.n.nn", c.shape, n.spelling, nn.spelling),
        ("rh.end", c.rhyme, min(last - i, 3)), ("rh.start", c.rhyme, min(i, 3)),
        ("len", c.rhyme, min(last, 4), min(i, 4)),
        ("pali", c.rhyme, has_pali, has_stack), ("loan", c.rhyme, n_low),
    ]  # fmt: skip
    return ["|".join(map(str, key)) for key in keys]


def word_traits(word: Sequence[Context]) -> tuple[bool, bool, int]:
    """Signs of a loan: letters of Pali, stacks, and the number of low tones up to three (most loans are all low)."""
    has_pali = any(syllable.onset[0] in PALI_LETTERS for syllable in word)
    return has_pali, any(s.stacked for s in word), min(sum(s.tone == "L" for s in word), 3)


def window(word: Sequence[Context], i: int) -> list[Context]:
    """Syllable ``i`` between its REACH neighbours on each side, padded with EDGE."""
    return [word[k] if 0 <= k < len(word) else EDGE for k in range(i - REACH, i + REACH + 1)]


def wide_rows(word: Sequence[Context], indices: Iterable[int]) -> list[list[int]]:
    """Hashed rows of the features of the syllables ``indices`` of a word."""
    traits = word_traits(word)
    return [[bucket(key, WIDE_SIZE) for key in wide_features(word, i, traits)] for i in indices]


@functools.lru_cache(maxsize=1 << 14)
def deep_rows(syllable: Context) -> tuple[int, ...]:
    """Rows of one syllable's spelling, onset, rhyme and tone in an embedding table."""
    keys = (f"s|{syllable.spelling}", f"o|{syllable.onset}", f"r|{syllable.rhyme}", f"t|{syllable.tone}")
    return tuple(bucket(key, DEEP_SIZE) for key in keys)


def deep_window(word: Sequence[Context], i: int) -> list[tuple[int, ...]]:
    """Rows (syllable, key) of the window around syllable ``i``."""
    return [deep_rows(syllable) for syllable in window(word, i)]


class Model(NamedTuple):
    """Weights: ``wide`` (WIDE_SIZE,), and per network the rows of its embedding table and two layers."""

    wide: np.ndarray  # (bucket,)
    wide_bias: float
    embedding: np.ndarray  # (network, DEEP_SIZE, dimension)
    hidden: np.ndarray  # (network, window x key x dimension, unit)
    hidden_bias: np.ndarray  # (network, unit)
    out: np.ndarray  # (network, unit)
    out_bias: np.ndarray  # (network,)
    reducible: frozenset[str]  # syllables other than open a that the model may reduce


@functools.cache
def load(path: Path = MODEL_PATH) -> Model:
    """Read the weights file once; tables come back as float32."""
    with np.load(path, allow_pickle=False) as data:
        wide = np.zeros(WIDE_SIZE, np.float32)
        wide[data["wide_rows"]] = data["wide_values"]
        values = data["embedding_values"].astype(np.float32)  # (network, row in use, dimension)
        embedding = np.zeros((values.shape[0], DEEP_SIZE, values.shape[2]), np.float32)
        embedding[:, data["embedding_rows"]] = values
        dense = {name: data[name].astype(np.float32) for name in ("hidden", "hidden_bias", "out", "out_bias")}
        reducible = frozenset(str(s) for s in data["reducible"])
        return Model(wide, float(data["wide_bias"]), embedding, reducible=reducible, **dense)


def may_reduce(syllable: Context, model: Model | None = None) -> bool:
    """Whether the model may call this syllable reduced at all."""
    return syllable.open_a or syllable.spelling in (model or load()).reducible


def probabilities(word: Sequence[Context], model: Model | None = None) -> np.ndarray:
    """Probability of class ``R`` for each syllable of an unbroken run, float (syllable,); 0 where not reducible."""
    model = model or load()
    out = np.zeros(len(word))
    indices = [i for i, syllable in enumerate(word) if may_reduce(syllable, model)]
    if indices:
        out[indices] = _wide(model, word, indices)
    if indices and len(word) <= LONGEST_WORD:
        out[indices] = (out[indices] + _deep(model, word, indices)) / 2
    return out


def _wide(model: Model, word: Sequence[Context], indices: list[int]) -> np.ndarray:
    rows = np.array(wide_rows(word, indices))  # (syllable, feature)
    return _sigmoid(model.wide[rows].sum(axis=1) + model.wide_bias)


def _deep(model: Model, word: Sequence[Context], indices: list[int]) -> np.ndarray:
    rows = np.array([deep_window(word, i) for i in indices])  # (syllable, window, key)
    x = model.embedding[:, rows].reshape(len(model.embedding), len(indices), -1)  # (network, syllable, feature)
    h = np.maximum(x @ model.hidden + model.hidden_bias[:, None], 0)
    return _sigmoid(np.einsum("nsu,nu->ns", h, model.out) + model.out_bias[:, None]).mean(axis=0)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
