"""The aligner that is trained here: flat start, training, and errors of its times (synthetic speech, seed 7)."""

import numpy as np
import pytest
from stand_ins import embedded

from tonespan_utils.alignment import align, aligners, hmm, labels
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.study import timing
from tonespan_utils.tone import text_to_tone

MEDIAN_MS, P95_MS = 12.0, 40.0  # at 3 minutes; at 16 the medians are 4 to 9 ms


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    return embedded(tmp_path_factory.mktemp("hmm"), "th", span_ms=100.0)


@pytest.fixture(scope="module")
def trained(spoken):
    return aligners.from_speech(spoken, "th", max_minutes=60)


@pytest.fixture(scope="module")
def aligned(spoken, trained):
    """Aligned and rejected tokens."""
    return align.tokens(spoken, trained, language="th")


def test_times_from_text_alone(spoken, aligned):
    tokens, rejected = aligned
    assert len(tokens) + len(rejected) == len(spoken.tokens) and len(tokens) >= 0.99 * len(spoken.tokens)
    errors = timing.errors_ms(tokens, spoken.tokens)
    row = timing.error_row(errors, n_known=len(spoken.tokens), n_resamples=50, level=0.95, seed=0)
    assert row["median_ms"] <= MEDIAN_MS and row["p95_ms"] <= P95_MS and abs(row["bias_ms"]) <= 10
    assert row["median_low_ms"] <= row["median_ms"] <= row["median_high_ms"]
    assert tokens["tone"].tolist() == spoken.tokens.set_index("token_id").loc[tokens["token_id"], "tone"].tolist()


def test_a_wrong_text_scores_lower(spoken, trained, aligned):
    right, _ = aligned
    texts = spoken.utterances["text"].to_numpy()
    swapped = spoken.utterances.assign(text=np.roll(texts, 7))
    wrong, _ = align.tokens(type(spoken)(swapped, spoken.tokens, spoken.audio, spoken.rejected), trained, language="th")
    assert np.median(wrong["align_score"]) < np.quantile(right["align_score"], 0.1)


def test_tones_have_no_part_in_it(spoken):
    syllables = [text_to_tone.syllables(word, "th")[0] for word in ("มา", "ม้า", "หมา")]
    assert len({syllable.tone for syllable in syllables}) == 3
    assert len({tuple(hmm.spell(syllable, "")) for syllable in syllables}) == 1


def test_training_is_deterministic_and_kept(spoken, trained, tmp_path):
    samples = spoken.audio(spoken.utterances["utterance_id"].iloc[0])
    again = aligners.from_speech(spoken, "th", max_minutes=60)
    assert np.array_equal(again.score_frames(samples).scores, trained.score_frames(samples).scores)


def test_fewer_minutes_train_on_less(spoken, trained):
    little = aligners.from_speech(spoken, "th", max_minutes=0.01)
    assert 0 < len(little.vocabulary) < len(trained.vocabulary)


def test_features_are_centred_in_time():
    click = np.zeros(SAMPLE_RATE, dtype=np.float32)
    click[8000:8016] = 1.0  # at 0.5 s
    loudest = int(hmm.features(click)[:, 0].argmax())
    assert loudest * hmm.HOP_S == pytest.approx(0.5, abs=hmm.WINDOW_S / 2)


def test_edges_are_not_learned_from():
    path = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    kept = hmm.away_from_edges(path, 2)
    assert np.flatnonzero(kept).tolist() == [0, 1, 2, 6, 10, 11, 12, 13]  # a short stretch keeps its middle
    assert hmm.away_from_edges(path, 0).all()


def test_one_gaussian_per_label_as_by_hand():
    rng = np.random.default_rng(0)
    frames, path = rng.normal(size=(4000, 3)), np.repeat([0, 1], 2000)
    frames[2000:] += [2.0, 0.0, -1.0]
    weights, bias = hmm._fit([(frames, np.array([1]))], [path], 2, edge=0)
    means = np.stack([frames[:2000].mean(axis=0), frames[2000:].mean(axis=0)])
    covariance = np.cov((frames - means[path]).T)
    by_hand = means @ np.linalg.inv(covariance)
    assert weights == pytest.approx(by_hand, abs=0.02)
    assert bias == pytest.approx(-(by_hand * means).sum(axis=1) / 2, abs=0.02)


def test_nothing_to_learn_from():
    with pytest.raises(TonespanError, match="long enough for its text"):
        hmm.train([(np.zeros(400, dtype=np.float32), [labels.Sign("onset k", 0)] * 20)])


def test_a_model_comes_back_as_it_was(tmp_path):
    model = hmm.Hmm(("onset k",), np.ones((2, 39)), np.zeros(2), np.full(39, 2.0))
    with (tmp_path / "own.npz").open("wb") as file:
        hmm.save(model, file)
    again = hmm.load(tmp_path / "own.npz")
    assert again.labels == model.labels and np.array_equal(again.scale, model.scale)
