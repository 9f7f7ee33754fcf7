"""How much audio lies around a tone centre, and which tokens have too little of it to be measured.

Two measurements ask for audio around a token: the cue width for a clip as long as its widest window, and the gradients
(of test tokens) for some time on both sides of the centre. What they leave out is told, token by token, in the table
``rejected``, so that no token is lost silently.

Conventions: ms.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonespan_utils.corpus import SAMPLE_RATE, Corpus


def clip_ms(corpus: Corpus, tokens: pd.DataFrame) -> pd.Series:
    """How long the recording of each token is: (token,)."""
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    return tokens["utterance_id"].map(n_samples) * 1000 / SAMPLE_RATE


def shortest_ms(corpus: Corpus, tokens: pd.DataFrame) -> pd.Series:
    """How much audio there is on the shorter side of each token's centre: (token,)."""
    center_ms = 1000 * tokens["center_s"]
    return np.minimum(center_ms, clip_ms(corpus, tokens) - center_ms)


def left_out(corpus: Corpus, *, min_side_ms: float, widest_window_ms: float) -> pd.DataFrame:
    """The tokens that a measurement leaves out for want of audio: columns item (token_id) and reason.

    A token that both leave out has two rows. Notebook: notebooks/00_corpus
    """
    tokens = corpus.tokens
    short = (clip_ms(corpus, tokens) < widest_window_ms).to_numpy()
    cut = ((shortest_ms(corpus, tokens) < min_side_ms) & (tokens["split"] == "test")).to_numpy()
    told = {
        f"cue width: recording shorter than the widest window of {widest_window_ms:g} ms (baseline.windows_ms)": short,
        f"gradients: less than {min_side_ms:g} ms of audio on a side of the centre (gradient.min_side_ms)": cut,
    }
    rows = [pd.DataFrame({"item": tokens.loc[which, "token_id"], "reason": why}) for why, which in told.items()]
    return pd.concat(rows, ignore_index=True)
