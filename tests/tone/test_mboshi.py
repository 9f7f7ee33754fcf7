"""Mboshi: acutes to tones in either form of Unicode, long vowels, dropped vowels, and sentences without accents."""

from __future__ import annotations

import csv
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone.mboshi import ACUTE, CONSONANTS, VOWELS, parse
from tonespan_utils.tone.parts import Masked, Syllable


def syllables(text: str) -> list[Syllable]:
    return [part for part in parse(text) if isinstance(part, Syllable)]


def tones(text: str) -> str:
    return "".join(part.tone for part in syllables(text))


@pytest.mark.parametrize(
    ("word", "ipa", "expected"),
    [
        ("mwána", ["mʷa", "na"], "HL"), ("oyúru", ["o", "ju", "ru"], "LHL"), ("bhóóbhóó", ["βoː", "βoː"], "HH"),
        ("ekωníílí", ["e", "kɔ", "niː", "li"], "LLHH"), ("mbvambva", ["ᵐb͡va", "ᵐb͡va"], "LL"),
        ("íbvúa", ["i", "b͡vu", "a"], "HHL"), ("letsεngε", ["le", "t͡sɛ", "ᵑɡɛ"], "LLL"), ("NYAMA", ["ɲa", "ma"], "LL"),
        ("ngwώωni", ["ᵑɡʷɔ", "ɔ", "ni"], "HLL"), ("itsɔ́", ["i", "t͡sɔ"], "LH"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_by_hand(word, ipa, expected, form):
    parts = syllables(unicodedata.normalize(form, word))
    assert [part.ipa for part in parts] == ipa
    assert "".join(part.tone for part in parts) == expected


def test_a_long_vowel_of_one_tone_is_one_syllable_and_of_two_tones_is_two():
    text = "kaá fuú láá"
    spoken = [(text[part.start : part.end], part.ipa, part.tone) for part in syllables(text)]
    assert spoken == [
        ("ka", "ka", "L"), ("á", "a", "H"), ("fu", "fu", "L"), ("ú", "u", "H"), ("láá", "laː", "H"),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "first"), [("m' íboó", "m' í"), ("m’íboó", "m’í"), ("n obónda", "n o")])
def test_a_consonant_whose_vowel_was_dropped_is_spoken_with_the_next_word(text, first):
    part = syllables(text)[0]
    assert text[part.start : part.end] == first and part.onset == text[0]


def test_what_cannot_be_spoken_together_is_read_apart():
    assert [part.ipa for part in syllables("Oyúur m' oyíla")] == ["mo", "ji", "la"]
    assert parse("k")[0] == Masked(0, 1, "latin")


syllable_strategy = st.tuples(
    st.sampled_from(["", *sorted(CONSONANTS)]), st.sampled_from(sorted(VOWELS)), st.booleans()
)


@given(st.lists(syllable_strategy, min_size=1, max_size=6), st.sampled_from(["NFC", "NFD"]))
def test_what_is_spelled_comes_back(word, form):
    """But for a vowel after itself in the same tone, which is a long one."""
    kept = [
        part for before, part in zip([("", "", None), *word], word, strict=False) if part[0] or before[1] != part[1]
    ]
    pieces = [unicodedata.normalize(form, onset + vowel + ACUTE * high) for onset, vowel, high in kept]
    parts = [part for part in syllables("".join(pieces))]
    assert ["".join(pieces)[part.start : part.end] for part in parts] == pieces
    assert [part.tone == "H" for part in parts] == [high for _, _, high in kept]


@pytest.mark.parametrize("word", ["Oyúur", "bàna", "strá", "ski", "bǎ", "ç"])
def test_what_is_no_mboshi_is_latin(word):
    assert {part.reason for part in parse(word)} == {"latin"}


def test_a_sentence_without_accents_says_nothing_and_a_short_one_may_be_low():
    accented, plain = "Ngá ídze dzaa ó tse.", "Oyuru wo bo laapfumba."
    parts = syllables(f"{accented} {plain}")
    assert [part.flags for part in parts] == [()] * 6 + [("uncertain",)] * 8
    assert [part.flags for part in syllables("akyeri ba")] == [()] * 4


def test_parted_accents_are_joined():
    read = text_to_tone.syllables("mwa ́na kε´", "mdw")
    assert [part.tone for part in read] == ["H", "L", "H"]


def test_nearly_every_word_of_the_corpus_is_read(shared_data):
    """And its high tones are as many as its acutes, a long vowel having two."""
    n_masked = n_high = n_acutes = n_syllables = 0
    with (shared_data / "speech" / "mdw_sentences" / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text = row["text"]
            parts = text_to_tone.parse(text, "mdw")
            n_masked += sum(isinstance(part, Masked) and part.reason not in ("space", "punctuation") for part in parts)
            spoken = [part for part in parts if isinstance(part, Syllable)]
            n_syllables += len(spoken)
            n_high += sum((1 + ("ː" in part.nucleus)) * (part.tone == "H") for part in spoken)
            read = unicodedata.normalize("NFD", "".join(text[part.start : part.end] for part in spoken))
            n_acutes += read.count(ACUTE)
    assert n_high == n_acutes > 8000
    assert n_masked < 0.002 * n_syllables
