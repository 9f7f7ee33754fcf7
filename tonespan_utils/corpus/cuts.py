"""Recordings longer than an encoder takes, cut to a clip around each tone centre.

Whisper sees a canvas of fixed length. A token in a longer recording is shown with as much of it as fits, its centre in
the middle, or nearer to an edge where the recording ends.

Conventions: seconds; samples at 16 kHz. Other recordings and their tokens stay as they are.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus

TIMES = ("start_s", "end_s", "center_s")


def around_centers(corpus: Corpus, tokens: pd.DataFrame, *, longest_s: float) -> tuple[Corpus, pd.DataFrame]:
    """A corpus of clips of at most ``longest_s``, and ``tokens`` placed in them, row by row.

    A clip is an utterance of its own, whose name adds its first sample; corpus and tokens themselves come back where
    no token's recording is longer. Intervals are over recordings: take the clusters from ``tokens`` as they were.
    Notebook: notebooks/03_layer_probes
    """
    table = corpus.utterances.set_index("utterance_id", drop=False)
    lengths = tokens["utterance_id"].map(table["n_samples"]).to_numpy()
    if not np.isfinite(longest_s) or not (lengths > longest_s * SAMPLE_RATE).any():
        return corpus, tokens
    longest = round(longest_s * SAMPLE_RATE)
    is_long = lengths > longest
    middle = np.round(tokens["center_s"].to_numpy(dtype=float) * SAMPLE_RATE).astype(int)
    starts = np.where(is_long, np.clip(middle - longest // 2, 0, np.maximum(lengths - longest, 0)), 0)
    names = np.where(is_long, [f"{u} from {s}" for u, s in zip(tokens["utterance_id"], starts, strict=True)], "")
    names = np.where(is_long, names, tokens["utterance_id"]).astype(object)
    of_tokens = table.loc[tokens["utterance_id"]].assign(utterance_id=names, n_samples=np.minimum(lengths, longest))
    places = dict(zip(names, zip(tokens["utterance_id"], starts, strict=True), strict=True))

    def audio(name: str) -> np.ndarray:
        utterance_id, start = places[name]
        samples = corpus.audio(utterance_id)
        return samples if name == utterance_id else samples[start : start + longest]

    moved = {name: tokens[name].astype(float) - starts / SAMPLE_RATE for name in TIMES}
    cut = tokens.assign(utterance_id=names, **moved)
    clips = of_tokens.drop_duplicates("utterance_id").reset_index(drop=True)
    return replace(corpus, utterances=clips, tokens=cut, audio=audio), cut
