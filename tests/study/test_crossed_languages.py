"""Two languages with the same planted widths: slopes and shift by hand, and what has no answer."""

import numpy as np
import pandas as pd
import pytest

from tonespan_utils.params import profile, tables
from tonespan_utils.study import calibration, crossed_languages

KEY = ("gradient", "asr", "final")


def draws(widths_ms: dict[float, np.ndarray], key: tuple[str, str, str] = KEY) -> pd.DataFrame:
    return pd.concat([calibration.as_draws(*key, true_ms, widths, 40) for true_ms, widths in widths_ms.items()])


def test_slopes_and_shift_by_hand():
    main = draws({60.0: np.array([80.0, 80.0]), 140.0: np.array([120.0, 120.0]), 100.0: np.array([999.0, 999.0])})
    other = draws({60.0: np.array([90.0, 90.0]), 140.0: np.array([170.0, 170.0])})
    (row,) = crossed_languages.crossed_table(main, {"th": other}, level=0.9).to_dict("records")
    assert (row["language"], row["n_spans"]) == ("th", 2)  # 100 ms has no answer in the other language
    assert (row["slope_main"], row["slope"], row["slope_difference"]) == (0.5, 1.0, 0.5)
    assert row["shift_ms"] == row["shift_low_ms"] == row["shift_high_ms"] == 30.0


def test_the_interval_of_a_shift_is_that_of_independent_draws():
    rng = np.random.default_rng(0)
    widths = (60.0, 140.0, 240.0)
    main, other = ({true: np.append(true, rng.normal(true, 8, 4000)) for true in widths} for _ in range(2))
    row = crossed_languages.crossed_table(draws(main), {"th": draws(other)}, level=0.95).iloc[0]
    half = 1.96 * 8 * np.sqrt(2 / 3)  # a mean over three widths, a difference of two languages
    assert (row["shift_low_ms"], row["shift_high_ms"]) == pytest.approx((-half, half), abs=0.8)
    assert row["slope_difference_low"] < 0 < row["slope_difference_high"]


def test_what_only_one_language_was_asked_is_left_out():
    main = draws({60.0: np.zeros(3), 140.0: np.zeros(3)}, ("occlusion", "asr", "final"))
    other = draws({60.0: np.zeros(3), 140.0: np.zeros(3)})
    table = crossed_languages.crossed_table(main, {"th": other}, level=0.9)
    assert table.empty and list(table.columns) == tables.COLUMNS["calibration_languages"]


def test_widths_without_an_answer_give_no_numbers():
    lost = draws({60.0: np.full(3, np.nan), 140.0: np.array([120.0, 119.0, 121.0])})
    row = crossed_languages.crossed_table(lost, {"th": lost}, level=0.9).iloc[0]
    assert np.isnan([row["slope"], row["shift_ms"], row["shift_low_ms"]]).all()


def test_the_corpora_of_a_profile_cross_width_with_language():
    v = profile.load("demo").validity
    widths = {language: {span_ms for other, span_ms in v.corpora if other == language} for language, _ in v.corpora}
    assert len(widths) == 2 and all(len(spans_ms) >= 3 for spans_ms in widths.values())
    assert set(v.crossed_span_ms["th"]) <= widths[v.language]
    names = [v.corpus_name(*corpus) for corpus in v.corpora]
    assert len(set(names)) == len(names) and "span60" in names and "span60-th" in names
