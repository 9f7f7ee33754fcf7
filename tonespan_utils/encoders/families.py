"""The families of encoders that are read: their classes in transformers, and what is peculiar to each.

Conventions: a family is named by ``model_type`` of its configuration. Names of weights are those of transformers'
state dicts.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from transformers import (
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertModel,
    PreTrainedConfig,
    PreTrainedModel,
    SEWConfig,
    SEWModel,
    UniSpeechConfig,
    UniSpeechModel,
    UniSpeechSatConfig,
    UniSpeechSatModel,
    Wav2Vec2BertConfig,
    Wav2Vec2BertModel,
    Wav2Vec2Config,
    Wav2Vec2ConformerConfig,
    Wav2Vec2ConformerModel,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
    WhisperConfig,
)
from transformers.models.whisper.modeling_whisper import WhisperEncoder as WhisperEncoderModel

from tonespan_utils.encoders.conformer import ConformerEncoder, Wav2Vec2BertEncoder
from tonespan_utils.encoders.data2vec import Data2VecEncoder
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.sew import SEWEncoder
from tonespan_utils.encoders.wavlm import WavLMEncoder
from tonespan_utils.encoders.whisper import WhisperEncoder
from tonespan_utils.errors import TonespanError


@dataclass(frozen=True)
class Family:
    """How one family is read: its classes in transformers, ours, and the names of its weights that change on the way
    (pattern -> replacement).
    """

    config: type[PreTrainedConfig]
    model: type[PreTrainedModel]
    encoder: type[Encoder] = Encoder
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def attention(self) -> str:
        """Which version of attention transformers computes: the fast one where the family has it."""
        return "sdpa" if self.model._supports_sdpa else "eager"


# wav2vec 2.0, XLS-R and MMS are of the first, mHuBERT-147 of the second. Named classes, not transformers' Auto ones,
# which would run code that a checkpoint brings along.
FAMILIES = {
    "wav2vec2": Family(Wav2Vec2Config, Wav2Vec2Model),
    "hubert": Family(HubertConfig, HubertModel),
    "wavlm": Family(WavLMConfig, WavLMModel, WavLMEncoder),
    "data2vec-audio": Family(Data2VecAudioConfig, Data2VecAudioModel, Data2VecEncoder),
    "unispeech": Family(UniSpeechConfig, UniSpeechModel),
    "unispeech-sat": Family(UniSpeechSatConfig, UniSpeechSatModel),
    "sew": Family(SEWConfig, SEWModel, SEWEncoder),
    "wav2vec2-conformer": Family(Wav2Vec2ConformerConfig, Wav2Vec2ConformerModel, ConformerEncoder),
    "wav2vec2-bert": Family(Wav2Vec2BertConfig, Wav2Vec2BertModel, Wav2Vec2BertEncoder),
    "whisper": Family(WhisperConfig, WhisperEncoderModel, WhisperEncoder, {r"^(model\.)?encoder\.": ""}),
}
READ = f"this study reads {', '.join(list(FAMILIES)[:-1])} and {list(FAMILIES)[-1]}"
# What the heads of transformers' tasks and of pre-training put beside the encoder, and Whisper's decoder; an x-vector's
# embedding layer is called feature_extractor too.
HEADS = re.compile(
    r"(lm_head|classifier|projector|layer_weights|tdnn|objective|quantizer|project_hid|project_q|final_proj"
    r"|label_embeddings_concat|ctc_proj|speaker_proj|layer_norm_for_extract|proj_out|(model\.)?decoder)\b"
    r"|feature_extractor\.(weight|bias)$"
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
