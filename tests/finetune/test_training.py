"""Updates against a plain loop; kills, losses that break and checkpoints cut short change no weight."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from tonespan_utils.encoders import checkpoints
from tonespan_utils.errors import TonespanError
from tonespan_utils.finetune import heads, training
from tonespan_utils.finetune.examples import Collate, Example
from tonespan_utils.params import profile, sections

HEAD_RATE = 3.0
STILL = {
    "hidden_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "feat_proj_dropout": 0.0,
    "layerdrop": 0.0, "apply_spec_augment": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """With dropout, layer drop and masking, whose random numbers a resumed training has to meet again."""
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr", mask_time_prob=0.3))


@pytest.fixture(scope="module")
def examples():
    rng, cue = np.random.default_rng(0), np.arange(16) < 8
    parts = [rng.normal(size=(rng.integers(11, 16), 16)) + 2 * cue * (i % 2) for i in range(22)]
    return [Example(f"u{i}", part.astype(np.float32), i % 2) for i, part in enumerate(parts)]


def schedule(**changes) -> sections.Finetune:
    base = profile.load("demo").finetune
    return base.model_copy(update={"steps": 6, "batch_size": 4, "checkpoint_every": 2} | changes)


def tuned(encoder, examples, work: Path, *, seed=0, loss=None, **changes):
    """Weights and curve after a training of a fresh model."""
    model = heads.build(encoder, "classification", seed=0, num_labels=2)
    curve = training.train(
        model, examples, Collate(encoder), schedule(**changes), loss=loss, head_rate=HEAD_RATE, seed=seed, work=work
    )  # fmt: skip
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}, curve


@pytest.fixture(scope="module")
def unbroken(encoder, examples, tmp_path_factory):
    return tuned(encoder, examples, tmp_path_factory.mktemp("unbroken"))[0]


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class Killed(BaseException):
    """Nothing catches it, like a kill."""


def kill_at(monkeypatch, step: int):
    class Kill(training._Progress):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == step:
                raise Killed

    monkeypatch.setattr(training, "_Progress", Kill)


def broken_off(encoder, examples, work, monkeypatch, *, step=5, **changes):
    """A training killed after ``step`` updates; its checkpoints lie in ``work``."""
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        with pytest.raises(Killed):
            tuned(encoder, examples, work, **changes)
    return sorted(path.name for path in work.glob("checkpoint-*"))


@pytest.fixture(scope="module")
def broken(encoder, examples, tmp_path_factory):
    """Where a training was killed after five updates: its checkpoints of the second and the fourth."""
    work = tmp_path_factory.mktemp("broken")
    with pytest.MonkeyPatch.context() as patch:
        assert broken_off(encoder, examples, work, patch) == ["checkpoint-2", "checkpoint-4"]
    return work


@pytest.fixture
def work(broken, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(broken, tmp_path / "work"))


# ---------------------------------------------------------------- updates


def decayed(model):
    """Weights that AdamW shrinks: no bias, no norm; and all others."""
    norms = {f"{name}.weight" for name, part in model.named_modules() if isinstance(part, torch.nn.LayerNorm)}
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    plain = {name for name, _ in named if name in norms or name.endswith("bias")}
    return [weight for name, weight in named if name not in plain], [weight for name, weight in named if name in plain]


def test_training_equals_a_plain_loop(tmp_path, examples):
    """AdamW by hand over the same batches, rising for 2 of 6 steps and falling to 0, gradients clipped at norm 1."""
    encoder = checkpoints.load(make_checkpoint(tmp_path / "still", "xlsr", **STILL))
    weights, _ = tuned(encoder, examples, tmp_path / "work", warmup_share=1 / 3, learning_rate=1e-2)
    model = heads.build(encoder, "classification", seed=0, num_labels=2).train()
    heads.take_features(model)
    shrunk, others = decayed(model)
    head = {id(weight) for name, weight in model.named_parameters() if not name.startswith("wav2vec2.")}
    groups = [
        {
            "params": [weight for weight in part if (id(weight) in head) == is_head],
            "weight_decay": decay,
            "head": is_head,
        }
        for part, decay in ((shrunk, 0.01), (others, 0))
        for is_head in (False, True)
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    order = training.batches([len(example.features) for example in examples], 6, 4, seed=0).reshape(6, 4)
    for step, rows in enumerate(order):
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * (step / 2 if step < 2 else (6 - step) / 4) * (HEAD_RATE if group["head"] else 1)
        batch = Collate(encoder)([examples[row].as_item() for row in rows])
        logits = model(batch["input_values"], attention_mask=batch["attention_mask"]).logits
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits, batch["labels"]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    heads.take_waveforms(model)
    start = encoder.model.state_dict()
    moved = 0
    for name, weight in model.state_dict().items():
        assert torch.allclose(weights[name], weight, atol=1e-5), name
        inside = name.removeprefix("wav2vec2.")
        moved += inside in start and not torch.allclose(weights[name], start[inside], atol=1e-3)
    assert moved > 10, "the loop went somewhere"


def test_the_learning_rate_rises_and_falls_linearly(encoder, examples, tmp_path, monkeypatch):
    seen = []

    class Watch(training._Progress):
        def on_step_begin(self, args, state, control, optimizer=None, **kwargs):
            seen.append(optimizer.param_groups[0]["lr"])

    monkeypatch.setattr(training, "_Progress", Watch)
    tuned(encoder, examples, tmp_path, steps=10, warmup_share=0.4, learning_rate=0.5)
    assert seen == pytest.approx([0, 0.125, 0.25, 0.375, 0.5, 5 / 12, 4 / 12, 3 / 12, 2 / 12, 1 / 12])


def test_the_front_end_stays_and_everything_above_it_moves(encoder, unbroken):
    start = {f"wav2vec2.{name}": weight for name, weight in encoder.model.state_dict().items()}
    for name, weight in start.items():
        if "feature_extractor" in name:
            assert torch.equal(unbroken[name], weight), name
    moved = {name for name in start if not torch.equal(unbroken[name], start[name])}
    assert {name for name in start if ".layers." in name and "k_proj.bias" not in name} <= moved


def test_the_curve_holds_the_mean_loss_of_its_steps(encoder, examples, tmp_path, monkeypatch):
    losses = []

    def loss(outputs, labels, num_items_in_batch=None):
        result = torch.nn.functional.cross_entropy(outputs.logits, labels)
        losses.append(float(result.detach()))
        return result

    monkeypatch.setattr(training, "CURVE_STEPS", 2)
    _, curve = tuned(encoder, examples, tmp_path, loss=loss)
    assert [row["step"] for row in curve] == [2, 4, 6]
    assert [row["loss"] for row in curve] == pytest.approx(np.reshape(losses, (3, 2)).mean(axis=1), abs=1e-4)
    assert training.final_loss(curve) == curve[-1]["loss"] and np.isnan(training.final_loss([]))
    assert training.final_loss([{"loss": float(i)} for i in range(40)]) == np.mean([36, 37, 38, 39])


def test_a_training_shorter_than_a_point_of_the_curve_still_has_one(encoder, examples, tmp_path):
    _, curve = tuned(encoder, examples, tmp_path)
    assert [row["step"] for row in curve] == [6]


def test_what_can_be_heard_is_learned(tmp_path, examples):
    encoder = checkpoints.load(make_checkpoint(tmp_path / "still", "xlsr", **STILL))
    _, curve = tuned(encoder, examples, tmp_path / "work", steps=30, checkpoint_every=30, learning_rate=0.01)
    assert curve[-1]["loss"] < 0.3 * curve[0]["loss"]


def test_clips_shorter_than_a_mask_can_be_learned_from(encoder, tmp_path):
    rng = np.random.default_rng(0)
    short = [Example(f"u{i}", rng.normal(size=(4 + i % 3, 16)).astype(np.float32), i % 2) for i in range(8)]
    weights, _ = tuned(encoder, short, tmp_path, steps=2)
    assert all(torch.isfinite(weight).all() for weight in weights.values())


# ---------------------------------------------------------------- chance


def test_the_seed_decides(encoder, examples, tmp_path, unbroken):
    assert same(tuned(encoder, examples, tmp_path / "again")[0], unbroken)
    assert not same(tuned(encoder, examples, tmp_path / "other", seed=1)[0], unbroken)


@settings(deadline=None)
@given(n=st.integers(1, 60), batch_size=st.integers(1, 9), epochs=st.integers(1, 3), seed=st.integers(0, 5))
def test_every_example_comes_once_an_epoch(n, batch_size, epochs, seed):
    lengths = np.random.default_rng(seed).integers(5, 50, size=n)
    steps = n * epochs  # so that whole batches fill whole epochs
    order = training.batches(lengths, steps, batch_size, seed=seed)
    assert order.shape == (steps * batch_size,)
    assert set(Counter(order.tolist()).values()) == {epochs * batch_size}, "all equally often"
    assert np.array_equal(order, training.batches(lengths, steps, batch_size, seed=seed))


def test_where_batches_fill_an_epoch_nothing_comes_twice_in_it():
    lengths = np.random.default_rng(0).integers(5, 50, size=48)
    order = training.batches(lengths, 12, 8, seed=3).reshape(2, 48)
    assert all(sorted(epoch) == list(range(48)) for epoch in order.tolist())
    assert not np.array_equal(order, training.batches(lengths, 12, 8, seed=4).reshape(2, 48))


def test_utterances_of_like_length_share_a_batch():
    lengths = np.random.default_rng(0).integers(50, 1000, size=640)
    order = training.batches(lengths, 80, 8, seed=0).reshape(80, 8)
    sorted_ = np.ptp(lengths[order], axis=1).mean()
    shuffled = np.ptp(lengths[np.random.default_rng(1).permutation(640)].reshape(80, 8), axis=1).mean()
    assert sorted_ < shuffled / 3


# ---------------------------------------------------------------- kills and breaks


def test_a_killed_training_goes_on_to_the_same_weights(encoder, examples, work, unbroken, monkeypatch):
    steps = []

    class Watch(training._Progress):
        def on_step_end(self, args, state, control, **kwargs):
            steps.append(state.global_step)

    monkeypatch.setattr(training, "_Progress", Watch)
    assert same(tuned(encoder, examples, work)[0], unbroken) and steps == [5, 6]


def test_a_training_killed_after_its_last_update_is_not_done_again(encoder, examples, tmp_path, unbroken, monkeypatch):
    tuned(encoder, examples, tmp_path)
    kill_at(monkeypatch, 1)
    assert same(tuned(encoder, examples, tmp_path)[0], unbroken)


@pytest.mark.parametrize("harm", ["missing", "half"])
def test_a_checkpoint_cut_short_is_not_used(encoder, examples, work, unbroken, harm):
    state = work / "checkpoint-4" / "trainer_state.json"
    if harm == "missing":
        state.unlink()
    else:
        state.write_text(state.read_text()[:100])
    assert same(tuned(encoder, examples, work)[0], unbroken)


def test_where_no_checkpoint_is_whole_it_starts_again(encoder, examples, work, unbroken):
    states = list(work.glob("checkpoint-*/trainer_state.json"))
    for state in states:
        state.unlink()
    assert len(states) == 2 and same(tuned(encoder, examples, work)[0], unbroken)


@pytest.mark.parametrize("what", ["learning rate", "speech", "labels", "start"])
def test_checkpoints_of_another_training_are_not_taken_up(encoder, examples, tmp_path, unbroken, monkeypatch, what):
    changes, utterances, start = {}, examples, encoder
    if what == "learning rate":
        changes = {"learning_rate": 0.02}
    elif what == "start":
        start = checkpoints.load(make_checkpoint(tmp_path / "start", "xlsr", seed=9))
    else:
        first = examples[0]
        first = Example(first.utterance_id, first.features + (what == "speech"), first.target ^ (what == "labels"))
        utterances = [first, *examples[1:]]
    broken_off(start, utterances, tmp_path / "work", monkeypatch, **changes)
    assert same(tuned(encoder, examples, tmp_path / "work")[0], unbroken)


def test_how_often_checkpoints_are_written_changes_nothing(encoder, examples, work, unbroken):
    assert same(tuned(encoder, examples, work, checkpoint_every=5)[0], unbroken)


def breaking_at(step, value):
    calls = []

    def loss(outputs, labels, num_items_in_batch=None):
        calls.append(1)
        loss = torch.nn.functional.cross_entropy(outputs.logits, labels)
        return loss * value if len(calls) == step else loss

    return loss


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_and_the_named_checkpoint_is_good(encoder, examples, tmp_path, value, unbroken):
    with pytest.raises(TonespanError, match=r"at step 5; the last good checkpoint is .*") as error:
        tuned(encoder, examples, tmp_path, loss=breaking_at(6, value))
    assert "\n" not in str(error.value) and "lower finetune.learning_rate" in str(error.value)
    named = Path(str(error.value).split("checkpoint is ")[1].split(";")[0])
    assert named == tmp_path / "checkpoint-4"
    assert json.loads((named / "trainer_state.json").read_text())["global_step"] == 4
    assert same(tuned(encoder, examples, tmp_path)[0], unbroken), "from there on it is the same training"


def test_a_loss_that_is_never_finite_says_that_there_is_no_checkpoint(encoder, examples, tmp_path):
    with pytest.raises(TonespanError, match="at step 0; no checkpoint had been reached"):
        tuned(encoder, examples, tmp_path, loss=breaking_at(1, np.nan))


def test_a_break_leaves_the_model_with_its_front_end(encoder, examples, tmp_path):
    model = heads.build(encoder, "classification", seed=0, num_labels=2)
    keys = list(model.state_dict())
    with pytest.raises(TonespanError):
        training.train(
            model, examples, Collate(encoder), schedule(), loss=breaking_at(1, np.nan), head_rate=1.0, seed=0,
            work=tmp_path,
        )  # fmt: skip
    assert list(model.state_dict()) == keys


# ---------------------------------------------------------------- prediction


@pytest.mark.parametrize(("kind", "ndim"), [("frames", 2), ("classification", 1)])
def test_predictions_are_those_of_each_example_alone_in_order(encoder, examples, kind, ndim):
    model = heads.build(encoder, kind, seed=0, num_labels=2).train()
    keys, collate = list(model.state_dict()), Collate(encoder)
    together = training.predict(model, examples, collate, lambda outputs: outputs.logits, batch_size=5)
    assert not model.training and list(model.state_dict()) == keys
    heads.take_features(model)
    for example, predicted in zip(examples, together, strict=True):
        batch = collate([example.as_item()])
        with torch.no_grad():
            alone = model(batch["input_values"], attention_mask=batch["attention_mask"]).logits[0].numpy()
        assert predicted.ndim == ndim and predicted.shape == alone.shape and np.allclose(predicted, alone, atol=1e-5)
