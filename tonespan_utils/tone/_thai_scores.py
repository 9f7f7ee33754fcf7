"""Scores of candidate readings of Thai: a log-linear model of a candidate's spelling and its neighbours' characters.

Its weights are trained by :mod:`tools.train_thai_reader` on the dictionary of ``sea-g2p``. A feature is a string; its
weight lies in the bucket that its checksum gives.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from tonespan_utils.tone._thai_spelling import Reading

WEIGHTS = Path(__file__).with_name("thai_weights.npz")
N_BUCKETS = 1 << 18  # features share a bucket rarely enough; a byte each
Score = Callable[[str, Reading], float]


def features(run: str, reading: Reading) -> list[str]:
    """Names of what the model sees of a candidate: its spelling, up to two characters before and four after it."""
    return [name for group in _groups(run, reading) for name in _NAMES[group[0]](*group[1:])]


def scorer(weights: Sequence[float]) -> Score:
    """A candidate's score under ``weights`` (bucket,)."""

    @lru_cache(maxsize=1 << 17)
    def of_group(group: tuple[str, ...]) -> float:
        return sum([weights[bucket(name)] for name in _NAMES[group[0]](*group[1:])])

    return lambda run, reading: sum([of_group(group) for group in _groups(run, reading)])


@cache
def shipped() -> Score:
    """The scorer of the weights in the package."""
    with np.load(WEIGHTS) as stored:
        return scorer((stored["weights"].astype(np.float32) * stored["scale"]).tolist())


def bucket(name: str) -> int:
    """The index of a feature's weight: CRC-32, equal on every machine."""
    return zlib.crc32(name.encode()) % N_BUCKETS


def _groups(run: str, reading: Reading) -> tuple[tuple[str, ...], ...]:
    """Features in groups that often recur, so that their sums can be kept."""
    start, end = reading.start, reading.end
    before, after, unit = run[max(0, start - 2) : start], run[end : end + 4], run[start:end]
    kind, letters, rime, mark, coda_kind, coda = reading[4:10]
    pattern = f"{kind}|{rime}|{mark}|{coda_kind}"
    return (
        ("spelling", unit, pattern, kind, letters, rime, coda_kind, coda),
        ("before", before, kind, letters),
        ("after", coda_kind, coda, after),
        ("rime", kind, rime, coda_kind, "" if coda_kind else letters, after[:2]),
        ("pattern after", pattern, after[:3]),
        ("unit after", unit, pattern, after[:2]),
        ("unit before", unit, pattern, before),
        *([("loan", unit, rime, coda, letters, after[:2])] if reading.loan else ()),
    )


def _spelling(unit: str, pattern: str, kind: str, letters: str, rime: str, coda_kind: str, coda: str) -> list[str]:
    return [
        f"pattern\t{pattern}",
        f"onset\t{kind}{letters}",
        f"unit\t{unit}{pattern}",
        f"close\t{rime}{coda_kind}{coda}",
        f"all\t{kind}{letters}{rime}{coda_kind}{coda}",
    ]


def _before(before: str, kind: str, letters: str) -> list[str]:
    return [f"before 1\t{before[-1:]}{kind}{letters}", f"before 2\t{before}{kind}{letters}"]


def _after(coda_kind: str, coda: str, after: str) -> list[str]:
    return [f"coda {size}\t{coda_kind}{coda}|{after[:size]}" for size in (2, 3, 4)]


def _rime(kind: str, rime: str, coda_kind: str, letters: str, after: str) -> list[str]:
    follows = "+" if coda_kind else after[:1]
    return [
        f"open\t{kind}{letters}{rime}{follows}",
        f"kind\t{kind}{coda_kind}|{after}",
        f"rime\t{rime}{coda_kind}|{after[:1]}",
    ]


def _loan(unit: str, rime: str, coda: str, letters: str, after: str) -> list[str]:
    return [
        f"loan\t{rime}{coda}",
        f"loan unit\t{unit}",
        f"loan after\t{rime}{coda}|{after}",
        f"loan onset\t{letters}{rime}",
    ]


def _unit_before(unit: str, pattern: str, before: str) -> list[str]:
    return [f"unit before\t{before}|{unit}{pattern}", f"pattern before\t{before[-1:]}|{pattern}"]


_NAMES: dict[str, Callable[..., list[str]]] = {
    "spelling": _spelling,
    "before": _before,
    "after": _after,
    "rime": _rime,
    "loan": _loan,
    "pattern after": lambda pattern, after: [f"pattern after\t{pattern}|{after}"],
    "unit after": lambda unit, pattern, after: [f"unit after\t{unit}{pattern}|{after}"],
    "unit before": _unit_before,
}
