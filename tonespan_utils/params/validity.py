"""The section of the parameters that describes calibration and sanity checks.

Conventions: those of :mod:`tonespan_utils.params.sections`. A corpus is a language and the width of its tone cue.

Notebook: notebooks/06_validity
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from tonespan_utils.params.sections import BehaviouralEstimator, Count, EnergyEstimator, Positive, Section

Planted = Literal["my", "th", "lo", "vi", "cmn"]  # languages whose tone can be planted
PlantedSpan = Annotated[float, Field(gt=0, le=300)]


class Validity(Section):
    """Calibration and sanity checks, on synthetic speech of their own: one corpus per planted width."""

    seed: Annotated[int, Field(ge=0)]
    encoder: str | None
    language: Planted
    planted_span_ms: list[PlantedSpan] = Field(min_length=3)
    crossed_span_ms: Mapping[Planted, list[PlantedSpan]]
    robust_span_ms: list[PlantedSpan] = Field(min_length=1)
    sanity_span_ms: PlantedSpan
    minutes: Positive
    n_speakers: Annotated[int, Field(ge=12)]
    windows_ms: list[Positive] = Field(min_length=4)
    analysis_windows: Mapping[Literal["hann", "rectangular"], Positive]
    n_tokens: Count
    n_slow_tokens: Count
    n_behaviour_tokens: Count
    n_knee_tokens: Count
    n_agreement_tokens: Count
    estimators: list[EnergyEstimator | BehaviouralEstimator]
    half_widths_ms: list[Positive] = Field(min_length=3)
    n_cascade_steps: Annotated[int, Field(ge=2)]
    random_seeds: list[int] = Field(min_length=1)

    @field_validator("planted_span_ms", "windows_ms", "half_widths_ms")
    @classmethod
    def _rising(cls, values: list[float]) -> list[float]:
        if sorted(set(values)) != list(values):
            raise ValueError("the values must increase")
        return values

    @model_validator(mode="after")
    def _planted(self) -> Validity:
        wanted = {*self.robust_span_ms, self.sanity_span_ms}
        if not wanted <= set(self.planted_span_ms):
            raise ValueError("robust_span_ms and sanity_span_ms must be among planted_span_ms")
        if self.language in self.crossed_span_ms:
            raise ValueError(f"crossed_span_ms names {self.language}, whose corpora planted_span_ms has already")
        for language, spans_ms in self.crossed_span_ms.items():
            if not set(spans_ms) <= set(self.planted_span_ms) or len(set(spans_ms)) < max(2, len(spans_ms)):
                raise ValueError(f"crossed_span_ms: {language} needs two or more of planted_span_ms, each once")
        return self

    @property
    def corpora(self) -> list[tuple[str, float]]:
        """Language and planted width of every corpus, those of the main language first."""
        crossed = [(language, span_ms) for language, spans_ms in self.crossed_span_ms.items() for span_ms in spans_ms]
        return [*((self.language, span_ms) for span_ms in self.planted_span_ms), *crossed]

    def corpus_name(self, language: str, span_ms: float) -> str:
        """What folders, tables and notebooks of one corpus are called: its width, and the language if not the main."""
        return f"span{span_ms:g}" + ("" if language == self.language else f"-{language}")

    @property
    def energy_estimators(self) -> list[str]:
        """Those of ``estimators`` whose energy is read like the gradient's."""
        return [name for name in self.estimators if name in get_args(EnergyEstimator)]

    @property
    def behavioural_estimators(self) -> list[str]:
        """Those of ``estimators`` that change the speech and watch the probe's F1."""
        return [name for name in self.estimators if name in get_args(BehaviouralEstimator)]
