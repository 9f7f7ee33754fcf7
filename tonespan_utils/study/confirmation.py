"""Does a verdict stay when everything is done again, with new speech and new trainings?

Layers and thresholds were fixed after looking at one seed. A confirmation is the same study under another seed of the
corpus and of all draws, and with seeds of training that were not used before; then the verdicts are held against each
other, claim by claim. Recordings do not change with a seed: there it confirms the trainings and draws alone.

Conventions: a verdict *stays* where it is the same word; it is *reversed* where supported becomes contradicted, or the
other way round; it *decides* where it is supported, contradicted or too small to matter. Claims that are not tested in
both, or by construction, count for nothing.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import tables
from tonespan_utils.params.profile import Params
from tonespan_utils.study import verdicts

SUFFIX = "_confirm"


def confirming(params: Params) -> Params:
    """The same study under new seeds: of the corpus and draws the next one, of trainings as many after the last.

    Raises TonespanError for what is a confirmation already.
    """
    if params.profile.endswith(SUFFIX):
        raise TonespanError(
            f"profile {params.profile} is a confirmation already; confirm {params.profile.removesuffix(SUFFIX)}"
        )
    trained = params.finetune.seeds
    new = dict(zip(trained, range(max(trained) + 1, max(trained) + 1 + len(trained)), strict=True))
    finetune = params.finetune.model_copy(
        update={"seeds": list(new.values()), "control_seeds": [new[seed] for seed in params.finetune.control_seeds]}
    )
    return params.model_copy(
        update={"profile": f"{params.profile}{SUFFIX}", "seed": params.seed + 1, "finetune": finetune}
    )


def table(claims: pd.DataFrame, confirmed: pd.DataFrame) -> pd.DataFrame:
    """The table ``confirmation`` from both runs' ``claims``; ``stays`` is yes, no, or reversed. Raises TonespanError
    where they have no claim in common.
    """
    columns = ["claim", "verdict", "holm_verdict"]
    both = claims[columns].merge(confirmed[columns], on="claim", suffixes=("", "_again"))
    both = both.rename(columns={f"{name}_again": f"confirmed_{name}" for name in columns[1:]})
    tested = both["verdict"].isin(verdicts.TESTED) & both["confirmed_verdict"].isin(verdicts.TESTED)
    both = both[tested]
    if both.empty:
        raise TonespanError("the two runs have no tested claim in common; run both profiles to the end")
    pairs = zip(both["verdict"], both["confirmed_verdict"], strict=True)
    return both.assign(stays=[_stays(*pair) for pair in pairs])[tables.COLUMNS["confirmation"]]


def _stays(first: str, second: str) -> str:
    if first == second:
        return "yes"
    return "reversed" if {first, second} == {verdicts.SUPPORTED, verdicts.CONTRADICTED} else "no"


@dataclass(frozen=True)
class Shares:
    """How many of ``n`` tested verdicts stay, and of those that decide; how many are reversed."""

    n: int
    n_stay: int
    n_decided: int
    n_decided_stay: int
    n_reversed: int

    @property
    def share(self) -> float:
        return self.n_stay / self.n if self.n else np.nan


def shares(confirmation: pd.DataFrame) -> Shares:
    """The counts of the table ``confirmation``."""
    stay, decided = confirmation["stays"] == "yes", confirmation["verdict"] != verdicts.UNDECIDED
    n_reversed = int((confirmation["stays"] == "reversed").sum())
    return Shares(len(confirmation), int(stay.sum()), int(decided.sum()), int((stay & decided).sum()), n_reversed)
