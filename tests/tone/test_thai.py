"""Thai: rules, dictionary and their reconciliation; measured on WikiPron's words."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from word_tables import read_table

from tonespan_utils.corpus.synthetic.spellers import speller as spellers
from tonespan_utils.tone import _thai_links, _thai_reader, _thai_scores
from tonespan_utils.tone._masking import covers
from tonespan_utils.tone._tai_numerals import spell
from tonespan_utils.tone._thai_reader import Phones, lattice, read
from tonespan_utils.tone.parts import Masked, Syllable
from tonespan_utils.tone.thai import NUMERALS, dictionary, parse, segments, tidy
from tools import train_thai_reader

DATA = Path(__file__).parents[2].parent / "shared" / "data"
MIN_TONES, MIN_COUNT = 0.98, 0.99  # of words: what the project promises
MAX_MODEL_BYTES = 1_000_000
MAX_LINKS_BYTES = 50_000

THAI = "".join(chr(code) for code in range(0x0E01, 0x0E5C))
MIXED = st.text(st.one_of(st.sampled_from(THAI + " \u200b\u200c\ufeffa7.😀\u0301ກ"), st.characters()), max_size=16)

ONES = {word: value for value, word in enumerate(NUMERALS.digits)} | {"เอ็ด": 1}
SCALES = {"ร้อย": 100, "พัน": 1000, "หมื่น": 10**4, "แสน": 10**5, "ล้าน": 10**6}


def syllables(text: str) -> list[Syllable]:
    return [part for part in parse(text) if isinstance(part, Syllable)]


def spoken(text: str) -> str:
    return " ".join(part.ipa + part.tone for part in syllables(text))


def written(text: str) -> str:
    return "|".join(text[part.start : part.end] for part in parse(text))


def value_of(words: list[str]) -> int:
    """The number that Thai words say: a slow reader, independent of the writer under test."""
    largest = max((word for word in words if word in SCALES), key=SCALES.get, default=None)
    if largest:
        at = len(words) - 1 - words[::-1].index(largest)
        return value_of(words[:at]) * SCALES[largest] + value_of(words[at + 1 :])
    if "ยี่สิบ" in words:
        return 20 + value_of(words[1:])
    if "สิบ" in words:
        tens, ones = words[: words.index("สิบ")], words[words.index("สิบ") + 1 :]
        return 10 * (value_of(tens) or 1) + value_of(ones)
    return ONES[words[0]] if words else 0


@pytest.mark.parametrize(
    ("letter", "expected"),
    [("ก", "M L F H R L L"), ("ข", "R L F H R L L"), ("ค", "M F H H R H F")],
)
def test_tone_follows_class_mark_and_ending(letter, expected):
    forms = ["{}า", "{}่า", "{}้า", "{}๊า", "{}๋า", "{}ะ", "{}าบ"]
    read_by_rules = [read(form.format(letter))[0].sounds[0].tone for form in forms]
    assert read_by_rules == expected.split()


@pytest.mark.parametrize(("word", "cut", "expected"), read_table("thai_words_by_hand.tsv"))
def test_words_by_hand(word, cut, expected):
    assert spoken(word) == expected
    assert written(word) == cut


def test_flags_say_what_is_sure():
    assert [part.flags for part in syllables("สบาย")] == [("weak",), ()]
    assert syllables("มอเตอร์")[-1].flags == ("foreign",)  # falling, where the spelling says mid
    assert syllables("โก๋")[0].flags == ()
    assert read("มา")[0].plain
    assert not read("มูร์ก")[0].plain  # a silent letter: uncertain where no dictionary has the word


@pytest.mark.parametrize(("word", "cut"), [("ไม้ประดับ", "ไม้|ประ|ดับ"), ("หอยงวงช้าง", "หอย|งวง|ช้าง"), ("อีกครั้ง", "อีก|ครั้ง")])
def test_an_entry_that_leaves_letters_unread_is_refused(word, cut):
    assert len(segments(word)) == 1
    assert not _thai_reader.lay(lattice(word), 0, len(word), dictionary(word))
    assert written(word) == cut


@pytest.mark.parametrize(("name", "n_syllables"), [("บัควีท", 2), ("เซเลนโก", 3), ("ฐิ่งก้อด", 2), ("ปุ๋งแหม่วเตี้ยก", 3)])
def test_unknown_words_are_read_by_the_rules(name, n_syllables):
    assert len(syllables(name)) == n_syllables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ต่างๆ", "ต่าง|ๆ"), ("ต่าง ๆ", "ต่าง| |ๆ"), ("สบายๆ", "ส|บาย|ๆ|"), ("กรุงเทพฯ", "กรุง|เทพ|ฯ"), ("พ.ศ.", "พ.ศ.|"),
        ("๒๕%", "๒๕%||||"), ("11.20 น.", "11.20 น." + "|" * 8), ("A1", "A|1"), ("ๆ", "ๆ"), ("", ""),
    ],
)  # fmt: skip
def test_signs_and_numerals_are_spoken_over_their_characters(text, expected):
    assert written(text) == expected
    assert covers(text, parse(text))


def test_repetition_repeats_the_word_before_it():
    assert spoken("สบายๆ") == "saL baːjM saL baːjM"
    assert [part.flags for part in syllables("สบายๆ")][2:] == [("weak", "expanded"), ("expanded",)]


@pytest.mark.parametrize(
    ("compound", "expected"),
    [
        ("ราชนิเวศน์", "raːtF tɕʰaH niH weːtF"),
        ("อัญพจน์", "ʔanM jaH pʰotH"), ("กินข้าว", "kinM kʰaːwF"), ("รถไฟฟ้า", "rotH fajM faːH"),
    ],
)  # fmt: skip
def test_a_linking_vowel_is_said_between_the_parts_of_an_indic_compound(compound, expected):
    assert spoken(compound) == expected
    assert covers(compound, parse(compound))


@pytest.mark.parametrize(
    ("word", "syllable"),
    [
        ("ราช", ("tɕʰ", "a", "", "H")), ("รัฐ", ("tʰ", "a", "", "L")), ("จักร", ("kr", "a", "", "L")),
        ("เพชร", ("tɕʰ", "a", "", "H")), ("ธรรม", ("m", "a", "", "H")), ("ประวัติ", ("t", "i", "", "L")),
        ("จันทร์", None), ("มา", None), ("น้ำ", None), ("", None),
    ],
)  # fmt: skip
def test_the_letters_that_end_a_word_say_its_linking_syllable(word, syllable):
    link = _thai_links.light(word)
    assert (tuple(link) if link else None) == syllable


def test_linking_words_are_chained(monkeypatch):
    monkeypatch.setattr(_thai_links, "probability", lambda names: 1.0)
    a, b, c = (Phones("k", "a", "t", "L"),), (Phones("n", "a", "k", "H"),), (Phones("m", "aː", "", "M"),)
    _thai_links.linking.cache_clear()
    chains = _thai_links.joined([(0, 3, a), (3, 6, b), (6, 8, c)], "กัดนักมา")
    _thai_links.linking.cache_clear()
    d, k = Phones("d", "a", "", "L"), Phones("k", "a", "", "L")
    assert chains == [(0, 8, (*a, d, *b, k, *c))]  # the parts of it are neither all of the run nor words of a list


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ในโลกที่", "najM loːkF tʰiːF"), ("ระหว่างรัฐและ", "raH waːŋL ratH lɛʔH"), ("โลกเก่า", "loːkF kawL"),
        ("ในราชนิเวศน์", "najM raːtF tɕʰaH niH weːtF"),
    ],
)  # fmt: skip
def test_neighbours_in_running_text_do_not_link_unless_they_are_a_word_together(text, expected):
    assert spoken(text) == expected


@given(st.integers(0, 10**12 - 1))
def test_numerals_say_their_number(number):
    assert value_of(spell(str(number), NUMERALS)) == number


@pytest.mark.parametrize(
    ("numeral", "words"),
    [
        ("11", "สิบ เอ็ด"), ("21", "ยี่สิบ เอ็ด"), ("101", "หนึ่ง ร้อย เอ็ด"), ("2,500", "สอง พัน ห้า ร้อย"), ("0", "ศูนย์"),
        ("3.14", "สาม จุด หนึ่ง สี่"), ("007", "ศูนย์ ศูนย์ เจ็ด"), ("9" * 25, ""),
    ],
)  # fmt: skip
def test_numerals_in_words(numeral, words):
    assert spell(numeral, NUMERALS) == words.split()


def test_what_is_not_thai_is_masked_with_its_reason():
    reasons = [part.reason for part in parse("ดี Greek, ກ 😀ะ") if isinstance(part, Masked)]
    assert reasons == ["space", "latin", "punctuation", "space", "script", "space", "symbol", "unknown"]


@settings(deadline=None)
@given(MIXED)
def test_parts_cover_any_text_once(text):
    assert covers(text, parse(text))


@given(MIXED)
def test_tidying_is_settled_and_its_offsets_never_fall(text):
    clean, offsets = tidy(text)
    assert len(offsets) == len(clean) + 1
    assert offsets == sorted(offsets)
    assert tidy(clean)[0] == clean


def test_spelled_nonsense_comes_back():
    speller, rng = spellers.speller("th"), random.Random(0)
    for _ in range(200):
        drawn = [(rng.choice(speller.frames), rng.choice(speller.tones)) for _ in range(8)]
        text, spans = spellers.write(speller, drawn)
        parts = syllables(text)
        assert [(part.start, part.end) for part in parts] == spans
        assert [part.tone for part in parts] == [tone for _, tone in drawn]
        shown = [part.ipa.replace("aːm", "am").replace("aːj", "aj").replace("aːw", "aw") for part in parts]
        assert shown == [
            frame.ipa.replace("aːm", "am").replace("aːj", "aj").replace("aːw", "aw") for frame, _ in drawn
        ]  # น้ำ, ไม้, เท้า: long


def test_laying_a_dictionary_word_keeps_its_sounds():
    word, phones = "เน็ต", (Phones("n", "e", "t", "L"),)
    (laid,) = read(word, [(0, len(word), phones)])
    assert laid.in_dictionary and laid.sounds[0].tone == "L" and laid.foreign == (True,)
    (ruled,) = read(word)
    assert not ruled.in_dictionary
    assert read(word, [(0, len(word), (Phones("m", "e", "t", "H"),))]) == [ruled]  # other sounds are not believed


def ways(edges, start, end):
    """Every path from ``start`` to ``end``, by exhaustion."""
    if start == end:
        yield []
    for index, edge in enumerate(edges):
        if edge.start == start:
            yield from ([index, *rest] for rest in ways(edges, edge.end, end))


def test_training_gradient_against_exhaustion():
    text, phones = "สบาย", [Phones("s", "a", "", "L"), Phones("b", "aː", "j", "M")]
    sampled = train_thai_reader.sample(text, phones)
    edges = [edge.reading for edge in lattice(text, score=lambda run, reading: 0.0)]
    weights = np.random.default_rng(0).normal(0, 0.3, _thai_scores.N_BUCKETS + 1).astype(np.float32)
    weights[-1] = 0.0
    slope, log_probability = train_thai_reader.gradient(sampled, weights)
    scores = [sum(weights[_thai_scores.bucket(name)] for name in _thai_scores.features(text, edge)) for edge in edges]
    paths = list(ways(edges, 0, len(text)))
    mass = np.exp([sum(scores[index] for index in path) for path in paths])
    agrees = np.array([[Phones(*s[2:6]) for i in path for s in edges[i].sounds] == phones for path in paths])
    assert log_probability == pytest.approx(np.log(mass[agrees].sum() / mass.sum()), abs=1e-4)
    used = np.array([[index in path for index in range(len(edges))] for path in paths])
    expected = used[agrees].T @ mass[agrees] / mass[agrees].sum() - used.T @ mass / mass.sum()
    np.testing.assert_allclose(slope, expected, atol=1e-4)


def test_the_model_is_small():
    assert _thai_links.WEIGHTS.stat().st_size <= MAX_LINKS_BYTES
    assert _thai_scores.WEIGHTS.stat().st_size <= MAX_MODEL_BYTES


def light(ipa: str) -> bool:
    """Whether a transcribed syllable ends in a short vowel."""
    return ipa.split()[-2] in set("aeiouɛɔɤɯ")


@pytest.mark.skipif(not (DATA / "pronunciation").exists(), reason="needs ../shared/data/pronunciation")
def test_accuracy_on_dictionary_words():
    wanted = defaultdict(list)
    with open(DATA / "pronunciation" / "tha_wikipron_dev.tsv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            weak = map(light, row["ipa"].split(" . "))
            wanted[row["word"]].append(list(zip(row["tones"].split(), weak, strict=True)))
    words = sorted(wanted)[::4]  # every fourth: the whole file takes a minute on a busy core
    predicted = {word: [part.tone for part in syllables(word)] for word in words}
    counted = {word: [entry for entry in wanted[word] if len(entry) == len(predicted[word])] for word in words}
    right = sum(
        any(all(weak or t == p for (t, weak), p in zip(entry, predicted[word], strict=True)) for entry in counted[word])
        for word in words
    )
    assert right / len(words) >= MIN_TONES
    assert sum(map(bool, counted.values())) / len(words) >= MIN_COUNT


@pytest.mark.skipif(not (DATA / "text").exists(), reason="needs ../shared/data/text")
def test_sentences_are_read_whole():
    lines = (DATA / "text" / "tha_Thai.tsv").read_text(encoding="utf-8").splitlines()[::10]
    texts = [line.split("\t")[2] for line in lines]
    parsed = [parse(text) for text in texts]
    assert all(covers(text, parts) for text, parts in zip(texts, parsed, strict=True))
    unread = [part for parts in parsed for part in parts if isinstance(part, Masked) and part.reason == "unknown"]
    assert len(unread) <= len(texts) // 100  # a typing error now and then
