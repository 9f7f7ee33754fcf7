"""Errors of tone centres: every error is in the histogram, bias and size are written, answers have their intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tonespan_utils.plots import center_errors


@pytest.fixture
def axis():
    yield plt.figure().add_subplot()
    plt.close("all")


def test_the_histogram_counts_every_error_and_marks_the_95th_percentile(axis):
    row = pd.Series({"bias_ms": -1.25, "median_ms": 6.0, "p95_ms": 33.0})
    center_errors.error_histogram(axis, np.array([-300.0, -1.0, 1.0, 2.4, 300.0]), row, language="th")
    counts = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axis.patches if bar.get_height()}
    assert counts == {-60: 1, 0: 3, 60: 1}, "bins of 5 ms around 0; what is off the axis is at its ends"
    assert sorted(line.get_xdata()[0] for line in axis.lines) == [-33.0, 0, 33.0]
    assert axis.texts[0].get_text() == "bias -1.2 ms\nmedian |error| 6.0 ms\n95 % within 33 ms"


def test_answers_are_in_the_order_of_the_errors_put_on(axis):
    rows = pd.DataFrame(
        {"jitter_ms": [60.0, 0.0], "value_ms": [90.0, 70.0], "ci_low_ms": [80.0, 65.0], "ci_high_ms": [95.0, 90.0],
         "null_ms": [250.0, 250.0]}
    )  # fmt: skip
    line = center_errors.against_jitter(axis, rows, color="#0072B2", marker="s", label="2 r_com, layer 4")
    assert list(line.get_xdata()) == [0, 60] and list(line.get_ydata()) == [70, 90]
    (bars,) = axis.collections
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[65.0, 90.0], [80.0, 95.0]]
    assert axis.get_legend_handles_labels()[1] == ["flat null", "2 r_com, layer 4"]


def test_no_null_is_drawn_where_there_is_none(axis):
    rows = pd.DataFrame({"jitter_ms": [0.0], "value_ms": [70.0], "ci_low_ms": [60.0], "ci_high_ms": [80.0]})
    center_errors.against_jitter(axis, rows.assign(null_ms=np.nan), color="k", marker="o", label="cue width")
    assert axis.get_legend_handles_labels()[1] == ["cue width"]
