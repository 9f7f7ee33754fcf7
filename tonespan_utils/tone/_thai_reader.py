"""Choosing among Thai readings: the best-scoring path through a lattice of candidates and dictionary words.

A run is a lattice: its nodes are characters, its edges the candidates of :mod:`tonespan_utils.tone._thai_spelling`.
Each edge has a score (:mod:`tonespan_utils.tone._thai_scores`). A dictionary's word is one more edge: its sounds are
laid over the candidates that can have been meant, so that each sound knows the characters that write it, and a
dictionary entry that leaves letters unread is not believed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tonespan_utils.tone._thai_letters import is_short
from tonespan_utils.tone._thai_scores import Score, shipped
from tonespan_utils.tone._thai_spelling import Reading, readings
from tonespan_utils.tone.parts import Sound

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
    """A piece of the best path: a dictionary's word, or (``in_dictionary`` false) one candidate read by the rules alone.

    For each sound, ``linked``: its only letter also closes the sound before it; ``foreign``: its tone is not what
    its spelling says, as in loans.
    """

    start: int
    end: int
    sounds: tuple[Sound, ...]
    linked: tuple[bool, ...]
    foreign: tuple[bool, ...]
    in_dictionary: bool
    plain: bool  # spelled with all its vowels and no silent letters


class Edge(NamedTuple):
    """A candidate with its score."""

    reading: Reading
    score: float


class _Step(NamedTuple):
    """A step of the search: one candidate, a dictionary's word, or nothing (a character that is not read)."""

    start: int
    score: float
    edges: tuple[Edge, ...] = ()
    phones: tuple[Phones, ...] = ()


def read(run: str, words: Iterable[tuple[int, int, Sequence[Phones]]] = (), score: Score | None = None) -> list[Word]:
    """The best path through ``run``; ``words``: dictionary words (start, end, syllables). Skips unread characters."""
    edges = lattice(run, score)
    arriving = _by_rules(edges)
    for start, end, phones in words:
        path = lay(edges, start, end, phones)
        if path:
            arriving[end].append(_Step(start, _worth(path, len(phones)), path, tuple(phones)))
    return _words(_best(len(run), arriving))


def _worth(path: Sequence[Edge], n_syllables: int) -> float:
    """Score of a dictionary's word; a lone letter at its end may be one left over, and is no evidence."""
    beyond = n_syllables - 1 - (path[-1].reading.kind == "bare" and n_syllables > 1)
    return sum(edge.score for edge in path) + KNOWN_BONUS + SYLLABLE_BONUS * beyond


def _by_rules(edges: Sequence[Edge]) -> dict[int, list[_Step]]:
    """Where each candidate ends -> the steps that are one candidate."""
    arriving: dict[int, list[_Step]] = defaultdict(list)
    for edge in edges:
        arriving[edge.reading.end].append(_Step(edge.reading.start, edge.score, (edge,)))
    return arriving


def _best(end: int, arriving: dict[int, list[_Step]]) -> list[_Step]:
    """The steps of the best path; its state is the place and whether a word or a loose letter ends there."""
    states: list[dict[str, tuple[float, _Step, str]]] = [{"": (0.0, _Step(0, 0.0), "")}]
    for at in range(1, end + 1):
        here: dict[str, tuple[float, _Step, str]] = {}
        for step in (_Step(at - 1, UNREAD), *arriving.get(at, ())):
            sort = _sort(step)
            for before, (total, _, _) in states[step.start].items():
                score = total + step.score + (BESIDE_LOOSE if {sort, before} == {"word", "loose"} else 0.0)
                if sort not in here or score > here[sort][0]:
                    here[sort] = (score, step, before)
        states.append(here)
    sort, steps = max(states[end], key=lambda sort: states[end][sort][0]), []
    while end:
        _, step, before = states[end][sort]
        steps.append(step)
        end, sort = step.start, before
    return steps[::-1]


def _sort(step: _Step) -> str:
    if step.phones:
        return "word"
    loose = step.edges and (step.edges[0].reading.kind == "bare" or step.edges[0].reading.borrows)
    return "loose" if loose else ""


def _words(steps: list[_Step]) -> list[Word]:
    words, borrowed = [], False
    for step in steps:
        linked: list[bool] = []
        for edge in step.edges:
            links = borrowed and edge.reading.kind == "bare" and edge.reading.end - edge.reading.start == 1
            linked += [links, *[False] * (len(edge.reading.sounds) - 1)]
            borrowed = edge.reading.borrows
        if step.edges:
            words.append(_word(step, tuple(linked)))
    return words


def _word(step: _Step, linked: tuple[bool, ...]) -> Word:
    sounds = [(sound, edge.reading.loan) for edge in step.edges for sound in edge.reading.sounds]
    foreign = [loan and not sound.weak for sound, loan in sounds]
    spoken = [sound for sound, _ in sounds]
    if step.phones:
        foreign = [f or s.tone != p.tone for f, s, p in zip(foreign, spoken, step.phones, strict=True)]
        spoken = [_voiced(s, p) for s, p in zip(spoken, step.phones, strict=True)]
    plain = all(edge.reading.kind in PLAIN and edge.reading.coda_kind in PLAIN for edge in step.edges)
    end = step.edges[-1].reading.end
    return Word(step.start, end, tuple(spoken), linked, tuple(foreign), bool(step.phones), plain)


def _voiced(sound: Sound, phones: Phones) -> Sound:
    return sound._replace(**phones._asdict(), weak=is_short(phones.nucleus) and not phones.coda)


def lattice(run: str, score: Score | None = None) -> list[Edge]:
    """Candidates that are part of a path through ``run``, in order of their start; scored by the shipped weights."""
    score = score or shipped()
    reached, candidates = {0}, []
    for start in range(len(run)):
        if start in reached:
            here = [r for r in readings(run, start) if not (r.borrows and r.end >= len(run))]
            reached.update(r.end for r in here)
            candidates += here
            if not here:
                reached.add(start + 1)  # a character that nothing reads
    return [Edge(reading, score(run, reading)) for reading in _useful(candidates, len(run))]


def _useful(candidates: list[Reading], end: int) -> list[Reading]:
    """The candidates that lie on a path to the end; all of them if there is no path."""
    leading = {end}
    for reading in reversed(candidates):
        if reading.end in leading:
            leading.add(reading.start)
    return [reading for reading in candidates if reading.end in leading] if 0 in leading else candidates


def lay(edges: Sequence[Edge], start: int, end: int, phones: Sequence[Phones]) -> tuple[Edge, ...]:
    """The best path from ``start`` to ``end`` whose sounds are ``phones`` but for tone and length; () for none."""
    laid: dict[tuple[int, int], tuple[float, tuple[Edge, ...]]] = {(start, 0): (0.0, ())}
    first = bisect_left(edges, start, key=_start)
    for edge in edges[first : bisect_left(edges, end, lo=first, key=_start)]:
        reading = edge.reading
        if reading.end > end or (reading.borrows and reading.end == end):
            continue
        for done in range(len(phones)):
            partial = laid.get((reading.start, done))
            after = done + len(reading.sounds)
            if partial and after <= len(phones) and _may_be(reading, phones[done:after]):
                score = partial[0] + edge.score + sum(map(_exact, reading.sounds, phones[done:after]))
                if (reading.end, after) not in laid or laid[reading.end, after][0] < score:
                    laid[reading.end, after] = (score, (*partial[1], edge))
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
