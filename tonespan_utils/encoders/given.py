"""A model that someone hands over, as an encoder of this study: loaded, by the name of a checkpoint, or an encoder.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers import PreTrainedModel

from tonespan_utils.encoders import checkpoints
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.whisper import with_canvas


@contextmanager
def as_encoder(
    model: PreTrainedModel | Encoder | str | Path, scale_input: bool | None, *, canvas_s: float | None = None
) -> Iterator[Encoder]:
    """The model as an encoder, in ``eval()`` inside and as found outside; ``canvas_s`` is for Whisper."""
    if isinstance(model, Encoder):
        yield with_canvas(model, canvas_s)
    elif isinstance(model, str | Path):
        yield with_canvas(checkpoints.load(model), canvas_s)
    else:
        encoder = checkpoints.of_model(model, scale_input=scale_input)
        modes = {module: module.training for module in encoder.model.modules()}
        encoder.model.eval()
        try:
            yield with_canvas(encoder, canvas_s)
        finally:
            for module, mode in modes.items():
                module.training = mode
