"""What gradients are tested with: an encoder in double precision, made-up probes, and one logit by plain calls."""

import numpy as np
import torch
from conftest import make_checkpoint

from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.statistics.classifier import LinearClassifier

CENTERS, TONES = [0.2, 0.31], ["fall", "rise"]


def double_encoder(folder, family):
    """A small encoder in double precision: finite differences need it."""
    loaded = checkpoints.load(make_checkpoint(folder, family))
    loaded.model.double()
    return loaded


def prepare_in_the_model_s_precision(monkeypatch):
    """``Encoder.prepare`` gives float32; from now on it gives what the model computes in."""
    plain = Encoder.prepare
    monkeypatch.setattr(Encoder, "prepare", lambda self, x: plain(self, x).to(next(self.model.parameters()).dtype))


def random_probes(encoder, layers, classes=("fall", "rise")):
    """A probe per layer with random weights, always the same."""
    rng, n = np.random.default_rng(1), len(classes)
    width = {layer: encoder.model.config.hidden_size for layer in layers} | {"cnn": encoder.model.config.conv_dim[-1]}
    return {
        layer: LinearClassifier(classes, rng.normal(size=(n, width[layer])), rng.normal(size=n)) for layer in layers
    }


def logit(encoder, probe, prepared, layer, center_s, tone):
    """The logit of ``tone`` at the frame of ``center_s`` of a prepared waveform, by the plain forward pass."""
    with torch.no_grad():
        hidden = encoder.forward(prepared)[layer][0, encoder.frame_at(center_s, prepared.shape[1])]
    return probe.logits(hidden.numpy()[None])[0, probe.classes.index(tone)]
