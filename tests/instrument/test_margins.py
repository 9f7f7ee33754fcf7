"""Versions and their margins against the model on each clip alone; the cache serves all that share a front end."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import make_checkpoint, make_tokens
from gradient_parts import random_probes
from phonation import syllable

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import features, margins, pitch_versions, resynthesis
from tonespan_utils.params.knee import Knee
from tonespan_utils.statistics.classifier import LinearClassifier

CLASSES = ("fall", "rise", "level")
KNEE = Knee(
    half_widths_ms=[20.0, 40.0, 60.0, 90.0, 130.0], n_tokens=9, context_ms=300.0, method="overlap_add", floor_hz=75.0,
    ceiling_hz=400.0,
)  # fmt: skip


def voices(phonations):
    """A corpus of a syllable an utterance, each in one of ``phonations``; centres are the middles of the vowels."""
    tokens = make_tokens(n_utterances=len(phonations), per_utterance=1).assign(split="test")
    spoken = [
        syllable(phonation=phonation, contour="falling", onset="m", coda="n", seed=10 + number)
        for number, phonation in enumerate(phonations)
    ]
    silence = np.zeros(round(0.3 * SAMPLE_RATE))
    audio = {
        name: np.concatenate([silence, each.samples, silence]).astype(np.float32)
        for name, each in zip(tokens["utterance_id"], spoken, strict=True)
    }
    tokens["center_s"] = [0.3 + (each.start_s + each.end_s) / 2 for each in spoken]
    utterances = tokens.assign(text="", n_samples=tokens["utterance_id"].map(lambda name: audio[name].size))
    return Corpus(utterances, tokens, audio.__getitem__, pd.DataFrame(columns=["item", "reason"]))


@pytest.fixture(scope="module", params=["xlsr", "hubert"])
def encoder(request, tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), request.param))


@pytest.fixture(scope="module")
def probes(encoder):
    return random_probes(encoder, ["cnn", "0", "2"], CLASSES)


@pytest.fixture(scope="module")
def corpus():
    return voices(["modal"] * 4)


@pytest.fixture(scope="module")
def tokens(corpus):
    return corpus.tokens


def test_margins_are_the_model_on_every_clip_alone(encoder, probes, corpus, tokens):
    versions = pitch_versions.of_corpus(encoder, corpus, tokens, KNEE)
    measured = margins.measure(encoder, probes, versions)
    assert versions.left_out.empty and measured.tokens["token_id"].tolist() == tokens["token_id"].tolist()
    kinds = [(np.inf, "inside"), (0.0, "inside")]
    kinds += [(width, side) for side in ("inside", "outside") for width in KNEE.half_widths_ms]
    for row, token in enumerate(tokens.itertuples()):
        samples = corpus.audio(token.utterance_id)
        tracked = resynthesis.track(samples, floor_hz=75.0, ceiling_hz=400.0)
        start = max(0, int((token.center_s - 0.3) * SAMPLE_RATE) // 320 * 320)
        clip = samples[start : min(samples.size, start + 2 * 4800 + 400)]
        center_s = token.center_s - start / SAMPLE_RATE
        part = tracked.part(start / SAMPLE_RATE, (start + clip.size) / SAMPLE_RATE)
        speak = resynthesis.resynthesiser(clip, part, floor_hz=75.0, ceiling_hz=400.0)
        for column, (width, side) in enumerate(kinds):
            hidden = encoder.hidden_at(speak(center_s, width, side), [center_s])
            for layer, probe in probes.items():
                logits = dict(zip(CLASSES, probe.weight @ hidden[layer][0] + probe.bias, strict=True))
                expected = logits[token.tone] - np.mean([v for tone, v in logits.items() if tone != token.tone])
                assert measured.by_layer[layer][row, column] == pytest.approx(expected, abs=2e-3), (layer, width, side)
    n = len(KNEE.half_widths_ms)
    assert np.array_equal(measured.keep("2"), measured.by_layer["2"][:, 2 : 2 + n])
    assert np.array_equal(measured.flatten("2"), measured.by_layer["2"][:, 2 + n :])
    assert np.array_equal(measured.whole("2"), measured.by_layer["2"][:, 0])
    assert np.array_equal(measured.level("2"), measured.by_layer["2"][:, 1])


def test_one_cache_serves_all_that_share_a_front_end(encoder, probes, corpus, tokens, tmp_path, monkeypatch):
    first = pitch_versions.of_corpus(encoder, corpus, tokens, KNEE, cache_dir=tmp_path)
    in_memory = pitch_versions.of_corpus(encoder, corpus, tokens, KNEE)
    assert np.array_equal(first.stored, in_memory.stored)
    monkeypatch.setattr(resynthesis, "resynthesiser", lambda *a, **k: pytest.fail("made again"))
    tuned = dataclasses.replace(encoder, name="tuned")
    with torch.no_grad():
        tuned.model.encoder.layers[0].final_layer_norm.weight += 0.5  # as fine-tuning does: not in the front end
    again = pitch_versions.of_corpus(tuned, corpus, tokens, KNEE, cache_dir=tmp_path)
    assert np.array_equal(first.stored, again.stored) and first.tokens.equals(again.tokens)
    with torch.no_grad():
        tuned.model.encoder.layers[0].final_layer_norm.weight -= 0.5


def test_a_missing_file_is_made_again_and_a_damaged_one_is_named(encoder, corpus, tokens, tmp_path):
    first = pitch_versions.of_corpus(encoder, corpus, tokens.head(1), KNEE, cache_dir=tmp_path)
    (path,) = tmp_path.rglob("cnn.npy")
    expected = np.array(first.stored)
    path.unlink()
    again = pitch_versions.of_corpus(encoder, corpus, tokens.head(1), KNEE, cache_dir=tmp_path)
    assert np.array_equal(again.stored, expected)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TonespanError, match="damaged") as raised:
        pitch_versions.of_corpus(encoder, corpus, tokens.head(1), KNEE, cache_dir=tmp_path)
    assert "\n" not in str(raised.value) and str(path.parent) in str(raised.value)


def test_other_weights_audio_tokens_or_settings_are_made_anew(corpus, tokens, tmp_path):
    encoder = checkpoints.load(make_checkpoint(tmp_path / "a", "xlsr"))
    other = checkpoints.load(make_checkpoint(tmp_path / "b", "xlsr", seed=1))
    assert features.front_end_identity(encoder) != features.front_end_identity(other)
    louder = dataclasses.replace(corpus, audio=lambda name: 2 * corpus.audio(name))
    made = {
        "plain": (encoder, corpus, tokens, KNEE),
        "weights": (other, corpus, tokens, KNEE),
        "audio": (encoder, louder, tokens, KNEE),
        "tokens": (encoder, corpus, tokens.head(3), KNEE),
        "settings": (encoder, corpus, tokens, KNEE.model_copy(update={"method": "level_restored"})),
    }
    folders = set()
    for arguments in made.values():
        pitch_versions.of_corpus(*arguments, cache_dir=tmp_path / "cache")
        folders |= {path.parent.relative_to(tmp_path) for path in (tmp_path / "cache").rglob("cnn.npy")}
    assert len(folders) == len(made)


def test_creaky_tokens_are_left_out_and_listed(encoder, probes):
    phonations = ["modal", "creaky middle", "modal", "creaky middle", "modal", "creaky"]
    corpus = voices(phonations)
    versions = pitch_versions.of_corpus(encoder, corpus, corpus.tokens, KNEE)
    creaky = [name for name, kind in zip(corpus.tokens["token_id"], phonations, strict=True) if kind != "modal"]
    assert versions.left_out["token_id"].tolist() == creaky
    assert set(versions.left_out["reason"]) <= {pitch_versions.UNTRACKED, pitch_versions.UNALTERED}
    assert margins.measure(encoder, probes, versions).by_layer["2"].shape == (3, 12)


def test_a_corpus_without_any_usable_voice_gives_no_margins(encoder, probes):
    corpus = voices(["creaky middle"] * 2)
    versions = pitch_versions.of_corpus(encoder, corpus, corpus.tokens, KNEE)
    assert len(versions.left_out) == 2 and margins.measure(encoder, probes, versions).by_layer["0"].shape == (0, 12)


def test_what_cannot_be_read_is_refused_in_one_line(encoder, probes, corpus, tokens):
    versions = pitch_versions.of_corpus(encoder, corpus, tokens.head(1), KNEE)
    strange = dataclasses.replace(versions, tokens=versions.tokens.assign(tone="dip"))
    with pytest.raises(TonespanError, match="not dip"):
        margins.measure(encoder, probes, strange)
    broken = {"2": LinearClassifier(CLASSES, np.full((3, 32), np.nan), np.zeros(3))}
    with pytest.raises(TonespanError, match="layer 2 holds NaN"):
        margins.measure(encoder, broken, versions)
