"""The profile's speech is found, described, and refused where its tones cannot be studied."""

import pytest
from conftest import make_tokens

from tonespan_utils import params
from tonespan_utils.corpus import sources
from tonespan_utils.errors import TonespanError


def test_synthetic_speech_is_called_synthetic():
    assert "synthetic" in sources.describe(params.load("demo"))
    assert "cmn_syllables" in sources.describe(params.load("recordings"))
    assert "google/fleurs" in sources.describe(params.load("full"))


def test_a_tone_with_one_example_is_named():
    tokens = make_tokens().assign(tone=["M"] * 71 + ["H"])
    with pytest.raises(TonespanError, match="th: tone 'H' has 1 example"):
        sources._check_tones(tokens, "th", 2)


def test_one_tone_is_no_study():
    with pytest.raises(TonespanError, match="two or more tone classes"):
        sources._check_tones(make_tokens().assign(tone="M"), "th", 2)


def test_every_source_has_a_loader():
    kinds = params.Speech.model_fields["source"].annotation.__args__
    assert set(kinds) == set(sources._LOADERS)
