"""Yoruba: accents to tones in either form of Unicode, contours, syllabic nasals, and sentences without accents."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonespan_utils.tone.parts import Masked, Syllable
from tonespan_utils.tone.yoruba import CONSONANTS, VOWELS, parse

ACCENTS = {"H": "\u0301", "M": "", "L": "\u0300"}


def syllables(text: str) -> list[Syllable]:
    return [part for part in parse(text) if isinstance(part, Syllable)]


def tones(text: str) -> str:
    return "".join(part.tone for part in syllables(text))


@pytest.mark.parametrize(
    ("word", "ipa", "expected"),
    [
        ("bá", ["ba"], "H"), ("bà", ["ba"], "L"), ("ọ̀nà", ["ɔ", "na"], "LL"), ("gbogbo", ["ɡ͡bo", "ɡ͡bo"], "MM"),
        ("àwọn", ["a", "wɔ̃"], "LM"), ("ǹkan", ["n̩", "kɔ̃"], "LM"), ("ńlá", ["n̩", "la"], "HH"),
        ("pẹ̀lú", ["k͡pɛ", "lu"], "LH"),
        ("ṣùgbọ́n", ["ʃu", "ɡ͡bɔ̃"], "LH"), ("ÌJỌBA", ["i", "dʒɔ", "ba"], "LMM"), ("l'ọ́jọ́", ["lɔ", "dʒɔ"], "HH"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_by_hand(word, ipa, expected, form):
    parts = syllables(unicodedata.normalize(form, word))
    assert [part.ipa for part in parts] == ipa
    assert "".join(part.tone for part in parts) == expected


syllable_strategy = st.tuples(
    st.sampled_from(["", *sorted(CONSONANTS)]),
    st.sampled_from(sorted(VOWELS)),
    st.sampled_from(sorted(ACCENTS)),
    st.booleans(),
)


@given(st.lists(syllable_strategy, min_size=1, max_size=6), st.sampled_from(["NFC", "NFD"]))
def test_what_is_spelled_comes_back(word, form):
    written = []
    for index, (onset, vowel, tone, nasal) in enumerate(word):
        starts_with_vowel = index + 1 < len(word) and not word[index + 1][0]
        written.append(onset + vowel + ACCENTS[tone] + ("n" if nasal and not starts_with_vowel else ""))
    pieces = [unicodedata.normalize(form, piece) for piece in written]
    parts = syllables("".join(pieces))
    assert [part.tone for part in parts] == [tone for _, _, tone, _ in word]
    assert ["".join(pieces)[part.start : part.end] for part in parts] == pieces


def test_a_contour_writes_two_syllables():
    parts = syllables("dârà")
    assert [(part.start, part.end, part.tone) for part in parts] == [(0, 2, "H"), (2, 2, "L"), (2, 4, "L")]
    assert tones("ǎ") == "LH"


@pytest.mark.parametrize("below", ["\u0323", "\u0329", "\u0331", "\u0328"])
def test_signs_below_are_alike(below):
    (syllable,) = parse(f"be{below}\u0301")
    assert (syllable.ipa, syllable.tone) == ("bɛ", "H")


def test_two_accents_that_disagree_are_uncertain():
    assert [part.flags for part in syllables("ìmọ̀\u0301 àwọ̀")][1] == ("uncertain",)


def test_sentences_without_accents_say_nothing():
    marked, unmarked = "Ó ti lọ sí ọjà.", "Orile ede naa wa ni ariwa."
    parts = syllables(f"{marked} {unmarked}")
    assert [part.flags for part in parts if part.start < len(marked)] == [()] * 6
    assert all(part.flags == ("uncertain",) for part in parts if part.start > len(marked))


def test_an_unmarked_name_is_uncertain():
    parts = syllables("Ọ̀gá ní Kerala ní òní")
    assert [part.flags for part in parts[3:6]] == [("uncertain",)] * 3
    assert parts[2].flags == parts[6].flags == ()


@pytest.mark.parametrize("word", ["Turkey", "Olympic", "ski", "oh", "x", "Brasil", "ç", "bạ"])
def test_what_does_not_split_is_latin(word):
    assert parse(word) == [Masked(0, len(word), "latin")]


def test_numerals_are_masked():
    assert parse("ọdún 1947")[-1] == Masked(5, 9, "digits")


def test_accents_of_running_text_are_all_used(shared_data):
    """In the words that parse, high tones are as many as acutes, and low tones as graves."""
    for line in (shared_data / "text" / "yor_Latn.tsv").read_text(encoding="utf-8").splitlines()[::5]:
        text = line.split("\t")[2]
        plain = [part for part in syllables(text) if "expanded" not in part.flags]
        for part in plain:
            letters = unicodedata.normalize("NFD", text[part.start : part.end])
            accents = {tone for tone, accent in ACCENTS.items() if accent and accent in letters}
            if not {"\u0302", "\u030c"} & set(letters):  # contours are two tones
                assert part.tone in (accents or {"M"}), (text, part)
