"""F0 by tone: what a phonetician looks at first. Praat's autocorrelation tracker, semitones over the speaker's median.

Conventions: offsets in ms from the tone centre; semitones relative to the median of the speaker's voiced frames (of
all tokens, where speakers are unknown), since an utterance's own median takes the tone out of an isolated syllable;
unvoiced frames are nan and left out of the summary.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import parselmouth

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus

MIN_VOICED = 5  # tokens with voicing at an offset, below which the summary is not shown


def track(samples: np.ndarray, *, floor_hz: float, ceiling_hz: float, step_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Times in s and F0 in Hz (nan where unvoiced) of one utterance; both empty for audio too short for the floor."""
    if samples.size < 3 * SAMPLE_RATE / floor_hz:  # Praat wants three periods of the floor
        return np.empty(0), np.empty(0)
    pitch = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE).to_pitch_ac(
        time_step=step_ms / 1000, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz
    )
    hz = pitch.selected_array["frequency"]
    return pitch.xs(), np.where(hz > 0, hz, np.nan)


def contour(
    times_s: np.ndarray, f0_hz: np.ndarray, center_s: float, offsets_ms: np.ndarray, *, reference_hz: float
) -> np.ndarray:
    """Semitones over ``reference_hz`` at ``offsets_ms`` from a centre (offset,); nan next to unvoiced frames or no
    track.
    """
    if times_s.size < 2:
        return np.full(offsets_ms.shape, np.nan)
    semitones = 12 * np.log2(f0_hz / reference_hz)
    return np.interp(center_s + offsets_ms / 1000, times_s, semitones, left=np.nan, right=np.nan)


def token_contours(
    corpus: Corpus, tokens: pd.DataFrame, *, window_ms: float, step_ms: float, floor_hz: float, ceiling_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (offset,) in ms and F0 contours (token, offset) in semitones. Notebook: notebooks/00_corpus"""
    half = window_ms / 2
    offsets = np.arange(-half, half + step_ms / 2, step_ms)
    settings = {"floor_hz": floor_hz, "ceiling_hz": ceiling_hz, "step_ms": step_ms}
    return offsets, contours(corpus, tokens, offsets, **settings)


def contours(
    corpus: Corpus,
    tokens: pd.DataFrame,
    offsets_ms: np.ndarray,
    *,
    step_ms: float,
    floor_hz: float,
    ceiling_hz: float,
) -> np.ndarray:
    """F0 in semitones over the speaker's median at ``offsets_ms`` from each centre: (token, offset), nan if unvoiced.

    ``step_ms`` is the tracker's. Notebook: notebooks/01_baseline_spans
    """
    semitones = np.full((len(tokens), offsets_ms.size), np.nan)
    settings = {"floor_hz": floor_hz, "ceiling_hz": ceiling_hz, "step_ms": step_ms}
    tracks = {u: track(corpus.audio(u), **settings) for u in tokens["utterance_id"].unique()}
    reference_hz = {
        speaker: _median_hz([tracks[u][1] for u in group["utterance_id"].unique()])
        for speaker, group in tokens.groupby("speaker")
    }
    for row, token in enumerate(tokens.itertuples()):
        times, hz = tracks[token.utterance_id]
        semitones[row] = contour(times, hz, token.center_s, offsets_ms, reference_hz=reference_hz[token.speaker])
    return semitones


def _median_hz(tracks_hz: list[np.ndarray]) -> float:
    voiced = np.concatenate(tracks_hz)
    voiced = voiced[~np.isnan(voiced)]
    return float(np.median(voiced)) if voiced.size else np.nan


def summary(offsets_ms: np.ndarray, contours: np.ndarray, tones: np.ndarray) -> pd.DataFrame:
    """Median and quartiles per tone and offset: columns tone, offset_ms, f0_st, low_st, high_st, n_tokens."""
    rows = []
    for tone in np.unique(tones):
        for offset, values in zip(offsets_ms, contours[tones == tone].T, strict=True):
            voiced = values[~np.isnan(values)]
            quartiles = np.quantile(voiced, [0.25, 0.5, 0.75]) if voiced.size >= MIN_VOICED else [np.nan] * 3
            low, middle, high = map(float, quartiles)
            rows.append(
                {
                    "tone": tone,
                    "offset_ms": offset,
                    "f0_st": middle,
                    "low_st": low,
                    "high_st": high,
                    "n_tokens": voiced.size,
                }
            )
    return pd.DataFrame(rows)
