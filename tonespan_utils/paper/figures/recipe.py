"""How a figure is made and described: its title, its drawing and its caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from tonespan_utils.params.profile import Params


@dataclass(frozen=True)
class Recipe:
    """How one figure is made and described: ``draw(tables, params)`` and ``caption(tables, params)``.

    ``shows``: the condition, per language, whose tokens are behind it, for links to the explorer.
    """

    title: str
    draw: Callable[[dict[str, pd.DataFrame], Params], Figure]
    caption: Callable[[dict[str, pd.DataFrame], Params], str]
    shows: Mapping[str, str] = field(default_factory=dict)
