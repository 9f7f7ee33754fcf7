"""Permuted weights: the same spans as by hand, both weights, and no finding where nothing can be trained."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_checkpoint

from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import checkpoints, randomised
from tonespan_utils.instrument import gradient_energy, probes, spans
from tonespan_utils.statistics import classifier
from tonespan_utils.study import random_null

EDGES, OFFSETS = spans.offset_bins(200.0, 20.0)
SETTINGS = random_null.Settings((5, 6), "true", "waveform", 25.0, 0.1, n_resamples=40, level=0.9, seed=0)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr"))


@pytest.fixture(scope="module")
def tokens(glide_corpus):
    return gradient_energy.eligible(glide_corpus, n_tokens=12, min_side_ms=100, seed=0)


def test_it_is_the_span_of_permuted_weights_with_probes_of_their_own(encoder, glide_corpus, tokens):
    probed = glide_corpus.tokens
    table = random_null.spans_of_random(encoder, glide_corpus, probed, tokens, EDGES, SETTINGS)
    assert table["layer"].tolist() == [layer for layer in encoder.layers for _ in range(2)]
    assert table["depth"].tolist()[:4] == [-0.5, -0.5, 0, 0] and (table["n_seeds"] == 2).all()
    train, radii, predicted = (probed["split"] != "test").to_numpy(), {"none": [], "power": []}, []
    for seed in (5, 6):
        other = randomised.permuted(encoder, randomised.parts(encoder), seed=seed)
        hidden = probes.hidden_vectors(other, glide_corpus, probed)["2"]
        probe = classifier.fit(hidden[train], probed["tone"].to_numpy(str)[train], regularisation_c=0.1)
        predicted.append(probe.predict(hidden[~train]))
        measured = gradient_energy.measure(
            other, {"2": probe}, glide_corpus, tokens, EDGES, target="true", wrt="waveform"
        )
        for weight, of_weight in radii.items():
            of_weight.append(spans.center_of_mass_radius(measured.weighted_by(weight).energy["2"], OFFSETS))
    rows = table[table["layer"] == "2"].set_index("weight")
    for weight, of_weight in radii.items():
        assert rows.loc[weight, "span_ms"] == pytest.approx(2 * np.mean(of_weight), rel=1e-5)
        assert rows.loc[weight, "ci_low_ms"] < rows.loc[weight, "span_ms"] < rows.loc[weight, "ci_high_ms"]
    truth = np.tile(probed["tone"].to_numpy(str)[~train], 2)
    confusion = classifier.confusion(truth, np.concatenate(predicted), np.unique(truth))
    assert rows.loc["none", "f1"] == pytest.approx(float(classifier.macro_f1(confusion)))
    assert rows["n_tokens"].tolist() == [12, 12] and (rows["n_test"] == (~train).sum()).all()


def segments_of(corpus: Corpus, n_clips: int) -> Corpus:
    """The first clips of a corpus as ``measure_span`` has them where probes are given: all of them scored."""
    names = {name: f"clip {i}" for i, name in enumerate(corpus.utterances["utterance_id"].iloc[:n_clips])}
    tables = []
    for table in (corpus.utterances, corpus.tokens):
        rows = table[table["utterance_id"].isin(names)]
        tables.append(rows.assign(utterance_id=rows["utterance_id"].map(names), split="test"))
    audio = {clip: corpus.audio(name) for name, clip in names.items()}
    return Corpus(*tables, audio.__getitem__, corpus.rejected)


def test_given_probes_leave_no_token_to_train_on_and_some_groups_are_taken(glide_corpus):
    corpus = segments_of(glide_corpus, 24)
    probed = random_null._with_training(corpus, seed=0)
    assert probed["token_id"].tolist() == corpus.tokens["token_id"].tolist()
    train, test = (set(rows["speaker"]) for _, rows in probed.groupby(probed["split"] == "test"))
    assert train and test and not train & test


@pytest.mark.parametrize("seeds", [(0,), ()], ids=["one clip", "not asked for"])
def test_without_training_tokens_or_seeds_there_is_no_null(encoder, glide_corpus, tokens, seeds):
    corpus = segments_of(glide_corpus, 1) if seeds else glide_corpus
    settings = replace(SETTINGS, seeds=seeds)
    table = random_null.beside_segments(encoder, corpus, tokens, EDGES, settings, layers=["1", "2"], weight="none")
    assert table["layer"].tolist() == ["1", "2"] and table.drop(columns="layer").isna().all(axis=None)
