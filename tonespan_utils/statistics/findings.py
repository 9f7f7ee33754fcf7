"""Whether a number is a finding, and if not, why not: the one module that decides it, and the words for it.

A **span** is no finding where the F1 of the probe is not above chance (the gradient of a guess carries no information
about tone), where the span is as wide as that of a flat map (energy prefers no place), or where it has no interval (too
few tokens, or one utterance). A **cue width** is no finding where F1 is not above chance in any window, or where the
curve of F1 over the window does not bend: then nothing shows where the cue ends.

The bend (:func:`why_no_bend`) is tested on bootstrap draws of the curve, by two tests that correct for the number of
windows: a value is compared with the largest deviation of the draws in any window (Romano & Wolf 2005).

- *rise*: F1 at some window is above that at the smallest;
- *bend*: two lines that meet fit better than one, since at some window the slope falls. A straight or flat curve has no
  bend.

In addition the two lines must meet inside the range of windows, not at its edge, and in nearly every draw.

Conventions: every function returns the reason in words, or "" for a finding; nan is an unknown number, and no evidence
of a finding.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tonespan_utils.statistics import bootstrap
from tonespan_utils.statistics.bootstrap import Interval

Floats = NDArray[np.float64]

NO_CUE = "no cue width"
AT_NULL = "at its null: no finding"  # what open markers stand for
SEEN_TWICE = 1e-9  # slopes that differ by less differ by rounding


def why_at_chance(above_chance_low: float, n_tokens: int | None = None) -> str:
    """Why an F1 is no finding. ``above_chance_low`` is the lower end of F1 minus chance, resampled together."""
    if n_tokens is not None and n_tokens < bootstrap.LEAST_TOKENS:
        return f"{_tokens(n_tokens)}, too few for an interval"
    return "" if above_chance_low > 0 else "F1 not above chance"


def why_at_null(span: Interval, null_ms: float) -> str:
    """Why a span (ms) does not differ from that of a flat map, ``null_ms``; a null that is nan is not tested."""
    if np.isnan(span.value):
        return "no energy"
    if span.value >= null_ms or span.high >= null_ms:
        return "span at its null"
    return "no interval" if np.isnan([span.low, span.high]).any() else ""


def why_no_span(span: Interval, null_ms: float, *, above_chance_low: float) -> str:
    """Why a span is no finding: by its probe's F1 first, then by the span itself.

    Notebook: notebooks/05_rcom_comparison
    """
    return why_at_chance(above_chance_low) or why_at_null(span, null_ms)


def why_no_spans(spans: pd.DataFrame, probe_f1: pd.DataFrame, probe_chance: pd.DataFrame) -> dict[str, str]:
    """Why the span of each layer of one condition in one language is no finding, "" for a finding: layer -> reason.

    ``spans``: rows of the table ``spans``; ``probe_f1``, ``probe_chance``: rows of those tables, means over seeds of
    training. Notebook: notebooks/04_gradient_energy
    """
    above = probe_f1.groupby("layer")["ci_low"].mean() - probe_chance.groupby("layer")["chance_f1"].mean()
    return {
        row.layer: why_no_span(
            Interval(row.span_ms, row.ci_low_ms, row.ci_high_ms), row.null_span_ms, above_chance_low=above[row.layer]
        )
        for row in spans.itertuples()
    }


def why_no_cue(windows_ms: Floats, f1: Floats, knees_ms: Floats, *, chance: Floats, n_tokens: int, level: float) -> str:
    """Why a curve of F1 over the window shows no cue width.

    ``windows_ms`` is (window,). ``f1`` (window, 1 + draw) and ``knees_ms`` (1 + draw,) have the data first, then
    bootstrap draws; ``chance`` (shuffle,) is the largest F1 of any window where predictions are shuffled.

    Notebook: notebooks/01_baseline_spans
    """
    if n_tokens < bootstrap.LEAST_TOKENS:
        return f"{_tokens(n_tokens)}, too few for an interval"
    peak = int(f1[:, 0].argmax())
    low = bootstrap.percentile_interval(f1[peak, 1:], level=level)[0]
    high = bootstrap.percentile_interval(chance, level=level)[1]
    if low <= high:
        return f"F1 not above chance: its interval begins at {low:.2f}, chance reaches {high:.2f}"
    return why_no_bend(windows_ms, f1, knees_ms, level=level)


def why_no_bend(windows_ms: Floats, f1: Floats, knees_ms: Floats, *, level: float) -> str:
    """Why a curve has no bend; arguments as in :func:`why_no_cue`. Notebook: notebooks/01_baseline_spans"""
    order = np.argsort(windows_ms)
    windows, curves = np.asarray(windows_ms, dtype=np.float64)[order], f1[order]
    if not _some_above_0(curves[1:] - curves[:1], level):
        return "no bend: no window reads tone better than the smallest"
    if not _some_above_0(_slope_drops(windows) @ curves, level):
        return "no bend: two lines fit F1 over the window no better than a straight one"
    if not windows[1] < knees_ms[0] < windows[-2]:
        at = "narrowest" if knees_ms[0] <= windows[1] else "widest"
        return f"no bend within the windows: it lies at the {at} of them"
    without = float(np.mean(knees_ms[1:] <= windows[0]))
    if without > 1 - level:
        return f"no bend in {without:.0%} of the draws of utterances"
    return ""


def why_no_knee(half_widths_ms: Floats, gain: Floats, meeting_ms: Floats, *, start: int, level: float) -> str:
    """Why two curves of a margin have no common knee: the tests of :func:`why_no_bend` on their difference.

    ``gain`` (1 + draw, half-width) is the margin with pitch only inside a half-width minus that with pitch only
    outside; ``meeting_ms`` (1 + draw,) is where their lines meet, nan where they do not bend; the data first, then
    bootstrap draws. Half-widths increase from 0; lines are fitted from number ``start`` on. Notebook:
    notebooks/04_gradient_energy
    """
    curves, fitted = gain.T, half_widths_ms[start:]
    if not _some_above_0(curves[1:] - curves[:1], level):
        return "pitch does not move the margin"
    if not _some_above_0(_slope_drops(fitted) @ curves[start:], level):
        return "no bend: two lines fit the margin no better than a straight one"
    if not meeting_ms[0] < half_widths_ms[-2]:  # nan too
        return "no bend within the half-widths: it lies at the widest of them, or nowhere"
    without = float(np.mean(np.isnan(meeting_ms[1:])))
    if without > 1 - level:
        return f"no bend in {without:.0%} of the draws of utterances"
    return ""


def _some_above_0(draws: Floats, level: float) -> bool:
    """Whether some row of ``draws`` (row, 1 + draw), the data first, is above 0 at ``level``, corrected for all rows.

    A row's distance to 0, in standard deviations of its draws, is compared with the largest such distance of the draws
    from the data in any row.
    """
    spread = draws[:, 1:].std(axis=1)
    certain = spread <= SEEN_TWICE
    if (certain & (draws[:, 0] > SEEN_TWICE)).any():
        return True
    value, resampled, spread = draws[~certain, 0], draws[~certain, 1:], spread[~certain]
    if not value.size:
        return False
    furthest = ((resampled - value[:, None]) / spread[:, None]).max(axis=0)
    return bool((value / spread).max() > np.quantile(furthest, level))


def _slope_drops(windows_ms: Floats) -> Floats:
    """The fall of the slope where two lines that meet at an inner window are fitted to a curve: (window - 2, window).

    A row belongs to an inner window; its product with a curve (window,) is the fall of the slope there. The lines are
    those of ``cue_width.knee_ms``.
    """
    rows = []
    for knee in windows_ms[1:-1]:
        lines = np.stack([np.ones_like(windows_ms), windows_ms, np.maximum(windows_ms - knee, 0)], axis=1)
        rows.append(-np.linalg.pinv(lines)[2])
    return np.array(rows)


def _tokens(n: int) -> str:
    return f"{n} token{'' if n == 1 else 's'}"


def interval_text(value: float, low: float, high: float, *, digits: int = 0, unit: str = "") -> str:
    """A number with its interval as a reader sees it: ``97 [85, 108]``, ``97 [no interval]``, ``none``."""
    if pd.isna(value):
        return "none"
    bounds = "no interval" if pd.isna(low) or pd.isna(high) else f"{low:.{digits}f}, {high:.{digits}f}"
    return f"{value:.{digits}f}{unit} [{bounds}]"


def cue_text(cue: pd.Series, reason: str) -> str:
    """A row of ``baseline_spans`` in words: its width with interval, or why there is none."""
    if pd.isna(cue["span_ms"]):
        return f"{NO_CUE}{f' ({reason})' if reason else ''}"
    return interval_text(cue["span_ms"], cue["span_low_ms"], cue["span_high_ms"], unit=" ms")
