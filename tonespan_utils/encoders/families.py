"""The families of encoders that are read: their classes in transformers, and what is peculiar to each.

Conventions: a family is named by ``model_type`` of its configuration. Names of weights are those of transformers'
state dicts.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import re

from transformers import (
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
)

from tonespan_utils.errors import TonespanError

# wav2vec 2.0, XLS-R and MMS are of the first, mHuBERT-147 of the second. Named classes, not transformers' Auto ones,
# which would run code that a checkpoint brings along.
FAMILIES = {"wav2vec2": (Wav2Vec2Config, Wav2Vec2Model), "hubert": (HubertConfig, HubertModel)}
# What the heads of transformers' tasks and of pre-training put beside the encoder; an x-vector's embedding layer is
# called feature_extractor too.
HEADS = re.compile(
    r"(lm_head|classifier|projector|layer_weights|tdnn|objective|quantizer|project_hid|project_q|final_proj"
    r"|label_embeddings_concat)\b|feature_extractor\.(weight|bias)$"
)
MASKED = "masked_spec_embed"  # used in training alone; some public checkpoints leave it out


def wav2vec2_config(config: HubertConfig) -> Wav2Vec2Config:
    """The configuration of a wav2vec 2.0 model with the layers, weight names and hidden states of a HuBERT one.

    For heads that transformers has for wav2vec 2.0 alone (x-vectors, frame classification): ``HubertModel``'s state
    dict fits the ``wav2vec2`` part of the head's model. Raises TonespanError for the variants of HuBERT that wav2vec
    2.0 has no equal of.
    """
    if config.conv_pos_batch_norm or not config.feat_proj_layer_norm:
        variant = "conv_pos_batch_norm true" if config.conv_pos_batch_norm else "feat_proj_layer_norm false"
        raise TonespanError(f"HuBERT with {variant} has no equal in wav2vec 2.0; choose another backbone for this task")
    hubert_only = {"model_type", "architectures", "conv_pos_batch_norm", "feat_proj_layer_norm"}
    return Wav2Vec2Config(**{name: value for name, value in config.to_dict().items() if name not in hubert_only})
