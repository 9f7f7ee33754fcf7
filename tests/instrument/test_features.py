"""Stored ``cnn`` features are those of the encoder, and are never taken for other speech or another front end."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import SHORT, make_checkpoint

from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import features
from tonespan_utils.params.tables import UTTERANCE_COLUMNS

LENGTHS = {"a": 8000, "short": 399, "b": 5123, "one": 400}  # samples; 400 make the first frame


@pytest.fixture(scope="module", params=SHORT)
def encoder(request, tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), request.param))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("small"), "xlsr", seed=3))


def corpus_of(lengths=LENGTHS, *, seed=0, language="th") -> Corpus:
    rng = np.random.default_rng(seed)
    audio = {name: rng.normal(0, 0.1, length).astype(np.float32) for name, length in lengths.items()}
    rows = [{"utterance_id": name, "language": language, "n_samples": length} for name, length in lengths.items()]
    table = pd.DataFrame(rows).reindex(columns=UTTERANCE_COLUMNS)
    return Corpus(table, pd.DataFrame(), audio.__getitem__, pd.DataFrame())


@pytest.fixture
def counted(monkeypatch):
    """The lengths of the utterances whose features were computed."""
    plain, calls = features.of_samples, []
    monkeypatch.setattr(features, "of_samples", lambda e, samples: calls.append(len(samples)) or plain(e, samples))
    return calls


def test_features_are_the_cnn_layer_of_each_utterance_alone(encoder, tmp_path):
    corpus = corpus_of()
    stored = features.of_corpus(encoder, corpus, cache_dir=tmp_path)
    for name in ("a", "b", "one"):
        with torch.no_grad():
            expected = encoder.forward(encoder.prepare(corpus.audio(name)))["cnn"][0].numpy()
        assert np.array_equal(stored(name), expected) and stored(name).dtype == np.float32
    assert stored("short").shape == (0, 16)


def test_the_cache_is_used_and_survives_what_is_done_to_its_arrays(small, tmp_path, counted):
    corpus = corpus_of()
    first = features.of_corpus(small, corpus, cache_dir=tmp_path)
    assert counted == [8000, 5123, 400]
    first("a")[:] = 0  # a copy, not the file
    again = features.of_corpus(small, corpus, cache_dir=tmp_path)
    assert len(counted) == 3 and again("a").any()


def test_other_audio_under_the_same_names_is_not_mistaken(small, tmp_path, counted):
    features.of_corpus(small, corpus_of(), cache_dir=tmp_path)
    other = corpus_of(seed=1)
    stored = features.of_corpus(small, other, cache_dir=tmp_path)
    assert len(counted) == 6
    assert np.array_equal(stored("b"), features.of_samples(small, other.audio("b")))
    assert len(list(tmp_path.rglob("cnn.npy"))) == 1, "what the older samples gave goes"


def test_the_order_of_the_utterances_is_part_of_the_cache(small, tmp_path):
    corpus = corpus_of({"a": 8000, "b": 8000})
    turned = replace(corpus, utterances=corpus.utterances.iloc[::-1])
    first, second = (features.of_corpus(small, ordered, cache_dir=tmp_path) for ordered in (corpus, turned))
    assert np.array_equal(first("a"), second("a")) and not np.array_equal(first("a"), first("b"))


def test_conditions_of_a_backbone_share_and_other_backbones_keep_theirs(small, tmp_path, counted):
    tuned = checkpoints.load(make_checkpoint(tmp_path / "tuned", "xlsr", seed=3))
    with torch.no_grad():
        tuned.model.encoder.layers[0].feed_forward.output_dense.weight.add_(1)
    other = checkpoints.load(make_checkpoint(tmp_path / "other", "xlsr", seed=4))
    loud = replace(small, scale_input=False)
    for backbone in (small, tuned, other, loud, small, other):
        features.of_corpus(backbone, corpus_of(), cache_dir=tmp_path / "cache")
    assert len(counted) == 3 * 3


def test_another_activation_is_another_front_end(small, tmp_path):
    checkpoint = make_checkpoint(tmp_path, "xlsr", seed=3, feat_extract_activation="relu")
    other = checkpoints.load(checkpoint)
    samples = corpus_of().audio("a")
    assert not np.array_equal(features.of_samples(other, samples), features.of_samples(small, samples))
    assert features.front_end_identity(other) != features.front_end_identity(small)


def test_two_corpora_of_one_language_do_not_delete_each_other(small, tmp_path, counted):
    pair = [corpus_of({"a": 8000}), corpus_of({"gender/a": 9000})]
    for corpus in pair * 2:
        features.of_corpus(small, corpus, cache_dir=tmp_path)
    assert counted == [8000, 9000]


def test_a_corpus_without_a_single_frame_has_empty_features(small, tmp_path):
    stored = features.of_corpus(small, corpus_of({"a": 100, "b": 399}), cache_dir=tmp_path)
    assert stored("a").shape == stored("b").shape == (0, 16)


def test_audio_of_another_length_than_its_table_says_is_named_and_nothing_stays(small, tmp_path):
    corpus = corpus_of()
    wrong = replace(corpus, utterances=corpus.utterances.replace({"n_samples": {5123: 9000}}))
    with pytest.raises(TonespanError, match="utterance b: its audio is not as long as its table says"):
        features.of_corpus(small, wrong, cache_dir=tmp_path)
    assert not list(tmp_path.rglob("cnn.npy"))
