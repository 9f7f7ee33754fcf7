"""Lines against numpy and scipy, widths of known energies, and the notebooks of `make validity` on a tiny profile."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import run_notebook
from scipy.stats import linregress

from tonespan_utils.instrument import pooling, spans
from tonespan_utils.params import profile
from tonespan_utils.study import calibration
from tonespan_utils.workflow import runner

TRUE = np.array([60.0, 100.0, 140.0, 180.0, 240.0])


def answers(slope, intercept, noise, *, n_draws=400, seed=0):
    rng = np.random.default_rng(seed)
    widths = intercept + slope * TRUE + rng.normal(0, noise, TRUE.size)
    return np.vstack([widths, widths + rng.normal(0, noise, (n_draws, TRUE.size))])


def test_the_line_and_its_t_interval_are_scipys():
    widths = answers(0.4, 30, 8)
    line, expected = calibration.fit_line(TRUE, widths, level=0.95), linregress(TRUE, widths[0])
    assert (line.slope, line.intercept_ms) == pytest.approx((expected.slope, expected.intercept))
    reach = 3.182446305 * expected.stderr  # Student's t, three degrees of freedom
    assert (line.slope_t_low, line.slope_t_high) == pytest.approx((line.slope - reach, line.slope + reach))
    assert line.bias_ms == pytest.approx(np.mean(widths[0] - TRUE))
    assert line.worst_error_ms == pytest.approx(np.max(np.abs(widths[0] - TRUE)))
    assert line.rmse_ms == pytest.approx(np.sqrt(np.mean((widths[0] - TRUE) ** 2)))
    slopes = [np.polyfit(TRUE, draw, 1)[0] for draw in widths[1:]]
    assert (line.slope_low, line.slope_high) == pytest.approx(np.quantile(slopes, [0.025, 0.975]))
    biases = (widths[1:] - TRUE).mean(axis=1)
    assert (line.bias_low_ms, line.bias_high_ms) == pytest.approx(np.quantile(biases, [0.025, 0.975]))


@pytest.mark.parametrize(
    ("slope", "noise", "verdict"),
    [(0.5, 5, calibration.FOLLOWS), (-0.5, 5, calibration.AGAINST), (0.0, 0.5, calibration.FLAT),
     (0.1, 40, calibration.UNDECIDED)],
)  # fmt: skip
def test_a_verdict_needs_both_intervals(slope, noise, verdict):
    assert calibration.fit_line(TRUE, answers(slope, 50, noise), level=0.95).verdict == verdict


def test_one_corpus_off_the_line_takes_a_verdict_back():
    widths = answers(0.3, 50, 0.1)
    widths[:, 2] += 90  # sure over utterances, wild over corpora
    line = calibration.fit_line(TRUE, widths, level=0.95)
    assert line.slope_low > 0 > line.slope_t_low and line.verdict == calibration.UNDECIDED


def test_an_answer_without_an_end_decides_nothing():
    widths = answers(0.5, 0, 1)
    widths[0, 3] = np.inf
    line = calibration.fit_line(TRUE, widths, level=0.95)
    assert np.isnan(line.slope) and line.verdict == calibration.UNDECIDED
    widths = answers(0.5, 0, 1)
    widths[5, 3] = np.inf  # one resample is left out
    assert calibration.fit_line(TRUE, widths, level=0.95).verdict == calibration.FOLLOWS
    with pytest.raises(ValueError, match="three spans; there are 2"):
        calibration.fit_line(TRUE[:2], widths[:, :2], level=0.95)


def test_widths_of_boxes_are_half_and_nine_tenths_of_them():
    edges, offsets = spans.offset_bins(500, 10)
    energy = np.tile((np.abs(offsets) < 100).astype(float), (12, 1))
    energy[3] = 0  # says nothing, and is left out
    drawn = calibration.energy_draws(energy, np.repeat(range(6), 2), edges, n_resamples=20, seed=0)
    assert drawn["r_com"] == pytest.approx(np.full(21, 100)) and drawn["r90"] == pytest.approx(np.full(21, 180))
    nothing = calibration.energy_draws(0 * energy, np.zeros(12), edges, n_resamples=20, seed=0)
    assert np.isnan(nothing["r_com"]).all() and nothing["r90"].shape == (21,)


def test_first_draw_is_the_pooled_span_and_the_others_are_its_interval():
    rng = np.random.default_rng(0)
    edges, _ = spans.offset_bins(500, 10)
    energy, utterances = rng.gamma(0.5, size=(30, 100)), np.repeat(range(10), 3)
    drawn = calibration.energy_draws(energy, utterances, edges, n_resamples=500, seed=1)["r_com"]
    pooled = pooling.pooled_span(energy, np.ones_like(energy), utterances, edges, n_resamples=500, level=0.95, seed=1)
    assert drawn[0] == pytest.approx(pooled.span_ms)
    assert np.quantile(drawn[1:], [0.025, 0.975]) == pytest.approx([pooled.ci_low_ms, pooled.ci_high_ms])


def test_tables_hold_each_answer_and_a_line_through_three_or_more():
    widths = answers(0.5, 20, 2, n_draws=50)
    parts = [
        calibration.as_draws("gradient", "asr", "final", true, widths[:, i], 40) for i, true in enumerate(TRUE)
    ] + [calibration.as_draws("acoustic_mfcc_hann", "signal", "", true, widths[:, i], 99) for i, true in
         enumerate(TRUE[:2])]  # fmt: skip
    draws = pd.concat(parts)
    table = calibration.calibration_table(draws, level=0.9)
    assert len(table) == 7 and table["estimated_span_ms"].iloc[:5].tolist() == widths[0].tolist()
    assert (table["ci_low_ms"] <= table["ci_high_ms"]).all()
    lines = calibration.line_table(draws, level=0.9)
    assert lines["estimator"].tolist() == ["gradient"]
    assert lines["slope"].item() == pytest.approx(np.polyfit(TRUE, widths[0], 1)[0])


def test_a_calibration_corpus_has_parameters_of_its_own():
    given = profile.load("demo")
    planted = calibration.planted(given, 60.0)
    assert planted.synthetic.planted_span_ms == {given.validity.language: 60.0} and planted.seed != given.seed
    assert planted.speech.tonal == [given.validity.language] and planted.speech.other == []
    assert planted.results.parent.parent == given.results and planted.finetune.steps == given.finetune.steps
    assert set(calibration.conditions_of(planted, narrow=False)) == {"vanilla", "asr"}
    assert calibration.planted(given, 0.0).synthetic.planted_span_ms == {given.validity.language: 0.0}
    full = calibration.planted(profile.load("full"), 100.0)
    assert full.speech.source == "synthetic" and full.conditions[0] == "wav2vec2-base/vanilla"


def test_validity_is_no_part_of_the_paper_and_needs_none_of_it(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TONESPAN_OUTPUT", str(tmp_path))
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path)
    jobs = {}
    for target in ("validity", "paper"):
        runner.run("smoke", dry_run=True, target=target)
        printed = capfd.readouterr()
        jobs[target] = dict(re.findall(r"^(\w+) +(\d+)$", printed.out + printed.err, re.MULTILINE))
    assert jobs["validity"] == {"planted_span": "5", "sanity": "1", "validity": "1", "total": "7"}
    assert "figures" in jobs["paper"] and not set(jobs["paper"]) & {"planted_span", "sanity", "validity"}


@pytest.fixture(scope="module")
def validity(tmp_path_factory):
    """The tables of `make validity` for the smoke profile, made by its notebooks in this process."""
    import matplotlib

    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile, "OUTPUT_ROOT", tmp_path_factory.mktemp("validity"))
        given = profile.load("smoke")
        for language, span_ms in given.validity.corpora:
            run_notebook("06_planted_span", params_path="smoke", span_ms=f"{span_ms:g}", language=language)
        run_notebook("06_sanity", params_path="smoke")
        yield given, run_notebook("06_validity", params_path="smoke")["loaded"]


@pytest.mark.slow
def test_the_tables_of_validity_are_whole(validity):
    given, loaded = validity
    answered = loaded["calibration"].groupby("estimator")["true_span_ms"].apply(set)
    for name in ("acoustic", "gradient", "gradient_r90", *given.validity.estimators):
        assert answered[name] == set(given.validity.planted_span_ms), name
    robust = {name for name in answered.index if name.startswith("acoustic_")}
    assert len(robust) == 6 and all(answered[name] == set(given.validity.robust_span_ms) for name in robust)
    lines = loaded["calibration_lines"]
    gradient = lines[(lines["estimator"] == "gradient") & (lines["condition"] == "asr")]
    assert gradient["layer"].tolist()[0] == "cnn" and np.isfinite(gradient["slope"]).all()
    crossed = loaded["calibration_languages"]
    assert set(crossed["estimator"]) >= {"acoustic", "gradient"} and set(crossed["language"]) == {"th"}
    assert not set(crossed["estimator"]) & set(given.validity.estimators), "other languages are asked the quick half"
    assert np.isfinite(crossed[crossed["estimator"] == "gradient"]["shift_ms"]).all()
    scores = loaded["calibration_scores"]
    assert set(scores[scores["metric"] == "cer"]["condition"]) == {"asr", "narrow_asr"}


@pytest.mark.slow
def test_every_sanity_check_is_there_with_its_null(validity):
    given, loaded = validity
    sane = loaded["sanity"]
    assert set(sane["check"]) == {
        "randomised weights", "shuffled labels", "selectivity", "description length", "tone-free speech", "confounds",
        "attention", "agreement",
    }  # fmt: skip
    agreed = sane[sane["check"] == "agreement"]
    n_energy = 1 + len(given.validity.energy_estimators)
    assert len(agreed) == n_energy * (n_energy - 1), "every pair, over tokens and over layers"
    assert sane["null"].notna().all() and set(sane["verdict"]) <= {"passed", "failed", "undecided", "shown"}
    intact = sane[sane["statistic"].str.startswith("f1, 0 of")]
    permuted = sane[sane["statistic"].str.startswith("f1, 8 of 8")]
    assert intact["value"].min() > permuted["value"].max()


@pytest.mark.slow
def test_every_figure_is_drawn_and_told(validity):
    from tonespan_utils.paper.figures import store
    from tonespan_utils.paper.figures import validity as validity_figures

    given, loaded = validity
    recipes = validity_figures.recipes(given)
    assert set(recipes) <= set(store.recipes(given))
    alone = given.validity.model_copy(update={"estimators": given.validity.behavioural_estimators})
    assert set(recipes) - set(validity_figures.recipes(given.model_copy(update={"validity": alone}))) == {
        "sanity_agreement"
    }
    for name, recipe in recipes.items():
        assert store.figure_stem(given, name).with_suffix(".png").stat().st_size > 5000
        assert "nan" not in recipe.caption(loaded, given)
