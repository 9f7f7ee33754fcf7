"""How the table of :mod:`tonespan_utils.corpus.synthetic.spellers.mandarin` was made.

``python -m tools.make_mandarin_table`` prints one (minutes).

A syllable is in the table when each of its four tones has a character. Of the characters for a syllable and tone the
commonest is taken (jieba's word counts, summed over the words a character is in) that meets two conditions:

- at most one in five of its uses in the words of jieba and pypinyin has another reading, third-tone sandhi aside;
- no word of the table's characters, nor one of them doubled, reads any of them otherwise, so that no sentence does.

Where a word breaks the second condition, the character whose replacement is most nearly as common gives way.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import jieba
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT

from tonespan_utils.tone import text_to_tone

TONES = "1234"
MAX_OTHER_USES = 0.2  # the strictest share, of those tried, that leaves 150 syllables
READ_IN_CONTEXT = frozenset("一不儿子长得为地只")  # by the neighbouring words, whatever the dictionary has
IRREPLACEABLE = 99.0  # cost of a character without a second choice: above the logarithm of any ratio of counts

Reading = tuple[str, str]  # IPA and lexical tone
Choices = dict[str, dict[str, list[str]]]  # pinyin -> tone -> characters, commonest first


def choose() -> dict[str, str]:
    """Pinyin of a syllable -> its four characters in the order of the tones."""
    jieba.initialize()
    counts = {word: count for word, count in jieba.dt.FREQ.items() if count}
    commonness: Counter[str] = Counter()
    for word, count in counts.items():
        commonness.update(dict.fromkeys(word, count))
    readings = {char: reading for char in commonness if (reading := _only_reading(char))}
    words = {*counts, *PHRASES_DICT, *(char + char for char in readings)}
    steady, clashes = _steady(words, counts, readings)
    return _settle(_choices(sorted(steady, key=lambda char: (-commonness[char], char)), readings), clashes, commonness)


def _read(text: str) -> list[Reading]:
    return [(syllable.ipa, syllable.lexical_tone) for syllable in text_to_tone.syllables(text, "cmn")]


def _only_reading(char: str) -> Reading | None:
    readings = _read(char) if "\u4e00" <= char <= "\u9fff" and char not in READ_IN_CONTEXT else []
    return readings[0] if len(readings) == 1 and readings[0][1] in TONES else None


def _steady(
    words: Iterable[str], counts: Mapping[str, int], readings: Mapping[str, Reading]
) -> tuple[set[str], list[set[str]]]:
    """Characters that rarely have another reading, and the words (as sets of characters) that give them one."""
    uses, others, clashes = Counter(), Counter(), []
    for word in sorted(word for word in words if len(word) > 1):
        said = _read(word)
        if len(said) != len(word):
            continue
        differ = [char for char, reading in zip(word, said, strict=True) if readings.get(char, reading) != reading]
        uses.update(dict.fromkeys(word, counts.get(word, 0) + 1))
        others.update(dict.fromkeys(differ, counts.get(word, 0) + 1))
        if differ and readings.keys() >= set(word):
            clashes.append(set(word))
    return {char for char in readings if others[char] <= MAX_OTHER_USES * uses[char]}, clashes


def _choices(chars: Iterable[str], readings: Mapping[str, Reading]) -> Choices:
    choices: Choices = defaultdict(lambda: defaultdict(list))
    for char in chars:
        choices[lazy_pinyin(char, style=Style.NORMAL)[0]][readings[char][1]].append(char)
    return {pinyin: tones for pinyin, tones in choices.items() if len(tones) == len(TONES)}


def _settle(choices: Choices, clashes: Iterable[set[str]], commonness: Mapping[str, int]) -> dict[str, str]:
    """Strike characters until no word of the first choices clashes."""
    place = {char: chars for tones in choices.values() for chars in tones.values() for char in chars}

    def cost(char: str) -> float:
        return math.log(commonness[char] / commonness[place[char][1]]) if len(place[char]) > 1 else IRREPLACEABLE

    while True:
        table = {pinyin: tones for pinyin, tones in sorted(choices.items()) if all(tones.values())}
        taken = {chars[0] for tones in table.values() for chars in tones.values()}
        clashing = Counter(char for word in clashes if word <= taken for char in word)
        if not clashing:
            return {pinyin: "".join(tones[digit][0] for digit in TONES) for pinyin, tones in table.items()}
        struck = min(clashing, key=lambda char: (cost(char) / clashing[char], char))
        place[struck].remove(struck)


if __name__ == "__main__":
    print(" ".join(pinyin + chars for pinyin, chars in choose().items()))
