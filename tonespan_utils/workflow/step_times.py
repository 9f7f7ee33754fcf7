"""How long the steps of a run take: as in earlier runs of the profile, else as in a table of ``demo`` and ``smoke``.

Conventions: seconds of wall time of one step, a mean for each rule of the Snakefile. A run keeps its steps' times in
``runs/<profile>/step_times.json``. The stored table was measured on the two cores of one machine (its first lines say
which), so that it gives proportions rather than times on another.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tonespan_utils.params.profile import Params

STORED = Path(__file__).with_name("step_times.csv")  # columns profile, rule, seconds, n_steps
MEASURED_WHOLE = "demo"  # the stored profile that has a time for every rule
DEFAULT_S = 60.0  # of a rule that no table names


@dataclass(frozen=True)
class StepTimes:
    """Seconds that a step of each rule takes, and whether they are of this very profile: then they are a first guess
    of how long a run takes; those of another say no more than which steps take longer.
    """

    seconds: Mapping[str, float]
    are_of_profile: bool

    def of(self, rule: str) -> float:
        """Seconds of one step of a rule."""
        return self.seconds.get(rule, DEFAULT_S)


def path(params: Params) -> Path:
    """Where a run keeps its steps' times."""
    return params.runs / "step_times.json"


def load(params: Params) -> StepTimes:
    """The times that are there for a profile. Rules that its earlier runs did not come to are taken from the stored
    table, and stretched as the others are.
    """
    of_profile = _by_rule(read(path(params))) or stored(params.profile)
    whole = stored(MEASURED_WHOLE)
    shared = of_profile.keys() & whole.keys()
    stretch = sum(of_profile[rule] for rule in shared) / sum(whole[rule] for rule in shared) if shared else 1.0
    return StepTimes({rule: stretch * s for rule, s in whole.items()} | of_profile, bool(of_profile))


def stored(profile: str) -> dict[str, float]:
    """Seconds of each rule in the stored table; none for a profile that is not in it."""
    lines = [line for line in STORED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {row["rule"]: float(row["seconds"]) for row in csv.DictReader(lines) if row["profile"] == profile}


def keep(params: Params, seconds: Mapping[str, float]) -> None:
    """Write the times of steps down, by ``rule wildcards``; they replace those of the same steps. One that cannot be
    written is no reason to stop a run.
    """
    kept = read(path(params)) | {name: round(value, 1) for name, value in seconds.items()}
    partial = path(params).with_name(f".partial.{path(params).name}")
    with contextlib.suppress(OSError):
        partial.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(partial, path(params))


def read(file: Path) -> dict[str, float]:
    """The steps' times of a file by ``rule wildcards``; none where it is missing or damaged."""
    try:
        return {str(name): float(seconds) for name, seconds in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _by_rule(seconds: Mapping[str, float]) -> dict[str, float]:
    """Means over the steps of each rule."""
    rules: dict[str, list[float]] = {}
    for name, value in seconds.items():
        rules.setdefault(name.split(" ")[0], []).append(value)
    return {rule: fmean(values) for rule, values in rules.items()}
