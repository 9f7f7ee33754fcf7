"""The tone of a syllable of a TextGrid: from a tier ``tone``, the end of the label, or the language's spelling.

The rules are those of :mod:`tonespan_utils.corpus.grids`; a tone is read whole, or the syllable is rejected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tonespan_utils.corpus import keys, textgrid
from tonespan_utils.corpus.textgrid import Interval, Tiers
from tonespan_utils.tone import text_to_tone

LEAVE_OUT = ("weak", "foreign", "uncertain")  # the default of align.leave_out
CHAO = "˥˦˧˨˩꜒꜓꜔꜕꜖"
SEGMENTS = r"[^\W\d_" + CHAO + r"][^\d\s?!*/\\|()\[\]{}<>_,;" + CHAO + r"]*"
WITH_DIGITS = re.compile(rf"({SEGMENTS})(\d{{1,3}})")  # one digit for a class, two or three for Chao's levels
WITH_CHAO = re.compile(rf"({SEGMENTS})([{CHAO}]{{1,4}})")
TONE_SIGNS = " .'’+-"  # of names such as "low rising", "half-high"
EDGE_S = 1e-6  # closer to an edge is on it: Praat writes 15 digits
NO_TONE = "no tone label"
NO_POINT = "no labelled point of the tier 'tone' lies inside it"
TWO_POINTS = "two or more labelled points of the tier 'tone' lie inside it"
TWO_INTERVALS = "two intervals of the tier 'tone' meet or overlap at its middle"
UNREADABLE_TONE = "its tone label cannot be read whole"
UNREADABLE = "its label cannot be read whole"
SEVERAL = "its label has several syllables"


class Reject(Exception):
    """A syllable that cannot be a token; its message is the reason."""


class Tones:
    """The tones of a TextGrid: :meth:`of` gives syllable, segments and tone of an interval of the syllable tier."""

    def __init__(self, tiers: Tiers, path: Path, language: str, leave_out: Sequence[str]) -> None:
        self.language, self.leave_out = language, leave_out
        name = textgrid.tier_name(tiers, "tone", path=path)
        self.tier = None if name is None else tiers[name]
        if self.tier is not None:
            self.starts_s = np.array([part.start_s for part in self.tier])
            self.ends_s = np.array([part.end_s for part in self.tier])

    def of(self, interval: Interval) -> tuple[str, str, str]:
        """Syllable, segments and tone. Raises :class:`Reject`, whose message is the reason, where there is no tone."""
        label = keys.word(interval.label)
        if "\\" in label:
            raise Reject(UNREADABLE)
        if self.tier is not None:
            tone = _whole_tone(self._marked(interval))
            syllable = label.removesuffix(tone) or label
            return syllable, syllable, tone
        return self._written(label)

    def _marked(self, interval: Interval) -> str:
        """The label of the tier ``tone`` that belongs to a syllable."""
        is_point = bool((self.starts_s == self.ends_s).all())
        return self._point(interval) if is_point else self._covering(interval)

    def _point(self, interval: Interval) -> str:
        is_inside = (self.starts_s > interval.start_s + EDGE_S) & (self.starts_s < interval.end_s - EDGE_S)
        labels = [label for index in np.flatnonzero(is_inside) if (label := keys.tone(self.tier[index].label))]
        if len(labels) != 1:
            raise Reject(TWO_POINTS if labels else NO_POINT)
        return labels[0]

    def _covering(self, interval: Interval) -> str:
        touches = (self.starts_s <= interval.center_s + EDGE_S) & (self.ends_s >= interval.center_s - EDGE_S)
        covering = [keys.tone(self.tier[index].label) for index in np.flatnonzero(touches)]
        if len(covering) > 1 and any(covering):
            raise Reject(TWO_INTERVALS)
        if not covering or not covering[0]:
            raise Reject(NO_TONE)
        return covering[0]

    def _written(self, label: str) -> tuple[str, str, str]:
        """Syllable, segments and tone by digits or tone letters at the end of the label, else by its spelling."""
        plain = keys.without_width(label)
        if match := WITH_DIGITS.fullmatch(plain) or WITH_CHAO.fullmatch(plain):
            return match[1], match[1], match[2]
        if any(sign.isdecimal() or sign in CHAO for sign in plain):
            raise Reject(UNREADABLE)
        return self._spelled(label)

    def _spelled(self, label: str) -> tuple[str, str, str]:
        parsed = text_to_tone.syllables(label, self.language) if self.language in text_to_tone.MODULES else []
        if len(parsed) != 1:
            raise Reject(SEVERAL if parsed else NO_TONE)
        syllable = parsed[0]
        if not _is_punctuation(label[: syllable.start] + label[syllable.end :]):
            raise Reject(UNREADABLE)
        if distrusted := [flag for flag in syllable.flags if flag in self.leave_out]:
            raise Reject(f"its tone is {distrusted[0]}")
        return label, syllable.ipa, syllable.tone


def _whole_tone(label: str) -> str:
    """A tone label, if it is one name, number or contour; raises :class:`Reject` for anything else."""
    is_contour = all(sign in CHAO for sign in label)
    is_name = all(unicodedata.category(sign)[0] in "LMN" or sign in TONE_SIGNS for sign in label)
    numbers = re.findall(r"\d+", label)
    if not is_contour and (not is_name or any(sign in CHAO for sign in label) or len(numbers) > 1):
        raise Reject(f"{UNREADABLE_TONE} ({label!r})")
    return label


def _is_punctuation(rest: str) -> bool:
    """Whether what stands beside a syllable is punctuation as it ends words; a question mark may be the annotator's."""
    return all(sign in " .,;:!…·-'\"’‘“”«»()。，、！：；" for sign in rest)
