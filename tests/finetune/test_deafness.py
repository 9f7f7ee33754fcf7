"""What hearing pitch costs: by hand, under padding, in the features of flattened speech, and in a training."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint, make_speech

from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune import deafness, heads, training
from tonespan_utils.finetune.examples import Collate, Example, Speech
from tonespan_utils.instrument import features, resynthesis
from tonespan_utils.params import profile

P = profile.load("demo")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(str(make_checkpoint(tmp_path_factory.mktemp("deaf"), "xlsr-300m")))


def test_the_change_is_squared_distance_over_variance_in_time_of_real_frames():
    rng = np.random.default_rng(0)
    hidden, level = rng.normal(size=(2, 2, 5, 3)), rng.normal(size=(2, 2, 5, 3))  # block, utterance, frame, dimension
    n_frames = [5, 3]
    by_hand = []
    for utterance, n in enumerate(n_frames):
        shares = []
        for block in range(2):
            h, flat = hidden[block, utterance, :n], level[block, utterance, :n]
            shares.append(((h - flat) ** 2).sum() / ((h - h.mean(axis=0)) ** 2).sum())
        by_hand.append(np.mean(shares))
    measured = deafness.change(torch.tensor(hidden), torch.tensor(level), torch.tensor(n_frames))
    np.testing.assert_allclose(measured, by_hand, rtol=1e-12)


def test_a_block_that_is_deaf_costs_nothing_and_unrelated_vectors_two():
    hidden = torch.randn(1, 1, 4000, 2, generator=torch.Generator().manual_seed(0))
    other = torch.randn(1, 1, 4000, 2, generator=torch.Generator().manual_seed(1))
    assert deafness.change(hidden, hidden, torch.tensor([4000])).item() == 0
    assert deafness.change(hidden, other, torch.tensor([4000])).item() == pytest.approx(2, abs=0.1)


def test_nothing_is_learned_through_the_flattened_speech():
    hidden, level = (torch.randn(1, 1, 6, 2).requires_grad_(True) for _ in range(2))
    deafness.change(hidden, level, torch.tensor([6])).sum().backward()
    assert level.grad is None and hidden.grad.abs().sum() > 0


def gliding(f0_hz):
    """A buzz (n,) of ten harmonics with that course of pitch."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / 16_000
    return (0.05 * sum(np.sin(k * phase) for k in range(1, 11))).astype(np.float32)


def test_the_flattened_speech_has_the_median_pitch_throughout(monkeypatch):
    corpus = make_speech(n_utterances=1)
    (name,) = corpus.utterances["utterance_id"]
    glide = gliding(np.linspace(100, 200, 16_000))
    spoken = type(corpus)(corpus.utterances, corpus.tokens, {name: glide}.__getitem__, corpus.rejected)
    monkeypatch.setattr(features, "of_samples", lambda encoder, samples: samples)
    (made,) = deafness.with_level_pitch([Example(name, glide, 0)], None, Speech(spoken, lambda _: None), P.knee)
    tracked = resynthesis.track(made.level_features, floor_hz=75, ceiling_hz=500)
    assert made.level_features.shape == glide.shape and tracked.times_s.size > 80
    np.testing.assert_allclose(12 * np.log2(tracked.hz / 150), 0, atol=0.6)
    assert np.ptp(resynthesis.track(glide, floor_hz=75, ceiling_hz=500).hz) > 80


def made_up(*, level):
    """Examples of noise, whose last four channels are the "pitch", with or without those flattened; and the pairs."""
    rng, examples, pairs = np.random.default_rng(0), [], []
    for i in range(12):
        plain = rng.normal(size=(rng.integers(30, 40), 16)).astype(np.float32)
        flat = plain * (np.arange(16) < 12)
        pairs.append(np.stack([plain, flat]))
        examples.append(Example(f"u{i}", plain, rng.integers(3, 5, size=4), flat if level else None))
    return examples, pairs


def change_after(encoder, work, *, weight):
    """How much the blocks of a recogniser change with the "pitch" after some updates."""
    examples, pairs = made_up(level=weight is not None)
    schedule = P.finetune.model_copy(
        update={"steps": 30, "batch_size": 4, "checkpoint_every": 30, "learning_rate": 3e-3}
    )
    model = heads.build(encoder, "ctc", seed=0, vocab_size=5, pad_token_id=0, ctc_loss_reduction="mean")
    how = {"loss": None, "head_rate": 1.0, "seed": 0, "work": work, "pitch_penalty": weight}
    training.train(model, examples, Collate(encoder), schedule, **how)
    heads.take_features(model)
    changes = []
    for pair in pairs:
        with torch.no_grad():
            both = model.base_model(torch.from_numpy(pair).transpose(1, 2), output_hidden_states=True).hidden_states[1:]
        split = [[block[[row]] for block in both] for row in (0, 1)]
        changes.append(deafness.change(*split, torch.tensor([both[0].shape[1]])).item())
    return np.mean(changes)


def test_who_pays_for_hearing_pitch_hears_it_less(encoder, tmp_path):
    plain = change_after(encoder, tmp_path / "plain", weight=None)
    assert change_after(encoder, tmp_path / "deaf", weight=5.0) < 0.5 * plain
