"""Mandarin: words by jieba, readings by pypinyin, tone sandhi by the rules below.

=====  =======================================  ======================  =============================
class  Chao digits                              written (pinyin)        example
=====  =======================================  ======================  =============================
1      55                                       mā                      妈 mother
2      35                                       má                      麻 hemp
3      214 before a pause, 21 before others     mǎ                      马 horse
4      51                                       mà                      骂 scold
5      by the tone before: 2, 3, 4, 1 after     ma (neutral, unmarked)  吗 question
       tones 1, 2, 3, 4; 3 at the start
=====  =======================================  ======================  =============================

Sources: Chao Y. R. (1968), *A Grammar of Spoken Chinese*, ch. 1; W.-S. Lee and E. Zee (2003), "Standard Chinese
(Beijing)", Journal of the IPA 33(1). The characters show no tone: it comes from a dictionary.

Sandhi (``tone`` is what is spoken, ``lexical_tone`` what the dictionary has)
---------------------------------------------------------------------------
- 不 is 2 before a 4 and neutral in A不A; 一 is 2 before a 4, 4 before others, 1 as an ordinal or digit or at the end,
  and neutral between two equal verbs.
- A 3 before a 3 is 2. It is applied from the inside out: in a word by its parts (展览-馆 is 2 2 3, 小-老虎 is 3 2 3),
  in pairs of neighbouring one-syllable words, between a word and a light one that leans on it (以, 给, 也), then across
  every edge between words but those before a few conjunctions; never across punctuation. A change across the edge of
  two longer words is flagged ``uncertain``: a reader may pause there.

Other conventions: 儿 is a syllable of its own (女儿, 儿童) but for the listed characters that it colours: there it
belongs to that syllable (哪儿 is one syllable, coda ɻ). The glide of ``xian`` or ``guo`` is written into the onset.
Neutral tones beyond pypinyin's own are a list; a word with two real readings is read in full and flagged ``uncertain``;
个 after a numeral, a demonstrative or a verb is neutral and flagged.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tonespan_utils.tone import _mandarin_readings as readings
from tonespan_utils.tone import _mandarin_sandhi as sandhi
from tonespan_utils.tone._hanzi import SIMPLIFIED, Unit, phrases
from tonespan_utils.tone._mandarin_sandhi import Spoken
from tonespan_utils.tone._mandarin_words import SUNG
from tonespan_utils.tone._masking import fill
from tonespan_utils.tone.parts import Part, Syllable

CHAO = {"1": "55", "2": "35", "3": "21", "4": "51"}
CHAO_FINAL_THIRD = "214"
CHAO_NEUTRAL = {"": "3", "1": "2", "2": "3", "3": "4", "4": "1", "5": "2"}

INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ", "h": "x",
    "j": "tɕ", "q": "tɕʰ", "x": "ɕ", "zh": "ʈʂ", "ch": "ʈʂʰ", "sh": "ʂ", "r": "ɻ", "z": "ts", "c": "tsʰ", "s": "s",
}  # fmt: skip
FINALS = {  # final -> (glide, nucleus, coda); v is ü
    "a": ("", "a", ""), "o": ("", "o", ""), "e": ("", "ɤ", ""), "ê": ("", "ɛ", ""), "ai": ("", "ai", ""),
    "ei": ("", "ei", ""), "ao": ("", "au", ""), "ou": ("", "ou", ""), "an": ("", "a", "n"), "en": ("", "ə", "n"),
    "ang": ("", "ɑ", "ŋ"), "eng": ("", "ə", "ŋ"), "er": ("", "ɚ", ""), "ong": ("", "ʊ", "ŋ"), "i": ("", "i", ""),
    "ia": ("j", "a", ""), "ie": ("j", "e", ""), "io": ("j", "o", ""), "iao": ("j", "au", ""), "iu": ("j", "ou", ""),
    "iou": ("j", "ou", ""), "iai": ("j", "ai", ""), "ian": ("j", "ɛ", "n"), "in": ("", "i", "n"),
    "iang": ("j", "ɑ", "ŋ"), "ing": ("", "i", "ŋ"), "iong": ("j", "ʊ", "ŋ"), "u": ("", "u", ""), "ua": ("w", "a", ""),
    "uo": ("w", "o", ""), "uai": ("w", "ai", ""), "ui": ("w", "ei", ""), "uei": ("w", "ei", ""),
    "uan": ("w", "a", "n"), "un": ("w", "ə", "n"), "uen": ("w", "ə", "n"), "uang": ("w", "ɑ", "ŋ"),
    "ueng": ("w", "ə", "ŋ"), "uong": ("w", "ʊ", "ŋ"),
    "v": ("", "y", ""), "ve": ("ɥ", "e", ""), "van": ("ɥ", "ɛ", "n"), "vn": ("", "y", "n"),
}  # fmt: skip
APICAL = dict.fromkeys(("z", "c", "s"), "ɹ̩") | dict.fromkeys(("zh", "ch", "sh", "r"), "ɻ̩")  # the vowel of zi, zhi
SYLLABIC = {"m": "m̩", "n": "n̩", "ng": "ŋ̍"}
INITIAL = re.compile("zh|ch|sh|[bpmfdtnlgkhjqxrzcs]")


def parse(text: str) -> list[Part]:
    """Syllables and masked parts of a text in simplified characters; of traditional ones jieba finds fewer words."""
    parts: list[Part] = []
    for phrase in phrases(text, script=SIMPLIFIED, readable=readings.readable):
        spoken = _speak(phrase)
        sandhi.apply(spoken)
        parts.extend(_syllables(phrase, spoken))
    return fill(text, parts, script=("CJK",))


def _speak(phrase: list[Unit]) -> list[Spoken]:
    """The syllables of a phrase with their dictionary tones."""
    words = readings.words(phrase)
    spoken: list[Spoken] = []
    for number, (word, unit) in enumerate(words):
        before, after = (words[near][0] if 0 <= near < len(words) else "" for near in (number - 1, number + 1))
        for index, reading in enumerate(readings.read(word, before=before, after=after)):
            at = unit if phrase[unit].is_numeral else unit + index
            if readings.is_erhua(word, index):
                spoken[-1].last = at
                spoken[-1].is_uncertain |= word[index - 1] in SUNG
            else:
                spoken.append(Spoken(word[index], number, at, at, reading[:-1], reading[-1], reading[-1]))
                spoken[-1].is_uncertain = readings.is_uncertain(word, index)
    return spoken


def _syllables(phrase: list[Unit], spoken: list[Spoken]) -> list[Syllable]:
    made: list[Syllable] = []
    for index, item in enumerate(spoken):
        unit, end = phrase[item.first], phrase[item.last].end
        is_first = index == 0 or spoken[index - 1].first != item.first
        chao = _chao(item.tone, before=spoken[index - 1].tone if index else "", last=index == len(spoken) - 1)
        onset, nucleus, coda = segments(item.pinyin)
        made.append(
            Syllable(
                start=unit.start if is_first else end,
                end=end,
                onset=onset,
                nucleus=nucleus,
                coda="ɻ" if item.first != item.last else coda,  # erhua takes the place of the coda
                tone=item.tone,
                chao=chao,
                flags=item.is_uncertain * ("uncertain",) + unit.is_numeral * ("expanded",),
                lexical_tone=item.lexical,
            )
        )
    return made


def _chao(tone: str, *, before: str, last: bool) -> str:
    if tone == "5":
        return CHAO_NEUTRAL[before]
    return CHAO_FINAL_THIRD if tone == "3" and last else CHAO[tone]


@lru_cache(maxsize=2048)
def segments(pinyin: str) -> tuple[str, str, str]:
    """Onset (with glide), nucleus and coda in IPA of a pinyin syllable without tone; v is ü."""
    match = INITIAL.match(pinyin)
    initial = match[0] if match else ""
    rest = _full_final(initial, pinyin[len(initial) :])
    if rest in FINALS:
        glide, nucleus, coda = FINALS[rest]
        if rest == "i" and initial in APICAL:
            nucleus = APICAL[initial]
        return INITIALS.get(initial, "") + glide, nucleus, coda
    nasal = pinyin.lstrip("h")  # interjections: m, n, ng, hm, hng
    return ("x" if pinyin[0] == "h" else "", SYLLABIC[nasal], "")


def _full_final(initial: str, rest: str) -> str:
    """The final as it is spelled after a consonant: undoes y, w, and the u written for ü after j, q, x, y."""
    if initial in ("j", "q", "x") and rest[:1] == "u":
        return "v" + rest[1:]
    if rest[:2] == "yu":
        return "v" + rest[2:]
    if rest[:1] == "y":
        return rest[1:] if rest[1:2] == "i" else "i" + rest[1:]
    if rest[:1] == "w":
        return rest[1:] if rest[1:2] == "u" else "u" + rest[1:]
    return rest
