"""Comparisons against slow oracles that loop over resamples, seeds and tokens, and against answers set by hand."""

import numpy as np
import pandas as pd
import pytest
from fake_results import predictions, token_spans, tokens
from sklearn.metrics import f1_score

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import conditions, roles
from tonespan_utils.statistics import classifier
from tonespan_utils.study import comparison
from tonespan_utils.study.draws import draw_weights, interval
from tonespan_utils.study.measured import _top, halve, measure, relative_depth, upper_and_lower

VANILLA, TARGET = conditions.parse("mini/vanilla"), conditions.parse("mini/asr-th")
N_RESAMPLES, SEED = 8, 3


@pytest.fixture(scope="module")
def rows():
    """Test tokens, and two conditions' predictions and spans on them."""
    test_tokens = tokens("th", n_utterances=10, per_utterance=5)
    seeds = (0, 1, 2)
    both = {
        c.name: (predictions(c, test_tokens, seeds=seeds), token_spans(c, test_tokens, seeds=seeds))
        for c in (VANILLA, TARGET)
    }
    return test_tokens, both


def halves_of(test_tokens):
    utterances = np.unique(test_tokens["utterance_id"])
    return pd.Series(halve(utterances, test_tokens, seed=3), index=utterances)


def measure_thai(condition, probed, spans, first_half, *, n_resamples=N_RESAMPLES):
    """A condition in Thai, whose cue is 100 ms wide."""
    return measure(
        condition, "th", probed, spans, first_half=first_half, cue_width_ms=100.0, n_resamples=n_resamples, seed=SEED
    )


def measured(rows, condition):
    test_tokens, both = rows
    return measure_thai(condition, *both[condition.name], halves_of(test_tokens))


def repeat(table, counts, column):
    return table.loc[np.repeat(table.index, table[column].map(counts).astype(int))]


def oracle(probed, spans, first_half, utterance_counts, seed_counts):
    """F1, span and depth of one resample, token by token: each seed's drawn rows are written out and scored."""
    layers = list(dict.fromkeys(probed["layer"]))
    depth = dict(zip(layers, relative_depth(layers), strict=True))
    probed, spans = (repeat(table, utterance_counts, "utterance_id") for table in (probed, spans))
    n_seeds = sum(seed_counts.values())

    def mean_f1(table):
        scores = {seed: f1(group) for seed, group in table.groupby("seed")}
        return sum(scores[seed] * times for seed, times in seed_counts.items()) / n_seeds

    def f1(group):
        return f1_score(
            group["tone"], group["predicted"], average="macro", labels=np.unique(group["tone"]), zero_division=0
        )

    held, held_spans, depths = [], [], []
    for half in (True, False):
        chooses = probed[probed["utterance_id"].map(first_half) == half]
        scores = {layer: round(mean_f1(rows), 12) for layer, rows in chooses.groupby("layer", sort=False)}
        chosen = max(layers, key=lambda layer: scores[layer])  # the lowest of equals
        depths.append(depth[chosen])
        for table, kept in ((probed, held), (spans, held_spans)):
            kept.append(table[(table["utterance_id"].map(first_half) != half) & (table["layer"] == chosen)])
    radii = repeat(pd.concat(held_spans).reset_index(drop=True), seed_counts, "seed")["r_com_ms"]
    return mean_f1(pd.concat(held)), 2 * radii.mean(), np.mean(depths)


@pytest.mark.parametrize("condition", [VANILLA, TARGET], ids=lambda c: c.task)
def test_every_draw_is_what_a_loop_over_its_tokens_gives(rows, condition):
    test_tokens, both = rows
    first_half, result = halves_of(test_tokens), measured(rows, condition)
    weights = draw_weights(len(first_half), key="th", n_resamples=N_RESAMPLES, seed=SEED)
    seeds = draw_weights(3, key=condition.name, n_resamples=N_RESAMPLES, seed=SEED)
    for draw in range(1 + N_RESAMPLES):
        counts = dict(zip(first_half.index, weights[draw], strict=True))
        expected = oracle(*both[condition.name], first_half, counts, dict(enumerate(seeds[draw])))
        got = [result.draws[name][draw] for name in ("f1", "span_ms", "best_depth")]
        assert got == pytest.approx(expected), draw
    assert result.draws["distance_ms"] == pytest.approx(np.abs(result.draws["span_ms"] - 100))
    assert result.draws["box_distance_ms"] == pytest.approx(np.abs(2 * result.draws["span_ms"] - 100))


def test_the_first_draw_is_the_data_themselves():
    weights = draw_weights(5, key="th", n_resamples=50, seed=0)
    assert (weights[0] == 1).all() and (weights.sum(axis=1) == 5).all() and weights[1:].std() > 0
    assert (weights == draw_weights(5, key="th", n_resamples=50, seed=0)).all()
    assert (weights != draw_weights(5, key="vi", n_resamples=50, seed=0)).any()


def test_layers_are_chosen_on_one_half_and_scored_on_the_other():
    # Layer 0 is right on the first half and wrong on the second, layer 1 the other way round: whatever wins on one
    # half fails on the other, so a fair best layer scores 0 where an unfair one would score 0.5.
    utterances = [f"u{i}" for i in range(8)]
    first_half = pd.Series([True] * 4 + [False] * 4, index=utterances)
    table = pd.DataFrame(
        [
            (u, layer, tone, tone if first_half[u] == (layer == "0") else "low high".replace(tone, "").strip())
            for u in utterances for layer in ("0", "1") for tone in ("low", "high")
        ],
        columns=["utterance_id", "layer", "tone", "predicted"],
    ).assign(seed=0, token_id=lambda t: t["utterance_id"] + t["tone"])  # fmt: skip
    result = measure_thai(VANILLA, table, no_spans(), first_half)
    assert result.draws["f1"][0] == 0.0 and result.best_layer == "0, 1" and result.draws["best_depth"][0] == 0.5
    assert result.by_layer["f1"][0] == pytest.approx([0.5, 0.5])


def no_spans():
    return pd.DataFrame(columns=["seed", "layer", "token_id", "utterance_id", "r_com_ms"])


def test_halves_share_no_speaker_and_are_of_a_size():
    test_tokens = tokens("th")
    utterances = np.unique(test_tokens["utterance_id"])
    first = pd.Series(halve(utterances, test_tokens, seed=0), index=utterances)
    by_speaker = test_tokens.assign(first=test_tokens["utterance_id"].map(first)).groupby("speaker")["first"]
    assert (by_speaker.nunique() == 1).all() and by_speaker.size()[by_speaker.first()].sum() == len(test_tokens) / 2
    alone = test_tokens.assign(speaker="s0", sentence_id=test_tokens["utterance_id"].str[:3])
    first = pd.Series(halve(utterances, alone, seed=0), index=utterances)
    by_sentence = alone.assign(first=alone["utterance_id"].map(first)).groupby("sentence_id")["first"]
    assert (by_sentence.nunique() == 1).all() and first.nunique() == 2, "one speaker: whole sentences"
    with pytest.raises(TonespanError, match=r"utterance stranger is in the predictions and not in tokens\.csv"):
        halve(["stranger"], test_tokens, seed=0)


def test_differences_are_paired(rows):
    test_tokens, both = rows
    cues = {"th": 100.0}
    probed, spans = (pd.concat([pair[i] for pair in both.values()]) for i in (0, 1))
    result = comparison.study(probed, spans, test_tokens, cues, n_resamples=200, seed=SEED)
    table = comparison.contrast_table(result, level=0.9).set_index(["condition_a", "condition_b", "measure"])
    first = table.loc["mini/asr-th", "mini/vanilla", "f1"]
    values = comparison.comparison_table(
        result,
        pd.DataFrame({"condition": list(both), "language": "th", "null_span_ms": 500.0}),
        pd.DataFrame({"language": ["th"], "span_ms": [100.0], "span_low_ms": [90.0], "span_high_ms": [110.0]}),
        level=0.9,
    ).set_index("condition")
    assert first["difference"] == pytest.approx(values.loc["mini/asr-th", "f1"] - values.loc["mini/vanilla", "f1"])
    assert first["n_seeds"] == 3 and first["n_tokens"] == len(test_tokens)


def test_shared_utterances_drop_out_of_a_difference(rows):
    test_tokens, both = rows
    one_seed = [table[table["seed"] == 0] for table in both["mini/vanilla"]]
    first_half = halves_of(test_tokens)
    first, copy = (measure_thai(conditions.parse(f"mini/{task}"), *one_seed, first_half, n_resamples=100)
                 for task in ("vanilla", "emotion"))  # fmt: skip
    assert np.nanstd(first.draws["f1"]) > 0.01 and np.nanstd(first.draws["f1"] - copy.draws["f1"]) == 0
    seeded = [measure_thai(conditions.parse(f"mini/{task}"), *both["mini/vanilla"], first_half, n_resamples=100)
              for task in ("vanilla", "emotion")]  # fmt: skip
    spread = np.nanstd(seeded[0].draws["top_f1"] - seeded[1].draws["top_f1"])
    assert spread > 0, "three trainings are drawn for each condition on its own"


def test_chance_is_what_shuffling_gives():
    rng = np.random.default_rng(0)
    tone, predicted = rng.choice(["a", "b", "c"], 90, p=[0.6, 0.3, 0.1]), rng.choice(["a", "b", "c"], 90)
    counts = classifier.confusion(tone, predicted, np.array(["a", "b", "c"]))
    shuffled = classifier.shuffled_f1(tone, predicted, n_shuffles=4000, seed=0).mean()
    assert classifier.chance_f1(counts) == pytest.approx(shuffled, abs=0.003)


def test_upper_half_is_made_of_blocks():
    layers = ["cnn", "0", "1", "2", "3", "4", "final"]
    assert relative_depth(layers) == pytest.approx([-0.25, 0, 0.25, 0.5, 0.75, 1, 1])
    upper, lower = upper_and_lower(relative_depth(layers), layers)
    assert [layer for layer, chosen in zip(layers, upper, strict=True) if chosen] == ["2", "3", "4"]
    assert [layer for layer, chosen in zip(layers, lower, strict=True) if chosen] == ["1"]
    assert layers[_top(layers)] == "4"


def test_the_upper_half_is_the_mean_of_its_layers(rows):
    result = measured(rows, TARGET)
    f1 = result.by_layer["f1"]
    assert result.layers == ("cnn", "0", "1", "2", "3", "4")
    assert result.draws["upper_f1"] == pytest.approx(f1[:, 3:].mean(axis=1)) and result.upper_note == ""
    assert result.draws["top_f1"] == pytest.approx(f1[:, 5]) and result.top_layer == "4"


def test_tokens_without_energy_are_left_out(rows):
    test_tokens, both = rows
    probed, spans = both["mini/vanilla"]
    deaf = spans["token_id"].isin(test_tokens["token_id"].iloc[:10])
    first_half = halves_of(test_tokens)
    silent = measure_thai(VANILLA, probed, spans.assign(r_com_ms=spans["r_com_ms"].mask(deaf)), first_half)
    dropped = measure_thai(VANILLA, probed, spans[~deaf], first_half)
    assert silent.draws["span_ms"] == pytest.approx(dropped.draws["span_ms"], nan_ok=True)
    nothing = measure_thai(VANILLA, probed, no_spans(), first_half)
    assert np.isnan(nothing.draws["span_ms"]).all() and not np.isnan(nothing.draws["f1"][0])


def test_one_utterance_has_no_interval_and_no_choice():
    test_tokens = tokens("th", n_utterances=1)
    first_half = pd.Series([True], index=["th0"])
    result = measure_thai(VANILLA, predictions(VANILLA, test_tokens), token_spans(VANILLA, test_tokens), first_half)
    assert result.best_layer == "" and np.isnan(result.draws["f1"]).all()
    top = interval(result.draws["top_f1"], level=0.9)
    assert top.value > 0 and np.isnan(top.low) and np.isnan(top.high)


def test_one_class_and_one_seed_are_measured(rows):
    test_tokens, _ = rows
    single = test_tokens.assign(tone="high")
    probed = predictions(VANILLA, single, seeds=(7,)).assign(predicted="high")
    first_half = halves_of(test_tokens)
    result = measure_thai(VANILLA, probed, token_spans(VANILLA, test_tokens, seeds=(7,)), first_half)
    assert result.draws["f1"] == pytest.approx(np.where(np.isnan(result.draws["f1"]), np.nan, 1.0), nan_ok=True)
    assert result.draws["chance_f1"][0] == 1.0 and result.n_seeds == 1


def test_order_of_rows_within_a_layer_changes_nothing(rows):
    test_tokens, both = rows
    probed, spans = both["mini/vanilla"]
    order = {layer: number for number, layer in enumerate(dict.fromkeys(probed["layer"]))}
    mixed = probed.sample(frac=1, random_state=1)
    mixed = mixed.sort_values("layer", key=lambda column: column.map(order), kind="stable")
    first_half = halves_of(test_tokens)
    first, second = (
        measure_thai(VANILLA, *tables, first_half)
        for tables in ((probed, spans), (mixed, spans.sample(frac=1, random_state=2)))
    )
    for name, draws in first.draws.items():
        assert draws == pytest.approx(second.draws[name], nan_ok=True), name


def test_intervals_of_mostly_undefined_draws_have_no_bounds():
    draws = np.array([1.0, *np.full(6, np.nan), *np.arange(4.0)])
    assert np.isnan(interval(draws, level=0.9).low)
    assert interval(np.arange(-5.0, 6), level=0.5).value == -5
    kept = interval(np.array([0.0, np.nan, 1.0, 2.0, 3.0]), level=0.5)
    assert (kept.low, kept.high) == (1.5, 2.5)


def test_pairs_stay_within_an_encoder_and_ask_what_the_claims_need():
    names = [f"mini/{task}" for task in ("vanilla", "asr-th", "asr-cmn", "asr-en", "emotion", "shuffled_asr-th")]
    result = comparison.pairs([*names, "big/vanilla", "big/emotion"], "th")
    assert ("mini/asr-th", "mini/emotion") in result and ("mini/asr-cmn", "mini/asr-en") in result
    assert ("mini/asr-th", "mini/shuffled_asr-th") in result and ("big/emotion", "big/vanilla") in result
    assert all(a.split("/")[0] == b.split("/")[0] for a, b in result) and len(set(result)) == len(result)
    assert comparison.pairs(["mini/vanilla"], "th") == [] == comparison.pairs(["mini/emotion", "mini/gender"], "th")


@pytest.mark.parametrize(
    ("name", "language", "role", "label"),
    [
        ("mini/asr-th", "th", "target_asr", "target ASR"),
        ("mini/asr-cmn", "cmn", "target_asr", "target ASR"),
        ("mini/asr-cmn", "th", "mandarin_asr", "Mandarin ASR"),
        ("mini/asr-en", "th", "english_asr", "English ASR"),
        ("mini/asr-yue", "th", "other_asr", "ASR yue"),
        ("mini/shuffled_asr-th", "th", "control", "shuffled ASR"),
        ("mini/shuffled_emotion", "th", "control", "shuffled emotion"),
        ("mini/speaker", "th", "speaker", "speaker"),
    ],
)
def test_roles_depend_on_the_language_asked(name, language, role, label):
    condition = conditions.parse(name)
    assert roles.role_of(condition, language) == role and roles.label_of(condition, language) == label


def test_probe_and_fine_tuned_meet_on_common_tokens(rows):
    test_tokens, both = rows
    probed = both["mini/vanilla"][0]
    tuned = test_tokens[["language", "token_id", "utterance_id", "tone"]].assign(condition="mini/tone-th", seed=0)
    tuned = tuned.assign(predicted=tuned["tone"]).iloc[10:]  # always right, on all but two utterances
    table = comparison.probe_vs_finetuned(probed, tuned, test_tokens, level=0.9, n_resamples=50, seed=SEED)
    common = probed[probed["token_id"].isin(tuned["token_id"]) & (probed["layer"] == "4")]
    expected = np.mean([f1_score(g["tone"], g["predicted"], average="macro") for _, g in common.groupby("seed")])
    top = table.set_index("layer").loc["top"]
    assert top["probe_f1"] == pytest.approx(expected) and top["finetuned_f1"] == 1.0
    assert top["difference"] == pytest.approx(1 - expected) and 0 < top["ci_low"] <= top["ci_high"]
    assert top["n_tokens"] == len(test_tokens) - 10 and top["condition"] == "mini/vanilla"
    lonely = tuned.assign(condition="mini/emotion_tone-th")
    unprobed = comparison.probe_vs_finetuned(probed, lonely, test_tokens, level=0.9, n_resamples=N_RESAMPLES, seed=SEED)
    assert unprobed.empty, "emotion was not probed"


def test_seeds_agree_where_tokens_look_alike_and_what_was_trained_once_has_no_rows():
    rng = np.random.default_rng(0)
    radius = {layer: rng.uniform(20, 200, 30) for layer in ("1", "2", "3")}
    rows = [
        {"condition": condition, "language": "th", "seed": seed, "layer": layer, "token_id": f"t{i}",
         "utterance_id": f"u{i // 2}", "r_com_ms": rng.uniform(20, 200) if condition == "c/deaf" else 2 * value + seed}
        for condition, seeds in (("c/once", [0]), ("c/alike", [0, 1]), ("c/deaf", [0, 1]))
        for seed in seeds
        for layer, values in radius.items()
        for i, value in enumerate(values)
    ]  # fmt: skip
    result = comparison.seed_agreement(pd.DataFrame(rows), level=0.9, seed=0).set_index(["condition", "over"])
    assert set(result.index.get_level_values("condition")) == {"c/alike", "c/deaf"}
    assert (result.loc["c/alike", "rho"] == 1).all()
    deaf = result.loc[("c/deaf", "tokens")]
    assert deaf["null_low"] <= deaf["rho"] <= deaf["null_high"] and deaf["n"] == 30
    assert comparison.seed_agreement(pd.DataFrame(rows[:90]), level=0.9, seed=0).empty
