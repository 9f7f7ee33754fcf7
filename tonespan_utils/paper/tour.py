"""A tour: the smallest study, run on this machine, and its report and explorer opened.

``smoke`` is the whole paper in small: two languages, three conditions, a few sentences. Its numbers say nothing; it
shows what a run does, and what it leaves.

Notebook: notebooks/05_explorer_page
"""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

from tonespan_utils.paper.explorer import page
from tonespan_utils.params import profile
from tonespan_utils.workflow import runner

PROFILE = "smoke"


def tour(*, cores: str = "all", open_browser: bool = True) -> list[Path]:
    """Run the profile ``smoke``, or what of it is out of date, and open its report and explorer where there is a
    browser. Returns both pages. Raises TonespanError as :func:`tonespan_utils.workflow.runner.run`.
    """
    print("The whole study in small (profile smoke): it shows what a run does; its numbers say nothing.", flush=True)
    runner.run(PROFILE, cores=cores)
    params = profile.load(PROFILE)
    pages = [params.figures / "index.html", params.figures / f"{page.NAME}.html"]
    browser = find_browser() if open_browser else None
    for path in pages:
        if browser is not None:
            browser.open(path.as_uri())
    return pages


def find_browser() -> webbrowser.BaseBrowser | None:
    """A browser that shows pictures; None where there is none: no screen, or one of text alone."""
    has_screen = sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    try:
        return webbrowser.get() if has_screen else None
    except webbrowser.Error:
        return None
