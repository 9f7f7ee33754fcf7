"""The section of the parameters that says what the paper's claims are judged by.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tonespan_utils.params.sections import Positive, Section


class Claims(Section):
    """What claims are judged by, stated before looking: layers, and the smallest effects that matter."""

    from_depth: Annotated[float, Field(ge=0, le=1)]
    smallest_ms: Positive
    smallest_f1: Annotated[float, Field(gt=0, lt=1)]
    smallest_influence: Annotated[float, Field(gt=0, lt=1)]
    power: Annotated[float, Field(gt=0, lt=1)]
    narrow_encoder: str | None
    wide_encoder: str | None

    @property
    def named_encoders(self) -> dict[str, str | None]:
        """The parameters that name encoders, by their full names."""
        return {"claims.narrow_encoder": self.narrow_encoder, "claims.wide_encoder": self.wide_encoder}
