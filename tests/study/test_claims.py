"""Verdicts follow from intervals alone; planted effects are found, their opposites refused, missing ones said."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import run_notebook
from fake_results import TOLD, make_study, profile, write

from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures import store
from tonespan_utils.params import conditions
from tonespan_utils.params import profile as params
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import checks, claims


@pytest.mark.parametrize(
    ("interval", "relation", "bound", "expected"),
    [
        ((-3, -1), "<", 0, "supported"),
        ((-3, 1), "<", 0, "undecided"),
        ((1, 3), "<", 0, "not supported"),
        ((-3, 0), "<", 0, "undecided"),
        ((0, 3), "<", 0, "not supported"),
        ((1, 3), ">", 0, "supported"),
        ((-3, 0), ">", 0, "not supported"),
        ((0.5, 1), ">=", 0.5, "supported"),
        ((0.4, 1), ">=", 0.5, "undecided"),
        ((np.nan, np.nan), "<", 0, "undecided"),
        ((np.nan, -1), "<", 0, "undecided"),
    ],
)
def test_verdict_needs_the_whole_interval_on_one_side(interval, relation, bound, expected):
    assert claims.verdict(Interval(0, *interval), relation, bound) == expected


@pytest.mark.parametrize("relation", checks.RELATIONS)
def test_a_conjunction_is_supported_where_all_parts_are_and_refused_where_one_is(relation):
    rng = np.random.default_rng(0)
    for _ in range(200):
        middles, widths = rng.normal(0, 1, 3), rng.random(3)
        parts = [Interval(m, m - w, m + w) for m, w in zip(middles, widths, strict=True)]
        each = [claims.verdict(part, relation, 0) for part in parts]
        whole = claims.worst(parts, relation)
        expected = "supported" if set(each) == {"supported"} else "undecided"
        expected = "not supported" if "not supported" in each else expected
        assert claims.verdict(whole, relation, 0) == expected
        assert whole.low <= whole.value <= whole.high


def verdicts(table):
    return table.set_index("claim")["verdict"].to_dict()


def test_planted_effects_are_found():
    tasks = ["vanilla", "asr-th", "asr-cmn", "asr-en", "emotion", "gender", "speaker", "shuffled_asr-th"]
    study, cues = make_study(tasks)
    table = claims.check(study, cues, ["th"], **TOLD)
    got = verdicts(table)
    for name in ("upper_layers_keep_tone", "target_asr_closest", "target_asr_needs_transcripts", "mandarin_second",
                 "emotion_longer_span", "speaker_lower_f1", "upper_layers_closer"):  # fmt: skip
        assert got[f"{name}/mini/th"] == got[f"{name}/mini/all"] == "supported", name
    assert got["cue_width/signal/th"] == "supported"
    assert got["cue_width/signal/all"] == "undecided", "one group cannot be apart from none"
    row = table.set_index("claim").loc["target_asr_closest/mini/th"]
    assert "box-corrected" in row["statistic"] and row["statement"].startswith("Thai, mini, made-up speech: ")


def test_the_paper_can_be_contradicted():
    study, cues = make_study(["vanilla", "asr-th", "emotion"])
    name = {"mini/asr-th": "mini/emotion", "mini/emotion": "mini/asr-th", "mini/vanilla": "mini/vanilla"}
    swapped = {
        (name[key], language): replace(measured, condition=conditions.parse(name[key]))
        for (key, language), measured in study.items()
    }
    got = verdicts(claims.check(swapped, cues, ["th"], **TOLD))
    assert got["target_asr_closest/mini/th"] == "not supported"
    assert got["emotion_longer_span/mini/th"] == got["emotion_lower_f1/mini/th"] == "not supported"


def test_what_cannot_be_asked_is_undecided_and_says_what_is_missing():
    study, cues = make_study(["vanilla"])
    table = claims.check(study, cues, ["th"], **TOLD).set_index("claim")
    missing = table.loc["mandarin_second/mini/th"]
    assert missing["verdict"] == "undecided" and np.isnan(missing["value"])
    assert missing["statement"].endswith("(cannot be asked: no target ASR, Mandarin ASR, English ASR)")
    assert table.loc["best_layer_mid_to_high/mini/th", "verdict"] != ""
    everywhere = make_study(["vanilla", "asr-th"], languages=("th", "vi"))
    table = claims.check(*everywhere, ["th", "vi"], **TOLD).set_index("claim")
    assert table.loc["target_asr_closest/mini/th", "verdict"] == "supported"
    assert table.loc["target_asr_closest/mini/all", "verdict"] == "undecided", "not asked of Vietnamese"


def test_planted_cue_widths_are_no_support():
    study, cues = make_study(["vanilla"], languages=("my", "vi"))
    real = verdicts(claims.check(study, cues, ["my", "vi"], **TOLD))
    planted = verdicts(claims.check(study, cues, ["my", "vi"], **TOLD | {"synthetic": True}))
    for language in ("my", "vi", "all"):
        assert real[f"cue_width/signal/{language}"] == "supported"
        assert planted[f"cue_width/signal/{language}"] == "by construction"
    narrower = cues.assign(span_ms=90.0, span_low_ms=80.0, span_high_ms=100.0)
    got = verdicts(claims.check(study, narrower, ["my", "vi"], **TOLD))
    assert (got["cue_width/signal/my"], got["cue_width/signal/vi"]) == ("supported", "not supported")
    assert got["cue_width/signal/all"] == "undecided", "equal widths may still lie 20 ms apart"


def test_other_conditions_are_all_asked():
    study, _ = make_study(["vanilla", "asr-th", "asr-yue", "asr-yo"])
    roles = claims._roles(study, "mini", "th")
    assert set(roles) == {"vanilla", "target_asr", "mini/asr-yue", "mini/asr-yo"}
    assert len(checks._target_to_others(roles, "distance_ms")) == 3


def test_board_has_a_row_per_claim_and_a_column_per_language():
    study, cues = make_study(["vanilla", "asr-th"], languages=("th", "vi"))
    board = claims.board(claims.check(study, cues, ["th", "vi"], **TOLD))
    assert list(board.columns) == ["encoder", "claim", "th", "vi", "all"]
    assert len(board) == 1 + len(checks.CHECKS) and not board.isna().any(axis=None)
    assert set(board[["th", "vi", "all"]].to_numpy().ravel()) <= {f"{s} {v}" for v, s in claims.VERDICTS.items()}


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Runs notebook 05 on a made-up results folder; returns its parameters and what it defined."""
    monkeypatch.setattr(params, "OUTPUT_ROOT", tmp_path)
    monkeypatch.setattr(provenance, "FORMATS", ("png",))  # all three are the workflow test's

    def run(*arguments, **options):
        path = profile(tmp_path, *arguments, **options)
        p = params.load(path)
        write(p)
        return p, run_notebook("05_rcom_comparison", params_path=path)

    yield run
    plt.close("all")


def test_notebook_compares_checks_and_draws_the_whole_demo(fake):
    p, _ = fake()
    loaded = store.load_tables(p)
    names = list(store.recipes(p))
    shown = ["vanilla", "target_asr", "asr-cmn", "asr-en", "emotion", "gender", "speaker"]
    assert [name for name in names if name.startswith("energy_map")] == [f"energy_map_mini-{what}" for what in shown]
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


def test_a_profile_without_fine_tuning_has_figures_and_undecided_claims(fake):
    p, _ = fake(["vanilla"], tonal=["cmn"], other=[])
    assert {"finetune", "differences", "seed_agreement", "probe_vs_finetuned"}.isdisjoint(store.recipes(p))
    claimed = store.load_tables(p)["claims"]
    assert not claimed["claim"].str.startswith("cue_width").any(), "the paper says nothing of Mandarin"
    upper = claimed["claim"].str.contains("best_layer|upper_layers_keep")
    assert set(claimed.loc[~upper, "verdict"]) == {"undecided"}


def test_where_no_encoder_was_taught_tone_no_probe_is_held_against_one(fake):
    p, _ = fake(["vanilla", "gender"], tonal=["th"], other=[])
    assert "probe_vs_finetuned" not in store.recipes(p) and "finetune" in store.recipes(p)
    assert store.load_tables(p)["probe_vs_finetuned"].empty


def test_encoders_have_their_own_figures(fake):
    p, _ = fake(["vanilla", "asr-th"], backbones=("a", "b"), tonal=["th"], other=[])
    names = set(store.recipes(p))
    assert {"probe_f1_a", "probe_f1_b", "differences_b", "energy_map_a-target_asr", "finetune_b"} <= names
    assert set(store.load_tables(p)["claims"]["claim"].str.split("/").str[1]) == {"signal", "a", "b"}
