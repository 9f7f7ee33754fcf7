"""Figures of calibration and sanity: each is drawn from made-up tables, and its caption holds the tables' numbers."""

import fake_validity
import matplotlib.pyplot as plt
import pytest

from tonespan_utils.paper.figures import calibration, span_penalty, validity
from tonespan_utils.params import profile
from tonespan_utils.params.tables import select
from tonespan_utils.plots import style

NAMES = [
    "calibration", "calibration_slopes", "robust_baselines", "span_penalty", "sanity_f1", "sanity_spans",
    "sanity_agreement",
]  # fmt: skip


@pytest.fixture(scope="module")
def p():
    return profile.load("demo")


@pytest.fixture(scope="module")
def loaded(p):
    return fake_validity.make(p)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_list_of_figures_is_whole(p):
    assert list(validity.recipes(p)) == NAMES


@pytest.mark.parametrize("width_mm", [style.COLUMN_MM, style.PAGE_MM])
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_drawn_in_one_and_two_columns(p, loaded, name, width_mm):
    with plt.style.context(style.STYLE), style.width(width_mm):
        figure = validity.recipes(p)[name].draw(loaded, p)
        figure.canvas.draw()
    assert figure.get_figwidth() == pytest.approx(width_mm / 25.4)
    assert all(axis.lines or axis.collections or axis.containers for axis in figure.axes)


def number_of(loaded, name, column, **where):
    """The one value of a column in the row that ``where`` picks."""
    (value,) = select(loaded[name], **where)[column]
    return value


def test_the_caption_of_calibration_tells_the_lines(p, loaded):
    caption = calibration.caption_calibration(loaded, p)
    acoustic = {"estimator": "acoustic", "condition": "signal"}
    gradient = {"estimator": "gradient", "condition": "asr", "layer": fake_validity.TOP}
    bias, worst = (number_of(loaded, "calibration_lines", c, **acoustic) for c in ("bias_ms", "worst_error_ms"))
    assert f"misses by {bias:.0f} ms on average and by {worst:.0f} ms at worst" in caption
    slope = number_of(loaded, "calibration_lines", "slope", **gradient)
    assert f"has slope {slope:.2f} [{0.9 * slope:.2f}, {1.1 * slope:.2f}] over utterances" in caption


def test_the_random_span_is_the_mean_over_draws(loaded):
    drawn = [
        number_of(loaded, "sanity", "value", condition="asr", statistic=f"span_ms, 3 of 3 parts, seed {seed}")
        for seed in (0, 1)
    ]
    assert calibration.random_span_ms(loaded) == pytest.approx(sum(drawn) / 2)


def test_the_caption_of_the_penalty_tells_both_trainings(p, loaded):
    caption = span_penalty.caption_penalty(loaded, p)
    for condition in ("asr", "narrow_asr"):
        where = {"true_span_ms": p.validity.sanity_span_ms, "condition": condition, "metric": "cer"}
        rate = number_of(loaded, "calibration_scores", "value", **where)
        assert f"{rate:.2f} [{0.9 * rate:.2f}, {1.1 * rate:.2f}]" in caption


def test_the_captions_of_the_sanity_checks_tell_their_rows(p, loaded):
    captions = {name: recipe.caption(loaded, p) for name, recipe in validity.recipes(p).items()}
    free = select(loaded["sanity"], check="tone-free speech")["value"].max()
    assert f"the best F1 of 8 is {free:.2f}" in captions["sanity_f1"]
    duration = number_of(loaded, "sanity", "value", statistic="f1 from duration alone")
    assert f"F1 {duration:.2f} (chance 0.20)" in captions["sanity_spans"]
    over = select(loaded["sanity"], check="agreement")
    tokens = over[over["statistic"].str.contains("over tokens")]["value"]
    assert f"over tokens {tokens.min():.2f} to {tokens.max():.2f} (2 passed)" in captions["sanity_agreement"]
