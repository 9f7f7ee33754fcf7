"""Which spans are to be believed, of squared gradients or of squared gradients times local power, from the tables.

Three questions are put to both weights (``span_weights``, and ``calibration_lines`` where `make validity` has run):

- does energy depend on how loud a stretch is (the exponent on local power, nearest to 0 is best)?
- does a span depend on how long the syllable is (rho with its duration, nearest to 0 is best)?
- does it grow with the planted width of the cue (the slope, nearest to 0.5, that of energy even over the cue)?

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import numpy as np
import pandas as pd

WEIGHTS = ("none", "power")
CALIBRATED = {"none": "gradient", "power": "gradient_power"}  # estimators of calibration_lines
BOX_SLOPE = 0.5  # of 2 r_com over the width of a box


def verdict_on_weights(loaded: dict[str, pd.DataFrame], backbone: str) -> str:
    """Which weight is nearer to what a span should be, question by question, in sentences with their numbers.

    Means are over languages, and layers above ``cnn``, of the encoder's first condition.
    """
    rows = loaded["span_weights"]
    rows = rows[rows["condition"].str.startswith(f"{backbone}/")]
    rows = rows[(rows["condition"] == rows["condition"].iloc[0]) & (rows["layer"] != "cnn")]
    sentences, better = [], []
    exponents = rows.groupby("weight")["exponent"].mean()
    if exponents.notna().all():
        better.append(_nearest(exponents, 0.0))
        sentences.append(
            f"Energy goes as local power to the {exponents['none']:+.2f} (mean over layers and languages; intervals "
            f"from {_range(rows, 'none', 'exponent')}), so {_heaviest(exponents['none'])} weigh most; weighted, to the "
            f"{exponents['power']:+.2f} ({_range(rows, 'power', 'exponent')}), so {_heaviest(exponents['power'])} do"
        )
    confounds = rows.assign(size=rows["duration_rho"].abs()).groupby("weight")["size"].mean()
    if confounds.notna().all():
        better.append(_nearest(confounds, 0.0))
        sentences.append(
            f"r_com follows the syllable's duration with a rho of {confounds['none']:.2f} in size, weighted "
            f"{confounds['power']:.2f}; its interval excludes 0 in {_n_confounded(rows, 'none')} and "
            f"{_n_confounded(rows, 'power')} of {(rows['weight'] == 'none').sum()} cases"
        )
    slopes = _slopes(loaded)
    if slopes is not None:
        better.append(_nearest(slopes, BOX_SLOPE))
        sentences.append(
            f"over planted cues of known width the slope is {slopes['none']:.2f}, weighted {slopes['power']:.2f}, "
            f"where energy even over the cue has {BOX_SLOPE:g} (median over conditions and layers)"
        )
    if not sentences:
        return "Neither weight can be preferred here: nothing could be computed of them."
    return f"{'; '.join(sentences)}. {_conclusion(better)}"


def _nearest(values: pd.Series, aim: float) -> str:
    """The weight whose value is nearer to ``aim``."""
    return str((values.loc[list(WEIGHTS)] - aim).abs().idxmin())


def _heaviest(exponent: float) -> str:
    """Which stretches of the input weigh most where energy goes as local power to this exponent."""
    return "quiet stretches" if exponent < 0 else "loud stretches"


def _range(rows: pd.DataFrame, weight: str, name: str) -> str:
    """From the lowest to the highest bound of the intervals."""
    of_weight = rows[rows["weight"] == weight]
    return f"{of_weight[f'{name}_low'].min():+.2f} to {of_weight[f'{name}_high'].max():+.2f}"


def _n_confounded(rows: pd.DataFrame, weight: str) -> int:
    """In how many layers and languages the interval of rho excludes 0."""
    of_weight = rows[rows["weight"] == weight]
    return int(((of_weight["duration_rho_low"] > 0) | (of_weight["duration_rho_high"] < 0)).sum())


def _slopes(loaded: dict[str, pd.DataFrame]) -> pd.Series | None:
    """The median slope on planted widths by weight, layers above ``cnn``; None where it was not calibrated."""
    lines = loaded.get("calibration_lines")
    if lines is None:
        return None
    lines = lines[lines["layer"] != "cnn"]
    slopes = {weight: lines.loc[lines["estimator"] == name, "slope"].median() for weight, name in CALIBRATED.items()}
    return pd.Series(slopes) if np.isfinite(list(slopes.values())).all() else None


def _conclusion(better: list[str]) -> str:
    """What follows from the answers: the weight that is nearer in more of the questions."""
    n_power = better.count("power")
    if 2 * n_power == len(better):
        return "Each weight is the nearer one as often: a span is to be believed where both show the same."
    name, n = ("weighted", n_power) if 2 * n_power > len(better) else ("unweighted", len(better) - n_power)
    questions = f"the {len(better)} questions" if len(better) > 1 else "the one question"
    return (
        f"By {n} of {questions} the {name} span is the one to be believed; a difference between conditions counts "
        "where both show it."
    )
