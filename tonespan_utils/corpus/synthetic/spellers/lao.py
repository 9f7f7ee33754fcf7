"""Lao frames (Vientiane): 11 onsets by 15 live rimes, each in all five tones.

Only sounds with a high and a low letter have five tones: the high letter gives LR unmarked and LF with mai tho, the low
one HR unmarked, M with mai ek and HF with mai tho. The middle class lacks two tones and is left out. Sonorants are
high-class when led by a silent ho (ligatures ໜ ໝ, subjoined lo).

A sentence is written without spaces and can be read in one way only: every rime has a vowel sign that binds it to its
onset letter, so a letter before that onset is a coda. Left out for this reason: vowels written with ອ ວ ຍ, the onset
/w/ (ງວ is also a cluster) and preposed vowels but ໄ, which takes no coda (ແຫງ is both /hɛːŋ/ and /ŋɛː/).

Sounds: eSpeak NG has no Lao voice; its Thai table has every sound used here, with one quality for each vowel, long or
short. Chao digits are those of Vientiane as in :mod:`tonespan_utils.tone`.
"""

from __future__ import annotations

from itertools import product

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller

CHAO = {"LR": "13", "HR": "35", "M": "33", "LF": "31", "HF": "52"}
MAI_EK, MAI_THO = "\u0ec8", "\u0ec9"
WRITTEN = {  # tone -> (0 the high letter, 1 the low one; the mark on it)
    "LR": (0, ""), "HR": (1, ""), "M": (1, MAI_EK), "LF": (0, MAI_THO), "HF": (1, MAI_THO),
}  # fmt: skip

ONSETS = {  # IPA -> (eSpeak, high letter, low letter)
    "kʰ": ("k_h", "ຂ", "ຄ"), "tʰ": ("t_h", "ຖ", "ທ"), "pʰ": ("p_h", "ຜ", "ພ"), "f": ("f", "ຝ", "ຟ"),
    "s": ("s", "ສ", "ຊ"), "h": ("h", "ຫ", "ຮ"), "ŋ": ("N", "ຫງ", "ງ"), "ɲ": ("n^", "ຫຍ", "ຍ"), "n": ("n", "ໜ", "ນ"),
    "m": ("m", "ໝ", "ມ"), "l": ("l", "ຫຼ", "ລ"),
}  # fmt: skip
RIMES = {  # (nucleus, coda) -> (eSpeak nucleus, eSpeak coda, spelling: C the onset letters, T the tone mark)
    ("aː", ""): ("a:", "", "CTາ"), ("iː", ""): ("i", "", "CີT"), ("ɯː", ""): ("W", "", "CືT"),
    ("uː", ""): ("u", "", "CູT"), ("ɔː", ""): ("O", "", "CໍT"), ("a", "j"): ("a", "j", "ໄCT"),
    ("aː", "j"): ("a:", "j", "CTາຍ"), ("aː", "w"): ("a:", "w", "CTາວ"), ("aː", "n"): ("a:", "n", "CTານ"),
    ("aː", "m"): ("a:", "m", "CTາມ"), ("aː", "ŋ"): ("a:", "N", "CTາງ"), ("a", "n"): ("a", "n", "CັTນ"),
    ("iː", "n"): ("i", "n", "CີTນ"), ("ɯː", "n"): ("W", "n", "CືTນ"), ("uː", "n"): ("u", "n", "CູTນ"),
}  # fmt: skip


def speller() -> Speller:
    """All 165 frames; syllables of a sentence stand without spaces."""
    frames = tuple(_frame(onset, rime) for onset, rime in product(ONSETS, RIMES))
    return Speller(language="lo", voice="th", tones=tuple(CHAO), frames=frames, chao=CHAO, joiner="")


def _frame(onset: str, rime: tuple[str, str]) -> Frame:
    sound, *letters = ONSETS[onset]
    nucleus, coda, pattern = RIMES[rime]
    espeak = tuple((role, name) for role, name in (("onset", sound), ("nucleus", nucleus), ("coda", coda)) if name)
    return Frame(onset, *rime, espeak, {tone: _spell(letters, pattern, tone) for tone in CHAO})


def _spell(letters: list[str], pattern: str, tone: str) -> str:
    which, mark = WRITTEN[tone]
    return pattern.replace("C", letters[which]).replace("T", mark)
