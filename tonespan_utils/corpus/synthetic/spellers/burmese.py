"""Burmese frames: 18 onsets by 11 rimes, open or nasal, each in the low, high and creaky tone.

The stopped tone S is left out: it goes with glottal-stop rimes that no other tone has, so segments would give it away.
So are the open rimes /a i u/, whose creaky forms (the bare letter, or one short sign) are the toneless R in many words.

A sentence is written without spaces and can be read in one way only: a consonant letter starts a syllable unless it has
an asat. Signs stand in canonical order (dot below before asat).

Sounds: eSpeak NG's Thai table. The Burmese one has other vowel qualities and lengths for each tone, which would give
tones away. The Thai one lacks nasal vowels (a vowel and a velar nasal stand in), /eɪ/ and /oʊ/ (``e`` and ``o``), and
unaspirated /t͡ɕ/ (its palatal stop ``c``). Voicing in close juncture is not spoken.
"""

from __future__ import annotations

import unicodedata
from itertools import product

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller
from tonespan_utils.tone.burmese import may_reduce

CHAO = {"L": "22", "H": "55", "C": "53"}

ONSETS = {  # IPA -> (eSpeak, letters)
    "k": ("k", "က"), "kʰ": ("k_h", "ခ"), "ŋ": ("N", "င"), "s": ("s", "စ"), "z": ("z", "ဇ"), "ɲ": ("n^", "ည"),
    "t": ("t", "တ"), "tʰ": ("t_h", "ထ"), "d": ("d", "ဒ"), "n": ("n", "န"), "p": ("p", "ပ"), "pʰ": ("p_h", "ဖ"),
    "m": ("m", "မ"), "j": ("j", "ယ"), "l": ("l", "လ"), "θ": ("T", "သ"), "h": ("h", "ဟ"), "t͡ɕ": ("c", "ကျ"),
}  # fmt: skip
RIMES = {  # (nucleus, coda) -> (eSpeak nucleus, eSpeak coda, signs of L, H, C)
    ("e", ""): ("e", "", "ေ ေး ေ့"), ("ɛ", ""): ("E", "", "ယ် ဲ ဲ့"), ("ɔ", ""): ("O", "", "ော် ော ော့"),
    ("o", ""): ("o", "", "ို ိုး ို့"), ("a", "ɴ"): ("a", "N", "န် န်း န့်"), ("ɪ", "ɴ"): ("i", "N", "င် င်း င့်"),
    ("ʊ", "ɴ"): ("u", "N", "ွန် ွန်း ွန့်"), ("eɪ", "ɴ"): ("e", "N", "ိန် ိန်း ိန့်"), ("oʊ", "ɴ"): ("o", "N", "ုန် ုန်း ုန့်"),
    ("aɪ", "ɴ"): ("ai", "N", "ိုင် ိုင်း ိုင့်"), ("aʊ", "ɴ"): ("au", "N", "ောင် ောင်း ောင့်"),
}  # fmt: skip
TALL_AA_AFTER = "ခဂငဒပဝ"  # letters that the round sign for aa would turn into other letters


def speller() -> Speller:
    """Frames that no reader takes for toneless ones; syllables of a sentence stand without spaces."""
    every = (_frame(onset, rime) for onset, rime in product(ONSETS, RIMES))
    frames = tuple(frame for frame in every if not any(map(may_reduce, frame.spelling.values())))
    return Speller(language="my", voice="th", tones=tuple(CHAO), frames=frames, chao=CHAO, joiner="")


def _frame(onset: str, rime: tuple[str, str]) -> Frame:
    sound, letters = ONSETS[onset]
    nucleus, coda, signs = RIMES[rime]
    espeak = tuple((role, name) for role, name in (("onset", sound), ("nucleus", nucleus), ("coda", coda)) if name)
    spelling = {tone: _spell(letters, sign) for tone, sign in zip(CHAO, signs.split(), strict=True)}
    return Frame(onset, *rime, espeak, spelling)


def _spell(letters: str, signs: str) -> str:
    tall = signs.replace("ာ", "ါ") if letters in TALL_AA_AFTER else signs
    return unicodedata.normalize("NFC", letters + tall)
