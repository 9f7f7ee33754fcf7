"""How wide is the tone cue in the signal? Windows around the tone centre into a logistic regression.

A sweep gives macro-F1 for each window of W ms (:mod:`front_ends`), pooled over speaker- and sentence-disjoint folds.

The cue width is where the curve of F1 over W bends: as long as the window takes in more of the cue, F1 climbs; beyond
it, F1 falls off slowly. Two lines that meet are fitted to the whole curve, and where they meet is the *knee*. The peak,
which depends on a few windows alone, jumps by tens of ms from one bootstrap draw of utterances to the next; the knee by
a few.

What the analysis window adds: a frame begins to see the cue, or what follows it, when its edge does, half an analysis
window before its centre. On speech with planted cues (synthetic ground truth) the knee lies that much beyond the cue's
width, so ``span_ms`` is the knee minus half an analysis window (notebooks/06_validity shows how near it comes). Knee
and peak stand beside it.

There is no cue width where F1 is not above chance, or where the curve does not bend (``findings.why_no_cue``): width,
interval and knee are then nan, and ``reason`` says why.

Conventions: times in ms. The columns of the cue width are called ``span_ms``, ``span_low_ms`` and ``span_high_ms``.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils.corpus import sides
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.instrument.front_ends import frame_offsets_ms, outwards, token_features
from tonespan_utils.params.sections import Baseline
from tonespan_utils.statistics import bootstrap, classifier, findings, splits

KNEE_STEP_MS = 1.0  # far below the interval of any knee here
N_SHUFFLES = 200  # of the predictions: the upper end of chance is then the mean of its fifth and sixth largest at 95 %


@dataclass(frozen=True)
class Sweep:
    """Held-out predictions of every token at every window: what span, interval and chance are computed from.

    ``predicted`` (window, token); ``fold`` (token,) the fold a token was tested in.
    """

    windows_ms: np.ndarray
    tone: np.ndarray
    predicted: np.ndarray
    fold: np.ndarray
    utterance: np.ndarray

    def fold_f1(self) -> pd.DataFrame:
        """Macro-F1 by window and fold: columns window_ms, fold, macro_f1."""
        classes = np.unique(self.tone)
        rows = []
        for window_ms, predicted in zip(self.windows_ms, self.predicted, strict=True):
            for fold in np.unique(self.fold):
                here = self.fold == fold
                f1 = classifier.macro_f1(classifier.confusion(self.tone[here], predicted[here], classes))
                rows.append({"window_ms": window_ms, "fold": int(fold), "macro_f1": float(f1)})
        return pd.DataFrame(rows)


def sweep(
    features: np.ndarray,
    tokens: pd.DataFrame,
    *,
    windows_ms: Sequence[float],
    hop_ms: float,
    regularisation_c: float,
    n_folds: int,
    seed: int,
) -> Sweep:
    """Cross-validated tone predictions at every window of ``features`` (token, frame, feature).

    Windows nest, so a fold whitens its features once for all of them. Raises ValueError for a window wider than the
    features. Notebook: notebooks/01_baseline_spans
    """
    tone = tokens["tone"].to_numpy(dtype=str)
    inputs, order = outwards(features), np.argsort(windows_ms)
    frames = [frame_offsets_ms(windows_ms[w], hop_ms).size for w in order]
    if frames[-1] > features.shape[1]:
        raise ValueError(
            f"a window of {max(windows_ms)} ms is wider than the {features.shape[1] * hop_ms} ms there are"
        )
    widths = [n * features.shape[2] for n in frames]
    predicted = np.empty((len(windows_ms), len(tokens)), dtype=tone.dtype)
    fold = np.empty(len(tokens), dtype=int)
    parts = splits.plan(tokens, n_folds=n_folds, seed=seed).parts
    for number, (train, test) in enumerate(tqdm(parts, desc="folds", unit="fold", leave=False)):
        whitened = classifier.whiten(inputs[train], regularisation_c=regularisation_c)
        models = whitened.fit_nested(tone[train], widths)
        for w, width, model in zip(order, widths, models, strict=True):
            predicted[w, test] = model.predict(inputs[test, :width])
        fold[test] = number
    return Sweep(np.asarray(windows_ms, dtype=float), tone, predicted, fold, tokens["utterance_id"].to_numpy(dtype=str))


@dataclass(frozen=True)
class BaselineSpan:
    """The cue width of one language and front end, in ms; ``knee_ms``, ``peak_ms`` and ``saturation_ms`` are windows.

    ``span_ms`` is the knee minus half the analysis window, ``saturation_ms`` the smallest window whose F1 is
    within one standard error (over folds) of the peak's. Where there is no cue width, ``reason`` says why, and all
    widths and windows are nan. ``f1_low`` and ``f1_high`` are the interval of ``peak_f1``; ``chance_high`` is the upper
    end of the largest F1 of any window where predictions are shuffled over the tokens.
    """

    span_ms: float
    span_low_ms: float
    span_high_ms: float
    knee_ms: float
    peak_ms: float
    saturation_ms: float
    peak_f1: float
    chance_f1: float
    f1_low: float
    f1_high: float
    chance_high: float
    n_tokens: int
    reason: str


def sweep_corpus(
    corpus: Corpus, tokens: pd.DataFrame, given: Baseline, *, frontend: str, seed: int, shape: str = "hann"
) -> Sweep:
    """The sweep of some tokens of a corpus by one front end, as the parameters of the baseline have it.

    Tokens of a recording shorter than the widest window are left out (they are listed in ``rejected``); where none is
    left, it raises what :func:`token_features` raises. Notebook: notebooks/01_baseline_spans
    """
    whole = (sides.clip_ms(corpus, tokens) >= max(given.windows_ms)).to_numpy()
    tokens = tokens[whole] if whole.any() else tokens
    features = token_features(
        corpus, tokens, frontend=frontend, shape=shape, max_window_ms=max(given.windows_ms), hop_ms=given.hop_ms,
        analysis_window_ms=given.analysis_window_ms, n_bands=given.n_bands, n_mfcc=given.n_mfcc,
    )  # fmt: skip
    return sweep(
        features, tokens, windows_ms=given.windows_ms, hop_ms=given.hop_ms, n_folds=given.n_folds,
        regularisation_c=given.regularisation_c, seed=seed,
    )  # fmt: skip


def optimal_span(swept: Sweep, *, analysis_window_ms: float, n_resamples: int, level: float, seed: int) -> BaselineSpan:
    """The cue width, its bootstrap interval over utterances, and the peak and saturation windows; or why there is none.

    ``analysis_window_ms`` is what one frame sees. Raises ValueError for fewer than four windows. Notebook:
    notebooks/01_baseline_spans
    """
    f1 = _f1_resamples(swept, n_resamples=n_resamples, seed=seed)
    peak, n_tokens = int(f1[:, 0].argmax()), len(swept.tone)
    knees = knee_ms(swept.windows_ms, f1)
    chance = _shuffled_maxima(swept, seed=seed)
    reason = findings.why_no_cue(swept.windows_ms, f1, knees, chance=chance, n_tokens=n_tokens, level=level)
    n_utterances = np.unique(swept.utterance).size
    f1_low, f1_high = bootstrap.percentile_interval(
        f1[peak, 1:], level=level, n_tokens=n_tokens, n_clusters=n_utterances
    )
    widths = dict.fromkeys(("span_ms", "span_low_ms", "span_high_ms", "knee_ms", "peak_ms", "saturation_ms"), np.nan)
    if not reason:
        widths = _widths(swept, f1[:, 0], knees, analysis_window_ms=analysis_window_ms, level=level)
    return BaselineSpan(
        **widths,
        peak_f1=float(f1[peak, 0]),
        chance_f1=float(classifier.chance_f1(_confusion(swept, swept.predicted[peak]))),
        f1_low=f1_low,
        f1_high=f1_high,
        chance_high=bootstrap.percentile_interval(chance, level=level)[1],
        n_tokens=n_tokens,
        reason=reason,
    )


def _widths(
    swept: Sweep, f1: np.ndarray, knees_ms: np.ndarray, *, analysis_window_ms: float, level: float
) -> dict[str, float]:
    """The widths and windows of a :class:`BaselineSpan` from ``f1`` (window,) and the knees of all draws."""
    drawn = _beyond_frame(knees_ms, analysis_window_ms)
    low, high = bootstrap.percentile_interval(drawn[1:], level=level)
    peak = int(f1.argmax())
    by_fold = swept.fold_f1().groupby("window_ms")["macro_f1"]
    error = float(by_fold.sem().loc[swept.windows_ms[peak]])
    saturated = swept.windows_ms[f1 >= f1[peak] - error].min()
    widths = {"span_ms": drawn[0], "span_low_ms": low, "span_high_ms": high, "knee_ms": knees_ms[0]}
    widths |= {"peak_ms": swept.windows_ms[peak], "saturation_ms": saturated}
    return {name: float(width) for name, width in widths.items()}


def span_resamples(swept: Sweep, *, analysis_window_ms: float, n_resamples: int, seed: int) -> np.ndarray:
    """The cue width of the tokens as they are (first) and of each bootstrap resample of utterances: (1 + resample,),
    whether it is a finding or not.
    """
    f1 = _f1_resamples(swept, n_resamples=n_resamples, seed=seed)
    return _beyond_frame(knee_ms(swept.windows_ms, f1), analysis_window_ms)


def _beyond_frame(knees_ms: np.ndarray, analysis_window_ms: float) -> np.ndarray:
    """Widths of the cue from knees: less half of what one frame sees."""
    return np.maximum(0.0, knees_ms - analysis_window_ms / 2)


def _f1_resamples(swept: Sweep, *, n_resamples: int, seed: int) -> np.ndarray:
    """Macro-F1 (window, 1 + resample) of the tokens as they are (first) and of each resample of utterances."""
    counts = [classifier.confusion_by_cluster(swept.tone, p, swept.utterance) for p in swept.predicted]
    draws = bootstrap.data_first(bootstrap.resample_clusters(len(counts[0]), n_resamples=n_resamples, seed=seed))
    return np.stack([classifier.f1_resamples(c, draws) for c in counts])


def _shuffled_maxima(swept: Sweep, *, seed: int) -> np.ndarray:
    """The largest macro-F1 of any window where the predictions are shuffled, alike in all windows: (shuffle,).

    The largest, for the peak is the largest of as many windows.
    """
    f1 = [
        classifier.shuffled_f1(swept.tone, predicted, n_shuffles=N_SHUFFLES, seed=seed) for predicted in swept.predicted
    ]
    return np.max(f1, axis=0)


def pooled_f1(swept: Sweep) -> np.ndarray:
    """Macro-F1 (window,) over the predictions of all folds together."""
    return np.array([classifier.macro_f1(_confusion(swept, predicted)) for predicted in swept.predicted])


def _confusion(swept: Sweep, predicted: np.ndarray) -> np.ndarray:
    """Counts (class, class) of the tones of a sweep by what one window predicts, ``predicted`` (token,)."""
    return classifier.confusion(swept.tone, predicted, np.unique(swept.tone))


def knee_ms(windows_ms: np.ndarray, f1: np.ndarray) -> np.ndarray:
    """Where two lines that meet, fitted to ``f1`` (window, ...) by least squares, meet: (...), in ms.

    The first line has to rise faster than the second. A curve that bends nowhere so has its knee at its first window.
    Two windows lie on either side. Raises ValueError for fewer than four windows. Notebook:
    notebooks/01_baseline_spans
    """
    if len(windows_ms) < 4:
        raise ValueError(f"a knee needs four windows; there are {len(windows_ms)}")
    windows, order = np.sort(windows_ms), np.argsort(windows_ms)
    curves = f1[order].reshape(len(windows), -1)
    misfit, knees = np.full(curves.shape[1], np.inf), np.full(curves.shape[1], windows[0])
    for knee in np.arange(windows[1], windows[-2] + KNEE_STEP_MS / 2, KNEE_STEP_MS):
        lines = np.stack([np.ones_like(windows), np.minimum(windows - knee, 0), np.maximum(windows - knee, 0)], axis=1)
        fitted = np.linalg.pinv(lines) @ curves  # (height and two slopes, curve)
        error = np.square(curves - lines @ fitted).sum(axis=0)
        better = (error < misfit) & (fitted[1] > np.maximum(fitted[2], 0))
        misfit[better], knees[better] = error[better], knee
    return knees.reshape(f1.shape[1:])


def segment_features(tokens: pd.DataFrame) -> np.ndarray:
    """What is said without how: (token, feature), 1 for the syllable's own IPA type and for each sound in it.

    A classifier of these can predict no more of tone than the sounds do, as checked syllables and Thai consonant
    classes do.
    """
    types = [{f"={ipa}", *ipa} for ipa in tokens["ipa"]]
    names = {name: column for column, name in enumerate(sorted(set().union(*types)))}
    features = np.zeros((len(types), len(names)), dtype=np.float32)
    for row, present in enumerate(types):
        features[row, [names[name] for name in present]] = 1
    return features


def held_out(
    features: np.ndarray, tokens: pd.DataFrame, *, regularisation_c: float, n_folds: int, seed: int
) -> np.ndarray:
    """Cross-validated tones (token,) from ``features`` (token, feature), on the folds of :func:`sweep`."""
    tone = tokens["tone"].to_numpy(dtype=str)
    predicted = np.empty_like(tone)
    for train, test in splits.folds(tokens, n_folds=n_folds, seed=seed):
        model = classifier.fit(features[train], tone[train], regularisation_c=regularisation_c)
        predicted[test] = model.predict(features[test])
    return predicted


def majority(tokens: pd.DataFrame, *, n_folds: int, seed: int) -> np.ndarray:
    """The commonest tone of each fold's training tokens, for every token of its test part: (token,)."""
    tone = tokens["tone"].to_numpy(dtype=str)
    predicted = np.empty_like(tone)
    for train, test in splits.folds(tokens, n_folds=n_folds, seed=seed):
        names, counts = np.unique(tone[train], return_counts=True)
        predicted[test] = names[counts.argmax()]
    return predicted
