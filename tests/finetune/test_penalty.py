"""The share of gradient energy beyond a span: against a kernel written down, finite differences, and trainings."""

import numpy as np
import pytest
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune import conditions as finetuned
from tonespan_utils.finetune import heads, penalty, training
from tonespan_utils.finetune.examples import Collate, Example
from tonespan_utils.params import conditions, profile, sections


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def looking(kernel, features):
    """Logits (utterance, frame, class) of a linear model: ``kernel`` (class, channel, offset), odd and centred."""
    return torch.nn.functional.conv1d(features, kernel, padding=kernel.shape[-1] // 2).transpose(1, 2)


@pytest.mark.parametrize("reach", [0, 1, 2.5, 4])
def test_share_of_a_linear_model_is_that_of_its_kernel(reach):
    kernel, features = torch.randn(3, 2, 7, generator=seeded(1)), torch.randn(5, 2, 40, generator=seeded(2))
    features.requires_grad_(True)
    frames, signs = torch.tensor([0, 1, 20, 38, 39]), torch.tensor([[1, 1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, -1]] * 2)
    measured = penalty.share_beyond(looking(kernel, features), features, frames, signs[:5], reach_frames=reach)
    for frame, v, share in zip(frames.tolist(), signs.float(), measured.tolist(), strict=False):
        energy = torch.einsum("k,kcd->cd", v, kernel).square().sum(dim=0).numpy()
        offsets = np.arange(-3, 4)
        audio = (frame + offsets >= 0) & (frame + offsets < 40)
        assert share == pytest.approx(energy[audio & (np.abs(offsets) > reach)].sum() / energy[audio].sum(), rel=1e-4)


def test_random_signs_give_the_energy_of_the_whole_jacobian():
    kernel, features = torch.randn(3, 2, 7, generator=seeded(1)), torch.randn(1, 2, 40, generator=seeded(2))
    features = features.repeat(4000, 1, 1).requires_grad_(True)
    frames, signs = penalty.draw(torch.full((4000,), 40), 3, seeded())
    at = looking(kernel, features)[torch.arange(4000), torch.full((4000,), 20)]
    (gradient,) = torch.autograd.grad((signs * at).sum(), features)
    energy = gradient.square().sum(dim=1).mean(dim=0)[17:24]
    whole = kernel.square().sum(dim=(0, 1))
    assert energy.numpy() == pytest.approx(whole.numpy(), rel=0.1)
    assert frames.min() == 0 and frames.max() == 39 and set(signs.unique().tolist()) == {-1, 1}


def test_frames_are_drawn_from_each_utterance_alone():
    frames, _ = penalty.draw(torch.tensor([1, 5, 50] * 500), 2, seeded())
    assert [int(frames[i::3].max()) for i in range(3)] == [0, 4, 49]


def test_its_own_gradient_is_that_of_finite_differences():
    kernel = torch.randn(3, 2, 7, generator=seeded(1), dtype=torch.float64, requires_grad=True)
    features = torch.randn(4, 2, 20, generator=seeded(2), dtype=torch.float64, requires_grad=True)
    frames, signs = penalty.draw(torch.full((4,), 20), 3, seeded())

    def share(weights):
        logits = torch.tanh(looking(weights, features))
        return penalty.share_beyond(logits, features, frames, signs, reach_frames=1)

    assert torch.autograd.gradcheck(share, (kernel,), eps=1e-6)


def test_a_model_that_looks_nowhere_pays_nothing():
    features = torch.randn(2, 3, 10, requires_grad=True)
    frames, signs = penalty.draw(torch.tensor([10, 10]), 3, seeded())
    assert penalty.share_beyond(0 * features.transpose(1, 2), features, frames, signs, reach_frames=0).tolist() == [
        0,
        0,
    ]


STILL = {
    "hidden_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "feat_proj_dropout": 0.0,
    "layerdrop": 0.0, "apply_spec_augment": False,
}  # fmt: skip
PAID = sections.SpanPenalty(weight=5.0, span_ms=80.0)
REWARDED = PAID.model_copy(update={"weight": -PAID.weight})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("xlsr"), "xlsr", **STILL))


def shares(model, encoder, parts, *, reach_frames):
    """The share of each utterance (frame, channel) at a frame of its own, of a model that takes features."""
    batch = Collate(encoder)([{"features": part, "target": np.array([1])} for part in parts])
    features = batch["input_values"].requires_grad_(True)
    with penalty.differentiable_attention():
        logits = model(features, attention_mask=batch["attention_mask"]).logits
    frames = torch.tensor([len(part) // 2 for part in parts])
    signs = torch.tensor([[1, -1] * 8])[:, : logits.shape[-1]].repeat(len(parts), 1)
    return penalty.share_beyond(logits, features, frames, signs, reach_frames=reach_frames).tolist()


def test_padding_changes_no_share(encoder):
    model = heads.build(encoder, "ctc", seed=0, vocab_size=6, pad_token_id=0).eval()
    heads.take_features(model)
    parts = [np.random.default_rng(i).normal(size=(n, 16)).astype(np.float32) for i, n in enumerate((30, 18))]
    together = shares(model, encoder, parts, reach_frames=3)
    assert all(0 < share < 1 for share in together)
    assert together[1] == pytest.approx(shares(model, encoder, parts[1:], reach_frames=3)[0], rel=1e-3)


def tuned(encoder, work, *, paid, **changes):
    """A recogniser of two letters after some updates, and its loss curve."""
    rng = np.random.default_rng(0)
    examples = [
        Example(f"u{i}", rng.normal(size=(rng.integers(30, 40), 16)).astype(np.float32), rng.integers(3, 5, size=4))
        for i in range(16)
    ]
    base = profile.load("demo").finetune
    schedule = base.model_copy(
        update={"steps": 40, "batch_size": 4, "checkpoint_every": 40, "learning_rate": 3e-3} | changes
    )
    model = heads.build(encoder, "ctc", seed=0, vocab_size=5, pad_token_id=0, ctc_loss_reduction="mean")
    options = {"loss": None, "head_rate": 1.0, "seed": 0, "work": work}
    curve = training.train(model, examples, Collate(encoder), schedule, **options, penalty=paid)
    return model, curve, [example.features for example in examples]


def test_what_is_paid_for_is_looked_at_less_and_what_is_rewarded_more(encoder, tmp_path):
    measured = {}
    for name, paid in (("plain", None), ("narrow", PAID), ("wide", REWARDED)):
        model, curve, parts = tuned(encoder, tmp_path / name, paid=paid)
        heads.take_features(model)
        measured[name] = np.mean(shares(model, encoder, parts, reach_frames=2))  # 80 ms: two frames either side
        assert np.isfinite([row["loss"] for row in curve]).all()
    assert measured["narrow"] < 0.5 * measured["plain"]
    assert measured["wide"] > 1.1 * measured["plain"], "a reward is the penalty with its sign turned"


def test_a_killed_training_draws_what_it_would_have_drawn(encoder, tmp_path, monkeypatch):
    whole, *_ = tuned(encoder, tmp_path / "whole", paid=PAID, steps=6, checkpoint_every=2)

    class Killed(BaseException):
        pass

    class Kill(training._Progress):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 5:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training, "_Progress", Kill)
        with pytest.raises(Killed):
            tuned(encoder, tmp_path / "broken", paid=PAID, steps=6, checkpoint_every=2)
    again, *_ = tuned(encoder, tmp_path / "broken", paid=PAID, steps=6, checkpoint_every=2)
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in whole.state_dict().items())
    other = training._identity(whole, [], profile.load("demo").finetune, 1.0, 0, PAID)
    assert other != training._identity(whole, [], profile.load("demo").finetune, 1.0, 0, None)


def test_which_condition_pays_and_which_is_paid():
    params = profile.load("demo")
    weights = {
        name: paid and paid.weight
        for name in ("mini/asr-th", "mini/narrow_asr-th", "mini/wide_asr-th")
        for paid in [finetuned._penalty(params.finetune.span_penalty, conditions.parse(name))]
    }
    weight = params.finetune.span_penalty.weight
    assert list(weights.values()) == [None, weight, -weight]
    assert params.seeds("mini/wide_asr-th") == params.finetune.control_seeds
