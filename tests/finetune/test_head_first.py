"""A CTC head that learns alone: it moves and nothing else does, by the model's own loss."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune import head_first, heads
from tonespan_utils.finetune.examples import Collate, Example

LETTERS = 5  # the first is blank


@pytest.fixture(scope="module", params=["xlsr", "mhubert-147"])
def encoder(request, tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), request.param))


@pytest.fixture(scope="module")
def examples(encoder):
    """Noise in which each letter is a direction of its own, two frames long."""
    rng, width = np.random.default_rng(0), encoder.model.config.conv_dim[-1]
    signs = rng.normal(0, 3, (LETTERS, width))
    made = []
    for i in range(12):
        target = rng.integers(1, LETTERS, size=4 + i % 3)
        features = rng.normal(0, 0.1, (5 * len(target) + 5, width))
        for j, letter in enumerate(target):
            features[5 * j + 2 : 5 * j + 4] += signs[letter]
        made.append(Example(f"u{i}", features.astype(np.float32), target))
    return made


def model_of(encoder, seed=0):
    return heads.build(
        encoder, "ctc", seed=seed, vocab_size=LETTERS, pad_token_id=0, ctc_loss_reduction="mean", final_dropout=0.0
    )


def own_loss(model, encoder, examples):
    heads.take_features(model.eval())
    with torch.no_grad():
        loss = model(**Collate(encoder)([example.as_item() for example in examples])).loss
    heads.take_waveforms(model)
    return float(loss)


def taught(encoder, examples, **changes):
    model = model_of(encoder)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    head_first.teach(model, examples, Collate(encoder), **{"steps": 60, "rate": 0.05, "seed": 3} | changes)
    return model, before


def test_the_head_learns_and_the_encoder_stays(encoder, examples):
    model, before = taught(encoder, examples)
    moved = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved == {"lm_head.weight", "lm_head.bias"}
    assert own_loss(model, encoder, examples) < 0.7 * own_loss(model_of(encoder), encoder, examples)
    assert all(weight.grad is None for name, weight in model.named_parameters() if not name.startswith("lm_head"))


def test_its_loss_is_the_model_s_own(encoder, examples):
    model, collate = model_of(encoder), Collate(encoder)
    if encoder.model.config.feat_extract_norm == "group":  # padding changes such an encoder's frames
        examples = [example for example in examples if len(example.target) == 5]
    hidden = [torch.from_numpy(example) for example in head_first._hidden(model, examples, collate)]
    loss = head_first._ctc(model.lm_head, hidden, [example.target for example in examples], model)
    assert loss.item() == pytest.approx(own_loss(model, encoder, examples), rel=1e-5)


def test_the_seed_decides(encoder, examples):
    first, again, other = (taught(encoder, examples, steps=3, seed=seed)[0].lm_head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_rate_rises_to_its_peak_and_falls(encoder, examples, monkeypatch):
    rates, step = [], torch.optim.AdamW.step

    def noted(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    taught(encoder, examples, steps=10, rate=1.0)
    assert rates == pytest.approx([0.5, 0.9, *np.arange(8, 0, -1) / 10])


def test_no_steps_change_nothing(encoder, examples):
    model, before = taught(encoder, examples, steps=0)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_no_more_is_held_in_memory_than_wanted(encoder, examples, monkeypatch):
    monkeypatch.setattr(head_first, "POOL", 5)
    pooled = []
    monkeypatch.setattr(head_first, "_hidden", lambda model, pool, collate: pooled.extend(pool) or [
        np.zeros((40, model.config.hidden_size), np.float32) for _ in pool
    ])  # fmt: skip
    taught(encoder, examples, steps=2)
    assert len({example.utterance_id for example in pooled}) == 5
