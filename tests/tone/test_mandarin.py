"""Mandarin: readings in context, sandhi, erhua, numerals; and that sandhi changes nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin.constants import PINYIN_DICT
from word_tables import read_table

from tonespan_utils.tone._hanzi import MAX_DIGITS, SIMPLIFIED, TRADITIONAL, cardinal
from tonespan_utils.tone._mandarin_readings import read_word
from tonespan_utils.tone.mandarin import parse, segments
from tonespan_utils.tone.parts import Syllable

WORDS = read_table("mandarin_words.tsv")
DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}
PLACES = {"十": 10, "百": 100, "千": 1000}
MYRIADS = {"万": 10**4, "亿": 10**8, "兆": 10**12, "萬": 10**4, "億": 10**8}


def tones(text: str) -> str:
    return "".join(part.tone for part in parse(text) if isinstance(part, Syllable))


def value_of(spoken: str) -> int:
    """The number that characters say: a slow reader, independent of the writer under test."""
    total, group, digit = 0, 0, 0
    for char in spoken:
        if char in MYRIADS:
            total, group, digit = total + (group + digit) * MYRIADS[char], 0, 0
        elif char in PLACES:
            group, digit = group + (digit or 1) * PLACES[char], 0
        else:
            digit = DIGITS[char]
    return total + group + digit


@pytest.mark.parametrize(("text", "expected"), read_table("mandarin_sandhi_by_hand.tsv"))
def test_sandhi_by_hand(text, expected):
    assert tones(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("长大", "34"), ("长江", "21"), ("全长", "22"), ("市长", "43"), ("银行", "22"), ("电子", "43"), ("孩子", "25"),
        ("认为", "42"), ("因为", "14"), ("为了", "45"), ("获得", "42"), ("跑得快", "354"),
        ("高兴地跑", "1453"), ("土地", "34"), ("两只猫", "311"), ("只有", "23"),
    ],
)  # fmt: skip
def test_readings_in_context(text, expected):
    assert tones(text) == expected


@pytest.mark.parametrize(("text", "expected", "rule"), WORDS, ids=[row[0] for row in WORDS])
def test_words_by_rule(text, expected, rule):
    assert " ".join(tones(text)) == expected, rule


def test_the_lexical_tone_is_kept():
    first, second = parse("你好")
    assert (first.lexical_tone, first.tone, first.chao) == ("3", "2", "35")
    assert (second.lexical_tone, second.tone, second.chao) == ("3", "3", "214")
    assert parse("好人")[0].chao == "21"


def test_the_neutral_tone_follows_the_one_before():
    assert [parse(word)[1].chao for word in ("妈妈", "孩子", "姐姐", "爸爸")] == ["2", "3", "4", "1"]


def test_erhua_is_one_syllable():
    (where,) = parse("哪儿")
    assert (where.start, where.end, where.ipa, where.tone) == (0, 2, "naɻ", "3")
    assert tones("哪儿有") == "23"
    assert tones("女儿") == "32"
    assert [part.ipa for part in parse("哥儿们")] == ["kɤɻ", "mən"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2009年", "42232"), ("1995-1996", "13231234"), ("2个人", "342"), ("第2", "44"), ("93%", "311321"),
        ("2.4", "434"), ("1,600", "4143"), ("11:20", "213421"),
    ],
)  # fmt: skip
def test_numerals_by_hand(text, expected):
    assert tones(text) == expected


@given(st.integers(0, 10**MAX_DIGITS - 1), st.sampled_from([SIMPLIFIED, TRADITIONAL]))
def test_cardinals_say_their_value(number, script):
    assert value_of(cardinal(str(number), script)) == number


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("10", "十"),
        ("12", "十二"),
        ("110", "一百一十"),
        ("10500", "一万零五百"),
        ("200000", "二十万"),
        ("2000", "两千"),
        ("007", "零零七"),
    ],
)
def test_cardinals_by_hand(number, spoken):
    assert cardinal(number, SIMPLIFIED) == spoken


def test_a_numeral_is_spoken_over_its_characters():
    parts = parse("100名")
    assert [(part.start, part.end, part.flags) for part in parts] == [
        (0, 3, ("expanded",)), (3, 3, ("expanded",)), (3, 4, ()),
    ]  # fmt: skip


def test_every_reading_of_the_dictionary_has_segments():
    codes = list(PINYIN_DICT)[::5]  # a fifth of 40,000 characters
    syllables = {reading[:-1] for code in codes for reading in read_word(chr(code))}
    assert len(syllables) > 380
    assert len({segments(syllable) for syllable in syllables}) == len(syllables)


@given(st.lists(st.sampled_from("你好我想买老李雨伞一不是大家了吗很小马看中国人九五"), min_size=1, max_size=12))
def test_sandhi_changes_third_tones_and_yi_and_bu_only(characters):
    text = "".join(characters)
    for part in parse(text):
        if part.tone != part.lexical_tone and text[part.start] not in "一不":
            assert (part.lexical_tone, part.tone) == ("3", "2")


def test_punctuation_ends_the_reach_of_sandhi():
    assert tones("你，好") == "33"
    assert tones("你 好") == "33"
