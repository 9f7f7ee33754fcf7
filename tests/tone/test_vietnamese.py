"""Vietnamese: the tone is the mark, the word is a legal syllable; measured on WikiPron's Hanoi words."""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_tables import read_table

from tonespan_utils.tone.parts import Masked, Syllable
from tonespan_utils.tone.vietnamese import MAX_DIGITS, RIMES, parse, read_loan, read_number, read_word

MIN_ACCURACY = 0.99  # of lower-case words: what the project promises

ONES = {"không": 0, "một": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9}
ONES |= {"mốt": 1, "tư": 4, "lăm": 5}
SCALES = {"nghìn": 10**3, "triệu": 10**6, "tỷ": 10**9}


def tones(text: str) -> list[str]:
    return [part.tone for part in parse(text) if isinstance(part, Syllable)]


def value_of(words: list[str]) -> int:
    """The number that Vietnamese words say: a slow reader, independent of the writer under test."""
    total = group = 0
    for word in words:
        if word in SCALES:
            total, group = total + group * SCALES[word], 0
        elif word == "trăm":
            group *= 100
        elif word == "mươi":
            group += 9 * (group % 10)
        elif word == "mười":
            group += 10
        elif word != "linh":
            group += ONES[word]
    return total + group


@pytest.mark.parametrize(("word", "onset", "nucleus", "coda", "tone"), read_table("vietnamese_syllables_by_hand.tsv"))
def test_syllables_by_hand(word, onset, nucleus, coda, tone):
    syllable = read_word(word)
    assert syllable is not None
    assert (syllable.onset, syllable.nucleus, syllable.coda, syllable.tone) == (onset, nucleus, coda, tone)


@pytest.mark.parametrize(
    "word", ["Turkey", "km", "ngi", "cen", "mat", "màt", "yma", "kyên", "ba\u0300\u0301", "m\u0301a"]
)
def test_what_is_no_syllable(word):
    assert read_word(word) is None


def test_old_and_new_places_of_the_mark_are_one_syllable():
    assert read_word("hòa") == read_word("hoà")
    assert read_word("thúy") == read_word("thuý")


def test_a_stop_has_its_own_pitch():
    assert (read_word("mát").chao, read_word("má").chao) == ("45", "35")
    assert (read_word("mạt").chao, read_word("mạ").chao) == ("21", "32")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_spans_are_of_the_text_as_given(form):
    text = unicodedata.normalize(form, "Được, nghĩa là “Đường”")
    syllables = [part for part in parse(text) if isinstance(part, Syllable)]
    written = [unicodedata.normalize("NFC", text[part.start : part.end]) for part in syllables]
    assert written == ["Được", "nghĩa", "là", "Đường"]
    assert [part.tone for part in syllables] == ["nang", "nga", "huyen", "huyen"]


@given(st.sampled_from(sorted(RIMES)), st.sampled_from(["", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"]))
def test_composed_and_decomposed_words_read_alike(rime, mark):
    at = next(index for index, char in enumerate(rime) if unicodedata.normalize("NFD", char)[0] in "aeiouy")
    word = "h" + rime[: at + 1] + mark + rime[at + 1 :]
    composed, decomposed = (read_word(unicodedata.normalize(form, word)) for form in ("NFC", "NFD"))
    assert (composed is None) == (decomposed is None)
    assert composed is None or (composed.ipa, composed.tone) == (decomposed.ipa, decomposed.tone)


def test_loans_are_read_and_flagged():
    assert [(s.start, s.end, s.tone) for s in read_loan("amoni")] == [(0, 1, "ngang"), (1, 3, "ngang"), (3, 5, "ngang")]
    assert [s.tone for s in read_loan("êkip")] == ["ngang", "sac"]
    assert all(s.flags == ("foreign",) for s in read_loan("ôzôn"))
    assert read_loan("Washington") == ()


def test_foreign_words_are_masked_and_their_neighbours_flagged():
    text = "San Francisco, cao 16km, chuẩn 802.11a và MRI"
    parts = parse(text)
    masked = [text[part.start : part.end] for part in parts if isinstance(part, Masked) and part.reason == "latin"]
    assert masked == ["Francisco", "km", "a", "MRI"]
    assert parts[0].flags == ("foreign",)
    assert all("foreign" not in part.flags for part in parts[1:] if isinstance(part, Syllable))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "không"), ("10", "mười"), ("15", "mười lăm"), ("21", "hai mươi mốt"), ("24", "hai mươi tư"),
        ("105", "một trăm linh năm"), ("2005", "hai nghìn không trăm linh năm"), ("1.000", "một nghìn"),
        ("1.000.000", "một triệu"), ("7,000", "bảy nghìn"), ("1,5", "một phẩy năm"), ("2.4", "hai chấm bốn"),
        ("007", "không không bảy"), ("1990", "một nghìn chín trăm chín mươi"),
    ],
)  # fmt: skip
def test_numbers_by_hand(number, words):
    assert " ".join(read_number(number)) == words


@given(st.integers(0, 10**MAX_DIGITS - 1))
def test_numbers_say_their_value(number):
    assert value_of(read_number(str(number))) == number
    assert value_of(read_number(f"{number:,}".replace(",", "."))) == number


def test_a_numeral_is_spoken_over_its_characters():
    syllables = [part for part in parse("93% dân") if isinstance(part, Syllable)]
    assert [part.tone for part in syllables] == ["sac", "ngang", "ngang", "huyen", "ngang", "ngang"]
    assert [(part.start, part.end) for part in syllables] == [(0, 3), *[(3, 3)] * 4, (4, 7)]
    assert [part.flags for part in syllables] == [("expanded",)] * 5 + [()]


def test_lower_case_words_of_a_dictionary(shared_data):
    readings = defaultdict(list)
    words = shared_data / "pronunciation" / "vie_wikipron_hanoi_dev.tsv"
    with words.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["word"] == row["word"].lower():
                readings[row["word"]].append(row["tones"].split())
    predicted = {word: tones(word) for word in readings}
    right = sum(predicted[word] in expected for word, expected in readings.items())
    counted = sum(len(predicted[word]) in map(len, expected) for word, expected in readings.items())
    assert right >= MIN_ACCURACY * len(readings)
    assert counted >= MIN_ACCURACY * len(readings)
