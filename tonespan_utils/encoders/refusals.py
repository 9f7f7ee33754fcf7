"""Checkpoints that would be read wrong are refused in one line: adapters, code, quantised, missing or other weights.

Conventions: every function raises TonespanError, its message beginning with the checkpoint's folder and saying what to
do. ``info`` is transformers' loading information: ``missing_keys``, ``unexpected_keys``, ``mismatched_keys``.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import (
    PreTrainedModel,
)

from tonespan_utils.encoders.families import HEADS, MASKED
from tonespan_utils.errors import TonespanError

WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first is taken where a checkpoint has both
NO_WEIGHT = re.compile(r"num_batches_tracked$|position_ids$|" + HEADS.pattern)  # whole numbers by their nature
FLOATS = ("F64", "F32", "F16", "BF16")  # safetensors' names of what transformers brings to float32
# Changes to the weights in a file of their own: PEFT's (LoRA and its like), and MMS's, one a language.
ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
LANGUAGE_ADAPTER = re.compile(r"adapter\.[\w#-]+\.(safetensors|bin)")
# What programs put before the names of the weights they save, and who does so.
WRAPPERS = {"module.": "DataParallel", "_orig_mod.": "torch.compile", "base_model.model.": "PEFT"}


def refuse_adapters(folder: Path) -> None:
    """Raise TonespanError for adapters beside the weights: transformers reads the base alone and leaves them out."""
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


def refuse_settings(folder: Path, settings: dict) -> None:
    """Raise TonespanError where ``settings`` (config.json) ask for code of the checkpoint, or say it is quantised."""
    if settings.get("auto_map"):
        raise TonespanError(
            f"{folder}: the checkpoint asks for code of its own (auto_map in config.json), which is never run here; "
            "save it as a plain transformers model"
        )
    if settings.get("quantization_config"):
        raise TonespanError(f"{folder}: a quantised checkpoint; give its weights in full or half precision")


def refuse_whole_numbers(folder: Path) -> None:
    """Raise TonespanError for weights stored as integers: quantised, and read without their scales."""
    path = folder / WEIGHTS[0]
    if not path.is_file():
        return
    try:
        with safe_open(path, "pt") as file:
            dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 (no mapping)
    except Exception as error:
        raise TonespanError(f"{folder}: the weights cannot be read ({first_line(error)})") from None
    whole = [name for name, dtype in dtypes.items() if dtype not in FLOATS and not NO_WEIGHT.search(name)]
    if whole:
        raise TonespanError(
            f"{folder}: a quantised checkpoint ({whole[0]} is {dtypes[whole[0]]}); "
            "give its weights in full or half precision"
        )


def refuse_no_numbers(folder: Path, model: PreTrainedModel) -> None:
    """Raise TonespanError for NaN and infinite weights."""
    for name, weight in model.state_dict().items():
        if MASKED not in name and not torch.isfinite(weight).all():
            raise TonespanError(f"{folder}: NaN or infinite values in {name}; take an earlier checkpoint")


def check_all_weights(folder: Path, info: dict) -> None:
    """Raise TonespanError for weights that a model with its head misses, does not use, or has in another shape."""
    check_weights(folder, info, heads=None)


def check_weights(folder: Path, info: dict, *, heads: re.Pattern | None) -> None:
    """Raise TonespanError for missing, unexpected and misshapen weights; ``heads`` match what may be left over."""
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


def first_line(error: Exception) -> str:
    """The first line of an error's message, or the error's type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
