"""Probes find what was put in, the control task does not, and they survive the disk."""

import numpy as np
import pytest
from conftest import make_checkpoint, make_tokens

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import probes

SETTINGS = {"regularisation_c": 0.1, "control_seeds": [0, 1], "n_resamples": 200, "level": 0.95, "seed": 0}


def test_a_layer_that_holds_tone_is_found_and_noise_is_not():
    tokens = make_tokens(n_utterances=80)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(tokens), 8))
    tonal = noise.copy()
    tonal[:, 3] += 4.0 * (tokens["tone"] == "rise")
    result = probes.probe_layer(tonal, tokens, **SETTINGS)
    assert result.macro_f1 > 0.9 and result.ci_low <= result.macro_f1 <= result.ci_high
    assert result.selectivity > 0.2 and result.n_train + result.n_test == len(tokens)
    nothing = probes.probe_layer(noise, tokens, **SETTINGS)
    assert abs(nothing.macro_f1 - nothing.chance_f1) < 0.2


def test_control_gives_one_tone_per_syllable_type():
    tokens = make_tokens(n_utterances=60)
    labels = probes.control_labels(tokens, seed=5)
    assert tokens.assign(label=labels).groupby("ipa")["label"].nunique().max() == 1
    assert set(labels) <= set(tokens["tone"])
    assert (labels == probes.control_labels(tokens, seed=5)).all()
    draws = {tuple(probes.control_labels(tokens, seed=s)) for s in range(20)}
    assert len(draws) > 1


def test_memorised_syllables_show_in_the_control():
    tokens = make_tokens(n_utterances=120)
    one_hot = (tokens["ipa"].to_numpy()[:, None] == np.unique(tokens["ipa"])).astype(float)
    result = probes.probe_layer(one_hot, tokens, **SETTINGS | {"control_seeds": [0, 1, 2, 3]})
    assert result.control_f1 > 0.9 and result.selectivity < 0


def test_hidden_vectors_follow_the_rows_of_tokens(tmp_path, glide_corpus):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    tokens = glide_corpus.tokens.sample(frac=1, random_state=0)
    vectors = probes.hidden_vectors(encoder, glide_corpus, tokens)
    assert list(vectors) == encoder.layers
    n_samples = glide_corpus.utterances["n_samples"]
    assert n_samples.nunique() < len(n_samples)  # some go up together
    for row, token in enumerate(tokens.itertuples()):
        alone = encoder.hidden_at(glide_corpus.audio(token.utterance_id), [token.center_s])
        assert all(np.allclose(vectors[layer][row], alone[layer][0], atol=1e-6) for layer in encoder.layers)


def test_a_centre_outside_the_audio_names_the_utterance(tmp_path, glide_corpus):
    encoder = checkpoints.load(make_checkpoint(tmp_path, "wav2vec2"))
    tokens = glide_corpus.tokens.head(1).assign(center_s=99.0)
    with pytest.raises(TonespanError, match="utterance u0: tone centre 99"):
        probes.hidden_vectors(encoder, glide_corpus, tokens)


def test_probes_come_back_from_disk(tmp_path):
    tokens = make_tokens()
    vectors = np.random.default_rng(0).normal(size=(len(tokens), 5))
    probe = probes.probe_layer(vectors, tokens, **SETTINGS).probe
    path = probes.path(tmp_path, "mini/asr-th", "th", seed=0)
    probes.save_probes({"cnn": probe, "0": probe}, path)
    loaded = probes.load_probes(path)
    assert list(loaded) == ["cnn", "0"] and loaded["0"].classes == probe.classes
    assert np.array_equal(loaded["cnn"].logits(vectors), probe.logits(vectors))


def test_a_single_utterance_has_no_interval_and_chance_depends_on_no_seed():
    tone = np.array(list("aabbababaabb"))
    scored = [
        probes.score_answers(tone, tone[::-1], np.zeros(tone.size), n_resamples=20, level=0.9, seed=seed)
        for seed in (0, 1)
    ]
    assert np.isnan([scored[0].ci_low, scored[0].ci_high, scored[0].above_chance_low]).all()
    assert scored[0].chance_f1 == scored[1].chance_f1 == pytest.approx(0.5)
