"""Colours, markers, lines and widths, the same in every figure.

Conventions: one colour for one language (Okabe & Ito's colour-blind safe set); the null is dotted grey and always drawn
beside the value; widths of pages are in mm.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from tonespan_utils.errors import TonespanError
from tonespan_utils.languages import LANGUAGE_NAMES

STYLE = Path(__file__).with_name("paper.mplstyle")
COLUMN_MM, PAGE_MM = 89.0, 183.0  # one and two columns of most journals
FULL_WIDTH_IN = PAGE_MM / 25.4
NULL = {"color": "0.45", "linestyle": ":", "linewidth": 1.2}
# The same encoder with permuted weights, the other null: a line of its own kind, with a band.
RANDOM = {"color": "#6B4C9A", "linestyle": (0, (5, 1.6, 1, 1.6)), "linewidth": 1.1}
LANGUAGE_COLORS = {
    "my": "#0072B2",
    "th": "#009E73",
    "lo": "#D55E00",
    "vi": "#CC79A7",
    "cmn": "#B8860B",
    "yue": "#3A9BD9",
    "yo": "#882255",
    "en": "#666666",
}
# Conditions by what they are to a language (comparison.ROLES): colour and marker, so that neither has to do alone.
ROLE_STYLES = {
    "vanilla": ("#000000", "o"),
    "target_asr": ("#0072B2", "s"),
    "mandarin_asr": ("#E69F00", "^"),
    "english_asr": ("#56B4E9", "v"),
    "other_asr": ("#8C6D31", "<"),
    "narrow_asr": ("#4B0092", ">"),
    "wide_asr": ("#8E5BD0", "p"),
    "deaf_asr": ("#7A7A00", "h"),
    "emotion": ("#D55E00", "D"),
    "gender": ("#009E73", "P"),
    "speaker": ("#CC79A7", "X"),
    "control": ("0.65", "."),
}
BANDED = ("vanilla", "target_asr")  # bands of every condition would hide one another
LANGUAGE_MARKERS = dict(zip(LANGUAGE_NAMES, "os^DvPXh", strict=True))
MAX_LAYER_LABELS = 12  # on one axis; deeper encoders name every second or third layer
FRONTEND_NAMES = {"logmel": "log-Mel", "mfcc": "MFCC", "linear": "linear bands", "f0": "F0 alone"}
FRONTEND_LINES = {"logmel": "-", "mfcc": "--", "linear": "-.", "f0": ":"}


_width_mm = ContextVar("width of figures in mm", default=PAGE_MM)


@contextmanager
def width(mm: float) -> Iterator[None]:
    """Figures drawn inside are ``mm`` wide. Raises TonespanError for a width in which labels would collide."""
    if not 80 <= mm <= 300:
        raise TonespanError(f"no figure is legible at {mm:g} mm; a column has {COLUMN_MM:g}, a page {PAGE_MM:g}")
    before = _width_mm.set(mm)
    try:
        yield
    finally:
        _width_mm.reset(before)


def width_in() -> float:
    """The width of figures, in inches."""
    return _width_mm.get() / 25.4


def is_narrow() -> bool:
    """Whether panels have to stand one below the other."""
    return _width_mm.get() < 0.75 * PAGE_MM
