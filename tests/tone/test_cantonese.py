"""Cantonese: readings of ToJyutping with spans, segments and numerals; measured on the HKCanCor utterances."""

from __future__ import annotations

import csv

import pytest
import ToJyutping

from tonespan_utils.tone.cantonese import parse, segments
from tonespan_utils.tone.parts import Masked, Syllable

MIN_ACCURACY = 0.95  # of syllables: what the project promises


def tones(text: str) -> list[str]:
    return [part.tone for part in parse(text) if isinstance(part, Syllable)]


@pytest.mark.parametrize(
    ("char", "ipa", "tone", "chao"),
    [
        ("詩", "siː", "1", "55"), ("史", "siː", "2", "25"), ("試", "siː", "3", "33"), ("時", "siː", "4", "21"),
        ("市", "siː", "5", "23"), ("事", "siː", "6", "22"), ("色", "sɪk", "1", "5"), ("錫", "sɛːk", "3", "3"),
        ("食", "sɪk", "6", "2"), ("五", "ŋ̍", "5", "23"), ("國", "kʷɔːk", "3", "3"), ("去", "hɵy", "3", "33"),
    ],
)  # fmt: skip
def test_syllables_by_hand(char, ipa, tone, chao):
    (syllable,) = parse(char)
    assert (syllable.ipa, syllable.tone, syllable.chao) == (ipa, tone, chao)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019年", "6 4 1 2 4"), ("93%", "3 6 1 2 6 1"), ("2個", "5 3"), ("第2", "6 6"), ("2萬", "5 6"),
        ("11:05", "6 1 2 4 5 1"), ("行長", "4 4"), ("銀行", "4 4"), ("唔該", "4 1"),
    ],
)  # fmt: skip
def test_numerals_and_readings_by_hand(text, expected):
    assert " ".join(tones(text)) == expected


def test_two_syllables_of_one_character():
    parts = parse("嘅卅")
    assert [(part.start, part.end, part.flags) for part in parts] == [(0, 1, ()), (1, 2, ()), (2, 2, ("expanded",))]


def test_a_character_without_a_reading_is_unknown():
    assert parse("\U0002f9ff")[0] == Masked(0, 1, "unknown")


def test_segments_tell_all_syllables_apart():
    codes = range(0x4E00, 0x9FFF, 3)
    listed = (
        reading for code in codes for _, entry in ToJyutping.get_jyutping_candidates(chr(code)) for reading in entry
    )
    syllables = {syllable[:-1] for reading in listed for syllable in reading.split()}
    assert len(syllables) > 500
    assert len({segments(syllable) for syllable in syllables}) == len(syllables)


def test_utterances_of_a_corpus(shared_data):
    right = total = 0
    with (shared_data / "pronunciation" / "yue_hkcancor_dev.tsv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            expected, predicted = row["tones"].split(), tones(row["word"])
            total += len(expected)
            if len(predicted) == len(expected):
                right += sum(first == second for first, second in zip(predicted, expected, strict=True))
    assert right >= MIN_ACCURACY * total
