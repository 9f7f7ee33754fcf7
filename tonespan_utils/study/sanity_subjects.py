"""What the sanity checks are made on: the corpus of one reference span, its encoders, their probes and gradients.

The corpus is that of ``validity.sanity_span_ms``, and notebook 06_planted_span has trained its encoders: as it is
(``vanilla``) and after speech recognition (``asr``).

Conventions: spans and offsets in ms; tasks in the order of the conditions, layers bottom up.

Notebook: notebooks/06_sanity
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.corpus import sources
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import gradient_energy, spans
from tonespan_utils.instrument.gradient_energy import Measured
from tonespan_utils.instrument.probes import ProbeResult
from tonespan_utils.params.profile import Params
from tonespan_utils.study import calibration

TaskProbes = Mapping[str, Mapping[str, ProbeResult]]  # task -> layer -> the probe and its scores


@dataclass(frozen=True)
class Subjects:
    """What is checked: the encoders of one synthetic corpus by task, and the tokens whose gradients are measured.

    ``given`` are the profile's parameters, ``planted`` those of the corpus.
    """

    given: Params
    planted: Params
    corpus: Corpus
    encoders: Mapping[str, Encoder]
    tokens: pd.DataFrame

    @property
    def layers(self) -> list[str]:
        return self.encoders["asr"].layers

    @property
    def top(self) -> str:
        return self.layers[-1]

    @property
    def resampling(self) -> dict[str, float]:
        """``n_resamples``, ``level`` and ``seed`` of every interval."""
        return self.given.bootstrap.model_dump() | {"seed": self.given.validity.seed}

    @property
    def bins(self) -> tuple[NDArray, NDArray]:
        """Edges (bins + 1,) and centres (bins,) of the offsets from the tone centre, in ms."""
        return spans.offset_bins(self.given.gradient.window_ms, self.given.gradient.bin_ms)

    def gradient(self, encoder: Encoder, fitted: Mapping[str, object]) -> Measured:
        """The gradient energy of ``tokens`` under the probes ``fitted`` (layer -> probe), by ``gradient.weight``."""
        g, (edges, _) = self.given.gradient, self.bins
        measured = gradient_energy.measure(
            encoder, fitted, self.corpus, self.tokens, edges, target=g.target, wrt=g.wrt,
            power_window_ms=g.power_window_ms,
        )  # fmt: skip
        return measured.weighted_by(g.weight)


def load(given: Params) -> Subjects:
    """The corpus and the trained encoders that notebook 06_planted_span left for ``validity.sanity_span_ms``."""
    v, planted = given.validity, calibration.planted(given, given.validity.sanity_span_ms)
    corpus, seed = sources.load(planted, v.language), planted.finetune.seeds[0]
    named = calibration.conditions_of(planted, narrow=False)
    encoders = {task: checkpoints.load_condition(planted, name, seed=seed) for task, name in named.items()}
    tokens = gradient_energy.eligible(corpus, n_tokens=v.n_tokens, min_side_ms=given.gradient.min_side_ms, seed=v.seed)
    return Subjects(given, planted, corpus, encoders, tokens)


def probe_all(checked: Subjects) -> TaskProbes:
    """The probes of every task and layer on the corpus' own tones."""
    tokens = checked.corpus.tokens
    return {
        task: calibration.probe_layers(checked.planted, encoder, checked.corpus, tokens)
        for task, encoder in checked.encoders.items()
    }


def gradient_of_all(checked: Subjects, fitted: TaskProbes) -> dict[str, Measured]:
    """The gradient energy of every task in every layer."""
    return {
        task: checked.gradient(encoder, {layer: result.probe for layer, result in fitted[task].items()})
        for task, encoder in checked.encoders.items()
    }
