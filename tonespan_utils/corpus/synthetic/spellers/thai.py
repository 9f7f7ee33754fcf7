"""Thai frames: 20 onsets by 11 live rimes, each in all five tones.

How a tone is written depends on the class of the onset letter. A middle-class letter takes all four marks; the other
sounds have a high and a low letter, or a sonorant led by a silent ho hip, which between them cover the five tones.
All rimes are live (long vowel or sonorant coda), so no tone is ruled out.

A sentence is written without spaces and can be read in one way only: every vowel has a sign of its own that binds it to
its onset letter. Codas stand only where the vowel needs one (mai han akat) or within a sign (ไ, เ-า, ำ), so that no
reader meets นามตา as นา-มะ-ตา. Left out for the same reason: implied vowels, vowels written with the letters of
consonants (o ang, wo waen), a bare preposed sara e (เก + ลา would be เกลา), clusters, and preposed vowels on led
sonorants.

Sounds: eSpeak NG's Thai table. It has no unaspirated /tɕ/: its palatal stop ``c`` stands in. It has one quality for
each vowel, long or short; ไ and ำ are short here also where speech has them long (ได้, น้ำ).
"""

from __future__ import annotations

from itertools import product

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller

CHAO = {"M": "33", "L": "21", "F": "51", "H": "45", "R": "114"}

MIDDLE = {"M": "", "L": "\u0e48", "F": "\u0e49", "H": "\u0e4a", "R": "\u0e4b"}  # tone -> mark on a middle-class letter
PAIRED = {  # tone -> (0 the high or led letter, 1 the low letter; the mark on it)
    "M": (1, ""), "L": (0, "\u0e48"), "F": (1, "\u0e48"), "H": (1, "\u0e49"), "R": (0, ""),
}  # fmt: skip

ONSETS = {  # IPA -> (eSpeak, letters: one of the middle class, or a high and a low one)
    "k": ("k", "ก"), "tɕ": ("c", "จ"), "d": ("d", "ด"), "t": ("t", "ต"), "b": ("b", "บ"), "p": ("p", "ป"),
    "kʰ": ("k_h", "ข ค"), "tɕʰ": ("tS;", "ฉ ช"), "tʰ": ("t_h", "ถ ท"), "pʰ": ("p_h", "ผ พ"), "f": ("f", "ฝ ฟ"),
    "s": ("s", "ส ซ"), "h": ("h", "ห ฮ"), "ŋ": ("N", "หง ง"), "n": ("n", "หน น"), "m": ("m", "หม ม"),
    "j": ("j", "หย ย"), "r": ("r", "หร ร"), "l": ("l", "หล ล"), "w": ("w", "หว ว"),
}  # fmt: skip
RIMES = {  # (nucleus, coda) -> (eSpeak nucleus, eSpeak coda, spelling: C the onset letters, T the tone mark)
    ("aː", ""): ("a:", "", "CTา"), ("iː", ""): ("i", "", "CีT"), ("ɯː", ""): ("W", "", "CืTอ"),
    ("uː", ""): ("u", "", "CูT"), ("ɛː", ""): ("E", "", "แCT"), ("oː", ""): ("o", "", "โCT"),
    ("a", "j"): ("a", "j", "ไCT"), ("a", "w"): ("a", "w", "เCTา"), ("a", "m"): ("a", "m", "CTำ"),
    ("a", "n"): ("a", "n", "CัTน"), ("a", "ŋ"): ("a", "N", "CัTง"),
}  # fmt: skip
PREPOSED = tuple("แโไเ")  # before a led sonorant they read two ways: โหร is /roː/ or /hoːn/, เหรา /raw/ or /heːraː/


def speller() -> Speller:
    """All 192 frames; syllables of a sentence stand without spaces."""
    frames = tuple(_frame(onset, rime) for onset, rime in product(ONSETS, RIMES) if _is_clear(onset, rime))
    return Speller(language="th", voice="th", tones=tuple(CHAO), frames=frames, chao=CHAO, joiner="")


def _is_clear(onset: str, rime: tuple[str, str]) -> bool:
    led = len(ONSETS[onset][1].split()[0]) > 1
    return not (led and RIMES[rime][2].startswith(PREPOSED))


def _frame(onset: str, rime: tuple[str, str]) -> Frame:
    sound, letters = ONSETS[onset]
    nucleus, coda, pattern = RIMES[rime]
    espeak = tuple((role, name) for role, name in (("onset", sound), ("nucleus", nucleus), ("coda", coda)) if name)
    return Frame(onset, *rime, espeak, {tone: _spell(letters.split(), pattern, tone) for tone in CHAO})


def _spell(letters: list[str], pattern: str, tone: str) -> str:
    which, mark = PAIRED[tone] if len(letters) > 1 else (0, MIDDLE[tone])
    return pattern.replace("C", letters[which]).replace("T", mark)
