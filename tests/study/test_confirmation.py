"""Verdicts held against those of a second run: what stays, what is lost, what is reversed."""

import pandas as pd
import pytest

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions, profile
from tonespan_utils.study import confirmation


def claims(**verdicts):
    table = pd.DataFrame({"claim": list(verdicts), "verdict": list(verdicts.values())})
    return table.assign(holm_verdict=table["verdict"])


def test_verdicts_stay_are_lost_or_turn_round():
    first = claims(a="supported", b="supported", c="contradicted", d="undecided", e="not tested", f="by construction")
    again = claims(a="supported", b="undecided", c="supported", d="undecided", e="supported", f="by construction")
    table = confirmation.table(first, again)
    assert dict(zip(table["claim"], table["stays"], strict=True)) == {
        "a": "yes",
        "b": "no",
        "c": "reversed",
        "d": "yes",
    }
    shares = confirmation.shares(table)
    assert (shares.n, shares.n_stay, shares.n_decided, shares.n_decided_stay, shares.n_reversed) == (4, 2, 3, 1, 1)
    assert shares.share == 0.5


def test_too_small_against_supported_is_lost_and_not_reversed():
    table = confirmation.table(claims(a="too small to matter"), claims(a="supported"))
    assert table["stays"].tolist() == ["no"]


def test_runs_without_a_common_claim_are_refused():
    with pytest.raises(TonespanError, match="no tested claim in common"):
        confirmation.table(claims(a="supported"), claims(a="not tested"))


def test_a_confirmation_has_new_speech_and_trainings_and_all_else_alike():
    params = profile.load("demo")
    again = confirmation.confirming(params)
    assert again.profile == "demo_confirm" and again.seed != params.seed
    assert not set(again.finetune.seeds) & set(params.finetune.seeds)
    assert set(again.finetune.control_seeds) <= set(again.finetune.seeds)
    assert len(again.finetune.seeds) == len(params.finetune.seeds)
    assert again.conditions == params.conditions and again.claims == params.claims
    profile.validate(again.model_dump(mode="json"), profile.PARAMS_DIR / "demo.yaml")
    with pytest.raises(TonespanError, match="is a confirmation already; confirm demo"):
        confirmation.confirming(again)
    assert all(conditions.parse(name) for name in again.conditions)
