"""The paper's cue widths as claims: nearer to the language's own group than to the other; and the groups apart.

Their intervals are bootstrap intervals of the signal's baseline (``baseline_spans``); no encoder is in them. A p value
is read off an interval as if it were normal: its distance to the bound, in standard errors.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from tonespan_utils.languages import LANGUAGE_NAMES
from tonespan_utils.statistics import findings
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.study import verdicts
from tonespan_utils.study.verdicts import EVERY

PAPER_WIDTHS_MS = {"my": 100.0, "th": 100.0, "lo": 180.0, "vi": 180.0}  # arXiv 2511.12285, abstract
NAME = "cue_width"
STATEMENT = "the cue is as wide as the paper has it"


def rows(
    widths: pd.DataFrame, languages: Sequence[str], *, speech: str, synthetic: bool, level: float
) -> Iterator[dict[str, object]]:
    """Rows of the table ``claims``; ``widths``: rows of ``baseline_spans`` of one front end, by language."""
    narrow, wide = min(PAPER_WIDTHS_MS.values()), max(PAPER_WIDTHS_MS.values())
    with_claim = [language for language in languages if language in PAPER_WIDTHS_MS]
    bounds = widths[["span_ms", "span_low_ms", "span_high_ms"]]
    for language in with_claim:
        width_ms = PAPER_WIDTHS_MS[language]
        claim = f"the cue is about {width_ms:.0f} ms wide, nearer to that than to {narrow + wide - width_ms:.0f} ms"
        measured = Interval(*map(float, bounds.loc[language]))
        yield _row(
            language, f"{LANGUAGE_NAMES[language]}, {speech}: {claim}", "cue width in the signal (ms)", measured,
            relation="<" if width_ms == narrow else ">", bound=(narrow + wide) / 2, synthetic=synthetic, level=level,
            reason=findings.NO_CUE if np.isnan(measured.value) else "",
        )  # fmt: skip
    if with_claim:
        measured, reason = _gap_of_groups(bounds, with_claim, narrow)
        yield _row(
            EVERY, f"all languages, {speech}: the cue is wider in Lao and Vietnamese than in Burmese and Thai",
            "narrowest of the wide minus widest of the narrow (ms), worst case of their intervals", measured,
            relation=">", bound=0.0, synthetic=synthetic, level=level, reason=reason,
        )  # fmt: skip


def _row(
    language: str, statement: str, statistic: str, measured: Interval, *, relation: str, bound: float, synthetic: bool,
    level: float, reason: str,
) -> dict[str, object]:  # fmt: skip
    row = {
        "claim": f"{NAME}/signal/{language}", "statement": statement, "statistic": statistic, "value": measured.value,
        "ci_low": measured.low, "ci_high": measured.high, "smallest": np.nan, "n_tokens": np.nan, "n_seeds": np.nan,
        "every_language": "", "p_value": np.nan, "verdict": verdicts.BY_CONSTRUCTION,
    }  # fmt: skip
    if reason:
        return row | {"statement": f"{statement} (not tested: {reason})", "verdict": verdicts.NOT_TESTED}
    if synthetic:
        return row
    verdict = verdict_of(measured, relation, bound)
    return row | {"verdict": verdict, "p_value": _p_value(measured, bound, level)}


def verdict_of(measured: Interval, relation: str, bound: float) -> str:
    """Supported if the whole interval lies on the side ``relation`` of ``bound``, contradicted if it lies on the other;
    an interval without bounds (nan) decides nothing.
    """
    on_side = {"<": measured.high < bound, ">": measured.low > bound}[relation]
    on_other = {"<": measured.low >= bound, ">": measured.high <= bound}[relation]
    if np.isnan([measured.low, measured.high]).any() or not (on_side or on_other):
        return verdicts.UNDECIDED
    return verdicts.SUPPORTED if on_side else verdicts.CONTRADICTED


def _p_value(measured: Interval, bound: float, level: float) -> float:
    """Two-sided, of the side of the interval that looks towards the bound; 1 where it has no bounds."""
    towards = measured.value - measured.low if measured.value > bound else measured.high - measured.value
    if np.isnan(towards):
        return 1.0
    error = towards / stats.norm.ppf((1 + level) / 2)
    return (
        float(2 * stats.norm.sf(abs(measured.value - bound) / error)) if error > 0 else float(measured.value == bound)
    )


def _gap_of_groups(bounds: pd.DataFrame, with_claim: Sequence[str], narrow_ms: float) -> tuple[Interval, str]:
    """How far the two groups lie apart, or why that is not tested."""
    narrow = [language for language in with_claim if PAPER_WIDTHS_MS[language] == narrow_ms]
    wide = [language for language in with_claim if language not in narrow]
    widthless = [language for language in with_claim if np.isnan(bounds.loc[language, "span_ms"])]
    if widthless:
        named = ", ".join(LANGUAGE_NAMES[language] for language in widthless)
        return Interval(*[np.nan] * 3), f"{findings.NO_CUE} in {named}"
    if not (narrow and wide):
        return Interval(*[np.nan] * 3), "languages of one group are missing"
    return _gap(bounds.loc[wide], bounds.loc[narrow]), ""


def _gap(wide: pd.DataFrame, narrow: pd.DataFrame) -> Interval:
    """How far two groups lie apart; interval arithmetic, wider than a joint bootstrap would give."""
    return Interval(
        float(wide["span_ms"].min() - narrow["span_ms"].max()),
        float(wide["span_low_ms"].min() - narrow["span_high_ms"].max()),
        float(wide["span_high_ms"].min() - narrow["span_low_ms"].max()),
    )
