"""transformers' own models for each kind of task, on top of an encoder whose weights were checked when it was loaded.

HuBERT has no x-vector and no frame head in transformers; it is wav2vec 2.0's architecture, so wav2vec 2.0's heads take
its weights as they are.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from transformers import (
    AutoModelForAudioClassification,
    AutoModelForAudioFrameClassification,
    AutoModelForAudioXVector,
    AutoModelForCTC,
    PreTrainedModel,
)

from tonespan_utils.encoders import families
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError

HEADS = {
    "ctc": AutoModelForCTC,
    "classification": AutoModelForAudioClassification,
    "xvector": AutoModelForAudioXVector,
    "frames": AutoModelForAudioFrameClassification,
}
AS_WAV2VEC2 = ("xvector", "frames")
TRAINED = ("wav2vec2", "hubert")  # families whose padded batches are checked against single utterances


def build(encoder: Encoder, kind: str, *, seed: int, **settings: object) -> PreTrainedModel:
    """A model of one of HEADS with the encoder's weights and a new head; ``settings`` go into its configuration.

    The convolutional front end is frozen. The encoder itself is left as it was. Raises TonespanError for a family that
    is not trained here.
    """
    config = copy.deepcopy(encoder.model.config)
    if config.model_type not in TRAINED:
        raise TonespanError(
            f"{encoder.name}: a {config.model_type!r} encoder is measured, not trained; {' and '.join(TRAINED)} are. "
            "Name its task vanilla, or a checkpoint that is trained already in finetune.public"
        )
    if kind in AS_WAV2VEC2 and config.model_type == "hubert":
        config = families.wav2vec2_config(config)
    for name, value in settings.items():
        setattr(config, name, value)
    torch.manual_seed(seed)
    model = HEADS[kind].from_config(config)
    model.base_model.load_state_dict(encoder.model.state_dict())
    model.freeze_feature_encoder()
    if kind == "xvector":
        _spread(model)
    return model.to(encoder.model.device)


def _spread(model: PreTrainedModel) -> None:
    """Weights of a deep head by He et al. (2015), in place of transformers' 0.02 for every layer.

    Layers of 0.02 without norms leave next to nothing of their input: the x-vector would have to be found first.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not name.startswith(f"{model.base_model_prefix}."):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)


class GivenFeatures(nn.Module):
    """Stands in for a frozen convolutional front end: its input is already the features (batch, channel, frame).

    The front end stays inside, so that a checkpoint taken during training is complete.
    """

    def __init__(self, front_end: nn.Module) -> None:
        super().__init__()
        self.front_end = front_end

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def take_features(model: PreTrainedModel) -> None:
    """From now on the model's input is the features; undone by :func:`take_waveforms`."""
    model.base_model.feature_extractor = GivenFeatures(model.base_model.feature_extractor)


def take_waveforms(model: PreTrainedModel) -> None:
    """The model's input is the waveform again, as it was built."""
    model.base_model.feature_extractor = model.base_model.feature_extractor.front_end
