"""A corpus: a table of utterances, a table of tone tokens, and a function that gives the samples of an utterance.

Every source (FLEURS, a folder of recordings, the embedded synthetic corpus) becomes a :class:`Corpus`; the rest of the
package does not depend on where the speech came from. Audio is mono float32 at 16 kHz; times are seconds from the start
of the utterance; a token's centre is the middle of its syllable nucleus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Corpus:
    """Utterances, their tone tokens, and ``audio(utterance_id)``: float32 (samples,) at 16 kHz.

    ``audio`` of speech that is read from files is a new array at every call, which its caller may change.
    ``utterances`` has UTTERANCE_COLUMNS, ``tokens`` has TOKEN_COLUMNS. Unknown speaker, gender or
    emotion is the empty string. ``rejected`` lists what was left out: columns ``item`` and ``reason``.
    """

    utterances: pd.DataFrame
    tokens: pd.DataFrame
    audio: Callable[[str], np.ndarray]
    rejected: pd.DataFrame
