"""The section ``knee`` of the parameters: how the margin knee and the influence of far pitch are measured.

Conventions: those of :mod:`sections`.

Notebook: notebooks/04_flattened_pitch
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tonespan_utils.params.sections import Count, Positive, Section


class Knee(Section):
    """The margin when pitch is kept only within a half-width of the tone centre, or flattened only there."""

    half_widths_ms: list[Positive] = Field(min_length=5)
    n_tokens: Count
    context_ms: Positive
    method: Literal["overlap_add", "level_restored"]
    floor_hz: Positive
    ceiling_hz: Positive

    @model_validator(mode="after")
    def _consistent(self) -> Knee:
        if sorted(set(self.half_widths_ms)) != list(self.half_widths_ms):
            raise ValueError("half_widths_ms must increase")
        if self.half_widths_ms[-1] >= self.context_ms:
            raise ValueError("half_widths_ms must be smaller than context_ms")
        if self.floor_hz >= self.ceiling_hz:
            raise ValueError("floor_hz must be under ceiling_hz")
        return self
