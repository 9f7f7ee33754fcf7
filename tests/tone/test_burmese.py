"""Burmese: tone from spelling, reduction from the model, spans from the text as given; measured on WikiPron's words."""

from __future__ import annotations

import csv
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_tables import read_table

from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import burmese_reduction
from tonespan_utils.tone._burmese_spelling import read
from tonespan_utils.tone._burmese_words import IRREGULAR, numeral
from tonespan_utils.tone._masking import covers
from tonespan_utils.tone.burmese import decide, may_reduce, parse, respell
from tonespan_utils.tone.burmese_reduction import LONGEST_WORD, MODEL_PATH, Context
from tonespan_utils.tone.parts import Masked, Part, Syllable

MIN_TONES, MIN_MERGED, MIN_COUNT = 0.88, 0.92, 0.99  # of words: what the project promises
MAX_MODEL_BYTES = 500_000

MYANMAR = st.text(st.characters(min_codepoint=0x1000, max_codepoint=0x109F), max_size=20)
MIXED = st.text(
    st.one_of(st.sampled_from("ကခငဉညတနပမယရလဝသဟအဥဿ၎၀၁၄၇\u1031\u102c\u102d\u1037\u1038\u1039\u103a\u103b\u103d\u200b\u200d a1.,😀"), st.characters()),
    max_size=24,
)  # fmt: skip


def syllables(text: str) -> list[Syllable]:
    return [part for part in parse(text) if isinstance(part, Syllable)]


def tones(text: str) -> list[str]:
    return [syllable.tone for syllable in syllables(text)]


def pieces(text: str) -> list[str]:
    return [text[part.start : part.end] for part in parse(text)]


def check(text: str, parts: list[Part]) -> None:
    assert covers(text, parts)
    for part in parts:
        if isinstance(part, Syllable):
            assert part.onset and part.nucleus and part.tone in "LHCSR"
            assert ("weak" in part.flags) == (part.tone == "R") == (part.nucleus == "ə")
            assert (part.coda == "ʔ") == (part.tone == "S")


def dictionary(shared_data: Path) -> list[tuple[str, list[str]]]:
    with (shared_data / "pronunciation" / "mya_wikipron_dev.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["word"], row["tones"].split()) for row in rows]


def merged(classes: list[str]) -> list[str]:
    return ["C" if tone == "R" else tone for tone in classes]


@pytest.mark.parametrize(("text", "ipa", "tone"), read_table("burmese_syllables_by_hand.tsv"))
def test_syllables_by_hand(text, ipa, tone):
    (syllable,) = syllables(text)
    assert (syllable.ipa, syllable.tone) == (ipa, tone)
    assert (syllable.start, syllable.end) == (0, len(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("မန္တလေး", ["မန္", "တ", "လေး"]),  # a stack is cut after its upper letter
        ("အင်္ဂါ", ["အင်္", "ဂါ"]),  # kinzi goes with the syllable before
        ("ပြဿနာ", ["ပြ", "ဿ", "နာ"]),  # one character, two consonants
        ("ကျွန်ုပ်", ["ကျွန်", "ုပ်"]),  # one letter, coda and onset
        ("ယောက်ျား", ["ယောက်", "ျား"]),
        ("ဥက္ကဋ္ဌ", ["ဥက္", "ကဋ္", "ဌ"]),
        ("လ္ဘက်", ["လ္", "ဘက်"]),  # nothing to close: a syllable of its own
        ("၎င်းတို့", ["၎", "င်း", "တို့"]),
        ("ဘတ်စ်ကား", ["ဘတ်စ်", "ကား"]),
        ("က\u200cိုယ့်\u200bအား", ["က\u200cိုယ့်", "\u200b", "အား"]),
        ("သွား။မလား?", ["သွား", "။", "မ", "လား", "?"]),
        ("က်", ["က်"]),
    ],
)
def test_spans(text, expected):
    assert pieces(text) == expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ေကာင်း", "ကောင်း"),  # vowel before its consonant
        ("ကေ်ာ", "ကော်"),
        ("ေကာင့်", "ကောင့်"),
        ("က့ောင်", "ကောင့်"),  # dot below before the final
        ("က\u103e\u103bာ", "က\u103b\u103eာ"),
        ("ကု\u102d", "ကို"),
        ("ဥာဏ်", "ဉာဏ်"),  # the vowel letter typed for the consonant
        ("ပဥ္စ", "ပဉ္စ"),
        ("ဥ\u102eး", "ဦး"),  # taken apart
        ("ဥ\u1030း", "ဦး"),
        ("သြဂုတ်", "ဩဂုတ်"),
        ("သြော်", "ဪ"),
        ("၀န်ကြီး", "ဝန်ကြီး"),  # digits typed for letters
        ("၇ွာ", "ရွာ"),
        ("၄င်း", "၎င်း"),
        ("က\ufe00ား", "ကား"),
    ],
)
def test_typing_does_not_change_the_sounds(typed, meant):
    assert [(s.ipa, s.tone) for s in syllables(typed)] == [(s.ipa, s.tone) for s in syllables(meant)]
    check(typed, parse(typed))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("စကား", "R H"), ("ဘုရား", "R H"), ("အမေ", "R L"), ("တစ်ယောက်", "R S"), ("ထမင်း", "R H"), ("မြန်မာ", "L L"),
        ("ပညာ", "L L"), ("တနင်္လာ", "R H L"), ("အင်္ကျီ", "H L"), ("ခုနစ်", "L S"), ("သောကြာ", "S L"), ("ယောက်ျား", "S H"),
        ("၎င်း", "R H"), ("ငှက်ပျော", "R H"), ("ကျောင်းသားများ", "H H H"), ("ဂဏန်း", "R H"),
    ],
)  # fmt: skip
def test_words(text, expected):
    assert tones(text) == expected.split()


def test_foreign_spellings_are_flagged():
    assert [("foreign" in s.flags) for s in syllables("ဂျော့ဂျ်ကားဘတ်စ်")] == [True, False, True]
    assert tones("ဗော့ဒ်ကာ") == ["C", "L"]


def test_uncertain_is_a_matter_of_probability(monkeypatch):
    monkeypatch.setattr(burmese_reduction, "probabilities", lambda run, model=None: np.array([0.2, 0.45, 0.55, 0.8]))
    flags = [(s.tone, *s.flags) for s in syllables("ကတပမ")]
    assert flags == [("C",), ("C", "uncertain"), ("R", "weak", "uncertain"), ("R", "weak")]


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "သုန် ည"), ("7", "ခွန် နှစ်"), ("10", "ဆယ်"), ("12", "ဆယ့် နှစ်"), ("20", "နှစ်ə ဆယ်"), ("101", "တစ်ə ရာ့ တစ်"),
        ("110", "တစ်ə ရာ့ တစ်ə ဆယ်"), ("2019", "နှစ်ə ထောင့် တစ်ə ဆယ့် ကိုး"), ("70000", "ခွန် နှစ်ə သောင်း"),
        ("350000", "သုံး သိန်း ငါး သောင်း"), ("12000000", "ဆယ့် နှစ်ə သန်း"), ("007", "သုန် ည သုန် ည ခွန် နှစ်"),
        ("3.5", "သုံး ဒတ် သə မ ငါး"), ("1234567890123", ""),
    ],
)  # fmt: skip
def test_numerals(digits, words):
    assert numeral(digits) == words


def test_numbers_are_spread_over_their_digits():
    text = "၁,၂၀၀ နှင့် 3ခု"
    parts = parse(text)
    check(text, parts)
    spoken = [part for part in parts if isinstance(part, Syllable) and "expanded" in part.flags]
    assert [(s.start, s.end) for s in spoken] == [(0, 5), (5, 5), (5, 5), (5, 5), (12, 13)]
    assert [s.tone for s in spoken] == ["R", "C", "R", "L", "H"]
    assert tones("၁") == ["S"] and tones("၁ယောက်") == ["R", "S"] and tones("၁ ရက်") == ["R", "S"]


def test_what_is_not_burmese_is_masked():
    text = "BBC ကို 😀\u200d ၁၂၃၄၅၆၇၈၉၀၁၂၃ ၊ขม"
    reasons = [part.reason for part in parse(text) if isinstance(part, Masked)]
    assert reasons == ["latin", "space", "space", "symbol", "space", "digits", "space", "punctuation", "script"]
    check(text, parse(text))


@given(st.one_of(MYANMAR, MIXED))
def test_any_text_is_partitioned(text):
    check(text, parse(text))


@given(MYANMAR)
def test_normal_forms_sound_alike(text):
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert [(s.ipa, s.tone) for s in syllables(composed)] == [(s.ipa, s.tone) for s in syllables(decomposed)]


def test_irregular_words_keep_their_number_of_syllables():
    for word, said in IRREGULAR.items():
        assert len(read(word)) == len(said.split()), word
        assert all(len(read(syllable.removesuffix("ə"))) == 1 for syllable in said.split()), word


def test_what_may_not_reduce_never_does():
    spellings = ["မော်", "တောင်း", "ညို့", "လဲ", "ဇွန်", "ပန်း", "က"]
    assert [s for s in spellings if may_reduce(s)] == ["ပန်း", "က"]
    rng = random.Random(0)
    for _ in range(50):
        text = "".join(rng.choices(spellings[:5], k=rng.randint(1, 12)))
        assert "R" not in tones(text)


def test_probabilities_do_not_depend_on_the_neighbouring_run():
    assert tones("စကား")[0] == tones("သူ စကား")[-2] == "R"
    assert burmese_reduction.probabilities([]).shape == (0,)
    short = [Context("က", "က", "", "C")] * LONGEST_WORD
    for run in (short, [*short, *short]):
        chances = burmese_reduction.probabilities(run)
        assert chances.shape == (len(run),) and ((chances > 0) & (chances < 1)).all()


def test_the_model_is_small_and_holds_no_words():
    assert MODEL_PATH.stat().st_size <= MAX_MODEL_BYTES
    assert all(len(read(spelling)) == 1 for spelling in burmese_reduction.load().reducible)


def test_spelling_alone_gives_the_tone_but_for_reduction(shared_data):
    words = dictionary(shared_data)
    said = [["R" if settled else s.tone for s, settled in respell(read(word))] for word, _ in words]
    listed = [expected for _, expected in words]
    counts = np.mean([len(predicted) == len(expected) for predicted, expected in zip(said, listed, strict=True)])
    right = np.mean([merged(predicted) == merged(expected) for predicted, expected in zip(said, listed, strict=True)])
    assert counts >= MIN_COUNT and right >= MIN_MERGED


def test_words_the_model_has_learned_from(shared_data):
    """A sanity check; accuracy on unseen words is what ``train_burmese_reduction --folds 10`` prints."""
    words = dictionary(shared_data)
    pairs = [(tones(word), expected) for word, expected in words]
    assert np.mean([predicted == expected for predicted, expected in pairs]) >= MIN_TONES
    assert np.mean([merged(predicted) == merged(expected) for predicted, expected in pairs]) >= MIN_MERGED


def test_training_is_deterministic_and_saved_as_it_is(tmp_path):
    training = pytest.importorskip("tools.train_burmese_reduction")
    table = tmp_path / "words.tsv"
    rows = ["စကား\tR H", "သတင်း\tR H", "ထမင်း\tR H", "မြန်မာ\tL L", "ကလေး\tR H", "ကား\tH", "ပုလင်း\tR H", "ပုဆိုး\tR H"]
    table.write_text("\n".join(["word\ttones", *rows]), encoding="utf-8")
    words = training.samples(word for entries in training.read_words(table).values() for word in entries)
    first, second = training.fit(words), training.fit(words)
    assert np.array_equal(first.wide, second.wide) and np.array_equal(first.embedding, second.embedding)
    assert first.reducible == {"ပု"}
    training.save(first, tmp_path / "model.npz")
    loaded = burmese_reduction.load(tmp_path / "model.npz")
    for word in ("စကား", "ပုလင်း", "ကား"):
        run = read(word)
        assert [r for _, r, _ in decide(run, loaded)] == [r for _, r, _ in decide(run, first)]
    assert [reduced for _, reduced, _ in decide(read("စကား"), loaded)] == [True, False]


def test_a_file_without_the_columns_is_named(tmp_path):
    training = pytest.importorskip("tools.train_burmese_reduction")
    table = tmp_path / "words.tsv"
    table.write_text("a\tb\n1\t2\n", encoding="utf-8")
    with pytest.raises(TonespanError, match=r"words\.tsv: not a table with columns word and tones"):
        training.read_words(table)
