"""Romanised syllables in Chinese text: the digit of ``ngo5`` or ``hao3`` is a tone, and no numeral to be read out."""

from __future__ import annotations

import re

from tonespan_utils.tone._draft import Draft
from tonespan_utils.tone._masking import TONE_DIGIT

_SYLLABLE = (  # jyutping and pinyin, of two letters or more: neither mp3 nor A4
    r"(?:(?:zh|ch|sh|gw|kw|ng|[bpmfdtnlgkhjqxrzcsyw])(?:[aeiouvüê]|u:)+(?:ng|[mnptkr])?"
    r"|[aeou]+(?:ng|[iumnptkr])|ng|hm|hng)[1-6]"
)
ROMANISED = re.compile(rf"(?<![A-Za-z0-9])(?:{_SYLLABLE})+(?![A-Za-z0-9])")


def mask_tone_digits(draft: Draft) -> None:
    """Replace the tone digits of romanised syllables, one or several on end, by TONE_DIGIT, which is masked."""
    draft.substitute(ROMANISED, lambda match: re.sub("[1-6]", TONE_DIGIT, match[0]))
