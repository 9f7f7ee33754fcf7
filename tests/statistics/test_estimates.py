"""Standard errors against textbook formulas and against known truth: intervals that hold what they say."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from tonespan_utils.statistics import classifier, estimates
from tonespan_utils.statistics.estimates import Seeds, interval, mean_of, of_tokens, pool, variance


def sample(values, condition="a", *, is_trained=True, per_utterance=1):
    """Of ``values`` (seed, token)."""
    values = np.atleast_2d(values)
    clusters = np.array([f"u{token // per_utterance:03}" for token in range(values.shape[1])])
    return of_tokens(values.T, clusters, condition=condition, is_trained=is_trained)


def test_one_token_an_utterance_and_one_seed_is_the_plain_standard_error():
    values = np.random.default_rng(0).normal(3, 2, 25)
    measured = interval(sample(values, is_trained=False).estimate, Seeds(), level=0.95)
    expected = stats.t.interval(0.95, 24, values.mean(), stats.sem(values))
    assert measured.value == pytest.approx(values.mean()) and (measured.low, measured.high) == pytest.approx(expected)


def test_a_paired_difference_is_the_paired_t_test():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 5, (2, 30)) + rng.normal(0, 50, 30)
    difference = sample(first, is_trained=False).estimate - sample(second, "b", is_trained=False).estimate
    of_value, df = variance(difference, Seeds())
    assert difference.value / np.sqrt(of_value) == pytest.approx(stats.ttest_rel(first, second).statistic)
    assert df == 29


def test_tokens_of_one_utterance_count_as_one_where_they_are_alike():
    values = np.repeat(np.random.default_rng(2).normal(0, 1, 20), 3)
    alike = sample(values, is_trained=False, per_utterance=3).estimate
    assert np.sqrt(variance(alike, Seeds())[0]) == pytest.approx(stats.sem(values[::3]))


def test_seed_variance_is_pooled_and_a_wilder_condition_keeps_its_own():
    calm = [sample(np.array([[0.0] * 10, [2.0] * 10]), name) for name in "abc"]  # variance of the means: 2
    wild = sample(np.array([[0.0] * 10, [8.0] * 10]), "d")  # 32
    once, never = sample(np.zeros(10), "e"), sample(np.zeros(10), "f", is_trained=False)
    seeds = pool([*calm, wild, once, never])
    assert seeds.df == 4 and seeds.effect["a"] == pytest.approx((3 * 2 + 32) / 4 / 2)
    assert seeds.effect["d"] == pytest.approx(32 / 2) and seeds.effect["e"] == pytest.approx(38 / 4)
    assert variance(never.estimate, seeds)[0] == 0, "what was not trained has no seed variance"
    assert pool([once, never]) == Seeds(), "no condition was trained twice: nothing is known of seeds"


def test_tokens_that_disagree_between_seeds_are_no_effect_of_training():
    rng = np.random.default_rng(3)

    def effect_of_total(seed_sd):
        noise = rng.normal(0, 1, (60, 2, 40)) + rng.normal(0, seed_sd, (60, 2, 1))
        seeds = pool([sample(values, str(number)) for number, values in enumerate(noise)])
        return np.median([seeds.effect[name] / seeds.total[name] for name in seeds.total])

    assert effect_of_total(0.0) < 0.3 and effect_of_total(1.0) > 0.8


def test_trainings_shared_by_languages_do_not_average_out():
    shared = [sample(np.array([[0.0] * 10, [2.0] * 10]), "a") for _ in range(4)]
    seeds = pool(shared)
    assert seeds.df == 1, "a training measured in four languages is one training"
    assert variance(mean_of([each.estimate for each in shared]), seeds)[0] == pytest.approx(1.0)
    apart = [sample(np.array([[0.0] * 10, [2.0] * 10]), name) for name in "abcd"]
    assert variance(mean_of([each.estimate for each in apart]), pool(apart))[0] == pytest.approx(1.0 / 4)


def covered(rng, *, seed_sd, n_seeds=2, n_conditions=9, n_tokens=60):
    """Whether the interval of every condition against an untrained one holds its true effect (condition,)."""
    token = rng.normal(100, 30, n_tokens)
    before = sample(token + rng.normal(0, 15, n_tokens), "vanilla", is_trained=False)
    truth = 20.0 * np.arange(n_conditions)
    trained = []
    for number in range(n_conditions):
        effects = truth[number] + rng.normal(0, seed_sd, (n_seeds, 1))
        reaction, noise = rng.normal(0, 15, n_tokens), rng.normal(0, 10, (n_seeds, n_tokens))
        trained.append(sample(token + effects + reaction + noise, str(number)))
    seeds = pool([before, *trained])
    bounds = [interval(each.estimate - before.estimate, seeds, level=0.95) for each in trained]
    return [bound.low <= true <= bound.high for bound, true in zip(bounds, truth, strict=True)]


@pytest.mark.parametrize("seed_sd", [0.0, 5.5, 30.0])
def test_of_two_seeds_a_nominal_95_percent_covers_93_to_98(seed_sd):
    rng = np.random.default_rng(int(seed_sd))
    share = np.mean([covered(rng, seed_sd=seed_sd) for _ in range(120)])
    assert 0.93 <= share <= 0.98, share


def test_a_percentile_bootstrap_over_two_seeds_covers_half():
    """What the pool is for: two seeds drawn again give intervals that hold the truth half of the time."""
    rng = np.random.default_rng(5)
    draws = rng.integers(2, size=(400, 2))
    held = [np.prod(np.quantile(pair[draws].mean(axis=1), [0.025, 0.975])) < 0 for pair in rng.normal(0, 1, (600, 2))]
    assert 0.44 <= np.mean(held) <= 0.56


def test_f1_of_tokens_has_macro_f1_as_its_mean_and_the_spread_of_the_bootstrap():
    rng, classes = np.random.default_rng(0), np.array(["a", "b", "c"])
    tone = rng.choice(classes, 400, p=[0.6, 0.3, 0.1])
    predicted = np.where(rng.random(400) < 0.7, tone, rng.choice(classes, 400))
    counts = classifier.confusion(tone, predicted, classes)
    values = classifier.f1_of_tokens(counts)[np.searchsorted(classes, tone), np.searchsorted(classes, predicted)]
    assert values.mean() == pytest.approx(f1_score(tone, predicted, average="macro"))
    by_token = classifier.confusion_by_cluster(tone, predicted, np.arange(400))
    resampled = classifier.f1_resamples(by_token, rng.multinomial(400, np.full(400, 1 / 400), size=2000).astype(float))
    assert stats.sem(values) == pytest.approx(resampled.std(), rel=0.08)


def test_a_band_holds_all_of_several_means_as_often_as_it_says():
    rng, held, pointwise = np.random.default_rng(4), [], []
    for draw in range(200):
        values = rng.normal(0, 1, (5, 40)) + rng.normal(0, 0.5, 40)
        layers = [sample(row, is_trained=False).estimate for row in values]
        factor = estimates.band_factor(layers, [Seeds()] * 5, level=0.9, n_draws=400, seed=draw)
        size = [abs(each.value) / np.sqrt(variance(each, Seeds())[0]) for each in layers]
        held.append(max(size) <= factor)
        pointwise.append(max(size) <= stats.t.ppf(0.95, 39))
    assert 0.85 <= np.mean(held) <= 0.95 and np.mean(pointwise) < 0.8


def test_without_tokens_or_with_one_utterance_there_is_no_interval():
    assert sample(np.full((2, 4), np.nan)) is None
    single = sample(np.arange(4.0), is_trained=False, per_utterance=4).estimate
    measured = interval(single, Seeds(), level=0.95)
    assert measured.value == 1.5 and np.isnan([measured.low, measured.high]).all()


def test_only_tokens_with_a_value_from_every_seed_count():
    values = np.array([[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 6.0, 9.0]])
    measured = sample(values).estimate
    assert measured.n_tokens == 3 and measured.value == pytest.approx(np.mean([2.0, 3.0]))
