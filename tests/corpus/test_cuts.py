"""Clips around tone centres of recordings that are too long for an encoder."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import make_tokens

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import cuts
from tonespan_utils.corpus.corpus import Corpus


@pytest.fixture
def ramps():
    """Two recordings, of 2.2 and of 0.9 s, whose samples are their own numbers."""
    tokens = make_tokens(2, 3)
    lengths = {"u0": round(2.2 * SAMPLE_RATE), "u1": round(0.9 * SAMPLE_RATE)}
    kept = tokens[(tokens["utterance_id"] == "u0") | (tokens["center_s"] < 0.9)].reset_index(drop=True)
    utterances = kept.drop_duplicates("utterance_id").assign(
        text="", n_samples=lambda table: table["utterance_id"].map(lengths)
    )
    return Corpus(utterances, kept, lambda name: np.arange(lengths[name], dtype=np.float32), kept.iloc[:0])


def test_the_sample_at_a_centre_stays_there(ramps):
    clips, tokens = cuts.around_centers(ramps, ramps.tokens, longest_s=1.0)
    for before, after in zip(ramps.tokens.itertuples(), tokens.itertuples(), strict=True):
        samples = clips.audio(after.utterance_id)
        assert samples[round(after.center_s * SAMPLE_RATE)] == round(before.center_s * SAMPLE_RATE)
        assert len(samples) <= SAMPLE_RATE
    n_samples = clips.utterances.set_index("utterance_id")["n_samples"]
    assert all(len(clips.audio(name)) == n for name, n in n_samples.items())


def test_a_clip_has_its_centre_in_the_middle_but_where_the_recording_ends(ramps):
    _, tokens = cuts.around_centers(ramps, ramps.tokens, longest_s=1.0)
    assert tokens["center_s"].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.6])
    _, wide = cuts.around_centers(ramps, ramps.tokens, longest_s=1.6)
    assert wide["center_s"].tolist() == pytest.approx([0.6, 0.8, 1.0, 0.6])


def test_short_recordings_stay_as_they_are(ramps):
    clips, tokens = cuts.around_centers(ramps, ramps.tokens, longest_s=1.0)
    assert tokens["utterance_id"].iloc[-1] == "u1" and np.array_equal(clips.audio("u1"), ramps.audio("u1"))
    for longest_s in (2.2, np.inf):
        same = cuts.around_centers(ramps, ramps.tokens, longest_s=longest_s)
        assert same[0] is ramps and same[1] is ramps.tokens


def test_tokens_at_one_centre_share_a_clip(ramps):
    twice = ramps.tokens.iloc[[1, 1, 0]]
    clips, tokens = cuts.around_centers(ramps, twice, longest_s=1.0)
    assert tokens["utterance_id"].nunique() == len(clips.utterances) == 2
    assert tokens["token_id"].tolist() == twice["token_id"].tolist()
