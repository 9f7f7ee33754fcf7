"""Any wav2vec 2.0 style Hugging Face encoder behind one small class: layers, frames, inputs.

Conventions
-----------
- Frame ``f`` covers samples ``hop * f`` to ``hop * f + receptive - 1`` (320 and 400 for the common stack); its
  centre is ``320 f + 199.5``.
- Layers by name, bottom up: ``cnn`` the convolutional features before projection; ``0`` is Hugging Face's
  ``hidden_states[0]`` (after the positional convolution); ``1`` to ``L`` the block outputs as in ``hidden_states``.
  ``L`` of a stable-layer-norm model is taken before the final norm, and ``final`` names the normed one.
- The input is the waveform as the checkpoint's feature extractor gives it (scaled to zero mean and unit variance where
  the checkpoint asks for it). One utterance at a time, or equal lengths: group norm runs over the whole
  utterance, so padding would change every frame and nothing here pads a waveform. ``cnn`` features of utterances that
  were run one by one may be padded together, with a mask: above them every model ignores what is masked.
- Weights are frozen and the model stays in ``eval()``; float32, unless :func:`cast` to something coarser.
- A hub id is read at the commit its revision stood for when first asked for (:mod:`tonespan_utils.hub`).

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import safe_open
from transformers import (
    HubertConfig,
    HubertModel,
    PreTrainedConfig,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
)
from transformers.utils import logging as transformers_logging

from tonespan_utils import hub
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import OUTPUT_ROOT, ROOT, Params

# wav2vec 2.0, XLS-R and MMS are of the first, mHuBERT-147 of the second. Named classes, not transformers' Auto ones,
# which would run code that a checkpoint brings along.
FAMILIES = {"wav2vec2": (Wav2Vec2Config, Wav2Vec2Model), "hubert": (HubertConfig, HubertModel)}
EXTRACTORS = ("preprocessor_config.json", "processor_config.json")  # the second since transformers 5
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first is taken where a checkpoint has both
# What the heads of transformers' tasks and of pre-training put beside the encoder; an x-vector's embedding layer is
# called feature_extractor too.
HEADS = re.compile(
    r"(lm_head|classifier|projector|layer_weights|tdnn|objective|quantizer|project_hid|project_q|final_proj"
    r"|label_embeddings_concat)\b|feature_extractor\.(weight|bias)$"
)
NO_WEIGHT = re.compile(r"num_batches_tracked$|position_ids$|" + HEADS.pattern)  # whole numbers by their nature
FLOATS = ("F64", "F32", "F16", "BF16")  # safetensors' names of what transformers brings to float32
TOGETHER_S = 20.0  # seconds of speech that go up together; XLS-R leaves some 90 MB a second for the way down
# Changes to the weights in a file of their own: PEFT's (LoRA and its like), and MMS's, one a language.
ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
LANGUAGE_ADAPTER = re.compile(r"adapter\.[\w#-]+\.(safetensors|bin)")
# What programs put before the names of the weights they save, and who does so.
WRAPPERS = {"module.": "DataParallel", "_orig_mod.": "torch.compile", "base_model.model.": "PEFT"}
MASKED = "masked_spec_embed"  # used in training alone; some public checkpoints leave it out


@dataclass(frozen=True, eq=False)
class Encoder:
    """A frozen speech encoder. ``identity`` is the commit or content hash of what was loaded."""

    model: PreTrainedModel
    name: str
    identity: str
    scale_input: bool

    @property
    def layers(self) -> list[str]:
        """Layer names, bottom up."""
        final = ["final"] if getattr(self.model.config, "do_stable_layer_norm", False) else []
        return ["cnn", *map(str, range(self.model.config.num_hidden_layers + 1)), *final]

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return hop(self.model.config)

    @property
    def receptive(self) -> int:
        """Samples that one frame of the ``cnn`` layer covers."""
        return receptive(self.model.config)

    def n_frames(self, n_samples: int) -> int:
        """Frames of an utterance; 0 when it is shorter than the receptive field."""
        return max(0, (n_samples - self.receptive) // self.hop + 1)

    def frame_center_s(self, frame: int | np.ndarray) -> float | np.ndarray:
        """The time in s of the middle of a frame."""
        return (self.hop * frame + (self.receptive - 1) / 2) / SAMPLE_RATE

    def frame_at(self, time_s: float, n_samples: int) -> int:
        """The frame whose centre is nearest to ``time_s``. Raises TonespanError outside the audio or if it has no
        frame.
        """
        if not 0 <= time_s <= n_samples / SAMPLE_RATE:
            raise TonespanError(f"tone centre {time_s:.3f} s lies outside audio of {n_samples / SAMPLE_RATE:.3f} s")
        frames = self.n_frames(n_samples)
        if frames == 0:
            needed_ms = 1000 * self.receptive / SAMPLE_RATE
            raise TonespanError(f"audio of {n_samples} samples is shorter than one frame ({needed_ms:.0f} ms)")
        frame = round((time_s * SAMPLE_RATE - (self.receptive - 1) / 2) / self.hop)
        return int(np.clip(frame, 0, frames - 1))

    def prepare(self, samples: np.ndarray) -> torch.Tensor:
        """Samples (n,) or (batch, n) as the checkpoint wants them, (batch, n). The scaling is part of the input."""
        return prepared(samples, scaled=self.scale_input).to(self.model.device, self.model.dtype)

    def forward(self, waveform: torch.Tensor) -> dict[str, torch.Tensor]:
        """All layers, name -> (batch, frame, hidden), of a prepared waveform (batch, n); keeps the graph if asked
        for.
        """
        features = self.features(waveform)
        return {"cnn": features, **self.forward_from_cnn(features)}

    def features(self, waveform: torch.Tensor) -> torch.Tensor:
        """The ``cnn`` layer (batch, frame, channel) of a prepared waveform (batch, n)."""
        return self.model.feature_extractor(waveform).transpose(1, 2)

    def forward_from_cnn(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Layers ``0`` and up from ``cnn`` features (batch, frame, channel).

        ``mask`` (batch, frame) is True where there is speech: padding is zeroed before the positional convolution and
        hidden from attention, so that the other frames are what they are without it. Its own states mean nothing.
        """
        projected = self.model.feature_projection(features)
        hidden = projected[0] if isinstance(projected, tuple) else projected  # HuBERT gives the hidden states alone
        hidden, attention_mask = _without_padding(hidden, mask)
        stack = self.model.encoder
        stable = "final" in self.layers
        hidden = hidden + stack.pos_conv_embed(hidden)
        states = {"0": hidden if stable else stack.layer_norm(hidden)}
        for number, block in enumerate(stack.layers, start=1):
            states[str(number)] = block(states[str(number - 1)], attention_mask=attention_mask)
        return states | ({"final": stack.layer_norm(states[str(len(stack.layers))])} if stable else {})

    @torch.no_grad()
    def hidden_at(self, samples: np.ndarray, centers_s: Sequence[float]) -> dict[str, np.ndarray]:
        """Hidden vectors at tone centres: layer name -> (centre, hidden), from one utterance (n,)."""
        frames = [self.frame_at(center, samples.size) for center in centers_s]
        states = self.forward(self.prepare(samples))
        return {layer: state[0, frames].float().cpu().numpy() for layer, state in states.items()}


Kind = TypeVar("Kind", bound=Hashable)


def alike(kinds: Mapping[str, Kind], most: Callable[[Kind], int]) -> Iterator[list[str]]:
    """Names of utterances that may go through together: of one kind (their length, say), at most ``most(kind)``."""
    groups: dict[Kind, list[str]] = {}
    for name, kind in kinds.items():
        groups.setdefault(kind, []).append(name)
    for kind, names in groups.items():
        size = max(1, most(kind))
        yield from (names[i : i + size] for i in range(0, len(names), size))


def hop(config: PreTrainedConfig) -> int:
    """Samples from one frame of a convolutional front end to the next."""
    return int(np.prod(config.conv_stride))


def receptive(config: PreTrainedConfig) -> int:
    """Samples that one frame of a convolutional front end covers."""
    width, jump = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        width, jump = width + (kernel - 1) * jump, jump * stride
    return width


def prepared(samples: np.ndarray, *, scaled: bool) -> torch.Tensor:
    """Samples (n,) or (batch, n) as (batch, n), at zero mean and unit variance where ``scaled``."""
    waveform = torch.as_tensor(np.atleast_2d(samples), dtype=torch.float32)
    if not torch.isfinite(waveform).all():
        raise TonespanError("audio holds NaN or infinite samples")
    if scaled:
        mean = waveform.mean(dim=-1, keepdim=True)
        variance = waveform.var(dim=-1, keepdim=True, unbiased=False)
        waveform = (waveform - mean) / torch.sqrt(variance + 1e-7)  # the feature extractor's own constant
    return waveform


def load(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    device: str | None = None,
    cache_dir: str | Path | None = None,
) -> Encoder:
    """A frozen encoder from a local folder or a hub id, by the same code; heads on top of the encoder are left out.

    ``revision`` is the hub's (default: the main branch); its commit is kept in ``cache_dir/commits.json`` (default:
    ``data/encoders``), the files in the hub client's own cache. Runs no code of the checkpoint's, takes safetensors
    where there are both, reads ``.bin`` weights-only. The input is scaled by :func:`scales_input`. Raises
    TonespanError for another architecture, for files that are missing or damaged, for adapters beside the weights, for
    quantised checkpoints and those that bring code, and for encoder weights that are missing, left over, of another
    shape, or no finite numbers. Notebook: notebooks/03_layer_probes
    """
    folder, commit = checkpoint_folder(checkpoint, revision, Path(cache_dir or OUTPUT_ROOT / "data" / "encoders"))
    config = _config(folder)
    model = _model(folder, config)
    model.eval().requires_grad_(False)
    identity = commit or _content_hash(model)
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return Encoder(model, str(checkpoint), identity, scales_input(folder))


def of_model(model: PreTrainedModel, *, scale_input: bool | None = None) -> Encoder:
    """The encoder inside a transformers ``model``, sharing its weights; its mode and gradients are left as they are.

    ``scale_input``: see ``Encoder``; by default that of :func:`scales_input` for the folder, or the hub's snapshot on
    disk, that the model came from. Raises TonespanError for another architecture and for weights
    that are not float32. Notebook: notebooks/04_gradient_energy
    """
    base = getattr(model, "base_model", model)
    if not isinstance(base, tuple(kind for _, kind in FAMILIES.values())):
        raise TonespanError(f"a {type(model).__name__} is no encoder of this study; it reads {' and '.join(FAMILIES)}")
    if base.dtype != torch.float32:
        raise TonespanError(f"the model's weights are {base.dtype}; call model.float() first")
    if scale_input is None:
        scale_input = scales_input(_origin(base.config))
    return Encoder(base, base.config._name_or_path or type(model).__name__, _content_hash(base), scale_input)


def _origin(config: PreTrainedConfig) -> Path | None:
    """The folder that a model's configuration was read from, if it is still there."""
    name, commit = str(config._name_or_path), getattr(config, "_commit_hash", None)
    if Path(name).is_dir():
        return Path(name) if name else None
    return hub.on_disk(name, commit, repo_type="model") if commit and hub.REPOSITORY.fullmatch(name) else None


def cast(encoder: Encoder, dtype: str) -> Encoder:
    """A copy of an encoder that computes in ``dtype`` (``bfloat16``); the encoder itself where it does already.

    What that costs is measured by ``gradients.precision``. Notebook: notebooks/04_gradient_energy
    """
    wanted = getattr(torch, dtype)
    if encoder.model.dtype == wanted:
        return encoder
    return replace(encoder, model=copy.deepcopy(encoder.model).to(wanted))


def load_condition(params: Params, condition: str, *, seed: int) -> Encoder:
    """The encoder of a condition: its backbone, or what fine-tuning with ``seed`` left; see ``Params.checkpoint``."""
    named = params.checkpoint(condition, seed)
    return load(named.checkpoint, revision=named.revision)


def describe(params: Params, condition: str, loaded: Encoder, *, seed: int) -> dict[str, object]:
    """What stands behind a condition, whose encoder has been ``loaded``, as a row of the table ``encoders``."""
    named = params.checkpoint(condition, seed)
    folder, tops = Path(named.checkpoint), (ROOT, OUTPUT_ROOT)  # a table names no folder of this machine
    return {
        "condition": condition,
        "encoder": condition.partition("/")[0],
        "checkpoint": next((str(folder.relative_to(top)) for top in tops if folder.is_relative_to(top)), str(folder)),
        "identity": loaded.identity,
        "n_layers": loaded.model.config.num_hidden_layers,
        "seed": seed,
    }


def wav2vec2_config(config: HubertConfig) -> Wav2Vec2Config:
    """A HuBERT configuration as that of a wav2vec 2.0 model with the same layers, weight names and hidden states.

    For heads that transformers has for wav2vec 2.0 alone (x-vectors, frame classification): ``HubertModel``'s state
    dict fits the ``wav2vec2`` part of the head's model. Raises TonespanError for the variants of HuBERT that wav2vec
    2.0 has no equal of.
    """
    if config.conv_pos_batch_norm or not config.feat_proj_layer_norm:
        variant = "conv_pos_batch_norm true" if config.conv_pos_batch_norm else "feat_proj_layer_norm false"
        raise TonespanError(f"HuBERT with {variant} has no equal in wav2vec 2.0; choose another backbone for this task")
    own = {"model_type", "architectures", "conv_pos_batch_norm", "feat_proj_layer_norm"}
    return Wav2Vec2Config(**{name: value for name, value in config.to_dict().items() if name not in own})


def _without_padding(hidden: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states with padding zeroed, and what attention adds to its scores: (batch, 1, 1, frame)."""
    if mask is None:
        return hidden, None
    scores = torch.zeros(mask.shape, dtype=hidden.dtype, device=hidden.device)
    scores = scores.masked_fill(~mask, torch.finfo(hidden.dtype).min)
    return hidden.masked_fill(~mask[..., None], 0), scores[:, None, None]


# Files


def checkpoint_folder(
    checkpoint: str | Path, revision: str | None, cache_dir: Path, *, beside: Sequence[str] = ()
) -> tuple[Path, str | None]:
    """The folder of a checkpoint, with the files ``beside`` its weights, and, where it is the hub's, its commit."""
    if Path(checkpoint).is_dir():
        return Path(checkpoint), None
    if not hub.REPOSITORY.fullmatch(str(checkpoint)):
        raise TonespanError(f"{checkpoint}: no such checkpoint folder, nor a hub id (owner/name)")
    repo, kind = str(checkpoint), "model"
    commit = hub.commit(repo, revision or "main", repo_type=kind, record=cache_dir / "commits.json")
    folder = hub.on_disk(repo, commit, repo_type=kind)
    needed = (["config.json"], EXTRACTORS, WEIGHTS, *([name] for name in beside))
    if folder and all(_any_file(folder, names) for names in needed):
        return folder, commit
    for weights in WEIGHTS:  # a gigabyte each: the second only where there is no first
        folder = hub.download(repo, commit, ["config.json", *EXTRACTORS, *ADAPTERS, *beside, weights], repo_type=kind)
        if _any_file(folder, [weights]):
            break
    return folder, commit


def _any_file(folder: Path, names: Sequence[str]) -> bool:
    return any((folder / name).is_file() for name in names)


def _refuse_adapters(folder: Path) -> None:
    """Weights that change others would be left out in silence: transformers reads the base alone."""
    names = sorted(path.name for path in folder.iterdir())
    if peft := [name for name in names if name in ADAPTERS]:
        raise TonespanError(
            f"{folder}: {peft[0]} is an adapter, which is not applied here; merge it into its base model "
            "(PEFT's merge_and_unload, then save_pretrained) and give that folder"
        )
    if languages := [name for name in names if LANGUAGE_ADAPTER.fullmatch(name)]:
        raise TonespanError(
            f"{folder}: {languages[0]} is a language's adapter, which is not applied here; load it into the model "
            "(transformers' load_adapter, then save_pretrained to another folder) and give that folder"
        )


def _refuse_settings(folder: Path, settings: dict) -> None:
    if settings.get("auto_map"):
        raise TonespanError(
            f"{folder}: the checkpoint asks for code of its own (auto_map in config.json), which is never run here; "
            "save it as a plain transformers model"
        )
    if settings.get("quantization_config"):
        raise TonespanError(f"{folder}: a quantised checkpoint; give its weights in full or half precision")


def _config(folder: Path) -> PreTrainedConfig:
    path = folder / "config.json"
    _refuse_adapters(folder)
    if not path.is_file():
        raise TonespanError(f"{folder}: no config.json in the folder; give a Hugging Face checkpoint folder or hub id")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        family = settings.get("model_type")
        if family in FAMILIES:
            _refuse_settings(folder, settings)
            return FAMILIES[family][0].from_pretrained(folder)
    except TonespanError:
        raise
    except Exception as error:  # whatever its values make of transformers' checks
        raise TonespanError(f"{path}: cannot be read ({_first_line(error)})") from None
    raise TonespanError(f"{folder}: a {family!r} model; this study reads {' and '.join(FAMILIES)}")


def _model(folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
    _refuse_whole_numbers(folder)
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        model, info = FAMILIES[config.model_type][1].from_pretrained(
            folder, config=config, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
        )  # attention is named here, for a configuration could name one whose code comes from the hub
    except pickle.UnpicklingError:  # torch's own message advises to run it
        raise TonespanError(
            f"{folder}: the weights cannot be read (a .bin file that is damaged or holds more than weights: refused)"
        ) from None
    except Exception as error:
        raise TonespanError(f"{folder}: the weights cannot be read ({_first_line(error)})") from None
    finally:
        transformers_logging.set_verbosity(level)
    _check_weights(folder, info, heads=HEADS)
    _refuse_no_numbers(folder, model)
    if MASKED in info["missing_keys"]:
        torch.nn.init.zeros_(model.masked_spec_embed)  # drawn at random otherwise: one file, many identities
    return model


def _refuse_whole_numbers(folder: Path) -> None:
    """Weights stored as integers are quantised; without their scales they would be taken for the weights."""
    path = folder / WEIGHTS[0]
    if not path.is_file():
        return
    try:
        with safe_open(path, "pt") as file:
            dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 (no mapping)
    except Exception as error:
        raise TonespanError(f"{folder}: the weights cannot be read ({_first_line(error)})") from None
    whole = [name for name, dtype in dtypes.items() if dtype not in FLOATS and not NO_WEIGHT.search(name)]
    if whole:
        raise TonespanError(
            f"{folder}: a quantised checkpoint ({whole[0]} is {dtypes[whole[0]]}); "
            "give its weights in full or half precision"
        )


def _refuse_no_numbers(folder: Path, model: PreTrainedModel) -> None:
    for name, weight in model.state_dict().items():
        if MASKED not in name and not torch.isfinite(weight).all():
            raise TonespanError(f"{folder}: NaN or infinite values in {name}; take an earlier checkpoint")


def check_all_weights(folder: Path, info: dict) -> None:
    """Raise TonespanError for weights that a model with its head misses, does not use, or has in another shape."""
    _check_weights(folder, info, heads=None)


def _check_weights(folder: Path, info: dict, *, heads: re.Pattern | None) -> None:
    missing = [key for key in info["missing_keys"] if MASKED not in key]
    extra = [key for key in info["unexpected_keys"] if MASKED not in key and not (heads and heads.match(key))]
    wrong = [str(key) for key in info["mismatched_keys"]]
    for problem, keys in (("missing", missing), ("unexpected", extra), ("misshapen", wrong)):
        if keys:
            hint = _prefix_hint(missing, extra)
            raise TonespanError(f"{folder}: {len(keys)} {problem} encoder weights, first {sorted(keys)[0]}{hint}")


def _prefix_hint(missing: Sequence[str], extra: Sequence[str]) -> str:
    """What to do where the missing weights are there under longer names; empty where they are not."""
    absent = set(missing)
    cuts = [name[:at] for name in extra for at in _after_dots(name) if name[at:] in absent]
    prefix, count = max(Counter(cuts).items(), key=lambda pair: pair[1], default=("", 0))
    if 2 * count <= len(absent):
        return ""
    by = next((f" ({program})" for wrapper, program in WRAPPERS.items() if wrapper in prefix), "")
    return (
        f"; their names begin with {prefix!r}{by}: save them as "
        f"{{name.removeprefix({prefix!r}): weight for name, weight in weights.items()}}"
    )


def _after_dots(name: str) -> list[int]:
    return [at + 1 for at, sign in enumerate(name) if sign == "."]


def scales_input(folder: Path | None) -> bool:
    """Whether a checkpoint's input is scaled to zero mean and unit variance: what its feature extractor's settings say.

    True where there are none, for a folder and a model object alike: transformers' default, and what all public
    checkpoints of these families say. Models with layer norm in their convolutions were trained so; those with group
    norm take both for the same, since their first layer undoes scale and offset.
    """
    if folder is None or not _any_file(folder, EXTRACTORS):
        return True
    try:
        extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    except Exception as error:
        raise TonespanError(f"{folder}: {EXTRACTORS[0]} cannot be read ({_first_line(error)})") from None
    if extractor.sampling_rate != SAMPLE_RATE:
        rate = extractor.sampling_rate
        raise TonespanError(f"{folder}: an encoder of speech at {rate} Hz; this study's speech is at {SAMPLE_RATE} Hz")
    return bool(extractor.do_normalize)


def _content_hash(model: PreTrainedModel) -> str:
    digest = hashlib.sha256(json.dumps(model.config.to_diff_dict(), sort_keys=True, default=str).encode())
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.cpu().contiguous().numpy().tobytes())
    return "sha256:" + digest.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
