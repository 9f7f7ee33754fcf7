"""Batches, clips and shuffled targets: nothing is lost on the way, and the control changes labels alone."""

from collections import Counter

import numpy as np
import pytest
import torch
from conftest import make_checkpoint, make_speech
from hypothesis import given, settings
from hypothesis import strategies as st

from tonespan_utils.encoders import checkpoints
from tonespan_utils.finetune.examples import NO_TARGET, Collate, Example, Speech, clips, shuffled_targets
from tonespan_utils.instrument import features


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), "xlsr"))


@pytest.fixture(scope="module")
def speech(encoder):
    corpus = make_speech(n_utterances=8)
    return Speech(corpus, lambda name: features.of_samples(encoder, corpus.audio(name)))


def example(n_frames, target):
    return Example(f"u{n_frames}", np.full((n_frames, 4), n_frames, dtype=np.float32), target)


@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_a_batch_holds_every_frame_and_its_mask_counts_the_frames_it_has(encoder, lengths):
    batch = Collate(encoder)([example(n, i).as_item() for i, n in enumerate(lengths)])
    assert batch["input_values"].shape == (len(lengths), 4, max(lengths))
    assert batch["labels"].tolist() == list(range(len(lengths)))
    for row, mask, n in zip(batch["input_values"], batch["attention_mask"], lengths, strict=True):
        assert (row[:, :n] == n).all() and not row[:, n:].any()
        assert mask[: mask.sum()].all() and encoder.n_frames(int(mask.sum())) == n
    lengths_there = encoder.model._get_feat_extract_output_lengths(batch["attention_mask"].sum(dim=-1))
    assert lengths_there.tolist() == lengths, "as transformers counts"


def test_targets_of_unlike_length_are_padded_with_what_no_loss_counts(encoder):
    items = [example(3, np.array([1, 2, 3])).as_item(), example(2, np.array([5])).as_item()]
    labels = Collate(encoder)(items)["labels"]
    assert labels.tolist() == [[1, 2, 3], [5, NO_TARGET, NO_TARGET]] and labels.dtype == torch.int64


def test_clips_are_whole_pieces_heard_by_themselves(encoder, speech):
    name = speech.corpus.utterances["utterance_id"].iloc[0]
    samples = speech.corpus.audio(name)
    (whole,) = clips(encoder, speech, name, clip_ms=None)
    assert np.array_equal(whole, features.of_samples(encoder, samples))
    parts = clips(encoder, speech, name, clip_ms=300)  # 4800 samples, of 12800
    assert len(parts) == 2
    for number, part in enumerate(parts):
        assert np.array_equal(part, features.of_samples(encoder, samples[4800 * number : 4800 * (number + 1)]))
    assert len(clips(encoder, speech, name, clip_ms=800)) == 1 and clips(encoder, speech, name, clip_ms=801) == []


def test_dev_is_learned_from_and_test_is_not(speech):
    table = speech.corpus.utterances
    table = table.assign(split=["dev", *table["split"][1:]])
    changed = Speech(type(speech.corpus)(table, *(None,) * 3), speech.features)
    assert table["utterance_id"].iloc[0] in set(changed.utterances(test=False)["utterance_id"])
    names = [set(changed.utterances(test=test)["utterance_id"]) for test in (True, False)]
    assert not names[0] & names[1] and names[0] | names[1] == set(table["utterance_id"])


def targets_of(kind):
    rng = np.random.default_rng(0)
    for number in range(20):
        n_frames = int(rng.integers(1, 9))
        if kind == "class":
            yield example(n_frames, number % 3)
        elif kind == "characters":
            yield example(n_frames, np.arange(number % 4) + number)
        else:
            target = np.where(rng.random(n_frames) < 0.4, rng.integers(5, size=n_frames), NO_TARGET)
            yield example(n_frames, target if number else np.array([4] * n_frames))  # the first has no frame without


@pytest.mark.parametrize("kind", ["class", "characters", "frames"])
def test_shuffling_keeps_the_speech_and_all_targets(kind):
    before = list(targets_of(kind))
    after = shuffled_targets(before, seed=3)
    assert [example.utterance_id for example in after] == [example.utterance_id for example in before]
    assert all(a.features is b.features for a, b in zip(after, before, strict=True))
    if kind == "frames":
        for a, b in zip(after, before, strict=True):
            assert np.array_equal(a.target == NO_TARGET, b.target == NO_TARGET), "tokens stay where they are"
        before, after = ([number for example in given for number in example.target] for given in (before, after))
    else:
        before, after = ([tuple(np.atleast_1d(example.target)) for example in given] for given in (before, after))
    assert Counter(after) == Counter(before) and after != before


@pytest.mark.parametrize("kind", ["class", "characters", "frames"])
def test_shuffling_depends_on_the_seed_alone(kind):
    first, again, other = (shuffled_targets(list(targets_of(kind)), seed=seed) for seed in (1, 1, 2))
    same = [np.array_equal(a.target, b.target) for a, b in zip(first, again, strict=True)]
    moved = [not np.array_equal(a.target, b.target) for a, b in zip(first, other, strict=True)]
    assert all(same) and any(moved)


def test_shuffled_labels_say_nothing_of_the_speech():
    given = [example(1 + number % 2, number % 2) for number in range(400)]
    agree = np.mean(
        [example.target == other.target for example, other in zip(given, shuffled_targets(given, seed=0), strict=True)]
    )
    assert agree == pytest.approx(0.5, abs=0.1) and shuffled_targets([], seed=0) == []
