"""A browser for tests of pages, noting what a page must not do; skipped without Chromium or Playwright."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install -e '.[dev]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
AXE = Path(os.environ.get("AXE_CORE") or Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js")
LOCAL = re.compile(r"^(file|data|blob):|^(http|ws)s?://(127\.0\.0\.1|localhost)[:/]")


def launched() -> Iterator:
    """The browser, for a fixture."""
    with playwright.sync_playwright() as running:
        # Root, as in a container, cannot have Chromium's sandbox.
        yield running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


class Watched:
    """A page of a browser of its own, which notes console errors and refuses whatever is not on this machine."""

    def __init__(self, browser, **options):
        self.problems: list[str] = []
        self.context = browser.new_context(viewport={"width": 1360, "height": 1000}, **options)
        self.context.route(lambda url: not LOCAL.match(url), self._refuse)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self._note(message.type == "error", message.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.on("websocket", lambda socket: self._note(not LOCAL.match(socket.url), socket.url))

    def _refuse(self, route) -> None:
        self._note(True, f"left the machine: {route.request.url}")
        route.abort()

    def _note(self, wrong: bool, what: str) -> None:
        if wrong:
            self.problems.append(what)


def open_page(watched: Watched, path: Path):
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("[data-ready]", timeout=30_000)
    return watched.page


def accessibility_faults(shown) -> list[str]:
    """What axe-core finds against WCAG 2 A and AA and its best practices on a page as it is now, a line per rule.

    Skips without axe-core: ``npm install --no-save axe-core`` here, or its axe.min.js in the variable AXE_CORE.
    """
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --no-save axe-core")
    shown.evaluate(AXE.read_text(encoding="utf-8"))
    violations = shown.evaluate("async () => (await axe.run()).violations")
    first = {rule["id"]: rule["nodes"][0] for rule in violations}
    return [f"{name}: {node['html'][:120]} {node.get('failureSummary', '')[:300]}" for name, node in first.items()]


def choose(shown, name: str, value: str) -> None:
    shown.locator(f"[data-id={name}]").select_option(value)
