"""Errors of aligned tone centres or the aligner's scores, and the answers under moved centres."""

import pandas as pd
import pytest

from tonespan_utils.paper.figures import alignment

NAN = float("nan")
LAYERS = ("1", "4")


@pytest.fixture
def loaded(p):
    numbers = {"bias_ms": 2.5, "median_ms": 7.25, "median_low_ms": 6.5, "median_high_ms": 8.0, "p95_ms": 31.0,
               "p95_low_ms": 28.0, "p95_high_ms": 36.0}  # fmt: skip
    train = {name: 99.0 for name in numbers}
    scored = [{"language": "th", "split": "train", **train}, {"language": "th", "split": "test", **numbers}]
    least, most = min(p.jitter.sd_ms), max(p.jitter.sd_ms)
    moved = [
        {"language": "th", "layer": layer, "jitter_ms": sd_ms, "value_ms": value, "ci_low_ms": value - 5,
         "ci_high_ms": value + 5, "null_ms": null}
        for layer, null, values in (("", NAN, (100.0, NAN)), ("1", 240.0, (70.0, 80.0)), ("4", 250.0, (60.0, 90.0)))
        for sd_ms, value in zip((least, most), values, strict=True)
    ]  # fmt: skip
    return {
        "alignment": pd.DataFrame(scored),
        "errors": pd.DataFrame({"language": "th", "error_ms": [-70.0, -3.0, 4.0, 12.0]}),
        "tokens": pd.DataFrame({"language": "th", "align_score": [0.5, 0.7, 0.9]}),
        "jitter": pd.DataFrame(moved),
    }


def test_known_times_give_errors_and_unknown_ones_scores():
    timed = alignment.recipes(LAYERS, times_known=True)["alignment"]
    assert timed.draw is alignment.draw_errors and timed.caption is alignment.caption_errors
    untimed = alignment.recipes(LAYERS, times_known=False)["alignment"]
    assert untimed.draw is alignment.draw_scores and untimed.caption is alignment.caption_scores


def test_errors_are_those_of_the_test_split(p, loaded):
    figure = alignment.draw_errors(loaded, p)
    (axis,) = figure.axes
    assert sum(bar.get_height() for bar in axis.patches) == 4, "errors beyond the axis are at its ends"
    assert "bias +2.5 ms" in axis.texts[0].get_text() and "99" not in axis.texts[0].get_text()
    caption = alignment.caption_errors(loaded, p)
    assert caption.endswith("Thai 7.2 ms [6.5, 8.0], 95 % within 31.0 ms [28.0, 36.0].")


def test_without_known_times_the_scores_are_told(p, loaded):
    figure = alignment.draw_scores(loaded, p)
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 3
    assert alignment.caption_scores(loaded, p).endswith("Median: Thai 0.70 of 3 tokens.")


def test_radii_are_doubled_and_the_cue_width_is_not(p, loaded):
    recipe = alignment.recipes(LAYERS, times_known=True)["jitter"]
    figure = recipe.draw(loaded, p)
    (axis,) = figure.axes
    drawn = [list(line.get_ydata()) for line in axis.lines if len(line.get_xdata()) == 2]
    assert [100.0, pytest.approx(NAN, nan_ok=True)] in drawn
    assert [140.0, 160.0] in drawn and [120.0, 180.0] in drawn and [480.0, 480.0] in drawn and [500.0, 500.0] in drawn
    assert axis.get_ylim()[0] == 0 and list(axis.get_xticks()) == list(p.jitter.sd_ms)


def test_the_caption_of_moved_centres_tells_a_width_that_is_lost(p, loaded):
    caption = alignment.recipes(LAYERS, times_known=True)["jitter"].caption(loaded, p)
    assert caption.endswith("(r_com of layer 4): Thai cue width 100 to none ms, r_com 60 to 90 ms.")


def test_the_record_says_how_to_make_it_again(p, loaded):
    recipe = alignment.recipes(LAYERS, times_known=True)["jitter"]
    record = alignment.record(p, "jitter", recipe, loaded, checkpoints={"mini": "sha256:0"})
    assert record["command"] == f"make alignment PROFILE={p.profile}" and record["notebook"] == alignment.NOTEBOOK
    assert record["title"] == recipe.title and record["caption"] == recipe.caption(loaded, p)
    assert record["checkpoints"] == {"mini": "sha256:0"} and record["figure"] == "jitter"
