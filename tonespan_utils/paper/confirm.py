"""A finished study, run again on new speech and new trainings, and its verdicts held against those of the first.

The second run is a profile of its own, ``<profile>_confirm``, with everything else as in the first; its parameters are
written to ``runs/<profile>_confirm/confirm.yaml``. What is up to date is not redone, and a killed run goes on.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import pandas as pd

from tonespan_utils.paper import report
from tonespan_utils.params import profile, tables
from tonespan_utils.study import confirmation
from tonespan_utils.workflow import runner


def confirm(name: str, *, cores: str = "all", cluster: str | None = None) -> confirmation.Shares:
    """Run a profile under new seeds, write its table ``confirmation`` and its report anew; returns how many verdicts
    stay. Raises TonespanError where the first run has no claims.
    """
    params = profile.load(name)
    claims = tables.read(params.results, "claims")  # before hours of work
    again = confirmation.confirming(params)
    path = again.runs / "confirm.yaml"
    profile.write_resolved(again, path)
    runner.run(str(path), cores=cores, cluster=cluster)
    return compare(params, claims, tables.read(again.results, "claims"))


def compare(params: profile.Params, claims: pd.DataFrame, confirmed: pd.DataFrame) -> confirmation.Shares:
    """Write the table ``confirmation`` of ``params`` from both tables of claims, and its report where it has one."""
    table = confirmation.table(claims, confirmed)
    tables.write(params.results, "confirmation", table)
    report.write_again(params)
    return confirmation.shares(table)
