"""Which tones a reader of the signal confuses, and how much of tone the sounds alone give away.

- The **confusions** of a front end: held-out tones by predicted ones, in the window where its F1 peaks.
- The **segment-only** reader: a logistic regression on what is said without how (``cue_width.segment_features``), on
  the folds of the sweep. What it reads above chance is no pitch: checked syllables, consonant classes, words that were
  recorded in one tone only. Beside it the commonest tone of each fold's training tokens.

Conventions: intervals are percentile bootstraps over utterances; chance is the F1 of the same predictions shuffled.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonespan_utils.instrument import cue_width
from tonespan_utils.instrument.cue_width import Sweep
from tonespan_utils.params.sections import Baseline
from tonespan_utils.statistics import bootstrap, classifier

READERS = ("sounds", "commonest tone")


def of_sweep(swept: Sweep) -> pd.DataFrame:
    """Columns window_ms (the peak's), tone, predicted, n, share (of the tokens of that tone), a row per pair of tones.

    Notebook: notebooks/01_baseline_spans
    """
    peak, classes = int(cue_width.pooled_f1(swept).argmax()), np.unique(swept.tone)
    counts = classifier.confusion(swept.tone, swept.predicted[peak], classes)
    totals = counts.sum(axis=1)
    rows = [
        {"tone": tone, "predicted": predicted, "n": int(counts[i, j]), "share": float(counts[i, j] / totals[i])}
        for i, tone in enumerate(classes)
        for j, predicted in enumerate(classes)
    ]
    return pd.DataFrame(rows).assign(window_ms=float(swept.windows_ms[peak]))


def by_sounds(tokens: pd.DataFrame, given: Baseline, *, n_resamples: int, level: float, seed: int) -> pd.DataFrame:
    """F1 of the readers that hear no pitch: columns reader, macro_f1, ci_low, ci_high, chance_f1, n_tokens.

    Where a token's IPA is not known its written syllable stands for it. Notebook: notebooks/01_baseline_spans
    """
    named = tokens.assign(ipa=tokens["ipa"].where(tokens["ipa"] != "", tokens["syllable"]))
    folds = {"n_folds": given.n_folds, "seed": seed}
    features = cue_width.segment_features(named)
    predictions = {
        "sounds": cue_width.held_out(features, tokens, regularisation_c=given.regularisation_c, **folds),
        "commonest tone": cue_width.majority(tokens, **folds),
    }
    tone, utterances = (tokens[name].to_numpy(dtype=str) for name in ("tone", "utterance_id"))
    rows = [
        {"reader": reader} | _scored(tone, predictions[reader], utterances, n_resamples, level, seed)
        for reader in READERS
    ]
    return pd.DataFrame(rows)


def _scored(
    tone: np.ndarray, predicted: np.ndarray, utterances: np.ndarray, n_resamples: int, level: float, seed: int
) -> dict[str, float]:
    counts = classifier.confusion_by_cluster(tone, predicted, utterances)
    draws = bootstrap.resample_clusters(len(counts), n_resamples=n_resamples, seed=seed)
    low, high = bootstrap.percentile_interval(
        classifier.f1_resamples(counts, draws), level=level, n_tokens=len(tone), n_clusters=len(counts)
    )
    whole = counts.sum(axis=0)
    f1, chance = float(classifier.macro_f1(whole)), float(classifier.chance_f1(whole))
    return {"macro_f1": f1, "ci_low": low, "ci_high": high, "chance_f1": chance, "n_tokens": len(tone)}
