"""Vietnamese frames (Hanoi): 18 onsets by 12 rimes that are open or end in a glide or nasal, each in all six tones.

The diacritic is the tone, on one vowel letter. Stop-final rimes have two tones only and are left out, and so are
spellings with several readings or places for the mark (``gi``, ``qu``, the glide of ``oan``, centring diphthongs) and
the letters ``r s tr``, which Hanoi speaks as ``d x ch``.

Sounds: eSpeak NG's table of Northern Vietnamese, whose ``t`` is aspirated and whose ``t[`` is the plain stop. It
shortens vowels before nasals, down to 45 ms, so ``ang`` (over 100 ms) is the only such rime here.
Chao digits are those of :mod:`tonespan_utils.tone.vietnamese`; voice quality (creak, the break of nga) is not planted.
"""

from __future__ import annotations

import unicodedata
from itertools import product

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller

CHAO = {"ngang": "33", "huyen": "21", "sac": "35", "hoi": "313", "nga": "435", "nang": "32"}
MARKS = {"ngang": "", "huyen": "\u0300", "sac": "\u0301", "hoi": "\u0309", "nga": "\u0303", "nang": "\u0323"}

ONSETS = {  # IPA -> (eSpeak, letters, letters before e ê i)
    "ɓ": ("b", "b", "b"), "k": ("k", "c", "k"), "tɕ": ("tS", "ch", "ch"), "z": ("z", "d", "d"), "ɗ": ("d_", "đ", "đ"),
    "ɣ": ("Q", "g", "gh"), "h": ("h", "h", "h"), "x": ("x", "kh", "kh"), "l": ("l", "l", "l"), "m": ("m", "m", "m"),
    "n": ("n", "n", "n"), "ŋ": ("N", "ng", "ngh"), "ɲ": ("n^", "nh", "nh"), "f": ("f", "ph", "ph"),
    "s": ("s", "x", "x"), "t": ("t[", "t", "t"), "v": ("v", "v", "v"), "tʰ": ("t", "th", "th"),
}  # fmt: skip
RIMES = {  # letters -> (nucleus, coda, eSpeak nucleus, eSpeak coda)
    "a": ("aː", "", "a:", ""), "e": ("ɛ", "", "E", ""), "ê": ("e", "", "e", ""), "i": ("i", "", "i", ""),
    "o": ("ɔ", "", "O", ""), "ô": ("o", "", "o", ""), "ơ": ("əː", "", "@:", ""), "u": ("u", "", "u", ""),
    "ư": ("ɨ", "", "y", ""), "ai": ("aː", "j", "a:", "j"), "oi": ("ɔ", "j", "O", "j"), "ang": ("aː", "ŋ", "a:", "N"),
}  # fmt: skip


def speller() -> Speller:
    """All 216 frames; syllables of a sentence are words with spaces between them."""
    frames = tuple(_frame(onset, rime) for onset, rime in product(ONSETS, RIMES))
    return Speller(language="vi", voice="vi", tones=tuple(CHAO), frames=frames, chao=CHAO, joiner=" ")


def _frame(onset: str, rime: str) -> Frame:
    sound, letters, letters_before_front = ONSETS[onset]
    nucleus, coda, nucleus_sound, coda_sound = RIMES[rime]
    sounds = (("onset", sound), ("nucleus", nucleus_sound), ("coda", coda_sound))
    spelled = (letters_before_front if rime[0] in "eêi" else letters) + rime[0]
    spelling = {tone: unicodedata.normalize("NFC", spelled + mark) + rime[1:] for tone, mark in MARKS.items()}
    return Frame(onset, nucleus, coda, tuple(pair for pair in sounds if pair[1]), spelling)
