"""Errors of tone: counted by hand, at their null for a deaf recogniser, untouched by errors of sounds."""

import numpy as np
import pytest
import torch

from tonespan_utils.corpus.synthetic.readings import draw_sentences
from tonespan_utils.corpus.synthetic.spellers.speller import speller, write
from tonespan_utils.finetune import tone_errors
from tonespan_utils.tone import text_to_tone

ABOUT = {"level": 0.9, "seed": 0}
TONAL = ["my", "th", "lo", "vi", "cmn"]


def sentences(language: str, n: int, *, seed: int = 0) -> list[tuple]:
    return list(draw_sentences(language, seed=seed, n_sentences=n))


def texts(language: str, n: int) -> list[str]:
    return [write(speller(language), sentence)[0] for sentence in sentences(language, n)]


def with_other_tones(language: str, n: int) -> list[str]:
    """The same sentences in tones drawn anew: what a recogniser writes that hears sounds alone."""
    spelling, rng = speller(language), np.random.default_rng(5)
    return [
        write(spelling, [(frame, spelling.tones[rng.integers(len(spelling.tones))]) for frame, _ in sentence])[0]
        for sentence in sentences(language, n)
    ]


def test_by_hand():
    # má ba tà: of ma, ba, ta the sounds of ba were taken for pa; ma has its tone, ta another
    assert tone_errors.aligned_tones("má ba tà", "má pa tạ", language="vi") == [("sac", "sac"), ("huyen", "nang")]
    score = tone_errors.tone_error_rate(["má ba tà"] * 12, ["má pa tạ"] * 12, language="vi", **ABOUT)
    assert (score.metric, score.value, score.ci_low, score.ci_high) == ("tone_error_rate", 0.5, 0.5, 0.5)
    assert score.null == pytest.approx(1 - 0.5 * 0.5)  # true: half sac, half huyen; given: half sac, half nang


def test_syllables_left_out_or_put_in_shift_no_tones():
    assert tone_errors.aligned_tones("má bà tạ", "bà tạ", language="vi") == [("huyen", "huyen"), ("nang", "nang")]
    assert tone_errors.aligned_tones("bà tạ", "má bà ta", language="vi") == [("huyen", "huyen"), ("nang", "ngang")]
    assert tone_errors.aligned_tones("má", "", language="vi") == []


@pytest.mark.parametrize("language", TONAL)
def test_perfect_and_deaf_transcripts(language):
    true = texts(language, 40)
    assert tone_errors.tone_error_rate(true, true, language=language, **ABOUT).value == 0
    deaf = tone_errors.tone_error_rate(true, with_other_tones(language, 40), language=language, **ABOUT)
    assert deaf.value == pytest.approx(deaf.null, abs=0.08)  # some 240 syllables
    n_tones = len(speller(language).tones)
    assert deaf.null == pytest.approx(1 - 1 / n_tones, abs=0.05)


def test_without_a_syllable_of_right_sounds_there_is_no_rate():
    score = tone_errors.tone_error_rate(["má"] * 12, ["bò"] * 12, language="vi", **ABOUT)
    assert np.isnan([score.value, score.ci_low, score.ci_high, score.null]).all()


@pytest.mark.parametrize("language", TONAL)
def test_twins_differ_in_one_tone_alone(language):
    corpus = texts(language, 60)
    spelled, rng = tone_errors.spellings(corpus, language), np.random.default_rng(0)
    made = 0
    for text in corpus[:12]:
        true = [(part.ipa, part.tone) for part in text_to_tone.syllables(text, language)]
        for twin in tone_errors.twins(text, spelled, language=language, rng=rng):
            other = [(part.ipa, part.tone) for part in text_to_tone.syllables(twin, language)]
            assert [ipa for ipa, _ in other] == [ipa for ipa, _ in true]
            assert sum(a != b for a, b in zip(true, other, strict=True)) == 1
            made += 1
    assert made >= 20


def recogniser(language: str, written: list[str], *, labels: dict[str, int]) -> list[np.ndarray]:
    """Logits of a recogniser that is sure of what it wrote: a frame of each label, a blank after it."""
    spoken = [np.array([number for c in text for number in (labels[c], 0)]) for text in written]
    return [6.0 * np.eye(len(labels) + 1)[numbers] for numbers in spoken]


@pytest.mark.parametrize("language", ["th", "vi"])
def test_minimal_pairs_are_told_by_who_hears_tone_and_not_by_who_does_not(language):
    true = texts(language, 40)
    labels = {c: i for i, c in enumerate(sorted(set("".join(true + with_other_tones(language, 40)))), start=1)}

    def error(written):
        return tone_errors.minimal_pair_error(
            true, true, recogniser(language, written, labels=labels), lambda text: np.array([labels[c] for c in text]),
            language=language, **ABOUT,
        )  # fmt: skip

    assert error(true).value == 0 and error(true).null == 0.5
    deaf = error(with_other_tones(language, 40))
    # it wrote the right tone one time in so many, and the twin's as often; else neither text is what it wrote
    assert 0.3 < deaf.value < 0.7


def test_a_tie_counts_half():
    score = tone_errors.minimal_pair_error(
        ["má", "mà"] * 6, ["má", "mà"], [np.zeros((4, 3))] * 12, lambda text: np.array([1]), language="vi", **ABOUT
    )
    assert score.value == 0.5


def test_ctc_losses_are_those_of_each_text_alone():
    rng = np.random.default_rng(1)
    frames, labels = rng.normal(size=(9, 5)), [np.array([1, 2, 2]), np.array([4]), np.arange(1, 5).repeat(3)]
    alone = [
        torch.nn.functional.ctc_loss(
            torch.from_numpy(frames.astype(np.float32)).log_softmax(-1)[:, None], torch.from_numpy(part)[None],
            torch.tensor([9]), torch.tensor([len(part)]), reduction="sum",
        ).item()
        for part in labels
    ]  # fmt: skip
    assert tone_errors.ctc_losses(frames, labels) == pytest.approx(alone)
    assert np.isinf(alone[2])  # twelve labels in nine frames
