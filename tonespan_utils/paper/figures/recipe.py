"""How a figure of the paper is made and described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.params.profile import Params


@dataclass(frozen=True)
class Recipe:
    """How one figure is made and told: ``draw(tables, params)`` and ``caption(tables, params)``."""

    title: str
    draw: Callable[[dict[str, pd.DataFrame], Params], Figure]
    caption: Callable[[dict[str, pd.DataFrame], Params], str]
