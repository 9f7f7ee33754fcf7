"""How wide is the tone cue in the signal? Spectral windows around the tone centre into a logistic regression.

A window of W ms holds ``W / hop`` frames at offsets ``+-hop/2, +-3 hop/2, ...`` from the exact centre, so that
windows nest. Each frame is one Hann analysis window. The answer of a sweep is macro-F1 per W (pooled over speaker- and
sentence-disjoint folds); the span is the W of the peak.

What the analysis window adds: a frame still sees the cue when its centre lies half an analysis window beyond the
cue's edge, so the peak sits about one analysis window beyond the cue. ``span_ms`` is therefore the peak minus one
analysis window; the uncorrected peak stands beside it.

Conventions: times in ms; features are natural-log energies floored 80 dB under the token's maximum; 16 kHz.

Notebook: notebooks/01_baseline_spans
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import librosa
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tonespan_utils import classify, spans, splits
from tonespan_utils.corpus import SAMPLE_RATE, Corpus
from tonespan_utils.errors import TonespanError

FLOOR_DB = 80.0  # under the token's loudest band: the range of speech above room noise
N_FFT = 1024  # 15.6 Hz bins: fine enough that the lowest mel bands are not empty


def frame_offsets_ms(window_ms: float, hop_ms: float) -> np.ndarray:
    """Offsets of the frames of one window, symmetric about 0. Raises ValueError unless W is a multiple of 2 hops."""
    if (window_ms / (2 * hop_ms)) % 1:
        raise ValueError(f"a window of {window_ms} ms is not a multiple of two hops of {hop_ms} ms")
    n_frames = round(window_ms / hop_ms)
    return (np.arange(n_frames) + 0.5) * hop_ms - window_ms / 2


def power_frames(
    samples: np.ndarray, center_s: float, offsets_ms: np.ndarray, *, analysis_window_ms: float
) -> np.ndarray:
    """Power spectra (frame, N_FFT / 2 + 1) at ``offsets_ms`` from the centre; beyond the audio it is silent."""
    length = round(analysis_window_ms * SAMPLE_RATE / 1000)
    first = np.round((center_s + offsets_ms / 1000) * SAMPLE_RATE - length / 2).astype(int)
    index = first[:, None] + np.arange(length)
    inside = (index >= 0) & (index < samples.size)
    frames = np.where(inside, samples[np.clip(index, 0, samples.size - 1)], 0.0)
    return np.abs(np.fft.rfft(frames * np.hanning(length), n=N_FFT)) ** 2


@lru_cache
def _filters(frontend: str, n_bands: int) -> np.ndarray:
    if frontend == "linear":
        return _linear_filters(n_bands)
    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=n_bands, fmin=50)


def _linear_filters(n_bands: int) -> np.ndarray:
    """Overlapping triangles of equal width in Hz, up to 8 kHz: (band, bin)."""
    points = np.linspace(0, SAMPLE_RATE / 2, n_bands + 2)
    bins = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)
    width = points[1] - points[0]
    return np.maximum(0, 1 - np.abs(bins[None, :] - points[1:-1, None]) / width)


def frontend_features(power: np.ndarray, frontend: str, *, n_bands: int, n_mfcc: int) -> np.ndarray:
    """``logmel``, ``linear`` or ``mfcc`` features (frame, feature) of power spectra (frame, bin).

    MFCCs are the first ``n_mfcc`` coefficients of the log-Mel bands: they smooth the harmonics away.
    """
    bands = power @ _filters(frontend, n_bands).T
    peak = max(bands.max(), np.finfo(float).tiny)
    log_bands = np.log(np.maximum(bands, peak * 10 ** (-FLOOR_DB / 10)))
    if frontend != "mfcc":
        return log_bands
    return librosa.feature.mfcc(S=log_bands.T, n_mfcc=n_mfcc).T


def token_features(
    corpus: Corpus,
    tokens: pd.DataFrame,
    *,
    frontend: str,
    max_window_ms: float,
    hop_ms: float,
    analysis_window_ms: float,
    n_bands: int,
    n_mfcc: int,
) -> np.ndarray:
    """Features of every token in the widest window: (token, frame, feature), float32; a narrower window is its middle.

    Raises TonespanError for a clip shorter than the widest window. Notebook: notebooks/01_baseline_spans
    """
    offsets = frame_offsets_ms(max_window_ms, hop_ms)
    rows: dict[object, np.ndarray] = {}
    for utterance_id, group in tqdm(tokens.groupby("utterance_id", sort=False), desc=frontend, unit="utt", leave=False):
        samples = corpus.audio(utterance_id)
        length_ms = 1000 * samples.size / SAMPLE_RATE
        if length_ms < max_window_ms:
            raise TonespanError(
                f"utterance {utterance_id}: {length_ms:.0f} ms of audio, shorter than the widest window of "
                f"{max_window_ms:.0f} ms; leave it out or narrow baseline.windows_ms"
            )
        for row, center_s in group["center_s"].items():
            power = power_frames(samples, center_s, offsets, analysis_window_ms=analysis_window_ms)
            rows[row] = frontend_features(power, frontend, n_bands=n_bands, n_mfcc=n_mfcc).astype(np.float32)
    return np.stack([rows[row] for row in tokens.index])


def outwards(features: np.ndarray) -> np.ndarray:
    """(token, frame, feature) flattened to (token, frame feature), from the middle frames outwards.

    The features of any narrower window are then the first ones.
    """
    n_frames = features.shape[1]
    nearest_first = np.argsort(np.abs(np.arange(n_frames) - (n_frames - 1) / 2), kind="stable")
    return features[:, nearest_first].reshape(len(features), -1)


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
                f1 = classify.macro_f1(classify.confusion(self.tone[here], predicted[here], classes))
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
    parts = splits.folds(tokens, n_folds=n_folds, seed=seed)
    for number, (train, test) in enumerate(tqdm(parts, desc="folds", unit="fold", total=n_folds, leave=False)):
        whitened = classify.whiten(inputs[train], regularisation_c=regularisation_c)
        models = whitened.fit_nested(tone[train], widths)
        for w, width, model in zip(order, widths, models, strict=True):
            predicted[w, test] = model.predict(inputs[test, :width])
        fold[test] = number
    return Sweep(np.asarray(windows_ms, dtype=float), tone, predicted, fold, tokens["utterance_id"].to_numpy(dtype=str))


@dataclass(frozen=True)
class BaselineSpan:
    """The cue width of one language and front end, in ms; ``saturation_ms`` and ``peak_ms`` are uncorrected windows.

    ``span_ms`` is the peak window minus the analysis window, ``saturation_ms`` the smallest window whose F1 is
    within one standard error (over folds) of the peak's.
    """

    span_ms: float
    span_low_ms: float
    span_high_ms: float
    peak_ms: float
    saturation_ms: float
    peak_f1: float
    chance_f1: float


def optimal_span(swept: Sweep, *, analysis_window_ms: float, n_resamples: int, level: float, seed: int) -> BaselineSpan:
    """Peak window, its bootstrap interval over utterances, and the saturation window. Notebook:
    notebooks/01_baseline_spans
    """
    counts = [classify.confusion_by_cluster(swept.tone, p, swept.utterance) for p in swept.predicted]
    draws = spans.resample_clusters(len(counts[0]), n_resamples=n_resamples, seed=seed)
    f1 = np.array([classify.macro_f1(c.sum(axis=0)) for c in counts])
    resampled = np.stack([classify.f1_resamples(c, draws) for c in counts])  # (window, resample)
    peaks_ms = np.maximum(0.0, swept.windows_ms[resampled.argmax(axis=0)] - analysis_window_ms)
    low, high = np.quantile(peaks_ms, [(1 - level) / 2, (1 + level) / 2])
    peak = int(f1.argmax())
    by_fold = swept.fold_f1().groupby("window_ms")["macro_f1"]
    error = float(by_fold.sem().iloc[peak])
    saturated = int(np.argmax(f1 >= f1[peak] - error))
    return BaselineSpan(
        span_ms=float(max(0.0, swept.windows_ms[peak] - analysis_window_ms)),
        span_low_ms=float(low),
        span_high_ms=float(high),
        peak_ms=float(swept.windows_ms[peak]),
        saturation_ms=float(swept.windows_ms[saturated]),
        peak_f1=float(f1[peak]),
        chance_f1=classify.chance_f1(swept.tone, swept.predicted[peak], n_shuffles=100, seed=seed),
    )
