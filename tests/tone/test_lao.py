"""Lao: tone follows from the spelling; measured on WikiPron's Vientiane words."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_tables import read_table

from tonespan_utils.corpus.synthetic.spellers import speller as spellers
from tonespan_utils.tone._masking import covers
from tonespan_utils.tone._tai_numerals import spell
from tonespan_utils.tone._tai_signs import tidy
from tonespan_utils.tone.lao import NUMERALS, SIGNS, parse
from tonespan_utils.tone.parts import Masked, Syllable

DATA = Path(__file__).parents[2].parent / "shared" / "data"
MIN_TONES, MIN_COUNT = 0.98, 0.99  # of words: what the project promises

LAO = "".join(chr(code) for code in range(0x0E81, 0x0EE0))
MIXED = st.text(st.one_of(st.sampled_from(LAO + " \u200b\u200c\ufeffa7.😀\u0301ก"), st.characters()), max_size=20)

ONES = {word: value for value, word in enumerate(NUMERALS.digits)} | {"ເອັດ": 1}
SCALES = {"ຮ້ອຍ": 100, "ພັນ": 1000, "ແສນ": 10**5, "ລ້ານ": 10**6, "ຕື້": 10**9}


def syllables(text: str) -> list[Syllable]:
    return [part for part in parse(text) if isinstance(part, Syllable)]


def spoken(text: str) -> list[str]:
    return [part.ipa + part.tone for part in syllables(text)]


def written(text: str) -> list[str]:
    return [text[part.start : part.end] for part in parse(text)]


def value_of(words: list[str]) -> int:
    """The number that Lao words say: a slow reader, independent of the writer under test."""
    largest = max((word for word in words if word in SCALES), key=SCALES.get, default=None)
    if largest:
        at = len(words) - 1 - words[::-1].index(largest)
        return value_of(words[:at]) * SCALES[largest] + value_of(words[at + 1 :])
    if "ຊາວ" in words:
        return 20 + value_of(words[1:])
    if "ສິບ" in words:
        tens, ones = words[: words.index("ສິບ")], words[words.index("ສິບ") + 1 :]
        return 10 * (value_of(tens) or 1) + value_of(ones)
    return ONES[words[0]] if words else 0


@pytest.mark.parametrize(
    ("letter", "expected"), [("ຂ", "LR M LF HR LF"), ("ກ", "LR M HF HR LF"), ("ຄ", "HR M HF M HF")]
)
def test_tone_follows_class_mark_and_ending(letter, expected):
    forms = ["{}າ", "{}່າ", "{}້າ", "{}ະ", "{}າດ"]
    assert [syllables(form.format(letter))[0].tone for form in forms] == expected.split()


@pytest.mark.parametrize(("word", "expected"), read_table("lao_words_by_hand.tsv"))
def test_words_by_hand(word, expected):
    assert spoken(word) == [expected]
    assert written(word) == [word]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("ໃນຕອນເລີ່ມຕົ້ນ", "ໃນ|ຕອນ|ເລີ່ມ|ຕົ້ນ"), ("ພາກວິຊາ", "ພາກ|ວິ|ຊາ"), ("ໂທລະສັບ", "ໂທ|ລະ|ສັບ"), ("ປະເທດລາວ", "ປະ|ເທດ|ລາວ"),
        ("ສຍາມ", "ສ|ຍາມ"), ("ມະຫາວິທະຍາໄລ", "ມະ|ຫາ|ວິ|ທະ|ຍາ|ໄລ"), ("ນໍ້າ\u200cໃຈ", "ນໍ້າ\u200c|ໃຈ"),
        ("ຄົນ\u200bດີ", "ຄົນ|\u200b|ດີ"),
    ],
)  # fmt: skip
def test_runs_are_cut_into_syllables(text, cut):
    assert written(text) == cut.split("|")


def test_a_leading_letter_gives_its_class():
    assert spoken("ສຍາມ") == ["saHR", "ɲaːmLR"]
    assert syllables("ສຍາມ")[0].flags == ("weak", "uncertain")


def test_repetition_mark_repeats_the_syllable_before_it():
    parts = syllables("ຕ່າງໆ")
    assert [(part.start, part.end, part.tone, part.flags) for part in parts] == [
        (0, 4, "M", ()),
        (4, 5, "M", ("expanded",)),
    ]
    assert spoken("ສະບາຍ ໆ")[2:] == spoken("ສະບາຍ")
    assert parse("ໆ") == [Masked(0, 1, "unknown")]


@given(st.integers(0, 10**12 - 1))
def test_numerals_say_their_number(number):
    assert value_of(spell(str(number), NUMERALS)) == number


@pytest.mark.parametrize(
    ("numeral", "words"),
    [
        ("11", "ສິບ ເອັດ"), ("20", "ຊາວ"), ("25", "ຊາວ ຫ້າ"), ("101", "ໜຶ່ງ ຮ້ອຍ ເອັດ"), ("20,000", "ຊາວ ພັນ"), ("0", "ສູນ"),
        ("1.50", "ໜຶ່ງ ຈຸດ ຫ້າ ສູນ"), ("007", "ສູນ ສູນ ເຈັດ"), ("2000000", "ສອງ ລ້ານ"), ("9" * 25, ""),
    ],
)  # fmt: skip
def test_numerals_in_words(numeral, words):
    assert spell(numeral, NUMERALS) == words.split()


def test_numerals_are_expanded_over_their_digits():
    first, second, *percent = syllables("໒໕%")
    assert (first.start, first.end, first.ipa) == (0, 3, "saːw")
    assert (second.start, second.end, second.flags) == (3, 3, ("expanded",))
    assert len(percent) == 2
    assert parse("A1 " + "9" * 30)[-1].reason == "digits"


def test_what_is_not_lao_is_masked_with_its_reason():
    reasons = [part.reason for part in parse("ດີ Greek, ก 😀ຯ") if isinstance(part, Masked)]
    assert reasons == ["space", "latin", "punctuation", "space", "script", "space", "symbol", "punctuation"]
    assert parse("") == []


@given(MIXED)
def test_parts_cover_any_text_once(text):
    assert covers(text, parse(text))


@given(MIXED)
def test_tidying_is_settled_and_its_offsets_never_fall(text):
    clean, offsets = tidy(text, SIGNS)
    assert len(offsets) == len(clean) + 1
    assert offsets == sorted(offsets)
    assert tidy(clean, SIGNS)[0] == clean


def test_spelled_nonsense_comes_back():
    speller, rng = spellers.speller("lo"), random.Random(0)
    for _ in range(300):
        drawn = [(rng.choice(speller.frames), rng.choice(speller.tones)) for _ in range(8)]
        text, spans = spellers.write(speller, drawn)
        parts = parse(text)
        assert [(part.start, part.end) for part in parts if isinstance(part, Syllable)] == spans
        assert [(part.ipa, part.tone) for part in parts if isinstance(part, Syllable)] == [(f.ipa, t) for f, t in drawn]


def test_every_frame_alone_comes_back():
    speller = spellers.speller("lo")
    for frame, tone in product(speller.frames, speller.tones):
        assert spoken(frame.spelling[tone]) == [frame.ipa + tone]


@pytest.mark.skipif(not (DATA / "pronunciation").exists(), reason="needs ../shared/data/pronunciation")
def test_accuracy_on_dictionary_words():
    wanted = defaultdict(list)
    with open(DATA / "pronunciation" / "lao_wikipron_vientiane_dev.tsv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            wanted[row["word"]].append(row["tones"].split())
    predicted = {word: [part.tone for part in syllables(word)] for word in wanted}
    right = sum(predicted[word] in tones for word, tones in wanted.items())
    counted = sum(len(predicted[word]) in map(len, tones) for word, tones in wanted.items())
    assert right / len(wanted) >= MIN_TONES
    assert counted / len(wanted) >= MIN_COUNT


@pytest.mark.skipif(not (DATA / "text").exists(), reason="needs ../shared/data/text")
def test_sentences_are_read_whole():
    lines = (DATA / "text" / "lao_Laoo.tsv").read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[2] for line in lines]
    parsed = [parse(text) for text in texts]
    assert all(covers(text, parts) for text, parts in zip(texts, parsed, strict=True))
    everything = [part for parts in parsed for part in parts]
    assert not [part for part in everything if isinstance(part, Masked) and part.reason == "unknown"]
