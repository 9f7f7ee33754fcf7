"""What looks the same is the same key, and what is missing is empty."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.corpus import keys

NFC, NFD = (unicodedata.normalize(form, "Nguyễn Thế") for form in ("NFC", "NFD"))
SAME = [NFC, NFD, f" {NFC} ", f"\u00a0{NFC}", f"\ufeff{NFC}\u200b", NFC.replace(" ", "\u00a0 \t"), f"{NFD}\u3000\r\n"]


@pytest.mark.parametrize("form", [keys.text, keys.word, keys.name, keys.tone, keys.label])
@pytest.mark.parametrize("spelling", SAME)
def test_same_looking_keys_are_one(form, spelling):
    assert form(spelling) == NFC


@pytest.mark.parametrize(
    "value", ["nan", "NaN", "NA", "N/A", "null", "None", "<NA>", "-", "—", "?", " ", "\ufeff", None]
)
def test_missing_is_missing(value):
    assert [form(value) for form in (keys.tone, keys.name, keys.gender, keys.lower, keys.split)] == [""] * 5


@pytest.mark.parametrize("value", [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT])
def test_missing_objects_are_missing_everywhere(value):
    assert {form(value) for form in (keys.text, keys.word, keys.name, keys.tone, keys.label, keys.gender)} == {""}


def test_syllables_names_and_labels_that_look_missing():
    assert (keys.word("na"), keys.word("nan"), keys.text("null")) == ("na", "nan", "null")
    assert (keys.name("Na"), keys.label("na"), keys.label("none"), keys.tone("na")) == ("Na", "na", "none", "")


@pytest.mark.parametrize(
    ("value", "tone"),
    [("1.0", "1"), (1.0, "1"), (1, "1"), ("１", "1"), ("¹", "1"), ("①", "1"), ("1.0 4.0", "1 4"), ("Ｔ１", "T1"),
     ("1.5", "1.5"), ("˥˩", "˥˩"), ("h", "h"), ("H", "H"), ("hỏi", "hỏi")],
)  # fmt: skip
def test_tones(value, tone):
    assert keys.tone(value) == tone


@pytest.mark.parametrize(
    ("words", "gender"),
    [(["F", "f", "f.", "Female", "FEMALE", "Woman", "女"], "female"), (["M", "male", "Man", "MALE"], "male"),
     (["Other"], "other")],
)  # fmt: skip
def test_genders(words, gender):
    assert {keys.gender(word) for word in words} == {gender}


def test_speakers_that_differ_in_case_are_one_and_it_is_said():
    with pytest.warns(UserWarning, match="S01, s01"):
        assert keys.one_case(["s01", "S02", "S01"]) == ["S01", "S02", "S01"]


def test_zero_width_spaces_part_words_in_text_and_nothing_in_a_name():
    assert keys.text("ไป\u200bมา\u200b") == "ไป\u200bมา"
    assert keys.name("S\u200b01") == "S01"


def test_columns_that_are_no_keys_stay():
    table = keys.of_columns(pd.DataFrame({"tone": ["1.0"], "note": [" 1.0 "], "speaker": ["3.0"]}))
    assert table.iloc[0].to_dict() == {"tone": "1", "note": " 1.0 ", "speaker": "3"}
