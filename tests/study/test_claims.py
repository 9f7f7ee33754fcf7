"""Verdicts follow from intervals alone; planted effects are found, their opposites contradicted, missing ones said."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import run_notebook
from fake_results import (
    CLAIMS,
    CUES_MS,
    DEMO,
    TONAL,
    make_study,
    predictions,
    profile,
    token_spans,
    tokens,
    write,
)

from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures import store
from tonespan_utils.params import conditions
from tonespan_utils.params import profile as params
from tonespan_utils.study import checks, claim_tables, claims, questions, token_values, verdicts

ALL = ["vanilla", "asr-th", "asr-cmn", "asr-en", "emotion", "gender", "speaker", "shuffled_asr-th"]


def verdicts_of(table):
    return table.set_index("claim")["verdict"].to_dict()


@pytest.fixture(scope="module")
def thai():
    """A made-up study of Thai with every role that the claims know."""
    return make_study(ALL)


def test_planted_effects_are_found(thai):
    table = thai.check(["th"])
    got = verdicts_of(table)
    for name in ("upper_layers_keep_tone", "target_asr_closest", "target_asr_needs_transcripts", "mandarin_second",
                 "emotion_longer_span", "speaker_lower_f1", "upper_layers_closer", "english_little"):  # fmt: skip
        assert got[f"{name}/mini/th"] == got[f"{name}/mini/all"] == "supported", name
    assert got["cue_width/signal/th"] == "supported"
    assert got["cue_width/signal/all"] == "not tested", "one group cannot be apart from none"
    row = table.set_index("claim").loc["target_asr_closest/mini/th"]
    assert "box-corrected" in row["statistic"] and row["statement"].startswith("Thai, mini, made-up speech: ")
    span = table.set_index("claim").loc["emotion_longer_span/mini/th"]
    assert span["value"] == pytest.approx(70, abs=4) and (span["n_tokens"], span["n_seeds"]) == (72, 2)
    assert (table["holm_verdict"] == table["verdict"])[table["p_value"] < 1e-6].all()


def test_the_paper_can_be_contradicted():
    made = make_study(["vanilla", "asr-th", "emotion"])
    name = {"mini/asr-th": "mini/emotion", "mini/emotion": "mini/asr-th", "mini/vanilla": "mini/vanilla"}
    study, values = (
        {(name[key], la): replace(each, condition=conditions.parse(name[key])) for (key, la), each in table.items()}
        for table in (made.study, made.values)
    )
    got = verdicts_of(replace(made, study=study, values=values).check(["th"]))
    assert got["target_asr_closest/mini/th"] == "contradicted"
    assert got["emotion_longer_span/mini/th"] == got["emotion_lower_f1/mini/th"] == "contradicted"


def test_what_is_missing_is_not_tested_and_said():
    table = make_study(["vanilla"]).check(["th"]).set_index("claim")
    missing = table.loc["mandarin_second/mini/th"]
    assert missing["verdict"] == "not tested" and np.isnan(missing["value"]) and np.isnan(missing["p_value"])
    assert missing["statement"].endswith("(not tested: no target ASR, Mandarin ASR, English ASR)")
    influence = table.loc["best_layer_mid_to_high/mini/th"]
    assert influence["verdict"] in verdicts.TESTED


def test_the_mean_is_over_the_languages_that_were_tested_and_says_so():
    table = make_study(["vanilla", "asr-th"], languages=("th", "vi")).check(["th", "vi"]).set_index("claim")
    assert table.loc["target_asr_closest/mini/th", "verdict"] == "supported"
    mean = table.loc["target_asr_closest/mini/all"]
    assert mean["verdict"] == "supported" and mean["statement"].startswith("mean of Thai, ")
    assert mean["every_language"] == "not tested", "Vietnamese has no target ASR"
    both = make_study(["vanilla", "emotion"], languages=("th", "vi")).check(["th", "vi"]).set_index("claim")
    mean, parts = (both.loc[[f"emotion_longer_span/mini/{la}" for la in which]] for which in (["all"], ["th", "vi"]))
    assert mean["value"].iloc[0] == pytest.approx(parts["value"].mean())
    assert mean["every_language"].iloc[0] == "supported" and mean["statement"].iloc[0].startswith(
        "mean of all languages"
    )


def test_a_model_that_has_not_learned_its_task_is_not_tested_and_no_rival(thai):
    table = thai.check(["th"], not_learned={"mini/emotion": "seed 0: macro_f1 0.20"}).set_index("claim")
    row = table.loc["emotion_longer_span/mini/th"]
    assert row["verdict"] == "not tested" and "not learned: emotion (seed 0: macro_f1 0.20)" in row["statement"]
    closest = table.loc["target_asr_closest/mini/th"]
    assert closest["verdict"] == "supported" and "(without emotion: the task was not learned)" in closest["statement"]
    assert claims.tally(table.reset_index())["supported"] == (table["verdict"] == "supported").sum()


def test_influence_beyond_the_cue_is_what_too_far_rests_on(thai):
    assert verdicts_of(thai.check(["th"]))["emotion_looks_too_far/mini/th"] == "not tested"
    rows = [
        {"condition": f"mini/{task}", "language": "th", "seed": seed, "layer": layer, "token_id": f"t{i}",
         "utterance_id": f"u{i}", "half_width_ms": width, "influence": value + 0.001 * (i % 5)}
        for task, value in (("vanilla", 0.05), ("emotion", 0.15), ("gender", 0.051))
        for seed in ((0,) if task == "vanilla" else (0, 1))
        for layer in ("2", "3", "4") for i in range(24) for width in (30.0, 70.0, 120.0)
    ]  # fmt: skip
    influence = pd.DataFrame(rows)
    assert token_values.half_width_ms(influence["half_width_ms"], 100.0) == 70.0, "half the cue and a frame"
    values = {}
    for key, each in thai.values.items():
        of_condition = influence[influence["condition"] == key[0]]
        if len(of_condition):
            beyond = token_values._of_rows(of_condition.query("half_width_ms == 70"), "influence", "th")
            each = replace(each, by_measure=dict(each.by_measure) | {"influence": beyond})
        values[key] = each
    got = replace(thai, values=values).check(["th"]).set_index("claim")
    assert got.loc["emotion_looks_too_far/mini/th", "verdict"] == "supported"
    assert got.loc["emotion_looks_too_far/mini/th", "value"] == pytest.approx(0.1)
    assert got.loc["gender_looks_too_far/mini/th", "verdict"] == "too small to matter"


def test_planted_cue_widths_are_no_support():
    made = make_study(["vanilla"], languages=("my", "vi"))
    real, planted = (verdicts_of(made.check(["my", "vi"], synthetic=synthetic)) for synthetic in (False, True))
    for language in ("my", "vi", "all"):
        assert real[f"cue_width/signal/{language}"] == "supported"
        assert planted[f"cue_width/signal/{language}"] == "by construction"
    narrower = made.cues.assign(span_ms=90.0, span_low_ms=80.0, span_high_ms=100.0)
    got = verdicts_of(replace(made, cues=narrower).check(["my", "vi"]))
    assert (got["cue_width/signal/my"], got["cue_width/signal/vi"]) == ("supported", "contradicted")
    assert got["cue_width/signal/all"] == "undecided", "equal widths may still lie 20 ms apart"


def test_other_conditions_are_all_compared_but_for_controls():
    made = make_study(["vanilla", "asr-th", "asr-yue", "asr-yo", "shuffled_asr-th"])
    roles = questions.roles_in(made.study, "mini", "th")
    assert set(roles) == {"vanilla", "target_asr", "mini/asr-yue", "mini/asr-yo", "target_asr_control"}
    closest = next(each for each in checks.checks_of(CLAIMS) if each.name == "target_asr_closest")
    assert set(closest.uses(list(roles))) == set(roles) - {"target_asr_control"}


def test_a_claim_about_spans_is_the_mean_of_the_upper_half_alone(thai):
    values = thai.values["mini/vanilla", "th"]
    summary = token_values.summarise(thai.values, from_depth=0.5)
    upper = np.mean([values.by_measure["span_ms"].mean([layer]).mean() for layer in ("2", "3", "4")])
    assert summary.samples["span_ms"]["mini/vanilla", "th"].estimate.value == pytest.approx(upper)
    assert token_values.halves(values.layers, 0.5) == (["2", "3", "4"], ["1"])


def test_macro_f1_and_distances_are_means_over_tokens(thai):
    values = thai.values["mini/asr-th", "th"]
    f1 = thai.study["mini/asr-th", "th"].by_layer["f1"][0]
    assert [values.by_measure["f1"].mean([layer]).mean() for layer in values.layers] == pytest.approx(f1)
    distance = thai.study["mini/asr-th", "th"].by_layer["distance_ms"][0]
    assert [values.by_measure["distance_ms"].mean([la]).mean() for la in values.layers] == pytest.approx(distance)


def test_the_best_layer_is_identified_only_where_it_stands_out():
    test_tokens = tokens("th", n_utterances=60)
    clear = predictions(conditions.parse("mini/asr-th"), test_tokens, seeds=(0,))
    level = clear.assign(layer=clear["layer"].replace({"4": "3b", "3": "4"}).replace({"3b": "3"}))
    flat = pd.concat([level[level["layer"] == "4"].assign(layer=layer) for layer in ("1", "2", "3", "4")])
    for table, expected in ((clear, "identified"), (flat, "not identified")):
        collected = token_values.collect(table, token_spans(conditions.parse("mini/asr-th"), test_tokens), CUES_MS)
        row = claim_tables.best_layer_table(collected, level=0.95, seed=0).iloc[0]
        assert row["identified"] == expected, row["layers"]
    assert row["layers"] == "1, 2, 3, 4"


def test_every_claim_has_its_layers_and_what_it_takes(thai):
    posed = questions.ask(thai.study, thai.values, CUES_MS, ["th"], not_learned={}, params=CLAIMS)
    layers = claim_tables.layer_table(posed, thai.study, thai.values, level=0.99, seed=0)
    rows = layers[layers["claim"] == "emotion_longer_span/mini/th"]
    assert rows["layer"].tolist() == ["cnn", "0", "1", "2", "3", "4"]
    assert ((rows["band_low"] < 70) & (rows["band_high"] > 70)).all()
    claim = thai.check(["th"]).set_index("claim").loc["emotion_longer_span/mini/th"]
    narrow, wide = claim["ci_high"] - claim["ci_low"], (rows["band_high"] - rows["band_low"]).min()
    assert wide > narrow, "a band that holds all layers is wider than the interval of their mean"
    power = claim_tables.power_table(posed, CLAIMS, level=0.9).set_index("claim")
    assert (power.loc["emotion_longer_span/mini/th", ["effect", "n_tokens", "n_seeds"]] == [20, 72, 2]).all()
    assert power.loc["emotion_longer_span/mini/th", "tokens_needed"] < 20
    assert power.loc["emotion_lower_f1/mini/th", "power"] < 0.5 and "english_little/mini/th" not in power.index


def test_board_has_a_row_per_claim_and_a_column_per_language():
    made = make_study(["vanilla", "asr-th"], languages=("th", "vi"))
    board = claims.board(made.check(["th", "vi"]), checks.statements(CLAIMS))
    assert list(board.columns) == ["encoder", "claim", "th", "vi", "all"]
    assert len(board) == 1 + len(checks.checks_of(CLAIMS)) and not board.isna().any(axis=None)
    words = {f"{symbol} {verdict}" for verdict, symbol in verdicts.VERDICTS.items()}
    assert {cell.removesuffix(" *") for cell in board[["th", "vi"]].to_numpy().ravel()} <= words
    closest = board.set_index("claim").loc[checks.statements(CLAIMS)["target_asr_closest"], "all"]
    assert closest == "✓ supported; in each: not tested"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Runs notebook 05 on a made-up results folder; returns its parameters and what it defined."""
    monkeypatch.setattr(params, "OUTPUT_ROOT", tmp_path)
    monkeypatch.setattr(provenance, "FORMATS", ("png",))  # all three are the workflow test's

    def run(tasks=DEMO, *, backbones=("mini",), tonal=tuple(TONAL), other=("cmn", "en")):
        path = profile(tmp_path, tasks, backbones=backbones, tonal=list(tonal), other=list(other))
        p = params.load(path)
        write(p)
        return p, run_notebook("05_rcom_comparison", params_path=path)

    yield run
    plt.close("all")


def test_notebook_compares_checks_and_draws_the_whole_demo(fake):
    p, _ = fake()
    loaded = store.load_tables(p)
    names = list(store.recipes(p))
    assert [name for name in names if name.startswith("energy_map")] == ["energy_maps"]
    assert len(loaded["comparison"]) == 36 and loaded["comparison"].notna().all(axis=None)
    assert set(loaded["probe_vs_finetuned"]["condition"]) == {"mini/vanilla", "mini/emotion"} | {
        f"mini/asr-{language}" for language in p.speech.tonal
    }
    page = (p.figures / "index.html").read_text()
    assert "✓ supported" in page and "by construction" in page
    for name in names:
        assert store.figure_stem(p, name).with_suffix(".png").is_file() and f'src="{name}.svg"' in page


def test_captions_tell_the_numbers_of_the_tables(fake):
    p, _ = fake(["vanilla", "asr-th", "tone-th"], tonal=["th"], other=[])
    loaded, recipes = store.load_tables(p), store.recipes(p)
    vanilla = loaded["comparison"].set_index("condition").loc["mini/vanilla"]
    assert f"{vanilla.f1:.2f} [{vanilla.f1_low:.2f}, {vanilla.f1_high:.2f}]" in recipes["probe_f1"].caption(loaded, p)
    assert f"{vanilla.top_span_ms:.0f} [{vanilla.top_span_low_ms:.0f}" in recipes["spans_by_layer"].caption(loaded, p)
    agreed = loaded["seed_agreement"].query("over == 'tokens'")
    caption, least = recipes["seed_agreement"].caption(loaded, p), agreed.loc[agreed.rho.idxmin()]
    assert f"{least.rho:.2f} [{least.ci_low:.2f}, {least.ci_high:.2f}]; over layers above chance in" in caption
    both = loaded["probe_vs_finetuned"].iloc[0]
    assert f"{both.difference:+.2f} [{both.ci_low:+.2f}" in recipes["probe_vs_finetuned"].caption(loaded, p)


def test_a_profile_without_fine_tuning_has_figures_and_claims_that_are_not_tested(fake):
    p, _ = fake(["vanilla"], tonal=["cmn"], other=[])
    assert {"finetune", "differences", "seed_agreement", "probe_vs_finetuned"}.isdisjoint(store.recipes(p))
    claimed = store.load_tables(p)["claims"]
    assert not claimed["claim"].str.startswith("cue_width").any(), "the paper says nothing of Mandarin"
    upper = claimed["claim"].str.contains("best_layer|upper_layers_keep")
    assert set(claimed.loc[~upper, "verdict"]) == {"not tested"}


def test_where_no_encoder_was_taught_tone_no_probe_is_held_against_one(fake):
    p, _ = fake(["vanilla", "gender"], tonal=["th"], other=[])
    assert "probe_vs_finetuned" not in store.recipes(p) and "finetune" in store.recipes(p)
    assert store.load_tables(p)["probe_vs_finetuned"].empty


def test_encoders_have_their_own_figures(fake):
    p, _ = fake(["vanilla", "asr-th"], backbones=("a", "b"), tonal=["th"], other=[])
    names = set(store.recipes(p))
    assert {"probe_f1_a", "probe_f1_b", "differences_b", "energy_maps_a", "finetune_b"} <= names
    assert set(store.load_tables(p)["claims"]["claim"].str.split("/").str[1]) == {"signal", "a", "b"}
