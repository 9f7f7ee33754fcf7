"""Spellers: each frame is spoken as written, in every tone, and text to tone gives back what was written."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tonespan_utils.corpus.synthetic import espeak
from tonespan_utils.corpus.synthetic.spellers import speller as spellers
from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller
from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import text_to_tone as tone

LANGUAGES = list(spellers.MODULES)
TONAL = [language for language in LANGUAGES if language != "en"]
UNSPACED = ["my", "th", "lo", "cmn"]
PRONUNCIATION = Path(__file__).parents[3].parent / "shared" / "data" / "pronunciation"
DICTIONARIES = {"my": "mya_wikipron", "th": "tha_wikipron", "lo": "lao_wikipron_vientiane", "vi": "vie_wikipron_hanoi"}
MAX_MISREAD = {"th": 1}  # of 50 sentences: the Thai reader goes by words and at times cuts ห off the letter it leads
MIN_FRAMES = 150  # what the corpus promises for each language
MIN_NUCLEUS_S = 0.06  # shorter ones leave no room for a contour


def spell(frame: Frame) -> str:
    """The frame as one word of mnemonics, stressed on its first nucleus."""
    stressed = [role for role, _ in frame.espeak].index("nucleus")
    return "|".join("'" * (place == stressed) + name for place, (_, name) in enumerate(frame.espeak))


@cache
def spoken(language: str) -> list[tuple[Frame, tuple[espeak.Phone, ...]]]:
    """Every frame twice, with its phones, said among random others in sentences of nine."""
    speller, rng = spellers.speller(language), random.Random(1)
    frames = [frame for _ in range(2) for frame in rng.sample(speller.frames, len(speller.frames))]
    said: list[tuple[Frame, tuple[espeak.Phone, ...]]] = []
    for start in range(0, len(frames), 9):
        sentence = frames[start : start + 9]
        words = espeak.speak([spell(frame) for frame in sentence], voice=speller.voice).words
        said.extend(zip(sentence, words, strict=True))
    return said


def draw(speller: Speller, rng: random.Random, n_syllables: int) -> list[tuple[Frame, str]]:
    """Frames and tones at random; no two third tones of Mandarin in a row, which sandhi would change."""
    drawn: list[tuple[Frame, str]] = []
    while len(drawn) < n_syllables:
        drawn.append((rng.choice(speller.frames), rng.choice(speller.tones)))
        if speller.language == "cmn" and [tone for _, tone in drawn[-2:]] == ["3", "3"]:
            drawn.pop()
    return drawn


@pytest.mark.parametrize("language", LANGUAGES)
def test_frames_are_many_and_distinct(language):
    speller = spellers.speller(language)
    assert speller.language == language
    assert len(speller.frames) >= MIN_FRAMES
    assert len({frame.ipa for frame in speller.frames}) == len(speller.frames)
    assert spellers.speller(language) is speller


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_frame_is_spelled_in_every_tone(language):
    speller = spellers.speller(language)
    tones = speller.tones or ("",)
    assert all(tuple(frame.spelling) == tones for frame in speller.frames)
    written = [text for frame in speller.frames for text in frame.spelling.values()]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("language", LANGUAGES)
def test_contours_are_distinct(language):
    speller = spellers.speller(language)
    assert tuple(speller.chao) == speller.tones
    assert len(set(speller.chao.values())) == len(speller.tones)
    assert all(set(digits) <= set("12345") and len(digits) >= 2 for digits in speller.chao.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_frame_is_spoken_with_its_own_phones(language):
    for frame, phones in spoken(language):
        assert [phone.name for phone in phones] == [name for _, name in frame.espeak], frame


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_nucleus_is_long_enough(language):
    for frame, phones in spoken(language):
        nuclei = [phone for (role, _), phone in zip(frame.espeak, phones, strict=True) if role == "nucleus"]
        assert nuclei and all(phone.end_s - phone.start_s >= MIN_NUCLEUS_S for phone in nuclei), (frame, phones)


@pytest.mark.parametrize("language", LANGUAGES)
def test_spans_point_at_the_syllables(language):
    speller = spellers.speller(language)
    syllables = [(frame, tone) for frame in speller.frames[:8] for tone in frame.spelling]
    text, spans = spellers.write(speller, syllables)
    assert [text[start:end] for start, end in spans] == [frame.spelling[tone] for frame, tone in syllables]
    assert all(text[left_end:right_start] == speller.joiner for (_, left_end), (right_start, _) in pairwise(spans))
    assert spans[0][0] == 0 and spans[-1][1] == len(text)


@pytest.mark.parametrize("language", UNSPACED)
def test_no_unspaced_sentence_can_be_cut_in_two_ways(language):
    """The test of Sardinas and Patterson: follow what one cut leaves over the other until it is a syllable itself."""
    syllables = {text for frame in spellers.speller(language).frames for text in frame.spelling.values()}
    left_over = rests(syllables, syllables) - {""}
    seen: set[str] = set()
    while left_over:
        assert not left_over & syllables
        seen |= left_over
        left_over = (rests(left_over, syllables) | rests(syllables, left_over)) - seen


def rests(shorter: set[str], longer: set[str]) -> set[str]:
    """What remains of each longer text after a shorter one that it starts with."""
    return {text[cut:] for text in longer for cut in range(1, len(text) + 1) if text[:cut] in shorter}


@pytest.mark.parametrize("language", DICTIONARIES)
def test_dictionaries_give_the_same_tones(language):
    path = PRONUNCIATION / f"{DICTIONARIES[language]}_dev.tsv"
    if not path.exists():
        pytest.skip(f"{path} is missing: a check against dictionaries of pronunciation")
    readings = defaultdict(set)
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            readings[row["word"]].add(row["tones"])
    frames = spellers.speller(language).frames
    in_dictionary = [(text, tone) for frame in frames for tone, text in frame.spelling.items() if text in readings]
    assert len(in_dictionary) >= 50
    assert [(text, tone, readings[text]) for text, tone in in_dictionary if tone not in readings[text]] == []


def need_parser(language: str) -> None:
    """Skip where text to tone does not know the language yet."""
    if language not in tone.MODULES:
        pytest.skip(f"no text-to-tone rules for {language} yet")


@pytest.mark.parametrize("language", TONAL)
def test_text_to_tone_gives_back_what_was_written(language):
    need_parser(language)
    speller, rng = spellers.speller(language), random.Random(0)
    misread = []
    for _ in range(50):
        syllables = draw(speller, rng, 12)
        text, spans = spellers.write(speller, syllables)
        written = [(*span, tone) for span, (_, tone) in zip(spans, syllables, strict=True)]
        parsed = [(part.start, part.end, part.tone) for part in tone.syllables(text, language)]
        misread += [(text, written, parsed)] * (parsed != written)
    assert len(misread) <= MAX_MISREAD.get(language, 0), misread


@pytest.mark.parametrize("language", ["my", "lo", "vi", "cmn"])
def test_text_to_tone_gives_the_same_sounds(language):
    """Not Thai, where words that are written short (ได้, น้ำ) are said long."""
    need_parser(language)
    for frame in spellers.speller(language).frames:
        for text in frame.spelling.values():
            (part,) = tone.syllables(text, language)
            assert (part.onset, part.nucleus, part.coda) == (frame.onset, frame.nucleus, frame.coda), text


def test_an_unknown_language_is_named():
    with pytest.raises(TonespanError, match="no speller for language 'yo'; known: my"):
        spellers.speller("yo")


def test_an_unknown_tone_is_named():
    thai = spellers.speller("th")
    with pytest.raises(TonespanError, match="th: no tone 'X'; use one of M, L, F, H, R"):
        spellers.write(thai, [(thai.frames[0], "X")])


def test_nothing_written_is_an_empty_text():
    assert spellers.write(spellers.speller("vi"), []) == ("", [])
