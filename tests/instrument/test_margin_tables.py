"""The tables of a condition's margins: exact columns, a row per language, seed and layer, knees only where F1 is."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.instrument import margin_knee, margin_tables
from tonespan_utils.instrument.margins import Margins
from tonespan_utils.params import tables

WIDTHS = [20.0, 40.0, 60.0, 90.0, 150.0]
DRAWING = {"n_resamples": 50, "level": 0.9, "seed": 3}


def margins_of(language, ends_at_ms):
    rng, gain = np.random.default_rng(0), 3 * np.minimum(np.array(WIDTHS) / ends_at_ms, 1)
    by_token = np.concatenate([[3.0, 0.0], gain, 3 - gain]) + rng.normal(0, 0.1, (20, 12))
    names = [f"{language}{i}" for i in range(20)]
    tokens = pd.DataFrame({"token_id": names, "utterance_id": names})
    return Margins({"cnn": by_token, "1": by_token}, tokens, WIDTHS)


@pytest.fixture(scope="module")
def stored():
    rng, rows = np.random.default_rng(1), []
    for language in ("th", "vi"):
        for seed in (0, 1):
            truth = np.array(["rise", "fall"] * 20)
            for layer, predicted in {"cnn": rng.permutation(truth), "1": truth}.items():
                rows.append(pd.DataFrame({
                    "language": language, "seed": seed, "layer": layer, "tone": truth, "predicted": predicted,
                    "utterance_id": [f"u{i}" for i in range(40)],
                }))  # fmt: skip
    widths = {"th": 50, "vi": 70}
    measured = {(language, seed): margins_of(language, widths[language]) for language in widths for seed in (0, 1)}
    return margin_tables.tabulate(measured, pd.concat(rows), condition="mini/asr-th", **DRAWING), measured


def test_columns_are_those_of_the_stored_tables(stored):
    assert set(stored[0]) == set(margin_tables.NAMES) <= set(tables.MEASURED)
    for name, table in stored[0].items():
        assert set(table.columns) == set(tables.COLUMNS[name])
        keys = [c for c in ("language", "seed", "layer", "curve", "token_id", "half_width_ms") if c in table]
        assert not table.duplicated(keys).any() and set(table["condition"]) == {"mini/asr-th"}
        if "encoder" in table:
            assert set(table["encoder"]) == {"mini"}


def test_knees_are_those_of_their_language_and_layer(stored):
    knees = stored[0]["margin_knee"].set_index(["language", "seed", "layer"])
    assert len(knees) == 8
    for (language, seed), margins in stored[1].items():
        row = knees.loc[(language, seed, "1")]
        expected = margin_knee.of_layer(margins, "1", above_chance_low=0.5, **DRAWING)
        assert (row["knee_ms"], row["ci_low_ms"], row["ci_high_ms"]) == (
            expected.knee_ms, expected.ci_low_ms, expected.ci_high_ms,
        )  # fmt: skip
        assert row["knee_ms"] == pytest.approx({"th": 100, "vi": 140}[language], abs=6) and row["note"] == ""
        guess = knees.loc[(language, seed, "cnn")]
        assert np.isnan(guess["knee_ms"]) and guess["note"] == "F1 not above chance"


def test_every_token_has_its_influence_at_every_half_width(stored):
    by_token, means = stored[0]["influence_tokens"], stored[0]["influence"]
    assert len(by_token) == 2 * 2 * 2 * 20 * len(WIDTHS)
    keys = ["language", "seed", "layer", "half_width_ms"]
    averaged = by_token.groupby(keys)["influence"].mean()
    assert np.allclose(averaged, means.set_index(keys)["influence"].loc[averaged.index])
    assert (means["ci_low"] <= means["influence"]).all() and (means["influence"] <= means["ci_high"]).all()
