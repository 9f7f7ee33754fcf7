"""Checkpoints to frozen encoders: from a local folder, a hub id or a model in memory.

Conventions
-----------
- Weights are frozen and the model stays in ``eval()``; float32, unless :func:`cast` to something coarser.
- A hub id is read at the commit its revision stood for at first use (:mod:`tonespan_utils.hub`).
- What would be read wrong is refused (:mod:`tonespan_utils.encoders.refusals`).

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)
from transformers.utils import logging as transformers_logging

from tonespan_utils import hub
from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.families import FAMILIES, HEADS, MASKED, READ, Family
from tonespan_utils.encoders.refusals import (
    ADAPTERS,
    WEIGHTS,
    check_weights,
    first_line,
    refuse_adapters,
    refuse_no_numbers,
    refuse_settings,
    refuse_whole_numbers,
)
from tonespan_utils.encoders.whisper import with_canvas
from tonespan_utils.errors import TonespanError
from tonespan_utils.params.profile import OUTPUT_ROOT, ROOT, Params

EXTRACTORS = ("preprocessor_config.json", "processor_config.json")  # the second since transformers 5

BANDS = {"whisper": WhisperFeatureExtractor, "wav2vec2-bert": SeamlessM4TFeatureExtractor}  # families of no waveform
BAND_SETTINGS = {"n_fft": 400, "hop_length": 160, "dither": 0.0, "stride": 2}


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
    family = FAMILIES[config.model_type]
    return family.encoder(model, str(checkpoint), identity, scales_input(folder, config))


def of_model(model: PreTrainedModel, *, scale_input: bool | None = None) -> Encoder:
    """The encoder inside a transformers ``model``, sharing its weights; its mode and gradients are left as they are.

    ``scale_input``: see ``Encoder``; by default that of :func:`scales_input` for the folder, or the hub's snapshot on
    disk, that the model came from. Raises TonespanError for another architecture and for weights
    that are not float32. Notebook: notebooks/04_gradient_energy
    """
    base = getattr(model, "base_model", model)
    family = _family_of(base) or _family_of(getattr(base, "encoder", base))
    if family is None:
        raise TonespanError(f"a {type(model).__name__} is no encoder of this study; {READ}")
    base = base if isinstance(base, family.model) else base.encoder  # Whisper's is a part of the model
    if base.dtype != torch.float32:
        raise TonespanError(f"the model's weights are {base.dtype}; call model.float() first")
    if scale_input is None:
        scale_input = scales_input(_origin(base.config), base.config)
    return family.encoder(base, base.config._name_or_path or type(model).__name__, _content_hash(base), scale_input)


def _family_of(model: object) -> Family | None:
    return next((family for family in FAMILIES.values() if isinstance(model, family.model)), None)


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
    return with_canvas(load(named.checkpoint, revision=named.revision), named.canvas_s)


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


def _config(folder: Path) -> PreTrainedConfig:
    path = folder / "config.json"
    refuse_adapters(folder)
    if not path.is_file():
        raise TonespanError(f"{folder}: no config.json in the folder; give a Hugging Face checkpoint folder or hub id")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        family = settings.get("model_type")
        if family in FAMILIES:
            refuse_settings(folder, settings)
            return FAMILIES[family].config.from_pretrained(folder)
    except TonespanError:
        raise
    except Exception as error:  # whatever its values make of transformers' checks
        raise TonespanError(f"{path}: cannot be read ({first_line(error)})") from None
    raise TonespanError(f"{folder}: a {family!r} model; {READ}")


def _model(folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
    refuse_whole_numbers(folder)
    family, level = FAMILIES[config.model_type], transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        model, info = family.model.from_pretrained(
            folder, config=config, dtype=torch.float32, attn_implementation=family.attention,
            output_loading_info=True, key_mapping=family.renamed or None,
        )  # fmt: skip
        # attention is named here, for a configuration could name one whose code comes from the hub
    except pickle.UnpicklingError:  # torch's own message advises to run it
        raise TonespanError(
            f"{folder}: the weights cannot be read (a .bin file that is damaged or holds more than weights: refused)"
        ) from None
    except Exception as error:
        raise TonespanError(f"{folder}: the weights cannot be read ({first_line(error)})") from None
    finally:
        transformers_logging.set_verbosity(level)
    check_weights(folder, info, heads=HEADS)
    refuse_no_numbers(folder, model)
    if MASKED in info["missing_keys"]:
        torch.nn.init.zeros_(model.masked_spec_embed)  # drawn at random otherwise: one file, many identities
    return model


def scales_input(folder: Path | None, config: PreTrainedConfig) -> bool:
    """Whether a checkpoint's input is scaled to zero mean and unit variance: what its feature extractor's settings say.

    True where there are none, for a folder and a model object alike: transformers' default, and what all public
    checkpoints of these families say. Models with layer norm in their convolutions were trained so; those with group
    norm take both for the same, since their first layer undoes scale and offset. False for Whisper and Wav2Vec2-BERT,
    which take in log-Mel bands. Raises TonespanError for another sampling rate or other bands than theirs.
    """
    from_bands = config.model_type in BANDS
    if folder is None or not _any_file(folder, EXTRACTORS):
        return not from_bands
    try:
        extractor = BANDS.get(config.model_type, Wav2Vec2FeatureExtractor).from_pretrained(folder)
    except Exception as error:
        raise TonespanError(f"{folder}: {EXTRACTORS[0]} cannot be read ({first_line(error)})") from None
    if extractor.sampling_rate != SAMPLE_RATE:
        rate = extractor.sampling_rate
        raise TonespanError(f"{folder}: an encoder of speech at {rate} Hz; this study's speech is at {SAMPLE_RATE} Hz")
    if not from_bands:
        return bool(extractor.do_normalize)
    for name, value in BAND_SETTINGS.items():
        if getattr(extractor, name, value) != value:
            raise TonespanError(f"{folder}: {name} {getattr(extractor, name)} of its bands; this study makes {value}")
    return False


def _content_hash(model: PreTrainedModel) -> str:
    digest = hashlib.sha256(json.dumps(model.config.to_diff_dict(), sort_keys=True, default=str).encode())
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.cpu().contiguous().numpy().tobytes())
    return "sha256:" + digest.hexdigest()[:16]
