"""The logit that is differentiated, and how probable a probe finds a tone."""

import numpy as np
import pytest
import torch

from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument import readouts
from tonespan_utils.statistics.classifier import LinearClassifier


def test_targets_by_hand():
    probe = LinearClassifier(("a", "b", "c"), np.eye(3), np.array([0.0, 0.5, 0.0]))
    states = {"1": torch.tensor([[[0.0, 0.0, 0.0], [1.0, 5.0, 2.0]]])}

    def value(target, tone="a"):
        return readouts.read_out(states, {"1": probe}, [[1]], [[tone]], target=target).values(states)["1"].item()

    assert value("true") == 1 and value("predicted") == 5.5 and value("margin") == 1 - 5.5
    assert value("margin", "b") == 5.5 - 2, "the rival is the best of the others"
    with pytest.raises(TonespanError, match="not z"):
        value("true", "z")
