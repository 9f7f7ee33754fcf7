"""Text in the labels of an aligner: as characters, as IPA, or in Latin letters.

Conventions: syllables come from :mod:`tonespan_utils.tone`; no label holds a tone, so that a time cannot depend on one.
What is spoken and has no label is a star: any label.

Notebook: notebooks/07_alignment
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tonespan_utils.tone.parts import Masked, Part, Syllable

STAR, SPACE = "*", "|"
SPOKEN = {"digits", "latin", "script", "unknown"}  # reasons for a mask behind which something is spoken


class Sign(NamedTuple):
    """A label of a text, the index of its syllable (-1: none), and whether it belongs to the syllable's nucleus."""

    label: str
    syllable: int
    is_nucleus: bool = False


Spell = Callable[[Syllable, str], list[tuple[str, bool]]]  # syllable, its characters -> labels, whether of the nucleus


def write(text: str, parts: Sequence[Part], spell: Spell) -> list[Sign]:
    """The signs of a parsed text: its syllables in the aligner's labels, a star for what is masked but spoken."""
    signs, index = [], 0
    for part in parts:
        if isinstance(part, Masked):
            signs += _masked(part)
            continue
        signs += [Sign(label, index, is_nucleus) for label, is_nucleus in spell(part, text[part.start : part.end])]
        index += 1
    return signs


def _masked(part: Masked) -> list[Sign]:
    if part.reason in SPOKEN:
        return [Sign(STAR, -1)]
    return [Sign(SPACE, -1)] if part.reason == "space" else []


composed = partial(unicodedata.normalize, "NFC")


def by_characters(vocabulary: Mapping[str, int], *, spelled: Callable[[str], str] = composed) -> Spell:
    """How to write syllables in their characters; one that the vocabulary lacks becomes a star.

    ``spelled`` gives the order and form of the characters, the vocabulary their case.
    """
    label_of = {form: label for label in vocabulary for form in (label.upper(), label.lower(), label)}

    def spell(_: Syllable, written: str) -> list[tuple[str, bool]]:
        letters = [c for c in spelled(written) if unicodedata.category(c)[0] in "LMN"]
        return [(label_of.get(c, STAR), False) for c in letters]

    return spell


def by_ipa(vocabulary: Mapping[str, int]) -> Spell:
    """How to write syllables in IPA, in the longest pieces the vocabulary has; a sound that it lacks becomes a star."""
    longest = max(map(len, vocabulary))

    def pieces(text: str) -> list[str]:
        labels = []
        while text:
            end = next((n for n in range(min(longest, len(text)), 0, -1) if text[:n] in vocabulary), 0)
            labels.append(text[:end] if end else STAR)
            text = text[max(end, 1) :]
        return labels

    return lambda syllable, _: _by_role(syllable, pieces)


def by_letters(vocabulary: Mapping[str, int]) -> Spell:
    """How to write syllables in Latin letters, from their IPA, for recognisers of romanised text."""
    return lambda syllable, _: _by_role(
        syllable, lambda text: [c if c in vocabulary else STAR for c in romanised(text)]
    )


def _by_role(syllable: Syllable, pieces: Callable[[str], list[str]]) -> list[tuple[str, bool]]:
    roles = ((syllable.onset, False), (syllable.nucleus, True), (syllable.coda, False))
    return [(piece, is_nucleus) for sounds, is_nucleus in roles for piece in pieces(sounds)]


LATIN = {
    "ŋ": "ng", "ɲ": "ny", "ɴ": "n", "ɕ": "sh", "ʂ": "sh", "ʃ": "sh", "ʑ": "zh", "ʐ": "r", "ʒ": "zh", "θ": "th",
    "ð": "d", "ɓ": "b", "ɗ": "d", "ʈ": "t", "ɖ": "d", "ɣ": "g", "ɡ": "g", "ɟ": "j", "χ": "h", "ʔ": "", "ɹ": "r",
    "ɻ": "r", "ɾ": "r", "ʋ": "v", "ɥ": "y", "β": "b", "ɸ": "f", "ɯ": "u", "ɨ": "u", "ʉ": "u", "ʊ": "u", "ɪ": "i",
    "y": "u", "ʏ": "u", "ɤ": "o", "ɔ": "o", "ɵ": "o", "ø": "o", "œ": "o", "ə": "e", "ɜ": "e", "ɐ": "a", "ɑ": "a",
    "ʌ": "a", "æ": "a", "ɛ": "e", "j": "y", "ᵐ": "m", "ᶬ": "m", "ⁿ": "n", "ᵑ": "n",
}  # fmt: skip


def romanised(ipa: str) -> str:
    """IPA in the letters a to z, roughly as uroman writes such sounds; marks of length and the like are dropped."""
    letters = unicodedata.normalize("NFD", ipa).replace("tɕ", "ch").replace("ʈʂ", "zh").replace("t͡ɕ", "ch")
    return re.sub(r"[^a-z]", "", "".join(LATIN.get(letter, letter) for letter in letters))
