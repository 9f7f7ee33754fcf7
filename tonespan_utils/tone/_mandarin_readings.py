"""Mandarin characters to dictionary readings in context: words by jieba, readings by pypinyin, and what pypinyin lacks.

A reading is pinyin without marks and a tone digit (``lv4``, ``men5``; v is ü, 5 the neutral tone); 一 and 不 keep their
citation tones 1 and 4 here. Corrections apply where pypinyin has no phrase and falls back to single characters
(子, 为, 长, 得, 地, 只), and to second syllables that the standard has as neutral.
"""

from __future__ import annotations

import logging
import re
import warnings
from functools import cache, lru_cache

from tonespan_utils.tone import _mandarin_words as table
from tonespan_utils.tone._hanzi import NUMERIC, Unit

with warnings.catch_warnings():  # jieba's regular expressions and its import of pkg_resources warn
    warnings.simplefilter("ignore")
    import jieba
    from pypinyin import Style, lazy_pinyin
    from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
    from pypinyin.contrib.mmseg import seg
jieba.setLogLevel(logging.ERROR)  # it reports the loading of its dictionary

PLACES = tuple("十百千万")
NUMERAL_WORD = re.compile("百分之|零?[一二三四五六七八九两十][十百千]?|.")


def readable(char: str) -> bool:
    """Whether pypinyin knows the character."""
    return ord(char) in PINYIN_DICT


def words(phrase: list[Unit]) -> list[tuple[str, int]]:
    """The words of a phrase, each with the index of its first unit; a numeral is several words of the same unit."""
    located: list[tuple[str, int]] = []
    index = 0
    while index < len(phrase):
        if phrase[index].is_numeral:
            located.extend((word, index) for word in NUMERAL_WORD.findall(phrase[index].spoken))
            index += 1
            continue
        end = index
        while end < len(phrase) and not phrase[end].is_numeral:
            end += 1
        for word in _cut("".join(unit.spoken for unit in phrase[index:end])):
            located.append((word, index))
            index += len(word)
    return located


def _cut(text: str) -> list[str]:
    """jieba's words; a 儿 left alone goes back to the word it colours, and 地 comes off a guessed word after it."""
    cut: list[str] = []
    for word in jieba.cut(text):
        if word == "儿" and cut and is_erhua(cut[-1] + word, len(cut[-1])):
            cut[-1] += word
        elif word[0] == "地" and len(word) > 1 and word not in tags():
            cut += ["地", word[1:]]
        else:
            cut.append(word)
    return cut


def is_erhua(word: str, index: int) -> bool:
    """Whether the character is a 儿 that colours the syllable before it (花儿), and no child (女儿, 少年儿童)."""
    if not index or word[index] != "儿":
        return False
    if word[index - 2 : index] in (char * 2 for char in table.SLOWLY):
        return True
    if word[index - 1] not in table.ERHUA or any(word[: index + 1].endswith(child) for child in table.NOT_ERHUA):
        return False
    return index == len(word) - 1 or word[index + 1] in table.ERHUA_GOES_ON


def read(word: str, *, before: str = "", after: str = "") -> tuple[str, ...]:
    """One reading per character of ``word``, which stands between the words ``before`` and ``after``."""
    if len(word) == 1 and (reading := _read_by_neighbours(word, before, after)):
        return (reading,)
    return read_word(word)


def _read_by_neighbours(char: str, before: str, after: str) -> str:
    """The reading of a word of one character, where the words beside it choose it; else an empty string."""
    if char == "地" and after and _is_adverbial(before, after):
        return "de5"
    if char == "个" and _is_light_measure(before):
        return "ge5"
    if char == "为" and before[-1:] not in table.BECOME and after[:1] not in NUMERIC:
        return "wei4"  # a preposition
    if char == "只" and before[-1:] in table.COUNTED:
        return "zhi1"
    if char == "得" and after and before[-1:] in table.MUST and tags().get(after, "v")[0] in "vp":
        return "dei3"
    if char == "塞" and (not after or after[0] in table.OPEN_STUFF):
        return "sai1"
    if char == "倒" and after and after[0] in table.FALLEN:
        return "dao3"
    if char in table.PARTICLES and before and not after:
        return _pypinyin(char)[0].rstrip("12345") + "5"
    return ""


def _is_adverbial(before: str, after: str) -> bool:
    """Whether 地 makes an adverb of what is before it; after a noun or a place it is the ground, but before a verb."""
    if len(before) < 2:
        return False
    if tags().get(before, "d")[0] not in "nstfr":
        return True
    return tags().get(after, "n")[0] == "v" and "地" + after[0] not in tags()


def _is_light_measure(before: str) -> bool:
    """Whether 个 after the word is said lightly: 一个, 这个, 睡个 (a nap), not 三个."""
    return before in table.MEASURED_LIGHTLY or before[-1:] == "儿" or tags().get(before, "")[:1] == "v"


@cache
def tags() -> dict[str, str]:
    """The part of speech of each word of jieba's dictionary, in its own letters (n noun, v verb, r pronoun ...)."""
    with jieba.get_dict_file() as lines:
        entries = (line.decode().split() for line in lines)
        return {word: tag for word, _, tag in entries}


@lru_cache(maxsize=65536)
def read_word(word: str) -> tuple[str, ...]:
    """One reading per character of a word on its own."""
    readings: list[str] = []
    for piece in [word] if word in PHRASES_DICT or word in table.FIXED else seg.cut(word):
        if len(piece) == 1:
            readings.append(_read_single(word, len(readings)))
        else:
            readings.extend(_pypinyin(piece))
    return tuple(_correct(word, index, reading) for index, reading in enumerate(readings))


def _pypinyin(piece: str) -> list[str]:
    if piece in table.FIXED:
        return table.FIXED[piece].split()
    return lazy_pinyin([piece], style=Style.TONE3, neutral_tone_with_five=True)


def _read_single(word: str, index: int) -> str:
    """A character that no phrase of the dictionary covers."""
    char, before = word[index], word[max(0, index - 1) : index]
    if char == "子":
        return "zi5" if before and before not in table.FULL_ZI else "zi3"
    if char == "只" and before in table.COUNTED:
        return "zhi1"
    if char == "为" and (before == "因" or word[index + 1 : index + 2] in table.FOR):
        return "wei4"
    if char == "干" and before in table.WITHER:
        return "gan1"
    if char == "尽" and before and index == len(word) - 1:
        return "jin4"
    if char == "倒" and before and index == len(word) - 1:
        return "dao3"  # what the verb before it does: 踢倒
    return table.DEFAULTS.get(char) or _pypinyin(char)[0]


def _correct(word: str, index: int, reading: str) -> str:
    """Citation tones of 一 and 不, heads and gains, and second syllables that are neutral, or may be."""
    char, pair, ends = word[index], word[max(0, index - 1) : index + 1], index == len(word) - 1
    if char == "一" or (char == "不" and reading[-1] != "5"):
        return "yi1" if char == "一" else "bu4"
    if char == "儿":
        return "er2"
    if word[index + 1 : index + 2] == "儿" and char in "子头":
        return {"子": "zi3", "头": "tou2"}[char]  # 瓜子儿, 老头儿
    if word[index + 1 : index + 2] == "儿" and char == pair[0] and index and char in table.SLOWLY:
        return reading[:-1] + "1"
    if char == "个" and len(pair) == 2 and word[-3:-2] not in PLACES and _is_light_measure(pair[0]):
        return "ge5"
    if char == "长" and ends and pair[0] in table.HEADS:
        return "zhang3"
    if char == "得" and len(word) > 1 and (index == 0 or pair[0] in table.GAINED):
        return "de2"
    if reading[-1] == "5" and _may_be_neutral(word, index):
        return _full(char, reading)
    return reading[:-1] + "5" if _is_neutral(word, index) else reading


def _is_neutral(word: str, index: int) -> bool:
    char, pair = word[index], word[max(0, index - 1) : index + 1]
    if len(pair) == 2 and char == pair[0]:
        return char in table.KIN or (char in table.VERBS_TWICE and len(word) == 2)
    return pair in table.NEUTRAL and _ends_noun(word, index)


def _may_be_neutral(word: str, index: int) -> bool:
    return word[max(0, index - 1) : index + 1] in table.OPTIONAL and _ends_noun(word, index)


def _ends_noun(word: str, index: int) -> bool:
    return index == len(word) - 1 or word[index + 1] in "们儿"


def _full(char: str, reading: str) -> str:
    """The reading with the tone that the character has alone."""
    alone = _pypinyin(char)[0]
    return alone if alone[:-1] == reading[:-1] else reading


def is_uncertain(word: str, index: int) -> bool:
    """Whether the character is said with its full tone by some and with the neutral tone by others."""
    return _may_be_neutral(word, index) or (
        index == len(word) - 1 and word[-2:-1] in table.DIRECTIONS and word[-1] in "来去"
    )
