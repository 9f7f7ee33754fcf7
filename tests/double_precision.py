"""What tests that compare with slow oracles share: small encoders in double precision, and probes made of dice."""

import numpy as np
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.statistics.classifier import LinearClassifier

CLASSES = ("fall", "rise", "level")


def double_encoder(folder, family):
    """A small random encoder of a family, in double precision."""
    loaded = checkpoints.load(make_checkpoint(folder, family))
    loaded.model.double()
    return loaded


def double_waveforms(monkeypatch):
    """Prepared waveforms in the precision of the model."""
    plain = Encoder.prepare
    monkeypatch.setattr(Encoder, "prepare", lambda self, x: plain(self, x).to(next(self.model.parameters()).dtype))


def random_probes(encoder):
    """Probes of the convolutional layer and two others."""
    rng = np.random.default_rng(1)
    hidden = encoder.model.config.hidden_size
    sizes = {"0": hidden, "2": hidden, "cnn": encoder.model.config.conv_dim[-1]}
    return {k: LinearClassifier(CLASSES, rng.normal(size=(3, n)), rng.normal(size=3)) for k, n in sizes.items()}
