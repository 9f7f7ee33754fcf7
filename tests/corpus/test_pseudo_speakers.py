"""Pseudo-speakers against the known voices of synthetic speech: they may merge voices, and hardly ever split one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from stand_ins import embedded

from tonespan_utils.corpus import pseudo_speakers


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    return embedded(tmp_path_factory.mktemp("voices"), "vi", span_ms=180.0)


@pytest.fixture(scope="module")
def named(spoken, tmp_path_factory):
    unknown = replace(spoken, utterances=spoken.utterances.assign(speaker=""))
    return pseudo_speakers.named(unknown, cache_dir=tmp_path_factory.mktemp("cache"))


def test_one_voice_stays_together(spoken, named):
    table = pd.crosstab(named.utterances["speaker"], spoken.utterances["speaker"]).to_numpy()
    together, purity = table.max(axis=0).sum() / table.sum(), table.max(axis=1).sum() / table.sum()
    assert together >= 0.85 and purity >= 0.4, (together, purity)
    assert 4 <= len(table) <= 24
    shuffled = np.random.default_rng(0).permutation(named.utterances["speaker"])
    by_chance = pd.crosstab(shuffled, spoken.utterances["speaker"]).to_numpy().max(axis=0).sum() / table.sum()
    assert together > by_chance + 0.2


def test_names_say_what_they_are(named):
    assert named.utterances["speaker"].str.fullmatch(r"pseudo-(train|other)-(fe)?male-\d\d").all()
    whose = dict(zip(named.utterances["utterance_id"], named.utterances["speaker"], strict=True))
    assert (named.tokens["speaker"] == named.tokens["utterance_id"].map(whose)).all()
    train = named.utterances["split"] == "train"
    assert set(named.utterances["speaker"][train]).isdisjoint(named.utterances["speaker"][~train])


def test_known_speakers_stay(spoken, tmp_path):
    assert pseudo_speakers.named(spoken, cache_dir=tmp_path) is spoken


def test_well_separated_voices_are_found_one_by_one():
    rng = np.random.default_rng(0)
    voices = np.repeat(np.arange(5), 12)
    labels = pseudo_speakers.cluster(10 * np.eye(5)[voices] + rng.normal(0, 0.5, (60, 5)))
    assert pd.crosstab(labels, voices).to_numpy().max(axis=1).sum() == 60 and len(set(labels)) == 5


def test_a_few_utterances_are_one_voice():
    assert pseudo_speakers.cluster(np.zeros((3, 4))).tolist() == [0, 0, 0]
