"""The signal and its tones: waveform, spectrogram, F0 contours, and F1 against the window around the tone centre.

Conventions: samples are (n,) at 16 kHz; times are in s in an utterance and in ms from a tone centre; F0 is in Hz in an
utterance and in semitones over the speaker's median in contours.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.plots.layout import corner_note
from tonespan_utils.plots.style import FRONTEND_LINES, FRONTEND_NAMES, FULL_WIDTH_IN, LANGUAGE_COLORS, NULL, STYLE
from tonespan_utils.statistics import findings


def waveform_with_tokens(samples: np.ndarray, tokens: pd.DataFrame) -> Figure:
    """One utterance (n,) at 16 kHz with its tone tokens: syllables shaded, centres marked, tones named."""
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(FULL_WIDTH_IN, 1.6))
    axis.plot(np.arange(samples.size) / SAMPLE_RATE, samples, color="0.4", linewidth=0.4)
    top = float(np.abs(samples).max()) or 1.0
    for token in tokens.itertuples():
        axis.axvspan(token.start_s, token.end_s, color="#0072B2", alpha=0.10, lw=0)
        axis.axvline(token.center_s, color="#D55E00", linewidth=1.0)
        axis.annotate(
            f"{token.ipa} {token.tone}", (token.center_s, 1.08 * top), ha="center", fontsize=7, annotation_clip=False
        )
    axis.set(xlabel="time (s)", ylabel="amplitude", ylim=(-1.05 * top, 1.25 * top))
    return figure


def spectrogram_with_tokens(
    samples: np.ndarray, tokens: pd.DataFrame, times_s: np.ndarray, f0_hz: np.ndarray, *, title: str = ""
) -> Figure:
    """One utterance (n,) at 16 kHz as a spectrogram, its F0 over it, and its tone tokens: edges, centres, names.

    ``f0_hz`` (frame,) at ``times_s`` is nan where unvoiced. The syllable is named in IPA, for fonts lack most scripts.
    """
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(FULL_WIDTH_IN, 2.6))
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1])  # or high formants would not show
    window = round(0.006 * SAMPLE_RATE)  # wide band: formants rather than harmonics
    axis.specgram(
        emphasised + 1e-6, NFFT=window, noverlap=window - 32, Fs=SAMPLE_RATE, pad_to=512, cmap="Greys", scale="dB",
        vmin=-110, vmax=-45, rasterized=True,
    )  # fmt: skip
    for token in tokens.itertuples():
        for edge_s in (token.start_s, token.end_s):
            axis.axvline(edge_s, color="#0072B2", linewidth=0.7)
        axis.axvline(token.center_s, color="#D55E00", linewidth=1.0, linestyle="--")
        axis.annotate(
            f"{token.ipa}\n{token.tone}", (token.center_s, 8150), ha="center", va="bottom", fontsize=7,
            annotation_clip=False,
        )  # fmt: skip
    axis.grid(False)
    axis.set(xlabel="time (s)", ylabel="frequency (Hz)", ylim=(0, 8000), xlim=(0, samples.size / SAMPLE_RATE))
    axis.set_title(title, pad=26)
    pitch = axis.twinx()
    pitch.plot(times_s, f0_hz, color="#009E73", linewidth=1.6)
    highest = np.nanmax(f0_hz) if np.isfinite(f0_hz).any() else 1.0
    pitch.set(ylim=(0, 2 * highest))
    pitch.set_ylabel("F0 (Hz)", fontsize=axis.yaxis.label.get_size(), color="#009E73")
    pitch.tick_params(labelsize=axis.yaxis.get_ticklabels()[0].get_size(), colors="#009E73")
    pitch.grid(False)
    return figure


def f0_contours(axis: Axes, rows: pd.DataFrame) -> list[Line2D]:
    """Median F0 with quartile band per tone; the key stands at the right, highest at the centre first."""
    import seaborn as sns  # here, for it costs every notebook half a second

    drawn = []
    for (tone, tone_rows), color in zip(rows.groupby("tone"), sns.color_palette("colorblind", 8), strict=False):
        offsets, low, high = tone_rows["offset_ms"], tone_rows["low_st"], tone_rows["high_st"]
        (line,) = axis.plot(offsets, tone_rows["f0_st"], color=color, label=tone)
        axis.fill_between(offsets, low, high, color=color, alpha=0.12, lw=0)
        drawn.append(line)
    ordered = sorted(drawn, key=_height_at_centre, reverse=True)
    axis.legend(handles=ordered, loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.2)
    axis.axvline(0, color="0.6", linewidth=0.7)
    return drawn


def _height_at_centre(line: Line2D) -> float:
    offsets, heights = line.get_data()
    return float(np.nan_to_num(heights[np.argmin(np.abs(offsets))]))


def f1_by_window(
    axis: Axes, rows: pd.DataFrame, spans: pd.DataFrame, *, language: str, reason: str = ""
) -> list[Line2D]:
    """Mean macro-F1 over folds against window, a line per front end; the first one's cue width with its interval
    shaded, or that there is none, with the ``reason``.
    """
    drawn = []
    for frontend, front_rows in rows.groupby("frontend"):
        by_window = front_rows.groupby("window_ms")["macro_f1"].agg(["mean", "sem"])
        style = {"color": LANGUAGE_COLORS[language], "linestyle": FRONTEND_LINES[frontend]}
        style |= {} if frontend == "logmel" else {"alpha": 0.55, "linewidth": 1.0}
        (line,) = axis.plot(by_window.index, by_window["mean"], label=FRONTEND_NAMES[frontend], **style)
        if frontend == "logmel":
            low, high = by_window["mean"] - by_window["sem"], by_window["mean"] + by_window["sem"]
            axis.fill_between(by_window.index, low, high, color=style["color"], alpha=0.15, lw=0)
        drawn.append(line)
    main = spans[spans["frontend"] == spans["frontend"].iloc[0]].iloc[0]
    if pd.isna(main["span_ms"]):
        corner_note(axis, f"{findings.NO_CUE}: {reason}" if reason else findings.NO_CUE, right=True)
    else:
        axis.axvspan(main["span_low_ms"], main["span_high_ms"], color=LANGUAGE_COLORS[language], alpha=0.10, lw=0)
        axis.axvline(main["span_ms"], color=LANGUAGE_COLORS[language], linewidth=1.0)
    axis.axhline(main["chance_f1"], label="chance", **NULL)
    return drawn
