"""The one interface over all languages: partitions, normal forms, the shared sentences; and what they mask alike."""

from __future__ import annotations

import csv
import importlib.util
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tonespan_utils.corpus.synthetic.spellers import speller as spellers
from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import text_to_tone
from tonespan_utils.tone._masking import covers, fill, mask, normalise, reason, spread
from tonespan_utils.tone.parts import Masked, Part, Syllable

CLASSES = {
    "my": "L H C S R", "th": "M L F H R", "lo": "LR HR M LF HF", "vi": "ngang huyen sac hoi nga nang",
    "cmn": "1 2 3 4 5", "yue": "1 2 3 4 5 6", "yo": "H M L", "mdw": "H L",
}  # fmt: skip
FLAGS = {"weak", "foreign", "uncertain", "expanded"}
REASONS = {"space", "punctuation", "digits", "latin", "symbol", "script", "address", "unknown"}
SENTENCES = {
    "my": "mya_Mymr",
    "th": "tha_Thai",
    "lo": "lao_Laoo",
    "vi": "vie_Latn",
    "cmn": "zho_Hans",
    "yue": "yue_Hant",
    "yo": "yor_Latn",
}

LANGUAGES = [
    pytest.param(
        language,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(f"tonespan_utils.tone.{module}") is None, reason=f"no module {module}"
        ),
    )
    for language, module in text_to_tone.MODULES.items()
]
ALPHABETS = {  # what a text of the language may be made of, marks and digits among it
    "my": st.characters(min_codepoint=0x1000, max_codepoint=0x109F),
    "th": st.characters(min_codepoint=0x0E00, max_codepoint=0x0E5B),
    "lo": st.characters(min_codepoint=0x0E80, max_codepoint=0x0EDF),
    "vi": st.sampled_from("aăâeêioôơuưybcdđghklmnpqrstvxAĐ\u0300\u0301\u0309\u0303\u0323\u0302\u031b"),
    "cmn": st.sampled_from("一不子儿长得为只着了好你我也很想老小十二两万年月日点看说们个哪女東長〇㐀"),
    "yue": st.sampled_from("一不我哋去咗嘅卅卌廿兩萬年月日點個第好行長銀㗎喇𠮶㐀"),
    "yo": st.sampled_from("aeiouẹọṣbdfgjklmnprstwy'ABÀÁ\u0300\u0301\u0304\u0302\u030c\u0323\u0329"),
    "mdw": st.sampled_from("aeiouεωɛɔbdfghklmnprstvwyz'’ ABΕΩÁέώ\u0301\u0300\u00b4"),
}
COMMON = st.sampled_from("0123456789.,:%- \n\t()“”…é中ขกаب😀\u200d\u200b\ufe0f\u0301\u0e48")


def joined(parts: list[Part], text: str) -> str:
    """The text put together again from its parts, which have to follow one another."""
    assert all(left.end == right.start for left, right in pairwise(parts))
    return "".join(text[part.start : part.end] for part in parts)


def check(parts: list[Part], text: str, language: str) -> None:
    assert joined(parts, text) == text
    assert (parts[0].start if parts else 0) == 0
    for part in parts:
        if isinstance(part, Masked):
            assert part.start < part.end and part.reason in REASONS
        else:
            assert part.nucleus and part.tone in CLASSES[language].split()
            assert set(part.chao) <= set("12345") and part.chao
            assert set(part.flags) <= FLAGS and len(set(part.flags)) == len(part.flags)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_random_text_is_partitioned(language, data):
    in_its_letters = st.text(st.one_of(ALPHABETS[language], ALPHABETS[language], COMMON), max_size=24)
    text = data.draw(st.one_of(in_its_letters, st.text(max_size=24)))
    check(text_to_tone.parse(text, language), text, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "text",
    ["", " ", "\u200b", "\ufeff", "\u0301", "\u0e48\u0e48", "😀👍🏽", "👩\u200d👩\u200d👧", "12", "1.000.000,5%", "00", "١٢", "²½", "Ⅻ", "…—“”",
     "\r\n", "ABC dé", "кот", "한국", "\u1112\u1161\u11ab", "\x00\x1f", "\U0010ffff\ue000", "ภาษาไทย ລາວ မြန်မာ Tiếng Việt 中文 yorùbá"],
)  # fmt: skip
def test_odd_text_is_partitioned(language, text):
    check(text_to_tone.parse(text, language), text, language)


def sentences(shared_data: Path, language: str) -> list[str]:
    """Sentences of a language: FLORES-200's, or what its recordings say where it is not in there."""
    if language not in SENTENCES:
        with (shared_data / "speech" / f"{language}_sentences" / "labels.csv").open(encoding="utf-8") as file:
            return [row["text"] for row in csv.DictReader(file)]
    lines = (shared_data / "text" / f"{SENTENCES[language]}.tsv").read_text(encoding="utf-8").split("\n")
    return [line.split("\t")[2] for line in lines if line]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_partitioned(language, shared_data):
    for text in sentences(shared_data, language)[::10]:
        check(text_to_tone.parse(text, language), text, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_either_normal_form_has_the_same_syllables(language, shared_data):
    for text in sentences(shared_data, language)[:40]:
        composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
        ours, theirs = text_to_tone.syllables(composed, language), text_to_tone.syllables(decomposed, language)
        assert [(s.ipa, s.tone, s.flags) for s in ours] == [(s.ipa, s.tone, s.flags) for s in theirs]
        for ours_part, theirs_part in zip(ours, theirs, strict=True):
            written = unicodedata.normalize("NFC", decomposed[theirs_part.start : theirs_part.end])
            assert written == composed[ours_part.start : ours_part.end]


@pytest.mark.parametrize("language", ["vi", "cmn"])
def test_segments_and_contours_are_those_of_the_speller(language):
    speller = spellers.speller(language)
    for frame in speller.frames:
        for expected, written in frame.spelling.items():
            (syllable,) = text_to_tone.syllables(written, language)
            assert (syllable.onset, syllable.nucleus, syllable.coda) == (frame.onset, frame.nucleus, frame.coda)
            assert (syllable.tone, syllable.chao) == (expected, speller.chao[expected])


def test_an_unknown_language_is_named():
    with pytest.raises(TonespanError, match=r"no text-to-tone rules for language 'xx'; known: .*vi, cmn"):
        text_to_tone.parse("text", "xx")


@pytest.mark.parametrize(
    ("char", "expected"),
    [(" ", "space"), ("\u200b", "space"), ("\n", "space"), (",", "punctuation"), ("”", "punctuation"), ("7", "digits"),
     ("๗", "digits"), ("a", "latin"), ("é", "latin"), ("Ａ", "latin"), ("$", "symbol"), ("😀", "symbol"), ("ж", "script"),
     ("ก", "script"), ("\ue000", "unknown"), ("\u0378", "unknown")],
)  # fmt: skip
def test_reasons(char, expected):
    assert reason(char) == expected


def test_own_letters_are_unknown_and_marks_follow():
    assert reason("ก", ("THAI",)) == "unknown"
    assert mask("ก่a\u0301😀\u200d🏽", 0, 7, script=("THAI",)) == [
        Masked(0, 2, "unknown"), Masked(2, 4, "latin"), Masked(4, 7, "symbol"),
    ]  # fmt: skip
    assert mask("\u0301", 0, 1) == [Masked(0, 1, "unknown")]


def test_gaps_are_filled_and_holes_are_seen():
    syllable = Syllable(1, 2, "m", "a", "", "M", "33")
    parts = fill(" m!", [syllable])
    assert parts == [Masked(0, 1, "space"), syllable, Masked(2, 3, "punctuation")]
    assert covers(" m!", parts)
    assert not covers(" m!", parts[1:])
    assert not covers(" m!", [parts[0], parts[2]])
    assert not covers(" m!", [parts[1], parts[0], parts[2]])
    assert covers("", [])


def test_spoken_syllables_are_spread_over_a_numeral():
    spoken = [Syllable(0, 2, "m", "a", "", "M", "33", ("weak",)), Syllable(0, 2, "n", "a", "", "M", "33")]
    placed = spread(spoken, 4, 6)
    assert [(part.start, part.end, part.flags) for part in placed] == [
        (4, 6, ("weak", "expanded")),
        (6, 6, ("expanded",)),
    ]
    assert spread([], 4, 6) == []


@given(st.text(max_size=20), st.sampled_from(["NFC", "NFD"]))
def test_offsets_lead_back_to_the_text(text, form):
    result, offsets = normalise(text, form)
    assert len(offsets) == len(result) + 1 and offsets[-1] == len(text) and offsets == sorted(offsets)
    bases = [index for index, char in enumerate(result) if unicodedata.category(char)[0] != "M"]
    for start, end in pairwise([*bases, len(result)]):
        if unicodedata.category(text[offsets[start]])[0] != "L" or not _is_jamo(text[offsets[start]]):
            assert unicodedata.normalize(form, text[offsets[start] : offsets[end]]) == result[start:end]


def _is_jamo(char: str) -> bool:
    return "HANGUL" in unicodedata.name(char, "")  # syllables made of letters, not of marks: cut nowhere inside
