"""Choosing among Thai readings: the best-scoring way through a run of text, with or without a dictionary's word.

A run is a lattice: its nodes are characters, its edges the candidates of :mod:`tonespan_utils.tone._thai_spelling`.
Each edge has a score, a sum of weights of its spelling and its neighbours' characters (a log-linear model, trained by
:mod:`tools.train_thai_reader` on the dictionary of ``sea-g2p``). A dictionary's word is one more edge: its
sounds are laid over the candidates that can have been meant, so that each sound knows the characters that write it,
and a dictionary entry that leaves letters unread is not believed.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tonespan_utils.tone._thai_spelling import Reading, Sound, is_short, readings

WEIGHTS = Path(__file__).with_name("thai_weights.npz")
N_BUCKETS = 1 << 18  # features share a bucket rarely enough; a byte each
UNREAD = -40.0  # score of a character that no candidate reads: worse than any reading
# What a dictionary's word is worth against its spelling: each syllable beyond the first makes chance less likely, and
# a lone letter left over beside the word more so. Chosen so that nonsense keeps its syllables and words their entries.
KNOWN_BONUS, SYLLABLE_BONUS, BESIDE_LOOSE = 3.0, 15.0, -25.0
CODA_OF_LOAN = {
    "l": "n",
    "s": "t",
    "f": "p",
    "tɕʰ": "t",
    "js": "j",
    "ns": "n",
    "w": "n",
}  # a dictionary's -> as spelled
PLAIN = {"single", "cluster", "ho", "", "K"}  # ways to spell onset and coda that leave no doubt


class Phones(NamedTuple):
    """One syllable as a dictionary has it."""

    onset: str
    nucleus: str
    coda: str
    tone: str


class Word(NamedTuple):
    """A piece of the chosen way: a dictionary's word, or (``known`` false) one candidate read by the rules alone.

    For each sound, ``linked``: its only letter also closes the sound before it; ``foreign``: its tone is not what
    its spelling says, as in loans.
    """

    start: int
    end: int
    sounds: tuple[Sound, ...]
    linked: tuple[bool, ...]
    foreign: tuple[bool, ...]
    known: bool
    plain: bool  # spelled with all its vowels and no silent letters


class Edge(NamedTuple):
    """A candidate with its score."""

    reading: Reading
    score: float


class _Way(NamedTuple):
    """A step of the search: one candidate, a dictionary's word, or nothing (a character that is not read)."""

    start: int
    score: float
    edges: tuple[Edge, ...] = ()
    phones: tuple[Phones, ...] = ()


Score = Callable[[str, Reading], float]


def read(run: str, known: Iterable[tuple[int, int, Sequence[Phones]]] = (), score: Score | None = None) -> list[Word]:
    """The best way through ``run``; ``known``: dictionary words (start, end, syllables). Skips unread characters."""
    edges = lattice(run, score)
    arriving = _by_rules(edges)
    for start, end, phones in known:
        path = lay(edges, start, end, phones)
        if path:
            arriving[end].append(_Way(start, _worth(path, len(phones)), path, tuple(phones)))
    return _words(_best(len(run), arriving))


def _worth(path: Sequence[Edge], n_syllables: int) -> float:
    """Score of a dictionary's word; a lone letter at its end may be one left over, and is no evidence."""
    beyond = n_syllables - 1 - (path[-1].reading.kind == "bare" and n_syllables > 1)
    return sum(edge.score for edge in path) + KNOWN_BONUS + SYLLABLE_BONUS * beyond


def _by_rules(edges: Sequence[Edge]) -> dict[int, list[_Way]]:
    """Where each candidate ends -> the ways that are one candidate."""
    arriving: dict[int, list[_Way]] = defaultdict(list)
    for edge in edges:
        arriving[edge.reading.end].append(_Way(edge.reading.start, edge.score, (edge,)))
    return arriving


def _best(end: int, arriving: dict[int, list[_Way]]) -> list[_Way]:
    """The ways of the best path; its state is the place and whether a word or a loose letter ends there."""
    states: list[dict[str, tuple[float, _Way, str]]] = [{"": (0.0, _Way(0, 0.0), "")}]
    for at in range(1, end + 1):
        here: dict[str, tuple[float, _Way, str]] = {}
        for way in (_Way(at - 1, UNREAD), *arriving.get(at, ())):
            sort = _sort(way)
            for before, (total, _, _) in states[way.start].items():
                score = total + way.score + (BESIDE_LOOSE if {sort, before} == {"word", "loose"} else 0.0)
                if sort not in here or score > here[sort][0]:
                    here[sort] = (score, way, before)
        states.append(here)
    sort, ways = max(states[end], key=lambda sort: states[end][sort][0]), []
    while end:
        _, way, before = states[end][sort]
        ways.append(way)
        end, sort = way.start, before
    return ways[::-1]


def _sort(way: _Way) -> str:
    if way.phones:
        return "word"
    loose = way.edges and (way.edges[0].reading.kind == "bare" or way.edges[0].reading.borrows)
    return "loose" if loose else ""


def _words(ways: list[_Way]) -> list[Word]:
    words, borrowed = [], False
    for way in ways:
        linked: list[bool] = []
        for edge in way.edges:
            links = borrowed and edge.reading.kind == "bare" and edge.reading.end - edge.reading.start == 1
            linked += [links, *[False] * (len(edge.reading.sounds) - 1)]
            borrowed = edge.reading.borrows
        if way.edges:
            words.append(_word(way, tuple(linked)))
    return words


def _word(way: _Way, linked: tuple[bool, ...]) -> Word:
    sounds = [(sound, edge.reading.loan) for edge in way.edges for sound in edge.reading.sounds]
    foreign = [loan and not sound.weak for sound, loan in sounds]
    spoken = [sound for sound, _ in sounds]
    if way.phones:
        foreign = [f or s.tone != p.tone for f, s, p in zip(foreign, spoken, way.phones, strict=True)]
        spoken = [_voiced(s, p) for s, p in zip(spoken, way.phones, strict=True)]
    plain = all(edge.reading.kind in PLAIN and edge.reading.coda_kind in PLAIN for edge in way.edges)
    end = way.edges[-1].reading.end
    return Word(way.start, end, tuple(spoken), linked, tuple(foreign), bool(way.phones), plain)


def _voiced(sound: Sound, phones: Phones) -> Sound:
    return sound._replace(**phones._asdict(), weak=is_short(phones.nucleus) and not phones.coda)


def lattice(run: str, score: Score | None = None) -> list[Edge]:
    """Candidates that are part of a way through ``run``, in order of their start; scored by the shipped weights."""
    score = score or shipped()
    reached, found = {0}, []
    for start in range(len(run)):
        if start in reached:
            here = [r for r in readings(run, start) if not (r.borrows and r.end >= len(run))]
            reached.update(r.end for r in here)
            found += here
            if not here:
                reached.add(start + 1)  # a character that nothing reads
    return [Edge(reading, score(run, reading)) for reading in _useful(found, len(run))]


def _useful(found: list[Reading], end: int) -> list[Reading]:
    """Without what leads to no end, if there is a way at all."""
    leading = {end}
    for reading in reversed(found):
        if reading.end in leading:
            leading.add(reading.start)
    return [reading for reading in found if reading.end in leading] if 0 in leading else found


def lay(edges: Sequence[Edge], start: int, end: int, phones: Sequence[Phones]) -> tuple[Edge, ...]:
    """The best path from ``start`` to ``end`` whose sounds are ``phones`` but for tone and length; () for none."""
    laid: dict[tuple[int, int], tuple[float, tuple[Edge, ...]]] = {(start, 0): (0.0, ())}
    first = bisect_left(edges, start, key=_start)
    for edge in edges[first : bisect_left(edges, end, lo=first, key=_start)]:
        reading = edge.reading
        if reading.end > end or (reading.borrows and reading.end == end):
            continue
        for done in range(len(phones)):
            way = laid.get((reading.start, done))
            after = done + len(reading.sounds)
            if way and after <= len(phones) and _may_be(reading, phones[done:after]):
                score = way[0] + edge.score + sum(map(_exact, reading.sounds, phones[done:after]))
                if (reading.end, after) not in laid or laid[reading.end, after][0] < score:
                    laid[reading.end, after] = (score, (*way[1], edge))
    path = laid.get((end, len(phones)), (0.0, ()))[1]
    named = [edge.reading.kind == "bare" and edge.reading.rime == "ɔː" for edge in path]
    return () if path and named[-1] and not all(named) else path  # a letter left over and read by its name


def _start(edge: Edge) -> int:
    return edge.reading.start


def _may_be(reading: Reading, phones: Sequence[Phones]) -> bool:
    """Whether a dictionary may mean this candidate; a written tone mark leaves no choice of tone."""
    marked_otherwise = reading.mark and reading.sounds[-1].tone != phones[-1].tone
    return not marked_otherwise and all(map(alike, reading.sounds, phones))


def alike(sound: Sound, phones: Phones) -> bool:
    """Whether a dictionary may mean this candidate: the same sounds, tone and vowel length aside."""
    coda = phones.coda or "ʔ"
    return (
        sound.onset == phones.onset
        and sound.nucleus.rstrip("ː") == phones.nucleus.rstrip("ː")
        and (sound.coda or "ʔ") in (coda, CODA_OF_LOAN.get(coda))
    )


def _exact(sound: Sound, phones: Phones) -> float:
    return (sound.tone == phones.tone) + (sound.nucleus == phones.nucleus)


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
    """Where a feature's weight is."""
    return zlib.crc32(name.encode()) % N_BUCKETS


def _groups(run: str, reading: Reading) -> tuple[tuple[str, ...], ...]:
    """Features in groups that often recur, so that their sums can be kept."""
    start, end = reading.start, reading.end
    before, after, unit = run[max(0, start - 2) : start], run[end : end + 4], run[start:end]
    kind, letters, rime, mark, coda_kind, coda = reading[4:10]
    pattern = f"{kind}|{rime}|{mark}|{coda_kind}"
    return (
        ("own", unit, pattern, kind, letters, rime, coda_kind, coda),
        ("before", before, kind, letters),
        ("after", coda_kind, coda, after),
        ("rime", kind, rime, coda_kind, "" if coda_kind else letters, after[:2]),
        ("pattern after", pattern, after[:3]),
        ("unit after", unit, pattern, after[:2]),
        ("unit before", unit, pattern, before),
        *([("loan", unit, rime, coda, letters, after[:2])] if reading.loan else ()),
    )


def _own(unit: str, pattern: str, kind: str, letters: str, rime: str, coda_kind: str, coda: str) -> list[str]:
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
    "own": _own,
    "before": _before,
    "after": _after,
    "rime": _rime,
    "loan": _loan,
    "pattern after": lambda pattern, after: [f"pattern after\t{pattern}|{after}"],
    "unit after": lambda unit, pattern, after: [f"unit after\t{unit}{pattern}|{after}"],
    "unit before": _unit_before,
}
