"""The sections of the parameters on input gradients: what is measured around a tone centre, and its null.

Conventions: those of :mod:`tonespan_utils.params.sections`.

Notebook: notebooks/04_gradient_energy
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tonespan_utils.params.sections import Count, Positive, Section


class Gradient(Section):
    """Input-gradient energy around the tone centre."""

    target: Literal["true", "predicted", "margin"]
    wrt: Literal["waveform", "cnn", "input_features"]
    weight: Literal["none", "power"]
    power_window_ms: Annotated[float, Field(ge=1, le=500)]
    window_ms: Positive
    bin_ms: Positive
    n_tokens: Count
    min_side_ms: Annotated[float, Field(ge=0)]
    dtype: Literal["float32", "bfloat16"]

    @model_validator(mode="after")
    def _whole_bins(self) -> Gradient:
        if self.wrt == "cnn" and self.bin_ms < 20:
            raise ValueError("cnn features come every 20 ms: bin_ms must be at least 20")
        if (2 * self.window_ms / self.bin_ms) % 1:
            raise ValueError("bin_ms must divide 2 * window_ms")
        return self


class RandomWeights(Section):
    """The null of spans: how far an encoder looks whose weights have been permuted."""

    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    max_tokens: Annotated[int, Field(ge=20)]
    n_tokens: Count
