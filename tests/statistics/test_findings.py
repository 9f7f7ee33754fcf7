"""A number that is no finding is not printed as one: curves without a bend, guesses, flat maps, a handful of tokens."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import make_tokens
from fake_results import make_study

from tonespan_utils.corpus import sides
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.instrument import cue_width, pooling, probes, spans
from tonespan_utils.plots import comparisons, curves, signal
from tonespan_utils.statistics import bootstrap, classifier, findings
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import comparison, measured

WINDOWS = np.array([20.0, 40, 60, 80, 100, 120, 140, 160, 200, 240, 300])
EDGES, OFFSETS = spans.offset_bins(500, 10)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def sweep(right, *, n=600, n_tones=4, seed=0):
    """Predictions of a listener who knows the tone with probability ``right(window_ms)``, and else guesses."""
    rng = np.random.default_rng(seed)
    tone, luck = rng.integers(n_tones, size=n).astype(str), rng.random(n)
    predicted = []
    for window_ms in WINDOWS:
        chances = np.where(rng.random(n) < 0.5, rng.random(n), luck)  # windows nest: half of the luck is shared
        predicted.append(np.where(chances < right(window_ms), tone, rng.integers(n_tones, size=n).astype(str)))
    return cue_width.Sweep(WINDOWS, tone, np.array(predicted), np.arange(n) % 4, (np.arange(n) // 3).astype(str))


def cue(swept):
    return cue_width.optimal_span(swept, analysis_window_ms=25, n_resamples=200, level=0.95, seed=0)


CURVES = {
    "chance": (lambda w: 0.0, "F1 not above chance"),
    "flat": (lambda w: 0.4, "no bend: no window reads tone better than the smallest"),
    "falling": (lambda w: 0.6 - 0.3 * w / 300, "no bend: no window reads tone better than the smallest"),
    "straight": (lambda w: 0.1 + 0.6 * w / 300, "no bend: two lines fit F1 over the window no better"),
    "bends after the widest": (lambda w: 0.7 * min(w, 290) / 290, "no bend"),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_without_a_bend_or_above_chance_has_no_cue_width(name):
    right, said = CURVES[name]
    width = cue(sweep(right))
    widths = [width.span_ms, width.span_low_ms, width.span_high_ms, width.knee_ms, width.peak_ms, width.saturation_ms]
    assert np.isnan(widths).all() and width.reason.startswith(said)
    assert width.n_tokens == 600 and not np.isnan([width.peak_f1, width.chance_f1]).any()


@pytest.mark.parametrize("width_ms", [80, 180])
def test_a_curve_that_bends_keeps_its_cue_width(width_ms):
    width = cue(sweep(lambda w: 0.6 * min(w, width_ms + 12.5) / width_ms))
    assert width.reason == "" and width.span_ms == pytest.approx(width_ms, abs=25)
    assert width.span_low_ms < width.span_ms < width.span_high_ms and width.f1_low > width.chance_high


def test_flat_and_straight_curves_seldom_seem_to_bend():
    flat = [cue(sweep(lambda w: 0.4, n=300, seed=seed)).reason == "" for seed in range(12)]
    straight = [cue(sweep(lambda w: 0.1 + 0.5 * w / 300, n=300, seed=seed)).reason == "" for seed in range(12)]
    assert sum(flat) <= 3 and sum(straight) <= 3  # 0.6 expected of each 12, at a level of 95 %


def test_a_handful_of_tokens_has_neither_cue_width_nor_intervals():
    width = cue(sweep(lambda w: min(w, 100) / 100, n=9, n_tones=2))
    assert np.isnan([width.span_ms, width.f1_low, width.f1_high]).all() and width.reason.startswith("9 tokens")
    tone = np.array(list("aabbababa"))
    few, enough = (
        probes.score_answers(np.tile(tone, k), np.tile(tone, k), np.arange(9 * k), n_resamples=50, level=0.9, seed=0)
        for k in (1, 2)
    )
    assert np.isnan([few.ci_low, few.ci_high, few.above_chance_low]).all() and few.macro_f1 == 1
    assert not np.isnan([enough.ci_low, enough.ci_high, enough.above_chance_low]).any()
    energy, null = np.tile(np.exp(-np.abs(OFFSETS) / 50), (10, 1)), np.tile(spans.flat_null(EDGES), (10, 1))
    for n, has_interval in ((9, False), (10, True)):
        pool = (energy[:n], null[:n], np.arange(n), EDGES)
        drawing = {"n_resamples": 50, "level": 0.9, "seed": 0}
        span, radii = pooling.pooled_span(*pool, **drawing), pooling.radius_table(pooling.pool(*pool), **drawing)
        assert (
            np.isfinite([span.ci_low_ms, span.ci_high_ms]).all() == has_interval == np.isfinite(radii[0]["ci_low_ms"])
        )
    twice = pooling.pooled_span(energy, null, np.arange(10) % 5, EDGES, seeds=np.arange(10) // 5, **drawing)
    assert np.isnan(twice.ci_low_ms), "five tokens under two seeds are five tokens"


def test_the_reasons_of_all_layers_are_those_of_each_and_means_over_seeds():
    rows = [("0", 150.0, 140.0, 160.0), ("1", 150.0, 140.0, 460.0), ("2", 150.0, 140.0, 160.0)]
    widths = pd.DataFrame(rows, columns=["layer", "span_ms", "ci_low_ms", "ci_high_ms"]).assign(null_span_ms=450.0)
    lows = pd.DataFrame({"layer": ["0", "1", "2"] * 2, "ci_low": [0.5, 0.5, 0.4, 0.4, 0.5, 0.2]})
    chance = pd.DataFrame({"layer": ["0", "1", "2"] * 2, "chance_f1": 0.33})
    expected = {"0": "", "1": "span at its null", "2": "F1 not above chance"}
    assert findings.why_no_spans(widths, lows, chance) == expected, "0.3 on average is under 0.33"


@pytest.mark.parametrize("rare_right", [0, 1, 2, 3])
def test_a_class_that_resamples_lack_does_not_lift_macro_f1(rare_right):
    reference = np.array(["often"] * 60 + ["rare"] * 3)
    predicted = np.array(["often"] * 63)
    predicted[60 : 60 + rare_right] = "rare"
    counts = classifier.confusion_by_cluster(reference, predicted, np.arange(63))
    draws = bootstrap.resample_clusters(63, n_resamples=4000, seed=0)
    lacking = draws[:, 60:].sum(axis=1) == 0
    assert 0.02 < lacking.mean() < 0.1
    value, drawn = classifier.macro_f1(counts.sum(axis=0)), classifier.f1_resamples(counts, draws)
    assert np.quantile(drawn, 0.025) <= value <= np.quantile(drawn, 0.975)
    assert drawn.mean() <= value + 3 * drawn.std() / np.sqrt(4000)
    assert np.abs(drawn[lacking] - value).max() < 0.02, "a lacking class keeps its F1"
    chance = classifier.chance_resamples(counts, draws)
    assert chance[lacking].mean() < 0.55, "and its chance, where one class alone would give 1"


@pytest.mark.parametrize(
    ("span", "low_f1", "said"),
    [
        (Interval(160, 150, 170), 0.1, ""),
        (Interval(160, 150, 170), 0.0, "F1 not above chance"),
        (Interval(160, 150, 170), np.nan, "F1 not above chance"),
        (Interval(430, 400, 450), 0.1, "span at its null"),
        (Interval(460, np.nan, np.nan), 0.1, "span at its null"),
        (Interval(160, np.nan, np.nan), 0.1, "no interval"),
        (Interval(np.nan, np.nan, np.nan), 0.1, "no energy"),
    ],
)
def test_why_a_span_is_no_finding(span, low_f1, said):
    assert findings.why_no_span(span, 450.0, above_chance_low=low_f1) == said


def checked(table, name):
    row = table.set_index("claim").loc[name]
    return row["verdict"], row["statement"]


def test_without_a_cue_width_no_distance_is_asked_for():
    tasks = ["vanilla", "asr-th", "asr-cmn", "asr-en", "emotion", "shuffled_asr-th"]
    made = make_study(tasks)
    cues = made.cues
    none = cues.assign(span_ms=np.nan, span_low_ms=np.nan, span_high_ms=np.nan)
    for synthetic in (False, True):
        table = replace(made, cues=none).check(["th"], synthetic=synthetic)
        for name in ("target_asr_closest", "mandarin_second", "english_little", "upper_layers_match"):
            verdict, statement = checked(table, f"{name}/mini/th")
            assert verdict == "not tested" and statement.endswith("(not tested: no cue width)"), name
        verdict, statement = checked(table, "cue_width/signal/th")
        assert verdict == "not tested" and statement.endswith("(not tested: no cue width)")
    assert checked(table, "emotion_longer_span/mini/th")[0] == "supported", "it needs no cue width"
    both = make_study(["vanilla", "asr-th", "asr-vi"], languages=("th", "vi"))
    both.cues.loc[both.cues["language"] == "vi", ["span_ms", "span_low_ms", "span_high_ms"]] = np.nan
    table = both.check(["th", "vi"])
    mean, alone = (table.set_index("claim").loc[f"target_asr_closest/mini/{la}"] for la in ("all", "th"))
    assert mean["value"] == alone["value"] and mean["statement"].startswith("mean of Thai, ")
    assert mean["every_language"] == "not tested", "Vietnamese has no cue width"
    assert checked(table, "cue_width/signal/all")[1].endswith("(not tested: no cue width in Vietnamese)")


def at_chance(study, name):
    """The study with F1 at chance in one condition: its F1 is that of chance in every draw."""
    rng, condition = np.random.default_rng(0), study[name, "th"]
    noise = rng.normal(0, 0.03, condition.by_layer["f1"].shape)
    by_layer = condition.by_layer | {"f1": condition.by_layer["chance_f1"] + noise}
    draws = condition.draws | {"f1": condition.draws["chance_f1"] + noise[:, 0]}
    note = measured.chance_note(draws, by_layer, level=0.9)
    changed = {"draws": draws, "by_layer": by_layer, "note": note, "upper_note": note, "chance_note": note}
    return study | {(name, "th"): replace(condition, **changed)}


def test_the_span_of_a_probe_that_reads_nothing_supports_nothing():
    made = make_study(["vanilla", "asr-th", "emotion"])
    study = made.study
    assert checked(made.check(["th"]), "emotion_longer_span/mini/th")[0] == "supported"
    blind = at_chance(study, "mini/emotion")
    table = replace(made, study=blind).check(["th"])
    verdict, statement = checked(table, "emotion_longer_span/mini/th")
    assert verdict == "not tested"
    assert statement.endswith("(not tested: the span of the upper half is no finding in emotion (F1 not above chance))")
    verdict, statement = checked(table, "target_asr_closest/mini/th")
    assert verdict == "supported" and statement.endswith("(without emotion: F1 not above chance)")
    assert checked(table, "emotion_lower_f1/mini/th")[0] == "supported", "that F1 is at chance is itself a finding"
    contrasts = comparison.contrast_table(blind, level=0.9).set_index(["condition_a", "measure"])
    assert np.isnan(contrasts.loc[("mini/emotion", "span_ms"), "difference"]).all()
    assert not np.isnan(contrasts.loc[("mini/emotion", "f1"), "difference"]).any()
    none = at_chance(at_chance(at_chance(study, "mini/vanilla"), "mini/asr-th"), "mini/emotion")
    got = replace(made, study=none).check(["th"])
    assert "supported" not in set(got.loc[got["claim"].str.contains("/mini/"), "verdict"])


def test_there_is_no_best_layer_where_none_is_above_chance():
    made = make_study(["vanilla", "emotion"])
    study, cues = made.study, made.cues
    table = pd.DataFrame({"condition": ["mini/vanilla", "mini/emotion"], "language": "th", "null_span_ms": 450.0})
    rows = comparison.comparison_table(at_chance(study, "mini/emotion"), table, cues, level=0.9).set_index("condition")
    assert rows.loc["mini/vanilla", "best_layer"] != "" and rows.loc["mini/vanilla", "note"] == ""
    assert rows.loc["mini/emotion", "best_layer"] == "" and np.isnan(rows.loc["mini/emotion", "best_depth"])
    assert rows.loc["mini/emotion", "note"] == "F1 not above chance"
    widths = [name for name in rows.columns if name.startswith(("span_", "distance_", "box_distance_"))]
    assert len(widths) == 9 and rows.loc["mini/emotion", widths].isna().all(), "no number stands beside the note"
    assert rows.loc["mini/vanilla", widths].notna().all() and not np.isnan(rows.loc["mini/emotion", "f1"])


def test_figures_say_that_there_is_no_cue_width_and_open_what_is_at_its_null():
    rows = pd.DataFrame({"frontend": "logmel", "window_ms": [20.0, 40.0] * 2, "macro_f1": [0.2, 0.3, 0.25, 0.3]})
    none = pd.DataFrame(
        {"frontend": ["logmel"], "span_ms": np.nan, "span_low_ms": np.nan, "span_high_ms": np.nan, "chance_f1": 0.2}
    )
    axis = plt.figure().add_subplot()
    signal.f1_by_window(axis, rows, none, language="th", reason="no bend: flat")
    assert [text.get_text() for text in axis.texts] == ["no cue width: no bend: flat"]
    assert len(axis.lines) == 2, "the curve and chance; no upright line"
    curves.cue_band(axis, none.iloc[0])
    assert axis.texts[-1].get_text() == "no cue width in the signal"
    layers = pd.DataFrame({"layer": ["0", "1"], "span_ms": [90.0, 470.0], "ci_low_ms": 80.0, "ci_high_ms": 99.0})
    axis = plt.figure().add_subplot()
    curves.spans_by_layer(axis, layers.assign(null_span_ms=450.0), color="#0072B2", hollow=["1"])
    assert "at its null: no finding" in axis.get_legend_handles_labels()[1]
    comparisons.intervals(axis, np.array([0.0]), pd.DataFrame({"value": [np.nan], "low": np.nan, "high": np.nan}),
                    color="#0072B2", marker="o", label="Thai")  # fmt: skip
    assert comparisons.NOT_COMPARED in axis.get_legend_handles_labels()[1]


def test_tokens_without_audio_around_them_are_listed():
    tokens = make_tokens(n_utterances=8, per_utterance=3)  # centres at 0.6, 1.1 and 1.6 s
    utterances = tokens.drop_duplicates("utterance_id").assign(n_samples=[16000 * 2] * 7 + [3200])
    corpus = Corpus(utterances, tokens, lambda _: np.zeros(32000), pd.DataFrame(columns=["item", "reason"]))
    rejected = sides.left_out(corpus, min_side_ms=450, widest_window_ms=300)
    is_test = (tokens["split"] == "test") & (tokens["utterance_id"] != "u7")
    assert is_test.sum() == 3, "u6 is the other test utterance"
    by_reason = {reason.partition(":")[0]: set(rows["item"]) for reason, rows in rejected.groupby("reason")}
    assert by_reason == {"cue width": {"u7_0", "u7_1", "u7_2"}, "gradients": {"u6_2", "u7_0", "u7_1", "u7_2"}}
    assert "baseline.windows_ms" in rejected["reason"].iloc[0] and "gradient.min_side_ms" in rejected["reason"].iloc[-1]
