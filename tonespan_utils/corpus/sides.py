"""How much audio there is around a tone centre, and which tokens have too little of it to be measured.

Two measurements need audio around a token: the cue width needs a recording as long as its widest window, and gradients
(of test tokens) need some time on both sides of the centre. The table ``rejected`` lists every token that they leave
out, so that no token is lost silently.

Conventions: times are in ms.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus


def clip_ms(corpus: Corpus, tokens: pd.DataFrame) -> pd.Series:
    """The length of each token's recording, in ms: (token,)."""
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    return tokens["utterance_id"].map(n_samples) * 1000 / SAMPLE_RATE


def shortest_ms(corpus: Corpus, tokens: pd.DataFrame) -> pd.Series:
    """How much audio there is on the shorter side of each token's centre, in ms: (token,)."""
    center_ms = 1000 * tokens["center_s"]
    return np.minimum(center_ms, clip_ms(corpus, tokens) - center_ms)


def left_out(corpus: Corpus, *, min_side_ms: float, widest_window_ms: float) -> pd.DataFrame:
    """The tokens that a measurement leaves out since they have too little audio: columns item (token_id) and reason.

    A token that both measurements leave out has two rows. Notebook: notebooks/00_corpus
    """
    tokens = corpus.tokens
    short = (clip_ms(corpus, tokens) < widest_window_ms).to_numpy()
    cut = ((shortest_ms(corpus, tokens) < min_side_ms) & (tokens["split"] == "test")).to_numpy()
    by_reason = {
        f"cue width: recording shorter than the widest window of {widest_window_ms:g} ms (baseline.windows_ms)": short,
        f"gradients: less than {min_side_ms:g} ms of audio on a side of the centre (gradient.min_side_ms)": cut,
    }
    rows = [
        pd.DataFrame({"item": tokens.loc[which, "token_id"], "reason": reason}) for reason, which in by_reason.items()
    ]
    return pd.concat(rows, ignore_index=True)
