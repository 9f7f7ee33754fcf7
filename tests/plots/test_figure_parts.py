"""Figure parts draw the numbers they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tonespan_utils import languages
from tonespan_utils.params import roles
from tonespan_utils.plots import comparisons, curves, energy_maps, layout, signal, training
from tonespan_utils.plots.style import LANGUAGE_COLORS, LANGUAGE_MARKERS, MAX_LAYER_LABELS, ROLE_STYLES


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_panels_name_and_colour_the_languages():
    figure, axes = layout.panels(["my", "th", "lo"])
    assert list(axes) == ["my", "th", "lo"] and len(figure.axes) == 3
    assert axes["lo"].get_title(loc="left") == "Lao"
    assert len(set(LANGUAGE_COLORS.values())) == len(LANGUAGE_COLORS) == len(languages.LANGUAGE_NAMES)


def test_f1_by_layer_draws_value_control_and_chance():
    values = {"macro_f1": [0.3, 0.5], "control_f1": [0.2, 0.21], "ci_low": [0.2, 0.4], "ci_high": [0.4, 0.6]}
    rows = pd.DataFrame({"layer": ["cnn", "0"], **values})
    axis = plt.figure().add_subplot()
    line = curves.f1_by_layer(
        axis, rows, pd.DataFrame({"chance_f1": [0.2, 0.2]}), color="#0072B2", label="mini/vanilla"
    )
    assert line.get_ydata().tolist() == [0.3, 0.5] and len(axis.lines) == 3
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["cnn", "0"]


def test_energy_map_is_in_multiples_of_the_null_with_marks_at_r_com():
    rows = pd.DataFrame({"layer": ["0", "0", "1", "1"], "offset_ms": [-5, 5, -5, 5], "energy": [0.5, 0.5, 0.8, 0.2]})
    null = pd.DataFrame({"offset_ms": [-5, 5], "energy": [0.5, 0.5]})
    spans = pd.DataFrame({"layer": ["0", "1"], "r_com_ms": [5.0, 4.0]})
    axis = plt.figure().add_subplot()
    mesh = energy_maps.energy_map(axis, rows, null, spans)
    assert np.asarray(mesh.get_array()).ravel() == pytest.approx(np.log2([1, 1, 1.6, 0.4]))
    assert sorted(x for line in axis.lines for x in line.get_xdata()) == [-5.0, -4.0, 4.0, 5.0]


def test_difference_map_is_in_multiples_of_the_other_condition():
    rows = pd.DataFrame(
        {"layer": ["0", "0", "1", "1"], "offset_ms": [-45, 45, -45, 45], "energy": [0.5, 0.5, 0.8, 0.2]}
    )
    before = rows.assign(energy=[0.25, 0.75, 0.4, 0.6])
    axis = plt.figure().add_subplot()
    spans = pd.DataFrame({"layer": ["0", "1"], "r_com_ms": [5.0, 4.0]})
    mesh = energy_maps.difference_map(axis, rows, before, spans, hollow=["1"])
    expected = np.log2([0.5 / 0.25, 0.5 / 0.75, 0.8 / 0.4, 0.2 / 0.6])
    assert np.asarray(mesh.get_array()).ravel() == pytest.approx(expected, abs=0.01)
    marks = [x for line in axis.lines for x in line.get_xdata() if np.isfinite(x)]
    assert sorted(marks) == [-5.0, 5.0], "the layer without a finding has no ticks"
    finer = pd.concat([rows.assign(energy=rows["energy"] / 2, offset_ms=rows["offset_ms"] + at) for at in (-5, 5)])
    again = energy_maps.difference_map(axis, finer, before, spans)
    assert np.asarray(again.get_array()) == pytest.approx(np.asarray(mesh.get_array())), "narrow bins are summed"


def test_energy_map_of_a_deep_encoder_names_some_layers():
    layers = ["cnn", *map(str, range(25))]
    rows = pd.DataFrame([(la, at, 0.5) for la in layers for at in (-5, 5)], columns=["layer", "offset_ms", "energy"])
    null = pd.DataFrame({"offset_ms": [-5, 5], "energy": [0.5, 0.5]})
    axis = plt.figure().add_subplot()
    energy_maps.energy_map(axis, rows, null, pd.DataFrame({"layer": layers, "r_com_ms": 5.0}))
    names = [tick.get_text() for tick in axis.get_yticklabels()]
    assert names[:3] == ["cnn", "2", "5"] and len(names) <= MAX_LAYER_LABELS


def test_tones_are_named_in_the_order_of_their_height():
    rows = pd.DataFrame({"tone": ["L", "H"] * 3, "offset_ms": [-10, -10, 0, 0, 10, 10], "f0_st": [9, 0, -2, 3, 9, 0]})
    axis = plt.figure().add_subplot()
    lines = signal.f0_contours(axis, rows.assign(low_st=0, high_st=0))
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["H", "L"]
    assert {line.get_label(): line.get_ydata().tolist() for line in lines} == {"L": [9, -2, 9], "H": [0, 3, 0]}


def test_span_lines_show_the_null_and_open_markers_where_the_probe_knows_nothing():
    rows = pd.DataFrame({"layer": ["0", "1"], "span_ms": [90.0, 95.0], "ci_low_ms": 80.0, "ci_high_ms": 99.0})
    axis = plt.figure().add_subplot()
    line = curves.spans_by_layer(axis, rows.assign(null_span_ms=500.0), color="#0072B2", hollow=["1"])
    assert {"span", "flat null"} <= set(axis.get_legend_handles_labels()[1])
    assert np.isnan(line.get_ydata()).tolist() == [False, True] and axis.get_ylim()[0] == 0


def test_the_spans_of_random_weights_are_a_line_with_its_band_at_their_layers():
    rows = pd.DataFrame({"layer": ["0", "1"], "span_ms": [90.0, 95.0], "ci_low_ms": 80.0, "ci_high_ms": 99.0})
    random = rows.iloc[::-1].assign(span_ms=[205.0, 250.0], ci_low_ms=180.0, ci_high_ms=280.0)
    axis = plt.figure().add_subplot()
    curves.spans_by_layer(axis, rows.assign(null_span_ms=500.0), color="#0072B2", random=random)
    (line,) = (line for line in axis.lines if line.get_label() == curves.RANDOM_LABEL)
    drawn = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert drawn == {0: 250.0, 1: 205.0}, "layers keep their places, in whatever order the rows come"
    assert axis.collections[0].get_datalim(axis.transData).y1 == 280


def test_an_energy_map_has_the_random_r_com_of_every_layer_it_has():
    rows = pd.DataFrame({"layer": ["0", "0", "1", "1"], "offset_ms": [-5, 5, -5, 5], "energy": [0.5, 0.5, 0.8, 0.2]})
    null = pd.DataFrame({"offset_ms": [-5, 5], "energy": [0.5, 0.5]})
    spans = pd.DataFrame({"layer": ["0", "1"], "r_com_ms": [5.0, 4.0]})
    axis = plt.figure().add_subplot()
    energy_maps.energy_map(axis, rows, null, spans, random=pd.DataFrame({"layer": ["1", "0"], "span_ms": [6.0, 8.0]}))
    assert sorted(line.get_xdata().tolist() for line in axis.lines if line.get_linestyle() == ":") == [
        [-4.0, -3.0],
        [4.0, 3.0],
    ]


@pytest.mark.parametrize("styles", [ROLE_STYLES, LANGUAGE_MARKERS], ids=["roles", "languages"])
def test_markers_tell_apart_what_colours_do(styles):
    markers = [style[-1] for style in styles.values()]
    assert len(set(markers)) == len(markers)
    assert set(ROLE_STYLES) == set(roles.ROLES)
    colors = [color for color, _ in ROLE_STYLES.values()]
    assert len(set(colors)) == len(colors)


def test_a_curve_over_depth_marks_the_front_end_and_bands_only_the_main_conditions():
    rows = pd.DataFrame({"layer": ["cnn", "0", "1"], "depth": [-1.0, 0.0, 1.0], "f1": [0.2, 0.3, 0.5]})
    rows = rows.assign(low=rows["f1"] - 0.1, high=rows["f1"] + 0.1)
    axis = plt.figure().add_subplot()
    line = curves.curve_by_depth(axis, rows, ("f1", "low", "high"), role="vanilla", label="vanilla")
    assert line.get_xdata().tolist() == [-1, 0, 1] and line.get_ydata().tolist() == [0.2, 0.3, 0.5]
    assert axis.get_xticklabels()[0].get_text() == "cnn" and len(axis.collections) == 1
    curves.curve_by_depth(axis, rows, ("f1", "low", "high"), role="emotion", label="emotion")
    assert len(axis.collections) == 1
    final = pd.concat([rows, rows.tail(1).assign(layer="final", f1=0.1)])
    line = curves.curve_by_depth(axis, final, ("f1", "low", "high"), role="control", label="shuffled control")
    assert line.get_ydata().tolist() == [0.2, 0.3, 0.5], "the closing norm has no depth of its own"


def test_intervals_that_hold_zero_are_open():
    rows = pd.DataFrame({"value": [1.0, 0.1], "low": [0.5, -0.5], "high": [1.5, 0.7]})
    axis = plt.figure().add_subplot()
    comparisons.intervals(axis, np.array([0.0, 1.0]), rows, color="#0072B2", marker="o", label="Burmese")
    faces = [line.get_markerfacecolor() for line in axis.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert faces == ["#0072B2", "white"]


def test_named_rows_read_from_the_top():
    axis = plt.figure().add_subplot()
    layout.named_rows(axis, ["first", "second"])
    bottom, top = axis.get_ylim()
    assert bottom > top and [tick.get_text() for tick in axis.get_yticklabels()] == ["first", "second"]
    assert layout.dodge(1).tolist() == [0] and layout.dodge(3).sum() == 0


def test_task_scores_draw_every_seed_with_its_null():
    rows = pd.DataFrame({"name": ["asr-th"] * 2, "value": [0.3, 0.4], "low": [0.2, 0.3], "high": [0.4, 0.5]})
    axis = plt.figure().add_subplot()
    training.task_scores(axis, rows.assign(seed=[0, 1], null=0.9, shuffled=False))
    drawn = [line.get_xdata() for line in axis.lines]
    assert sum(list(np.atleast_1d(x)) == [0.9, 0.9] for x in drawn) == 2
    assert [x for line in axis.lines if line.get_marker() == "o" for x in np.atleast_1d(line.get_xdata())] == [0.3, 0.4]
