"""How many clips or cotangents go through a step together, and what happens where memory runs out.

Conventions: sizes are counted in numbers, not bytes; a step that does not fit is tried again with half as many pieces.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import backward
from tonespan_utils.encoders.batches import TOGETHER_S
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError

CPU_CHUNK_VALUES = 2**21  # numbers in the largest tensor of one step: products of that size run near the peak
GPU_CHUNK_VALUES = 2**26  # and 256 MB keeps a GPU busy
BATCH_S = 20.0  # seconds of audio that go through an encoder together


def together(encoder: Encoder, n_samples: int) -> int:
    """How many clips of ``n_samples`` are best taken up and down together: one, if they fill the device alone."""
    values = max(1, backward.widest(encoder, n_samples))  # none in a clip without a frame, which is refused later
    return max(1, min(chunk_size(values, encoder.model.device), round(TOGETHER_S * SAMPLE_RATE) // n_samples))


def chunk_size(values_each: int, device: torch.device) -> int:
    """How many cotangents go together where each needs ``values_each`` numbers."""
    return (CPU_CHUNK_VALUES if device.type == "cpu" else GPU_CHUNK_VALUES) // values_each


def in_chunks(work: Callable[[slice], None], n: int, size: int) -> None:
    """``work`` on all of ``n`` pieces, ``size`` at a time (at least one); half as many when they do not fit."""
    size, first = max(1, min(n, size)), 0
    while first < n:
        try:
            work(slice(first, first + size))
        except (RuntimeError, OutOfMemory) as error:
            if not is_out_of_memory(error) or (size == 1 and isinstance(error, OutOfMemory)):
                raise
            size = _halved(size)
        else:
            first += size


class OutOfMemory(TonespanError):
    """A step that can be made no smaller from inside does not fit into memory."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on a processor or a GPU."""
    return isinstance(error, torch.OutOfMemoryError | OutOfMemory) or "allocate memory" in str(error)


def _halved(size: int) -> int:
    if size == 1:
        raise OutOfMemory("out of memory with a single pass under way; cut the utterance shorter")
    warnings.warn(f"out of memory with {size} passes under way; going on with {size // 2}", stacklevel=3)
    return size // 2
