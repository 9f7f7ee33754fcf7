"""Figures, the report and the explorer's page again, from stored tables alone.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

from pathlib import Path

from tqdm.auto import tqdm

from tonespan_utils.paper.figures.store import figure_stem, load_tables, recipes, save
from tonespan_utils.params.profile import Params


def redraw(params: Params, name: str | None = None, *, width_mm: float | None = None) -> list[Path]:
    """One figure or page, or all of them and the report, from stored tables alone; returns what to open."""
    from tonespan_utils.paper import report  # pages are made of figures, not the other way round
    from tonespan_utils.paper.explorer import page

    if name == page.NAME:
        return [page.write(params)]
    loaded = load_tables(params)
    names = [name] if name else list(recipes(params))
    for each in tqdm(names, desc="figures", unit="figure", disable=len(names) == 1):
        save(params, each, loaded, width_mm=width_mm)
    drawn = [figure_stem(params, each, width_mm=width_mm).with_suffix(".png") for each in names]
    return drawn if name else [*drawn, page.write(params), report.write(params, loaded)]
