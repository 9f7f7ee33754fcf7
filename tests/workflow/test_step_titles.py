"""The steps of a run in words: every rule has some, and every condition of the profiles."""

import pytest

from tonespan_utils.params import conditions, profile
from tonespan_utils.workflow import step_titles


@pytest.fixture(scope="module")
def demo():
    return profile.load("demo")


@pytest.mark.parametrize(
    ("rule", "wildcards", "ended", "failed"),
    [
        ("finetune", {"part": "mini--asr-th", "seed": "1"}, "fine-tuned tonespan-units on Thai ASR, seed 1",
         "fine-tuning tonespan-units on Thai ASR, seed 1"),
        ("probes", {"part": "mini--vanilla"}, "probed the layers of tonespan-units as it is",
         "probing the layers of tonespan-units as it is"),
        ("gradients", {"part": "mini--emotion"}, "measured how far tonespan-units after emotion looks",
         "measuring how far tonespan-units after emotion looks"),
        ("flattened", {"language": "my"}, "took the pitch of Burmese tokens away",
         "taking the pitch of Burmese tokens away"),
        ("random_weights", {"encoder": "mini"}, "measured tonespan-units with permuted weights",
         "measuring tonespan-units with permuted weights"),
        ("corpus", {}, "collected the speech and its tone tokens", "collecting the speech and its tone tokens"),
    ],
)  # fmt: skip
def test_a_step_in_words(demo, rule, wildcards, ended, failed):
    assert step_titles.title(rule, wildcards, demo, ended=True) == ended
    assert step_titles.title(rule, wildcards, demo, ended=False) == failed


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mini/asr-cmn", "Mandarin ASR"), ("mini/speaker", "speaker"), ("mini/shuffled_asr-th", "shuffled Thai ASR"),
        ("mini/narrow_asr-th", "span-penalised Thai ASR"), ("mini/wide_asr-th", "span-rewarded Thai ASR"),
        ("mini/deaf_asr-th", "pitch-deaf Thai ASR"),
        ("mini/tone-vi", "Vietnamese tone"), ("mini/asr_tone-lo", "Lao tone after ASR"),
    ],
)  # fmt: skip
def test_what_an_encoder_was_tuned_on(name, words):
    assert step_titles.condition_in_words(conditions.parse(name)) == words


def test_no_two_conditions_have_the_same_words(demo):
    said = [step_titles.condition_in_words(conditions.parse(name)) for name in demo.conditions]
    assert len(set(said)) == len(said) > 15


def test_every_corpus_of_the_calibration_is_named(demo):
    for language, span_ms in demo.validity.corpora:
        name = demo.validity.corpus_name(language, span_ms)
        said = step_titles.title("planted_span", {"corpus": name}, demo, ended=True)
        assert said.startswith(f"calibrated on a cue of {span_ms:g} ms in ")


def test_every_rule_has_words():
    rules = {line.split()[1].rstrip(":") for line in (profile.ROOT / "Snakefile").read_text().splitlines()
             if line.startswith("rule ")}  # fmt: skip
    assert rules - {step_titles.NOT_A_STEP} == set(step_titles._TITLES)
