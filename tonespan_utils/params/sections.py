"""The sections of the parameters: one closed, frozen, typed group a subject, in the order of ``params/base.yaml``.

Conventions: units are part of a name (``window_ms``, ``floor_hz``); languages are ISO 639 codes; files and folders are
named by :data:`Name`. A validator raises ValueError with what is wrong; :mod:`tonespan_utils.params.profile` puts the
file and the key before it.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

Language = Literal["my", "th", "lo", "vi", "cmn", "yue", "yo", "en"]
MAX_NAME = 64  # with what is put around it, far below the 255 bytes of a file's name
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def _plain(name: str) -> str:
    """A name as it is, if every file system can hold it and no command takes it for an option; else ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) or len(name) > MAX_NAME:
        raise ValueError(f"files are named by it: 1 to {MAX_NAME} of A-Z, a-z, 0-9, _, - and ., neither - nor . first")
    if name.partition(".")[0].casefold() in DEVICES:
        raise ValueError(f"files are named by it, and Windows takes {name!r} for a device; choose another name")
    return name


Name = Annotated[str, AfterValidator(_plain)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A closed, frozen group of parameters; strict, so that ``"3"`` is not a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Speech(Section):
    """Which recordings, and which languages of them."""

    source: Literal["synthetic", "fleurs", "recordings"]
    root: str | None
    revision: str | None
    folders: Mapping[Language, str]
    tier: str
    tonal: list[Language] = Field(min_length=1)
    other: list[Language]
    min_examples: Annotated[int, Field(ge=2)]
    pseudo_speakers: bool
    level: Literal["recording", "speaker", "none"]

    @property
    def languages(self) -> list[str]:
        return [*self.tonal, *self.other]

    @field_validator("tonal")
    @classmethod
    def _english_has_no_tone(cls, tonal: list[str]) -> list[str]:
        if "en" in tonal:
            raise ValueError("en has no tone; move it to speech.other")
        return tonal

    @model_validator(mode="after")
    def _complete(self) -> Speech:
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("a language is named twice in tonal and other")
        if self.source == "fleurs" and not self.root:
            raise ValueError("source fleurs needs root: a local folder or a hub id")
        missing = [language for language in self.languages if language not in self.folders]
        if self.source == "recordings" and missing:
            raise ValueError(f"source recordings needs folders for {', '.join(missing)}")
        return self


class Synthetic(Section):
    """The embedded calibration corpus."""

    minutes: Positive
    n_speakers: Annotated[int, Field(ge=12)]
    planted_span_ms: Mapping[Language, Annotated[float, Field(ge=0, le=300)]]
    step_st: Positive
    gather: Annotated[float, Field(ge=1, le=4)]
    accent_sd_st: Annotated[float, Field(ge=0, le=6)]
    wander_sd_st: Annotated[float, Field(ge=0, le=3)]
    wander_hz: Annotated[float, Field(gt=0, le=20)]

    @property
    def movement(self) -> dict[str, float]:
        """What the generator's :class:`~tonespan_utils.corpus.synthetic.pitch.Wander` takes from here."""
        return self.model_dump(include={"step_st", "gather", "accent_sd_st", "wander_sd_st", "wander_hz"})


class Align(Section):
    """Times for text that has none, by forced alignment."""

    model: str | None
    revision: str | None
    train_minutes: Positive
    min_score: Annotated[float, Field(ge=0, lt=1)]
    leave_out: list[Literal["weak", "foreign", "uncertain", "expanded"]]
    offset_ms: Annotated[float, Field(ge=-100, le=100)]
    blank_penalty: Annotated[float, Field(ge=0)]


class Jitter(Section):
    """Errors put on the tone centres on purpose."""

    sd_ms: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)
    frontend: Literal["logmel", "mfcc", "linear"]

    @field_validator("sd_ms")
    @classmethod
    def _starts_exact(cls, sd_ms: list[float]) -> list[float]:
        if sd_ms[0] != 0 or sorted(set(sd_ms)) != list(sd_ms):
            raise ValueError("sd_ms must begin with 0 and increase")
        return sd_ms


class Baseline(Section):
    """Log-Mel (and other) windows into a logistic regression."""

    frontends: list[Literal["logmel", "mfcc", "linear", "f0"]] = Field(min_length=1)
    windows_ms: list[Positive] = Field(min_length=4)
    analysis_window_ms: Positive
    hop_ms: Positive
    n_bands: Annotated[int, Field(ge=13, le=128)]
    n_mfcc: Annotated[int, Field(ge=2, le=40)]
    regularisation_c: Positive
    n_folds: Annotated[int, Field(ge=2)]
    max_tokens: Count

    @model_validator(mode="after")
    def _consistent(self) -> Baseline:
        if sorted(set(self.windows_ms)) != list(self.windows_ms):
            raise ValueError("windows_ms must increase")
        if self.n_mfcc > self.n_bands:
            raise ValueError("n_mfcc cannot exceed n_bands")
        return self


class Checkpoint(Section):
    """Where an encoder comes from: a hub id or a folder; ``canvas_s`` is Whisper's alone (null: its own 30 s)."""

    checkpoint: str
    revision: str | None
    canvas_s: Positive | None = None

    @model_serializer(mode="wrap")
    def _as_before(self, plain: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Without a canvas where none is given: what runs of other encoders depend on stays as it was."""
        return {name: value for name, value in plain(self).items() if name != "canvas_s" or value is not None}


class SpanPenalty(Section):
    """What ``narrow_asr`` pays, and ``wide_asr`` is paid, for looking further than +-span_ms / 2: ``weight`` times the
    share of energy there.
    """

    weight: Positive
    span_ms: Annotated[float, Field(ge=40)]  # two frames of a wav2vec 2.0 style encoder


Head = Literal["ctc", "classification", "xvector", "frames"]


class Finetune(Section):
    """Fine-tuning: the same updates for every task."""

    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    control_seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    steps: Count
    head_first_steps: Annotated[int, Field(ge=0)]
    batch_size: Count
    task_batch: Mapping[Head, Count]
    xvector_crop_ms: Annotated[float, Field(ge=100)]
    learning_rate: Positive
    task_rate: Mapping[Head, Positive]
    head_rate: Mapping[Head, Positive]
    warmup_share: Annotated[float, Field(ge=0, lt=1)]
    checkpoint_every: Count
    clip_ms: Annotated[float, Field(ge=100)] | None
    max_test_utterances: Annotated[int, Field(ge=2)]
    span_penalty: SpanPenalty
    pitch_penalty: Positive
    phonetic: list[str]
    corpora: Mapping[Literal["emotion", "gender", "speaker"], str]
    public: Mapping[str, Checkpoint]

    @field_validator("seeds", "control_seeds")
    @classmethod
    def _different(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is named twice")
        return seeds

    @model_validator(mode="after")
    def _controls_have_their_task(self) -> Finetune:
        if not set(self.control_seeds) <= set(self.seeds):
            raise ValueError("control_seeds must be among seeds: each is held against a training with the same seed")
        return self


class Probe(Section):
    """One linear probe per layer."""

    regularisation_c: Positive
    control_seeds: list[int] = Field(min_length=1)
    max_tokens: Count


EnergyEstimator = Literal["gradient_x_input", "smoothgrad", "integrated_gradients", "occlusion"]
BehaviouralEstimator = Literal["context_truncation", "pitch_flattening"]


class Bootstrap(Section):
    """Resampling for intervals, by utterance."""

    n_resamples: Annotated[int, Field(ge=20)]
    level: Annotated[float, Field(gt=0.5, lt=1)]


class F0(Section):
    """Praat's pitch tracker, for pictures of the tones."""

    floor_hz: Positive
    ceiling_hz: Positive
    window_ms: Positive
    step_ms: Positive
    n_tokens: Count


class Explorer(Section):
    """The explorer's page from disk."""

    n_tokens: Count
