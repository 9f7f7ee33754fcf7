"""Train and judge the model of Burmese vowel reduction: ``python -m tools.train_burmese_reduction TSV``.

``TSV`` has a header and the columns ``word`` and ``tones`` (one class a syllable, separated by spaces). ``--out FILE``
writes the weights; ``--folds N`` first prints the accuracy by cross-validation over words. Deterministic: fixed seeds,
one thread.

What is learned from
--------------------
1. Every word of the file by itself, where spelling gives as many syllables as the transcription.
2. Phrases of those words joined at random, since running text does not show where words end.
3. Frames of our own, for what a dictionary of words cannot show: verbs of one open syllable, which keep their vowel,
   before endings; the subject marker after a noun; the negation before a verb; numerals before classifiers.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional

from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import burmese
from tonespan_utils.tone import burmese_reduction as reduction
from tonespan_utils.tone._burmese_spelling import Written, read
from tonespan_utils.tone.burmese_reduction import DEEP_SIZE, LONGEST_WORD, REACH, WIDE_SIZE, Context, Model

MIN_REDUCED = 2  # a syllable with another vowel may be reduced if it was seen reduced so often
INVERSE_PENALTY = 1.0  # of the regression: 0.3 to 3 make no difference in cross-validation
DIMENSION, UNITS = 12, 64  # of an embedding and of the hidden layer
N_KEYS = 4  # embeddings a syllable: spelling, onset, rhyme, tone
NETWORKS = 3
EPOCHS, BATCH = 15, 128
PEAK_RATE, DECAY = 1e-2, 0.02
DROPOUT, HIDDEN_SPELLINGS = 0.4, 0.15  # the second hides spellings, so that unknown ones are no surprise
PHRASES_PER_WORD = 0.5  # 1.0 did no better
MAX_PHRASE = 14  # syllables between two spaces of running text, often
HIDDEN = 0  # the row of a hidden spelling
SMALL = 2e-3  # weights of the regression below this are left out of the file

VERBS = ["ရ", "ကြ", "ပြ", "ကျ", "ချ", "စ", "လှ", "ဝ", "က", "ည", "မျှ"]  # open syllables that stay creaky
ENDINGS = ["သည်", "ပြီး", "ခဲ့", "မည်", "သော", "ပါ", "ရန်", "လျှင်", "တယ်", "မယ်", "သည့်", "နေ", "များ", "မှု", "ခြင်း"]
SUBJECT, NEGATION = "က", "မ"  # the one keeps its vowel, the other loses it
COMPOUNDS = ["စတင်", "ရရှိ", "ပြသ", "ချမှတ်", "ကျဆင်း", "ကျရောက်", "ချပြ", "စမှတ်", "ခုနှစ်", "ပြပွဲ"]  # all vowels kept
PARTICLES = ["တွင်", "မှ", "က", "ကို", "အား", "နှင့်", "သို့", "၏"]  # after nouns
COUNTS, CLASSIFIERS = (
    ["တစ်", "နှစ်"],
    ["ခု", "ယောက်", "ရက်", "နှစ်", "လ", "ပိုင်း", "ဦး", "ကောင်", "ကြိမ်", "မျိုး", "ချောင်း", "လုံး", "ရာ", "ထောင်"],
)


class Word(NamedTuple):
    """A word's spelling and the tone class of each syllable in its transcription."""

    run: list[Written]
    tones: list[str]


class Sample(NamedTuple):
    """A run of syllables as the model sees it, and which are reduced."""

    contexts: list[Context]
    reduced: list[bool]


def read_words(path: Path) -> dict[str, list[Word]]:
    """The words of the file, each with every transcription it has."""
    try:
        table = pd.read_csv(
            path, sep="\t", keep_default_na=False, dtype=str, usecols=["word", "tones"], quoting=csv.QUOTE_NONE
        )
    except (OSError, ValueError) as error:
        raise TonespanError(f"{path}: not a table with columns word and tones, tab separated ({error})") from error
    words: dict[str, list[Word]] = {}
    for word, tones in zip(table["word"], table["tones"], strict=True):
        words.setdefault(word, []).append(Word(read(word), tones.split()))
    return words


def samples(words: Iterable[Word]) -> list[Sample]:
    """Words to learn from: those whose spelling and transcription have the same number of syllables."""
    return [Sample(burmese.contexts(run), [t == "R" for t in tones]) for run, tones in words if len(run) == len(tones)]


def phrases(words: Sequence[Sample], rng: random.Random) -> list[Sample]:
    """Words joined at random, some of them around a frame of our own; each longer than the model's longest word."""
    middles = [*frames(words, rng), *rng.choices(words, k=int(PHRASES_PER_WORD * len(words)))]
    return [_lengthen(middle, words, rng) for middle in middles]


def _lengthen(middle: Sample, words: Sequence[Sample], rng: random.Random) -> Sample:
    """Put words after it, and before it half of the time, until the run is a phrase."""
    length, opens = rng.randint(LONGEST_WORD + 1, MAX_PHRASE), rng.random() < 0.5
    while len(middle.contexts) < length:
        before = not opens and rng.random() < 0.5
        middle = join([rng.choice(words), middle] if before else [middle, rng.choice(words)])
    return middle


def frames(words: Sequence[Sample], rng: random.Random) -> list[Sample]:
    """Grammatical frames whose syllables are reduced or kept by rule; slots are filled with any word."""
    kept = [*VERBS, *COMPOUNDS]
    verbs = [join([spelled(verb), spelled(ending)]) for verb, ending in product(kept, ENDINGS)]
    nouns = [join([spelled(noun), spelled(particle)]) for noun, particle in product(COMPOUNDS, PARTICLES)]
    counted = [join([spelled(count, reduced=True), spelled(noun)]) for count, noun in product(COUNTS, CLASSIFIERS)]
    subjects = [join([rng.choice(words), spelled(SUBJECT)]) for _ in verbs]
    negated = [
        join([spelled(NEGATION, reduced=True), rng.choice(words), spelled(end)]) for _ in kept for end in ENDINGS
    ]
    return [*verbs, *nouns, *counted, *subjects, *negated]


def join(parts: Iterable[Sample]) -> Sample:
    """One run of several."""
    contexts, reduced = zip(*parts, strict=True)
    return Sample(list(itertools.chain(*contexts)), list(itertools.chain(*reduced)))


def spelled(text: str, *, reduced: bool = False) -> Sample:
    """A piece of our own frames: every syllable reduced or none."""
    contexts = burmese.contexts(read(text))
    return Sample(contexts, [reduced] * len(contexts))


def fit(words: Sequence[Sample], *, seed: int = 0) -> Model:
    """Train the wide part on words and phrases, the deep part on words."""
    wide, wide_bias = fit_wide([*words, *phrases(words, random.Random(seed))])
    networks = fit_deep(words, seed=seed)
    stacked = {name: np.stack([network[name] for network in networks]) for name in networks[0]}
    seen = Counter(s.spelling for run, flags in words for s, r in zip(run, flags, strict=True) if r and not s.open_a)
    reducible = frozenset(spelling for spelling, n in seen.items() if n >= MIN_REDUCED)
    return Model(wide, wide_bias, reducible=reducible, **stacked)


def labels_of(data: Iterable[Sample]) -> np.ndarray:
    """1 for each reduced syllable, else 0, float32 (syllable,)."""
    return np.array([reduced for sample in data for reduced in sample.reduced], dtype=np.float32)


def fit_wide(data: Sequence[Sample]) -> tuple[np.ndarray, float]:
    """Logistic regression on hashed features: weights (bucket,) and bias."""
    columns = [rows for run, _ in data for rows in reduction.wide_rows(run, range(len(run)))]
    row = np.repeat(np.arange(len(columns), dtype=np.int32), [len(c) for c in columns])
    column = np.fromiter(itertools.chain(*columns), dtype=np.int32)
    x = scipy.sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(len(columns), WIDE_SIZE))
    model = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear").fit(x, labels_of(data))
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def fit_deep(data: Sequence[Sample], *, seed: int) -> list[dict[str, np.ndarray]]:
    """The arrays of NETWORKS networks, which differ in their seed."""
    rows = np.array([reduction.deep_window(run, i) for run, _ in data for i in range(len(run))])
    return [fit_network(rows, labels_of(data), seed=seed + n) for n in range(NETWORKS)]


class Network(nn.Module):
    """Embeddings of a window of syllables, one hidden layer, a logit. Row 0 is a hidden spelling: zeros."""

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_rows, DIMENSION, padding_idx=HIDDEN)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.embedding.weight.data[HIDDEN] = 0
        self.hidden = nn.Linear((2 * REACH + 1) * N_KEYS * DIMENSION, UNITS)
        self.out = nn.Linear(UNITS, 1)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows (syllable, window, key) to logits (syllable,)."""
        hidden = functional.relu(self.hidden(self.drop(self.embedding(rows).flatten(1))))
        return self.out(self.drop(hidden))[:, 0]


def fit_network(rows: np.ndarray, labels: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """One network's arrays, named as in Model; ``rows`` (syllable, window, key), ``labels`` (syllable,)."""
    torch.manual_seed(seed)
    used, compact = np.unique(rows, return_inverse=True)  # only rows in use are trained: the others stay zero
    x, y = torch.from_numpy(compact.reshape(rows.shape) + 1), torch.from_numpy(labels)
    network = Network(len(used) + 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * -(-len(x) // BATCH))
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            shown = x[batch].clone()
            shown[..., 0][torch.rand(shown.shape[:2]) < HIDDEN_SPELLINGS] = HIDDEN
            loss = functional.binary_cross_entropy_with_logits(network(shown), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return arrays(network, used)


def arrays(network: Network, used: np.ndarray) -> dict[str, np.ndarray]:
    """The trained arrays as they are multiplied at run time."""
    values = {name: value.detach().numpy() for name, value in network.named_parameters()}
    embedding = np.zeros((DEEP_SIZE, DIMENSION), np.float32)
    embedding[used] = values["embedding.weight"][1:]
    return {
        "embedding": embedding,
        "hidden": values["hidden.weight"].T.copy(),
        "hidden_bias": values["hidden.bias"],
        "out": values["out.weight"][0],
        "out_bias": values["out.bias"][0],
    }


def save(model: Model, path: Path) -> None:
    """Write what :func:`burmese_reduction.load` reads: half precision, rows in use only."""
    wide_rows = np.flatnonzero(np.abs(model.wide) > SMALL)
    used = np.flatnonzero(model.embedding.any(axis=(0, 2)))
    half = {name: getattr(model, name).astype(np.float16) for name in ("hidden", "hidden_bias", "out", "out_bias")}
    np.savez_compressed(
        path,
        wide_rows=wide_rows.astype(np.uint16),
        wide_values=model.wide[wide_rows].astype(np.float16),
        wide_bias=np.float32(model.wide_bias),
        embedding_rows=used.astype(np.uint16),
        embedding_values=model.embedding[:, used].astype(np.float16),
        reducible=np.array(sorted(model.reducible)),
        **half,
    )


class Score(NamedTuple):
    """Per cent of rows: every tone right; right with R counted as C; the right number of syllables."""

    tones: float
    merged: float
    count: float


def score(words: Sequence[Word], models: Sequence[Model]) -> Score:
    """Judge each word with its own model."""
    right = np.zeros(3)
    for (run, tones), model in zip(words, models, strict=True):
        predicted = ["R" if reduced else said.tone for said, reduced, _ in burmese.decide(run, model)]
        merged = [["C" if t == "R" else t for t in classes] for classes in (predicted, tones)]
        right += [predicted == tones, merged[0] == merged[1], len(predicted) == len(tones)]
    return Score(*(100 * right / len(words)).tolist())


def cross_validate(words: dict[str, list[Word]], *, folds: int, apart: bool, seed: int = 0) -> Score:
    """Score of words by models that never saw them; ``apart``: nor any word that shares two syllables in a row."""
    spellings = sorted(words)
    fold_of = np.random.default_rng(seed).permutation(len(spellings)) % folds
    judged, models = [], []
    for fold in range(folds):
        tested = {spelling for spelling, f in zip(spellings, fold_of, strict=True) if f == fold}
        shared = set().union(*(pairs(words[s][0]) for s in tested)) if apart else set()
        training_words = [w for s in spellings if s not in tested and not pairs(words[s][0]) & shared for w in words[s]]
        model = fit(samples(training_words), seed=seed)
        rows = [w for s in sorted(tested) for w in words[s]]
        judged.extend(rows)
        models.extend([model] * len(rows))
        print(f"fold {fold + 1} of {folds}: learned from {len(training_words)} words", flush=True)
    return score(judged, models)


def pairs(word: Word) -> set[tuple[str, str]]:
    """The pairs of neighbouring syllables of a word."""
    return {(a.spelling, b.spelling) for a, b in pairwise(word.run)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the model of Burmese vowel reduction.")
    parser.add_argument("tsv", type=Path)
    parser.add_argument("--folds", type=int, default=0, help="cross-validate over words first")
    parser.add_argument("--apart", action="store_true", help="keep words that share two syllables in a row together")
    parser.add_argument("--out", type=Path, help="where to write the weights")
    args = parser.parse_args()
    torch.set_num_threads(1)
    words = read_words(args.tsv)
    if args.folds:
        print(cross_validate(words, folds=args.folds, apart=args.apart))
    if args.out:
        save(fit(samples(itertools.chain(*words.values()))), args.out)


if __name__ == "__main__":
    main()
