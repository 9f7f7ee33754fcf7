"""A confirmation runs the same study under new seeds and writes which verdicts stay; the runner is made up."""

import pandas as pd
import pytest
import yaml

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import confirm
from tonespan_utils.params import profile, tables
from tonespan_utils.workflow import runner


def write_claims(params, **verdicts):
    rows = {
        name: ["", "", 1.0, 0.0, 2.0, 20.0, verdict, 0.01, verdict, "", 60, 2] for name, verdict in verdicts.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=tables.COLUMNS["claims"][1:])
    tables.write(params.results, "claims", table.rename_axis("claim").reset_index())


def test_a_confirmation_is_run_once_and_held_against_the_first_run(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    first = profile.load("smoke")
    ran = []

    def run(name, *, cores, cluster):
        again = profile.load(name)
        ran.append((again.profile, again.seed, again.finetune.seeds, cores, cluster))
        write_claims(again, a="supported", b="undecided")

    monkeypatch.setattr(runner, "run", run)
    with pytest.raises(TonespanError, match=r"claims\.csv: no such table; run `make paper`"):
        confirm.confirm("smoke")
    write_claims(first, a="supported", b="contradicted")
    shares = confirm.confirm("smoke", cores="2")
    assert ran == [("smoke_confirm", first.seed + 1, [2, 3], "2", None)]
    assert (shares.n, shares.n_stay) == (2, 1)
    stored = tables.read(first.results, "confirmation").set_index("claim")["stays"]
    assert stored.to_dict() == {"a": "yes", "b": "no"}
    written = yaml.safe_load((tmp_path / "runs" / "smoke_confirm" / "confirm.yaml").read_text())
    assert written["conditions"] == first.conditions
