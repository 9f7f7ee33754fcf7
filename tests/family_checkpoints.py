"""Small random checkpoints of every family beside wav2vec 2.0 and HuBERT, structured as the published ones are."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

BLOCKS = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32, "intermediate_size": 48}
POSITIONS = {"num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
GROUP = {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False}
LAYER = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}
CNN = BLOCKS | POSITIONS | {"conv_dim": (16,) * 7}
SEW_STRIDES = (5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1)
SEW_KERNELS = (10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1)
CONFORMER = CNN | {"feat_extract_norm": "layer", "conv_bias": True, "hidden_act": "swish", "vocab_size": 32}
# name: class in transformers without its ending, configuration; norms, biases and kinds of position as published
FAMILIES = {
    "wavlm-base": ("WavLM", CNN | GROUP),
    "wavlm-large": ("WavLM", CNN | LAYER | {"conv_bias": False}),
    "data2vec-audio-base": (
        "Data2VecAudio",
        BLOCKS | {"conv_dim": (16,) * 7, "conv_bias": False, "conv_pos_kernel_size": 19, "num_conv_pos_embeddings": 5},
    ),
    "unispeech-large": ("UniSpeech", CNN | LAYER),
    "unispeech-sat-base": ("UniSpeechSat", CNN | GROUP),
    "sew-tiny": (
        "SEW",
        CNN
        | {"feat_extract_norm": "group", "conv_bias": False, "squeeze_factor": 2, "conv_dim": (16,) * 12 + (24,)}
        | {"conv_stride": SEW_STRIDES, "conv_kernel": SEW_KERNELS},
    ),
    "conformer-rel-pos-large": ("Wav2Vec2Conformer", CONFORMER | {"position_embeddings_type": "relative"}),
    "conformer-rope-large": ("Wav2Vec2Conformer", CONFORMER | {"position_embeddings_type": "rotary"}),
    "w2v-bert-2.0": (
        "Wav2Vec2Bert",
        BLOCKS
        | {"hidden_act": "swish", "feature_projection_input_dim": 160, "position_embeddings_type": "relative_key"}
        | {"left_max_position_embeddings": 64, "right_max_position_embeddings": 8, "vocab_size": 32},
    ),
    "whisper-base": (
        "Whisper",
        {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 48, "num_mel_bins": 80}
        | {"decoder_layers": 1, "decoder_attention_heads": 4, "decoder_ffn_dim": 48, "vocab_size": 60}
        | dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 50),
    ),
}


def make_family(folder: Path, name: str, *, half: bool = False, head: str = "Model") -> Path:
    """A random checkpoint saved in Hugging Face's layout with its feature extractor, in half precision if wanted.

    ``head`` is the end of a transformers class name, as in ``ForCTC``.
    """
    kind, settings = FAMILIES[name]
    torch.manual_seed(0)
    model = getattr(transformers, kind + head)(getattr(transformers, f"{kind}Config")(**settings))
    for weight in model.parameters():  # as drawn, biases are 0 and norms 1: a mistake with them would not show
        weight.data += 0.02 * torch.randn_like(weight)
    (model.half() if half else model).save_pretrained(folder)
    extractor(name).save_pretrained(folder)
    return folder


def extractor(name: str):
    """The feature extractor that is published with a family."""
    kind = FAMILIES[name][0]
    if kind == "Whisper":
        return transformers.WhisperFeatureExtractor()
    if kind == "Wav2Vec2Bert":
        return transformers.SeamlessM4TFeatureExtractor(padding_value=1)
    return transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
