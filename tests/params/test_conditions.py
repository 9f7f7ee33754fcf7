"""The grammar of condition names, and what follows from a name."""

import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions

# name -> objective, starts from, trained, shuffled, measured; by hand from the module's docstring
BY_HAND = {
    "mini/vanilla": ("vanilla", "mini/vanilla", False, False, True),
    "mini/asr-th": ("asr", "mini/vanilla", True, False, True),
    "mini/gender": ("gender", "mini/vanilla", True, False, True),
    "mini/emotion-vi": ("emotion", "mini/vanilla", True, False, True),
    "xlsr-300m/speaker": ("speaker", "xlsr-300m/vanilla", True, False, True),
    "mini/tone-lo": ("tone", "mini/vanilla", True, False, False),
    "mini/narrow_asr-th": ("asr", "mini/vanilla", True, False, True),
    "mini/wide_asr-th": ("asr", "mini/vanilla", True, False, True),
    "mini/deaf_asr-th": ("asr", "mini/vanilla", True, False, True),
    "mini/shuffled_asr-th": ("asr", "mini/vanilla", True, True, True),
    "mini/shuffled_gender": ("gender", "mini/vanilla", True, True, True),
    "mini/shuffled_tone-th": ("tone", "mini/vanilla", True, True, False),
    "mini/asr_tone-th": ("tone", "mini/asr-th", True, False, False),
    "mini/gender_tone-th": ("tone", "mini/gender", True, False, False),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_name_says_what_is_trained_from_where(name):
    c = conditions.parse(name)
    assert (c.objective, c.starts_from, c.is_trained, c.is_shuffled, c.is_measured) == BY_HAND[name]
    assert c.name == name and "/" not in c.part


@pytest.mark.parametrize("name", BY_HAND)
def test_what_a_condition_starts_from_is_a_condition_and_the_way_back_ends_at_the_backbone(name):
    c, steps = conditions.parse(name), 0
    while c.is_trained:
        c, steps = conditions.parse(c.starts_from), steps + 1
    assert c.name == f"{conditions.parse(name).backbone}/vanilla" and steps <= 2


def test_no_two_conditions_share_a_file_name():
    assert len({conditions.parse(name).part for name in BY_HAND}) == len(BY_HAND)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("mini", "is no condition.*use <encoder>/<task>"),
        ("/asr-th", "is no condition"),
        ("mini/", "is no condition"),
        ("mini/asrr-th", "is no condition.*asr, emotion, gender, speaker, tone"),
        ("mini/tone_tone-th", "is no condition"),
        ("mini/narrow_gender", "is no condition"),
        ("mini/narrow_asr", "narrow_asr needs a language"),
        ("mini/shuffled_narrow_asr-th", "is no condition"),
        ("mini/narrow_asr_tone-th", "is no condition"),
        ("mini/shuffled_vanilla", "is no condition"),
        ("mini/shuffled_asr_tone-th", "is no condition"),
        ("mini/asr", "asr needs a language, as in mini/asr-th"),
        ("mini/asr-", "asr needs a language"),
        ("mini/shuffled_asr", "shuffled_asr needs a language"),
        ("mini/gender_tone", "gender_tone needs a language"),
        ("mini/gender-", "no language; drop the end"),
        ("mini/vanilla-th", "vanilla is trained on no language"),
    ],
)
def test_other_names_are_refused_in_one_line(name, problem):
    with pytest.raises(TonespanError, match=problem) as error:
        conditions.parse(name)
    assert repr(name) in str(error.value) and "\n" not in str(error.value)


def test_a_condition_is_measured_on_its_own_language_or_on_all_tonal_ones():
    tonal = ["my", "th"]
    expected = {"mini/asr-th": ["th"], "mini/asr-en": tonal, "mini/gender": tonal, "mini/vanilla": tonal}
    for name, languages in expected.items():
        assert conditions.measured_languages(conditions.parse(name), tonal) == languages
