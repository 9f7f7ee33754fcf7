"""Transcripts in the order of speech, and back: by hand, on every syllable the corpus can write, on text at large."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonespan_utils.alignment import spelling
from tonespan_utils.corpus.synthetic.readings import draw_sentences
from tonespan_utils.corpus.synthetic.spellers.speller import speller, write


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("แม่ไป", "มแ่ปไ"),
        ("ເມໄປ", "ມເປໄ"),
        ("tiếng việt", "tiê\u0301ng viê\u0323t"),
        ("đường", "đươ\u0300ng"),
        ("မြန်မာ", "မြန်မာ"),
        ("plain text", "plain text"),
    ],
)
def test_by_hand(written, spoken):
    assert spelling.spoken(written) == spoken and spelling.written(spoken) == written


@pytest.mark.parametrize("language", ["my", "th", "lo", "vi", "cmn", "en"])
def test_every_sentence_of_the_corpus_comes_back(language):
    of_language = speller(language)
    syllables = [((frame, tone),) for frame in of_language.frames for tone in of_language.tones or ("",)]
    for sentence in [*syllables, *draw_sentences(language, seed=0, n_sentences=200)]:
        text = unicodedata.normalize("NFC", write(of_language, sentence)[0])
        assert spelling.written(spelling.spoken(text)) == text


def test_vietnamese_needs_far_fewer_labels_and_no_vowel_of_its_own_per_tone():
    vietnamese = speller("vi")
    texts = [frame.spelling[tone] for frame in vietnamese.frames for tone in vietnamese.tones]
    composed, apart = ({c for text in texts for c in make(text)} for make in (str, spelling.spoken))
    assert len(composed) > 60 and len(apart) < 35
    assert {frame.spelling["sac"] for frame in vietnamese.frames if frame.onset == "m" and frame.nucleus == "e"} == {
        "mế"
    }
    assert spelling.spoken("mế") == "mê\u0301"


@given(st.text(alphabet="กมแไ่ะ ເມêếệa\u0301", max_size=12))
def test_nothing_is_lost(text):
    """Only order and composition change, whatever the text."""
    once = spelling.spoken(text)
    assert sorted(unicodedata.normalize("NFD", once)) == sorted(unicodedata.normalize("NFD", text))


@given(st.lists(st.sampled_from(["กา", "แม่", "ไป", "เขา", "ມື", "ໄປ", "ế", "ma\u0323", "b"]), max_size=8).map("".join))
def test_well_formed_text_comes_back(text):
    text = unicodedata.normalize("NFC", text)
    assert spelling.written(spelling.spoken(text)) == text
