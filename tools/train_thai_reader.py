"""Trains the weights of the Thai reader again: ``python -m tools.train_thai_reader [OUTPUT.npz]``.

What it learns from: words of PyThaiNLP's word list that ``sea-g2p`` has as one dictionary entry, one to three of them
written together, and nonsense made of plainly spelled syllables, so that the spelling rules hold where no word is. One
word in ten, chosen by its CRC, is held out and the accuracy on those is printed. The way a word was spelled is latent:
the model maximises the probability that any way with the dictionary's sounds is taken (a conditional random field over
the lattice, AdaGrad). Entries that no way can give, mostly cut short, are left out. About three minutes on one core.
"""

from __future__ import annotations

import random
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from math import exp, log1p
from typing import NamedTuple

import numpy as np
from pythainlp.corpus import thai_words

from tonespan_utils.tone import _thai_reader as reader
from tonespan_utils.tone import _thai_scores, thai
from tonespan_utils.tone._thai_letters import ONSETS, PLAIN_RIMES, PREPOSED_RIMES, TONE_MARKS, is_short
from tonespan_utils.tone._thai_reader import Phones
from tonespan_utils.tone.parts import Sound

SEED = 0
MAX_LENGTH = 24  # characters of a word; longer ones are compounds of shorter ones
HELD_OUT = 10  # one word in ten
NONSENSE = 0.1  # share of the training samples
EPOCHS = 2  # a third gains nothing on the words held out
LEARNING_RATE = 0.3
CODA_LETTERS = "กงดนบมยว"  # the plain spelling of each coda
PLAIN_ONSETS = [*sorted(set(ONSETS) - set("ฃฅ")), *re.findall("..", "กรกลกวขรขลขวครคลควปรปลพรพลหงหนหมหยหรหลหว")]
N_FEATURES = 21  # of a candidate, at most
NEVER = -1e30
FLAT = 1e-4  # gradients below this are not applied


class Sample(NamedTuple):
    """A lattice as arrays: its edges, those that agree with the dictionary, and the features of each."""

    n_chars: int
    n_sounds: int
    ends: list[tuple[int, int]]
    n_sounds_of: list[int]
    agreeing: list[tuple[int, int]]  # (edge, sounds before it)
    buckets: np.ndarray  # (edge, feature)


def entries() -> dict[str, list[Phones]]:
    """Word -> syllables, for every word of the list that is one entry of the dictionary."""
    syllables_of = {}
    for word in sorted(thai_words()):
        if thai.LETTERS.fullmatch(word) and len(word) <= MAX_LENGTH and thai.tidy(word)[0] == word:
            pieces = thai.segments(word)
            phones = thai.dictionary(word) if len(pieces) == 1 else ()
            if phones:
                syllables_of[word] = list(phones)
    return syllables_of


def held_out(word: str) -> bool:
    """Whether a word is kept from training."""
    return zlib.crc32(word.encode()) % HELD_OUT == 0


def sample(text: str, phones: Sequence[Phones]) -> Sample | None:
    """The lattice of ``text`` with what agrees with ``phones`` in sounds and tones; None where nothing does."""
    edges = [edge.reading for edge in reader.lattice(text, score=lambda run, reading: 0.0)]
    forward = {(0, 0)}
    steps = []
    for index, edge in enumerate(edges):
        for done in range(len(phones)):
            after = done + len(edge.sounds)
            if (edge.start, done) in forward and after <= len(phones) and _same(edge.sounds, phones[done:after]):
                forward.add((edge.end, after))
                steps.append((index, done))
    backward, agreeing = {(len(text), len(phones))}, []
    for index, done in reversed(steps):
        if (edges[index].end, done + len(edges[index].sounds)) in backward:
            backward.add((edges[index].start, done))
            agreeing.append((index, done))
    if (0, 0) not in backward:
        return None
    buckets = np.array([_padded(_thai_scores.features(text, edge)) for edge in edges], np.int32)
    ends, counts = [(edge.start, edge.end) for edge in edges], [len(edge.sounds) for edge in edges]
    return Sample(len(text), len(phones), ends, counts, agreeing[::-1], buckets)


def _padded(names: list[str]) -> list[int]:
    """Buckets of the features, filled up with the last bucket, whose weight stays zero."""
    return [_thai_scores.bucket(name) for name in names] + [_thai_scores.N_BUCKETS] * (N_FEATURES - len(names))


def _same(sounds: Sequence[Sound], phones: Sequence[Phones]) -> bool:
    return all(
        reader.alike(sound, phone) and sound.tone == phone.tone and sound.nucleus == phone.nucleus
        for sound, phone in zip(sounds, phones, strict=True)
    )


def nonsense(rng: random.Random) -> tuple[str, list[Phones]]:
    """Two to five syllables whose vowels are all written, and how they are read."""
    text, phones = "", []
    for _ in range(rng.randint(2, 5)):
        spelled, wanted = _syllable(rng)
        for option in reader.readings(spelled, 0):
            if option.end == len(spelled) and option[4:7] == wanted and not (option.borrows or option.loan):
                text += spelled
                phones.append(Phones(*option.sounds[0][2:6]))
                break
    return text, phones


def _syllable(rng: random.Random) -> tuple[str, tuple[str, str, str]]:
    """A spelling, and the kind of onset, onset letters and rime it was made of."""
    preposed = rng.choice(["", "", *PREPOSED_RIMES])
    rimes = PREPOSED_RIMES[preposed] if preposed else PLAIN_RIMES
    (sign, tail), vowels = rng.choice([item for item in rimes.items() if any(item[0]) or preposed])
    nucleus, _, closed = vowels[0]
    mark = rng.choice(["", *TONE_MARKS])
    coda = rng.choice(CODA_LETTERS) if closed == "must" or (closed == "may" and rng.random() < 0.5) else ""
    onset = rng.choice(PLAIN_ONSETS)
    kind = "single" if len(onset) == 1 else "ho" if onset[0] == "ห" else "cluster"
    return preposed + onset + sign + mark + tail + coda, (kind, onset, f"{preposed}C{sign}{tail}{nucleus}")


def samples(words: dict[str, list[Phones]], rng: random.Random) -> Iterator[Sample]:
    """Words alone or up to three together, and nonsense."""
    order = sorted(words)
    rng.shuffle(order)
    while order:
        group = [order.pop() for _ in range(min(len(order), rng.choice([1, 1, 2, 3])))]
        pairs = [("".join(group), [phone for word in group for phone in words[word]])]
        if rng.random() < NONSENSE:
            pairs.append(nonsense(rng))
        for text, phones in pairs:
            made = sample(text, phones) if phones else None
            if made:
                yield made


def gradient(sampled: Sample, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """d log-probability / d edge score, (edge,), and the log-probability of the dictionary's sounds."""
    scores = weights[sampled.buckets].sum(axis=1).tolist()
    every = [(start, end, index) for index, (start, end) in enumerate(sampled.ends)]
    agreeing = [
        ((sampled.ends[i][0], done), (sampled.ends[i][1], done + sampled.n_sounds_of[i]), i)
        for i, done in sampled.agreeing
    ]
    expected, total = _marginals(every, scores, 0, sampled.n_chars)
    wanted, agreed = _marginals(agreeing, scores, (0, 0), (sampled.n_chars, sampled.n_sounds))
    return wanted - expected, agreed - total


def _marginals(steps: list, scores: list[float], first, last) -> tuple[np.ndarray, float]:
    """Probability of each edge among all ways from ``first`` to ``last``, and the log of the ways' sum."""
    forward, backward = {first: 0.0}, {last: 0.0}
    for start, end, index in steps:
        if start in forward:
            forward[end] = _add(forward.get(end, NEVER), forward[start] + scores[index])
    for start, end, index in reversed(steps):
        if end in backward:
            backward[start] = _add(backward.get(start, NEVER), backward[end] + scores[index])
    total, probability = forward[last], np.zeros(len(scores))
    for start, end, index in steps:
        if start in forward and end in backward:
            probability[index] += exp(min(0.0, forward[start] + scores[index] + backward[end] - total))
    return probability, total


def _add(a: float, b: float) -> float:
    low, high = sorted((a, b))
    return high + log1p(exp(low - high)) if low > NEVER else high


def train(made: list[Sample], rng: random.Random) -> np.ndarray:
    """Weights (bucket,) after EPOCHS passes of AdaGrad."""
    weights = np.zeros(_thai_scores.N_BUCKETS + 1, np.float32)
    squares = np.full(_thai_scores.N_BUCKETS + 1, 1e-2, np.float32)
    for epoch in range(EPOCHS):
        rng.shuffle(made)
        total = 0.0
        for sampled in made:
            slope, log_probability = gradient(sampled, weights)
            total += log_probability
            moved = np.abs(slope) > FLAT
            at, where = np.unique(sampled.buckets[moved], return_inverse=True)
            each = np.repeat(slope[moved], sampled.buckets.shape[1])
            step = np.bincount(where.ravel(), each, len(at)).astype(np.float32)
            squares[at] += step**2
            weights[at] += LEARNING_RATE * step / np.sqrt(squares[at])
            weights[-1] = 0.0  # padding
        print(f"epoch {epoch}: mean log-probability {total / len(made):.4f}, {len(made)} samples", file=sys.stderr)
    return weights[:-1]


def accuracy(words: dict[str, list[Phones]], score: _thai_scores.Score) -> float:
    """Share of words that the rules alone read with the dictionary's tones, light syllables exempt."""
    right = 0
    for word, phones in words.items():
        sounds = [sound for piece in reader.read(word, score=score) for sound in piece.sounds]
        light = [is_short(p.nucleus) and not p.coda for p in phones]
        right += len(sounds) == len(phones) and all(
            exempt or sound.tone == phone.tone for sound, phone, exempt in zip(sounds, phones, light, strict=True)
        )
    return right / len(words)


def main(output: str) -> None:
    """Train, report on the words held out, and write the weights as int8."""
    rng = random.Random(SEED)
    words = entries()
    kept = {word: phones for word, phones in words.items() if not held_out(word)}
    print(f"{len(words)} entries, {len(words) - len(kept)} held out", file=sys.stderr)
    weights = train(list(samples(kept, rng)), rng)
    scale = np.abs(weights).max() / 127
    stored = np.round(weights / scale).astype(np.int8)
    score = _thai_scores.scorer((stored.astype(np.float32) * scale).tolist())
    share = accuracy({word: words[word] for word in words if held_out(word)}, score)
    print(f"held out: {100 * share:.2f} % of words have every tone right", file=sys.stderr)
    np.savez_compressed(output, weights=stored, scale=np.float32(scale))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(_thai_scores.WEIGHTS))
