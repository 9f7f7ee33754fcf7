"""The parameters of a run: ``params/base.yaml`` under one profile, as a typed, frozen, closed schema.

Conventions: the sections and their units are those of :mod:`tonespan_utils.params.sections`; a condition is
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
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions
from tonespan_utils.params.claims import Claims
from tonespan_utils.params.gradient_sections import Gradient, RandomWeights
from tonespan_utils.params.knee import Knee
from tonespan_utils.params.sections import (
    F0,
    Align,
    Baseline,
    Bootstrap,
    Checkpoint,
    Explorer,
    Finetune,
    Jitter,
    Name,
    Probe,
    Section,
    Speech,
    Synthetic,
)
from tonespan_utils.params.validity import Validity

ROOT = Path(__file__).resolve().parents[2]
PARAMS_DIR = ROOT / "params"
AWAY = "in the repository, not in this installed package: clone it"
FIGURES = "figures"  # in the results of a profile
# Where results/, runs/ and data/ go; elsewhere only for tests and for read-only checkouts.
OUTPUT_ROOT = Path(os.environ.get("TONESPAN_OUTPUT") or ROOT).resolve()
WHOLE = {"encoders", "folders", "corpora", "public"}  # mappings a profile replaces instead of extending

MAX_VALUES = 100_000  # in a file of parameters, aliases written out; the longest profile has some hundreds


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
    knee: Knee
    random_weights: RandomWeights
    validity: Validity
    bootstrap: Bootstrap
    claims: Claims
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
        for key, named in (("validity.encoder", self.validity.encoder), *self.claims.named_encoders.items()):
            if named not in (None, *self.encoders):
                raise ValueError(f"{key}: {named!r} is no encoder of: {', '.join(self.encoders)}")
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
        """Folder of the figures, the report and the explorer's page; `figures/` at the top is a gallery of copies."""
        return self.results / FIGURES

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
        is_task = parsed.is_measured and not (parsed.is_shuffled or parsed.is_wide or parsed.is_deaf)
        return self.finetune.seeds if is_task else self.finetune.control_seeds

    def model_folder(self, condition: str, seed: int) -> Path:
        """Where the fine-tuned model of a condition is kept."""
        return self.results / "models" / f"{conditions.parse(condition).part}.seed{seed}"

    def checkpoint(self, condition: str, seed: int = 0) -> Checkpoint:
        """The checkpoint of a condition's encoder: the backbone, a public one, or what was trained here. Folders are
        relative to the repository.
        """
        parsed = conditions.parse(condition)
        if parsed.is_trained and condition not in self.finetune.public:
            trained = {"checkpoint": str(self.model_folder(condition, seed)), "revision": None}
            return self.encoders[parsed.backbone].model_copy(update=trained)
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
        profiles = ", ".join(sorted(p.stem for p in PARAMS_DIR.glob("*.yaml") if p.stem != "base"))
        there = f"profiles in params/: {profiles}" if profiles else "profiles, notebooks and the Snakefile are " + AWAY
        raise TonespanError(f"no parameter file {_short(str(path))}; {there}")
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
    """Where the speech comes from, in words for a caption and for provenance."""
    if params.speech.source == "synthetic":
        return f"embedded synthetic speech with planted cue widths (seed {params.seed})"
    if params.speech.source == "fleurs":
        return f"FLEURS from {params.speech.root}" + (f" at {params.speech.revision}" if params.speech.revision else "")
    return "recordings: " + ", ".join(f"{k} from {v}" for k, v in params.speech.folders.items())
