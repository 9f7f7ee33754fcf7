"""Scores against slow oracles written from their definitions; nulls and intervals where they have to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import scores

LEVEL = {"level": 0.9, "seed": 0}
texts = st.text("abก ", max_size=7).map(lambda text: " ".join(text.split()))


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's recursion, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_cer_is_edits_over_reference_characters(pairs):
    references, transcripts = zip(*pairs, strict=True)
    if not any(references):
        return
    expected = sum(edit_distance(a, b) for a, b in pairs) / sum(map(len, references))
    assert scores.character_error_rate(references, transcripts, **LEVEL).value == pytest.approx(expected)


def test_cer_by_hand():
    score = scores.character_error_rate(["ab c", "", "dd"], ["ab", "x", "dd"], **LEVEL)
    assert score.value == pytest.approx((2 + 1 + 0) / 6)


def test_cer_of_a_perfect_and_of_a_mute_recogniser():
    references = [f"{'กขค'[i % 3]}{'xyzw'[i % 4]}{'ab'[i % 2]}" for i in range(30)]
    perfect = scores.character_error_rate(references, references, **LEVEL)
    assert (perfect.value, perfect.ci_low, perfect.ci_high) == (0, 0, 0) and 0.5 < perfect.null < 1
    mute = scores.character_error_rate(references, [""] * 30, **LEVEL)
    assert mute.value == mute.ci_low == mute.ci_high == mute.null == 1
    with pytest.raises(TonespanError, match="no test transcript has a character"):
        scores.character_error_rate(["", ""], ["a", ""], **LEVEL)


def test_cer_interval_is_that_of_a_plain_bootstrap():
    rng = np.random.default_rng(1)
    references = ["abcde"] * 40
    transcripts = ["abcde" if right else "vwxyz" for right in rng.random(40) < 0.7]
    wrong = np.array([text != "abcde" for text in transcripts], dtype=float)
    plain = [wrong[rng.integers(40, size=40)].mean() for _ in range(4000)]
    score = scores.character_error_rate(references, transcripts, **LEVEL)
    assert score.value == wrong.mean() and score.ci_low < score.value < score.ci_high
    assert [score.ci_low, score.ci_high] == pytest.approx(np.quantile(plain, [0.05, 0.95]), abs=0.03)


def slow_accuracy(reference, predicted):
    return np.mean([a == b for a, b in zip(reference, predicted, strict=True)])


def slow_macro_f1(reference, predicted):
    f1 = []
    for name in set(reference):
        hits = sum(a == b == name for a, b in zip(reference, predicted, strict=True))
        f1.append(2 * hits / (list(reference).count(name) + list(predicted).count(name)))
    return np.mean(f1)


@pytest.mark.parametrize(("metric", "slow"), [("accuracy", slow_accuracy), ("macro_f1", slow_macro_f1)])
def test_classification_against_its_definition_and_a_null_at_chance(metric, slow):
    rng = np.random.default_rng(0)
    reference = rng.choice(["a", "b", "c"], size=300)
    predicted = np.where(rng.random(300) < 0.6, reference, rng.choice(["a", "b", "d"], size=300))
    score = scores.classification(metric, reference, predicted, np.arange(300) // 3, **LEVEL)
    assert score.value == pytest.approx(slow(reference, predicted))
    assert score.ci_low < score.value < score.ci_high
    shuffled = [slow(rng.permutation(reference), predicted) for _ in range(60)]
    assert score.null == pytest.approx(np.mean(shuffled), abs=0.03)


def test_clips_of_one_utterance_are_drawn_together():
    reference = np.array(["a", "b"] * 100)
    right = np.repeat([True, False], 100)  # two utterances, one predicted right and one not
    predicted = np.where(right, reference, "c")
    together = scores.classification("accuracy", reference, predicted, np.repeat([0, 1], 100), **LEVEL)
    apart = scores.classification("accuracy", reference, predicted, np.arange(200), **LEVEL)
    assert (together.ci_low, together.ci_high) == (0, 1) and apart.ci_high - apart.ci_low < 0.2


def pairs_of(embeddings, speakers, utterances, counts):
    """(cosine, same speaker, weight) of every pair from two utterances."""
    pairs = []
    for i in range(len(embeddings)):
        for j in range(i):
            a, b = embeddings[i], embeddings[j]
            if utterances[i] != utterances[j]:
                cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
                pairs.append((round(cosine, 9), speakers[i] == speakers[j], counts[i] * counts[j]))
    return pairs


def slow_eers(pairs) -> set[float]:
    """Every threshold in turn; the rates' mean where they lie closest. Thresholds that do equally well all count."""
    genuine, others = sum(w for _, same, w in pairs if same), sum(w for _, same, w in pairs if not same)
    rates = []
    for threshold in {cosine for cosine, *_ in pairs}:
        miss = sum(w for cosine, same, w in pairs if same and cosine <= threshold) / genuine
        alarm = sum(w for cosine, same, w in pairs if not same and cosine > threshold) / others
        rates.append((abs(miss - alarm), (miss + alarm) / 2))
    closest = min(rates)[0]
    return {rate for gap, rate in rates if gap < closest + 1e-9}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("clips", [1, 3])
def test_eer_is_that_of_a_sweep_over_every_threshold(seed, clips):
    rng = np.random.default_rng(seed)
    speakers, utterances = np.repeat(list("pqrs"), 3 * clips), np.repeat(np.arange(12), clips)
    embeddings = rng.normal(size=(len(speakers), 4)) + 1.2 * rng.normal(size=(4, 4)).repeat(3 * clips, axis=0)
    score = scores.equal_error_rate(embeddings, speakers, utterances, **LEVEL)
    expected = slow_eers(pairs_of(embeddings, speakers, utterances, np.ones(len(speakers))))
    assert min(abs(score.value - value) for value in expected) < 1e-9
    assert 0 <= score.ci_low <= score.ci_high <= 1 and score.null == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_eer_of_a_resample_counts_pairs_as_often_as_both_were_drawn(seed):
    rng = np.random.default_rng(seed)
    cosine, same, weights = rng.integers(8, size=30) / 8, rng.random(30) < 0.4, rng.integers(3, size=30)
    order = np.argsort(cosine, kind="stable")
    eer = scores._eer(same[order], weights[order], scores._ends(cosine[order]))
    expected = slow_eers(list(zip(cosine, same, weights, strict=True)))
    assert min(abs(eer - value) for value in expected) < 1e-9


def test_eer_knows_people_apart_and_does_not_hang_on_length_or_order():
    rng = np.random.default_rng(0)
    speakers, utterances = np.repeat(list("pqr"), 5), np.arange(15)
    clean = np.eye(3)[np.repeat([0, 1, 2], 5)] + 0.05 * rng.normal(size=(15, 3))
    score = scores.equal_error_rate(clean, speakers, utterances, **LEVEL)
    assert (score.value, score.ci_low, score.ci_high) == (0, 0, 0) and score.null > 0.3
    noisy, order = clean + rng.normal(size=(15, 3)), rng.permutation(15)
    value = scores.equal_error_rate(noisy, speakers, utterances, **LEVEL).value
    scaled = scores.equal_error_rate(noisy * rng.uniform(1, 9, (15, 1)), speakers, utterances, **LEVEL).value
    turned = scores.equal_error_rate(noisy[order], speakers[order], utterances[order], **LEVEL).value
    assert 0 < value < 0.6 and value == pytest.approx(scaled) == pytest.approx(turned)


def test_embeddings_that_are_all_alike_are_at_chance():
    speakers = np.repeat(list("pqr"), 4)
    for embeddings in (np.eye(1, 3).repeat(12, axis=0), np.zeros((12, 3))):
        assert scores.equal_error_rate(embeddings, speakers, np.arange(12), **LEVEL).value == 0.5


def clips_of(n_people, rng):
    """Twelve clips each: seven dimensions tell people apart, an eighth varies loudly within all of them."""
    people = 0.5 * rng.normal(size=(n_people, 8))
    people[:, 0] = 0
    return people.repeat(12, axis=0) + rng.normal(size=(12 * n_people, 8)) * ([4.0] + [0.1] * 7)


def test_in_the_space_of_discriminants_training_speakers_vary_alike_in_all_directions():
    rng = np.random.default_rng(0)
    training, speakers = clips_of(20, rng), np.arange(20).repeat(12)
    projected = scores.discriminants(training, training=training, speakers=speakers)
    rest = np.concatenate([projected[speakers == k] - projected[speakers == k].mean(axis=0) for k in range(20)])
    np.testing.assert_allclose(rest.T @ rest / len(rest), np.eye(8), atol=1e-9)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-9)
    few = scores.discriminants(training[:36], training=training[:36], speakers=speakers[:36])
    assert few.shape == (36, 2), "three people differ in two directions"


def test_discriminants_tell_apart_people_whom_a_loud_common_variation_hides():
    rng = np.random.default_rng(1)
    training, test = clips_of(20, rng), clips_of(6, rng)
    spoken = np.arange(72)
    speakers, test_speakers = np.arange(20).repeat(12), np.arange(6).repeat(12)
    raw = scores.equal_error_rate(test, test_speakers, spoken, **LEVEL).value
    projected = scores.discriminants(test, training=training, speakers=speakers)
    assert scores.equal_error_rate(projected, test_speakers, spoken, **LEVEL).value < 0.05 < 0.2 < raw


@pytest.mark.parametrize("speakers", [[0, 1, 2, 3, 4], [0, 0, 1, 1, 2]])
def test_training_speakers_who_do_not_vary_give_only_their_mean(speakers):
    training = np.random.default_rng(2).normal(size=(5, 3))[speakers]
    projected = scores.discriminants(training, training=training, speakers=np.array(speakers))
    np.testing.assert_allclose(projected, training - training.mean(axis=0))


@pytest.mark.parametrize(
    ("speakers", "utterances"), [("ppp", "123"), ("pqr", "123"), ("ppqq", "1122"), ("", "")], ids=str
)
def test_without_pairs_of_both_kinds_there_is_no_eer(speakers, utterances):
    speakers, utterances = np.array(list(speakers)), np.array(list(utterances))
    with pytest.raises(TonespanError, match="two or more test speakers with two or more utterances"):
        scores.equal_error_rate(np.ones((len(speakers), 2)), speakers, utterances, **LEVEL)


def test_rows_carry_value_interval_and_null():
    rows = scores.Score("cer", 0.2, 0.1, 0.3, 0.9).rows()
    assert {row["metric"]: row["value"] for row in rows} == {
        "cer": 0.2, "cer_ci_low": 0.1, "cer_ci_high": 0.3, "cer_null": 0.9,
    }  # fmt: skip
