"""The recordings of lesson 6: isolated syllables with a tone each, from a folder, or synthetic ones in their place.

A folder has a ``labels.csv`` as in docs/your-corpus.md: ``file`` and ``tone``, ``syllable`` and ``speaker`` where they
are known. Without a folder the Mandarin syllables beside the repository are taken where they are there, else speech of
the course; :attr:`Clips.source` says in words which it was.

Conventions: times in seconds; audio float32 at 16 kHz. Clips that are split apart for training and test carry the names
of their speakers, or of their syllables where there is one speaker.

Notebook: notebooks/course/6_real_recordings
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.audio import reading
from tonespan_utils.corpus import listing, nucleus
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import ROOT

BESIDE = ROOT.parent / "shared" / "data" / "speech" / "cmn_syllables"  # 1,679 syllables of one speaker, CC BY-SA
N_CLIPS = 240  # so many take some seconds, and leave each of four tones some dozen test clips


@dataclass(frozen=True, eq=False)
class Clips:
    """What ``measure_span`` takes, and ``source``: in words, what it is. A clip has one token or several."""

    audio: list[NDArray[np.float32]]
    centers_s: list[list[float]]
    tones: list[list[str]]
    groups: list[str]
    source: str
    is_real: bool


def clips(folder: Path | str | None, spare: Corpus, *, n_clips: int = N_CLIPS, seed: int = 0) -> Clips:
    """Up to ``n_clips`` clips of a folder; without one, of the syllables beside the repository, or of ``spare``.

    Raises TonespanError where a folder is named and cannot serve. Notebook: notebooks/course/6_real_recordings
    """
    if folder is not None:
        return of_folder(Path(folder), n_clips=n_clips, seed=seed)
    if (BESIDE / "labels.csv").is_file():
        return of_folder(BESIDE, n_clips=n_clips, seed=seed)
    return of_corpus(spare, n_tokens=n_clips)


def of_folder(folder: Path, *, n_clips: int, seed: int) -> Clips:
    """The isolated syllables of a folder: whole syllable types, in all of their tones, drawn by ``seed``.

    Raises TonespanError for a folder without isolated syllables, or with fewer than two tones or groups.
    """
    rows = listing.of_folder(folder)
    rows = rows[(rows["tone"] != "") & ~rows["tone"].str.contains(" ")]
    n_tones, n_speakers = rows["tone"].nunique(), rows.loc[rows["speaker"] != "", "speaker"].nunique()
    groups = rows["speaker" if n_speakers > 1 else "syllable"]
    if n_tones < 2 or groups.nunique() < 2:
        raise TonespanError(
            f"{folder}: {len(rows)} isolated syllables, {n_tones} tones, {groups.nunique()} speakers or syllables; the "
            "lesson needs two of each, in the columns tone and speaker or syllable of labels.csv"
        )
    rows, read, left_out = _drawn(rows.assign(group=groups), n_clips=n_clips, seed=seed), [], 0
    for row in rows.itertuples():
        try:
            samples = reading.read(row.path)
            read.append((samples, [nucleus.find_nucleus(samples).center_s], [row.tone], row.group))
        except TonespanError:  # silent, damaged, or without a voice
            left_out += 1
    if not read:
        raise TonespanError(f"{folder}: none of {left_out} recordings can be read and is voiced")
    source = f"{len(read)} recordings from {folder.name}, of {max(n_speakers, 1)} speaker{'s' * (n_speakers > 1)}"
    source += f" ({left_out} left out: not readable, or no voice in it)" if left_out else ""
    return Clips(*map(list, zip(*read, strict=True)), source=source, is_real=True)


def _drawn(rows: pd.DataFrame, *, n_clips: int, seed: int) -> pd.DataFrame:
    """Rows of whole syllable types, those with most tones first and else by chance, up to ``n_clips``."""
    n_tones = rows.groupby("syllable")["tone"].nunique()
    n_tones = n_tones.sample(frac=1, random_state=seed).sort_values(ascending=False, kind="stable")
    order = rows["syllable"].map({syllable: rank for rank, syllable in enumerate(n_tones.index)})
    return rows.assign(order=order).sort_values("order", kind="stable").head(n_clips)


def of_corpus(corpus: Corpus, *, n_tokens: int) -> Clips:
    """The first utterances of a corpus, each with all of its tokens, until there are ``n_tokens``."""
    by_utterance = [(name, tokens) for name, tokens in corpus.tokens.groupby("utterance_id", sort=False)]
    before = np.cumsum([0, *(len(tokens) for _, tokens in by_utterance)])[:-1]
    chosen = [pair for pair, n_before in zip(by_utterance, before, strict=True) if n_before < n_tokens]
    n_chosen = sum(len(tokens) for _, tokens in chosen)
    return Clips(
        [corpus.audio(name) for name, _ in chosen],
        [tokens["center_s"].tolist() for _, tokens in chosen],
        [tokens["tone"].tolist() for _, tokens in chosen],
        [str(tokens["speaker"].iloc[0]) for _, tokens in chosen],
        source=f"NO real recordings: {n_chosen} synthetic syllables stand in, so this is a rehearsal",
        is_real=False,
    )


def moved(centers_s: Sequence[Sequence[float]], audio: Sequence[NDArray], by_s: float) -> list[list[float]]:
    """The centres moved by ``by_s``, but kept 50 ms inside of their clips: what wrong times would be.

    Notebook: notebooks/course/6_real_recordings
    """
    ends_s = [len(samples) / reading.SAMPLE_RATE - 0.05 for samples in audio]
    return [
        [float(np.clip(center_s + by_s, 0.05, end_s)) for center_s in of_clip]
        for of_clip, end_s in zip(centers_s, ends_s, strict=True)
    ]


def shuffled(tones: Sequence[Sequence[str]], *, seed: int) -> list[list[str]]:
    """The same tones, each somewhere else: what labels would be that say nothing.

    Notebook: notebooks/course/6_real_recordings
    """
    drawn = iter(np.random.default_rng(seed).permutation([tone for of_clip in tones for tone in of_clip]).tolist())
    return [[next(drawn) for _ in of_clip] for of_clip in tones]
