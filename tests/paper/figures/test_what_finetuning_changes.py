"""Differences to vanilla, and F1 against the distance to the cue width."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.paper.figures import what_finetuning_changes as changes

NAN = float("nan")


@pytest.fixture
def contrasted(loaded):
    """The tables with contrasts: one against vanilla, one between two others, one of another encoder."""
    columns = ["language", "condition_a", "condition_b", "measure", "difference", "ci_low", "ci_high", "n_tokens"]
    rows = [
        ("th", "mini/shuffled_asr-th", "mini/vanilla", "span_ms", 1.0, -2.0, 4.0, 40),
        ("th", "mini/asr-th", "mini/vanilla", "f1", 0.2, 0.1, 0.3, 80),
        ("th", "mini/asr-th", "mini/vanilla", "span_ms", -31.0, -42.0, -20.0, 40),
        ("th", "mini/asr-th", "mini/vanilla", "distance_ms", NAN, NAN, NAN, 40),
        ("th", "mini/asr-th", "mini/emotion", "span_ms", 500.0, 400.0, 600.0, 40),
        ("th", "large/asr-th", "large/vanilla", "span_ms", 900.0, 800.0, 990.0, 40),
    ]
    return loaded | {"contrasts": pd.DataFrame(rows, columns=columns)}


def test_differences_are_those_to_the_encoder_s_vanilla(contrasted):
    rows = changes.differences_to_vanilla(contrasted["contrasts"], "mini")
    assert rows["value"].dropna().tolist() == [1.0, 0.2, -31.0] and set(rows["language"]) == {"th"}
    assert rows["label"].nunique() == 2


def test_the_forest_has_a_column_per_measure_and_controls_last(p, contrasted):
    figure = changes.draw_differences(contrasted, p, backbone="mini")
    f1, span, distance = figure.axes
    assert [axis.get_xlabel() for axis in figure.axes] == list(changes.DIFFERENCES.values())
    assert [tick.get_text() for tick in f1.get_yticklabels()][-1].startswith("shuffled")
    assert [list(line.get_xdata()) for line in span.lines if list(line.get_xdata()) == [-42, -20]]
    crosses = [list(line.get_xdata()) for line in distance.lines if line.get_marker() == "x"]
    assert crosses == [[0]], "no finding is a grey cross"


def test_the_caption_of_differences_tells_the_first_condition_s_spans(p, contrasted):
    caption = changes.caption_differences(contrasted, p, backbone="mini")
    assert caption.endswith("minus vanilla: Thai +1 [-2, +4] ms (n = 40).")
    contrasted["contrasts"]["difference"] = NAN
    assert changes.caption_differences(contrasted, p, backbone="mini").endswith("Thai none (n = 40).")


def test_the_scatter_shows_each_condition_where_its_numbers_are(p, loaded):
    loaded["comparison"].loc[1, "note"] = "span at its null"
    figure = changes.draw_scatter(loaded, p, backbone="mini")
    (axis,) = figure.axes
    points = [line for line in axis.lines if line.get_marker() not in ("None", "|", "_", None)]
    places = {(float(x), float(y)) for line in points for x, y in zip(*line.get_data(), strict=True)}
    assert places == {(40.0, 0.62)}, "what is no finding has no place"
    notes = " ".join(text.get_text() for text in axis.texts)
    assert "flat null 397 ms" in notes and "chance 0.20" in notes, "both nulls lie beyond the axes"
    assert "no finding: " in notes


def test_without_a_cue_width_nothing_is_near_it(p, loaded):
    columns = [name for name in loaded["comparison"] if "distance" in name or name == "cue_width_ms"]
    loaded["comparison"][columns] = np.nan
    figure = changes.draw_scatter(loaded, p, backbone="mini")
    assert "to be near to" in figure.axes[0].texts[0].get_text()
    assert changes.caption_scatter(loaded, p, backbone="mini").endswith("Nearest: Thai none.")


def test_the_caption_of_the_scatter_names_the_nearest(p, loaded):
    caption = changes.caption_scatter(loaded, p, backbone="mini")
    assert "Nearest: Thai mini/vanilla 40 [30, 50] ms, box-corrected 180 [160, 200] ms (n = 40)." in caption
