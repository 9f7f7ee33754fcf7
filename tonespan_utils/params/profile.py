"""The parameters of a run: ``params/base.yaml`` under one profile, as a typed, frozen, closed schema.

Conventions: times carry their unit in the name; a language is an ISO 639 code; a condition is
``<encoder>/<task>[-<language>]``. A profile is a name in ``params/`` or a path to a YAML file; its keys
replace those of the base, mappings merging key by key, except the mappings that name things the profile
chooses as a whole (encoders, folders, corpora, public). ``conditions`` that are left empty become every encoder with
every one of ``tasks``, and stand in full in the resolved parameters. Unknown keys, wrong types and impossible
values raise :class:`TonespanError` with one line that names the file and the key.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions

ROOT = Path(__file__).resolve().parents[2]
PARAMS_DIR = ROOT / "params"
# Where results/, runs/, figures/ and data/ go; elsewhere only for tests and for read-only checkouts.
OUTPUT_ROOT = Path(os.environ.get("TONESPAN_OUTPUT") or ROOT).resolve()
WHOLE = {"encoders", "folders", "corpora", "public"}  # mappings a profile replaces instead of extending

Language = Literal["my", "th", "lo", "vi", "cmn", "yue", "yo", "en"]
MAX_VALUES = 100_000  # in a file of parameters, aliases written out; the longest profile has some hundreds
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
    """Where an encoder comes from: a hub id or a folder."""

    checkpoint: str
    revision: str | None


class SpanPenalty(Section):
    """What ``narrow_asr`` pays for looking further than +-span_ms / 2: ``weight`` times the share of energy there."""

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


class Gradient(Section):
    """Input-gradient energy around the tone centre."""

    target: Literal["true", "predicted", "margin"]
    wrt: Literal["waveform", "cnn"]
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


EnergyEstimator = Literal["gradient_x_input", "smoothgrad", "integrated_gradients", "occlusion"]
BehaviouralEstimator = Literal["context_truncation", "pitch_flattening"]


class Validity(Section):
    """Calibration and sanity checks, on synthetic speech of their own: one corpus per planted span."""

    seed: Annotated[int, Field(ge=0)]
    encoder: str | None
    language: Literal["my", "th", "lo", "vi", "cmn"]
    planted_span_ms: list[Annotated[float, Field(gt=0, le=300)]] = Field(min_length=3)
    robust_span_ms: list[Annotated[float, Field(gt=0, le=300)]] = Field(min_length=1)
    sanity_span_ms: Annotated[float, Field(gt=0, le=300)]
    minutes: Positive
    n_speakers: Annotated[int, Field(ge=12)]
    windows_ms: list[Positive] = Field(min_length=4)
    analysis_windows: Mapping[Literal["hann", "rectangular"], Positive]
    n_tokens: Count
    n_slow_tokens: Count
    n_behaviour_tokens: Count
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
        return self

    @property
    def energy_estimators(self) -> list[str]:
        """Those of ``estimators`` whose energy is read like the gradient's."""
        return [name for name in self.estimators if name in get_args(EnergyEstimator)]

    @property
    def behavioural_estimators(self) -> list[str]:
        """Those of ``estimators`` that change the speech and watch the probe's F1."""
        return [name for name in self.estimators if name in get_args(BehaviouralEstimator)]


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


class Params(Section):
    """All parameters of a run."""

    profile: Name
    seed: Annotated[int, Field(ge=0)]
    speech: Speech
    synthetic: Synthetic
    align: Align
    jitter: Jitter
    baseline: Baseline
    encoders: Mapping[Name, Checkpoint] = Field(min_length=1)
    tasks: list[str] = Field(min_length=1)
    conditions: list[str]
    finetune: Finetune
    probe: Probe
    gradient: Gradient
    validity: Validity
    bootstrap: Bootstrap
    f0: F0
    explorer: Explorer

    @field_validator("profile")
    @classmethod
    def _names_folders(cls, profile: str) -> str:
        if "." in profile:
            raise ValueError("no dots, for other tools take what follows for a kind of file")
        return profile

    @field_validator("encoders")
    @classmethod
    def _name_files(cls, encoders: Mapping[str, Checkpoint]) -> Mapping[str, Checkpoint]:
        if len({name.casefold() for name in encoders}) < len(encoders):
            raise ValueError("two names differ in nothing but capitals, so not in their files on every system")
        return encoders

    @field_validator("conditions")
    @classmethod
    def _crossed(cls, named: list[str], info: ValidationInfo) -> list[str]:
        if named or not {"encoders", "tasks"} <= set(info.data):
            return named
        return [f"{encoder}/{task}" for encoder in info.data["encoders"] for task in info.data["tasks"]]

    @model_validator(mode="after")
    def _consistent(self) -> Params:
        if len(set(self.conditions)) < len(self.conditions):
            raise ValueError("a condition (or a task) is named twice")
        for name in self.conditions:
            self._check_condition(name)
        for name in self.finetune.public:
            if name not in self.conditions or not conditions.parse(name).is_trained:
                raise ValueError(f"finetune.public: {name!r} is no trained condition of the list in conditions")
        if self.validity.encoder not in (None, *self.encoders):
            raise ValueError(
                f"validity.encoder: {self.validity.encoder!r} is no encoder of: {', '.join(self.encoders)}"
            )
        missing = set(self.speech.languages) - set(self.synthetic.planted_span_ms)
        if self.speech.source == "synthetic" and missing:
            raise ValueError(f"synthetic.planted_span_ms lacks {', '.join(sorted(missing))}")
        return self

    def _check_condition(self, name: str) -> None:
        try:
            condition = conditions.parse(name)
        except TonespanError as error:
            raise ValueError(f"conditions: {error}") from None
        if condition.backbone not in self.encoders:
            raise ValueError(f"conditions: {name!r} names no encoder of: {', '.join(self.encoders)}")
        if condition.language and condition.language not in self.speech.languages:
            raise ValueError(f"conditions: {name!r}: {condition.language} is not in speech.tonal or speech.other")
        if condition.objective == "tone" and condition.language not in self.speech.tonal:
            raise ValueError(f"conditions: {name!r}: {condition.language} is not in speech.tonal")
        if condition.is_trained and condition.starts_from not in self.conditions:
            raise ValueError(f"conditions: {name!r} starts from {condition.starts_from!r}, which is not in the list")

    @property
    def results(self) -> Path:
        """Folder of the stored tables."""
        return OUTPUT_ROOT / "results" / self.profile

    @property
    def figures(self) -> Path:
        """Folder of the figures and the report."""
        return OUTPUT_ROOT / "figures" / self.profile

    @property
    def runs(self) -> Path:
        """Folder of the executed notebooks and their logs."""
        return OUTPUT_ROOT / "runs" / self.profile

    @property
    def data(self) -> Path:
        """Folder of speech that is made or unpacked here."""
        return OUTPUT_ROOT / "data" / self.profile

    def seeds(self, condition: str) -> list[int]:
        """The seeds a condition is trained with; one for what is not trained here."""
        parsed = conditions.parse(condition)
        if not parsed.is_trained or condition in self.finetune.public:
            return [0]
        is_task = parsed.is_measured and not parsed.is_shuffled
        return self.finetune.seeds if is_task else self.finetune.control_seeds

    def model_folder(self, condition: str, seed: int) -> Path:
        """Where the fine-tuned model of a condition is kept."""
        return self.results / "models" / f"{conditions.parse(condition).part}.seed{seed}"

    def checkpoint(self, condition: str, seed: int = 0) -> Checkpoint:
        """The checkpoint of a condition's encoder: the backbone, a public one, or what was trained here.

        Folders are relative to the repository.
        """
        parsed = conditions.parse(condition)
        if parsed.is_trained and condition not in self.finetune.public:
            return Checkpoint(checkpoint=str(self.model_folder(condition, seed)), revision=None)
        named = self.finetune.public.get(condition) or self.encoders[parsed.backbone]
        folder = ROOT / named.checkpoint
        return named.model_copy(update={"checkpoint": str(folder)}) if folder.is_dir() else named

    def section(self, *names: str) -> str:
        """The named sections as canonical JSON: what a workflow rule depends on."""
        return json.dumps({name: self.model_dump(mode="json")[name] for name in names}, sort_keys=True)


def load(profile: str | Path) -> Params:
    """Read ``params/base.yaml`` under ``profile``, a name in params/ or a path to a YAML file."""
    path = find(profile)
    return validate(_merge(_read(PARAMS_DIR / "base.yaml"), _read(path)), path)


def find(profile: str | Path) -> Path:
    """The file of a profile; names the profiles there are when there is none."""
    path = Path(profile) if str(profile).endswith((".yaml", ".yml")) else PARAMS_DIR / f"{profile}.yaml"
    try:
        missing = not path.is_file()
    except (OSError, ValueError):  # a name too long, or with a zero byte in it
        missing = True
    if missing:
        known = ", ".join(sorted(p.stem for p in PARAMS_DIR.glob("*.yaml") if p.stem != "base"))
        raise TonespanError(f"no parameter file {_short(str(path))}; profiles in params/: {known}")
    return path


def validate(tree: Mapping[str, Any], path: Path) -> Params:
    """The typed parameters of a resolved tree; ``path`` is named in the error."""
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        raise TonespanError(_one_line(error, path)) from None


def write_resolved(params: Params, path: Path) -> None:
    """Write every parameter to ``path``; an unchanged file keeps its time stamp, so nothing is redone for it."""
    text = "# written by the workflow: the resolved parameters of this run\n"
    text += yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    try:
        if path.is_file() and path.read_bytes() == text.encode():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TonespanError(f"{path}: cannot be written ({error.strerror})") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_bombs(yaml.compose(text, Loader=yaml.SafeLoader), path)
        tree = yaml.safe_load(text)
    except RecursionError:
        raise TonespanError(f"{path}: nested too deeply to be a file of parameters") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TonespanError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise TonespanError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(tree, dict):
        raise TonespanError(f"{path}: expected a mapping of parameters at the top")
    return tree


def _refuse_bombs(top: yaml.Node | None, path: Path) -> None:
    """Raise TonespanError where a few lines stand for millions of values: aliases of aliases, or of themselves."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node | None) -> float:
        if not isinstance(node, yaml.CollectionNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = float("inf")  # for whoever comes here again from within
            parts = (
                node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
            )
            sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    if size(top) > MAX_VALUES:
        raise TonespanError(f"{path}: aliases that stand for more than {MAX_VALUES:,} values; write the parameters out")


def _merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merge(base[key], value) if both and key not in WHOLE else value
    return merged


def _one_line(error: ValidationError, path: Path) -> str:
    first, *rest = error.errors()
    parts = (_short(str(part)) for part in first["loc"] if part != "[key]")
    key = ".".join(parts) or "(whole file)"
    what = "unknown parameter" if first["type"] == "extra_forbidden" else first["msg"]
    value = first.get("input")
    given = "" if isinstance(value, dict) or first["type"] == "missing" else f", given {_cut(value)!r}"
    more = f" (and {len(rest)} more)" if rest else ""
    return f"{path}: {key}: {_printable(what)}{given}{more}"


def _short(text: str) -> str:
    """A text as it may stand in a message of one line."""
    return _printable(_cut(text))


def _printable(text: str) -> str:
    """A text on one line, and without what a terminal would act on."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _cut(value: Any) -> Any:
    return f"{value[:80]}..." if isinstance(value, str) and len(value) > 200 else value


def describe_speech(params: Params) -> str:
    """What the speech is, in words fit for a caption and for provenance."""
    if params.speech.source == "synthetic":
        return f"embedded synthetic speech with planted cue spans (seed {params.seed})"
    if params.speech.source == "fleurs":
        return f"FLEURS from {params.speech.root}" + (f" at {params.speech.revision}" if params.speech.revision else "")
    return "recordings: " + ", ".join(f"{k} from {v}" for k, v in params.speech.folders.items())
