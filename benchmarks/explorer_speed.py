"""How fast the explorer's page of the demo opens in a browser and paints what is chosen (ms, the fastest of some, as
other programs only add); without Chromium or Playwright nothing is measured.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec

from tonespan_utils.params.profile import ROOT

PAGE = ROOT / "figures" / "demo" / "explorer.html"
ROUNDS = 4
LISTS = ("layer", "token", "show", "condition", "language")
# With everything drawn: two tokens side by side, the difference of two conditions.
ALL_OF_IT = """() => { const app = document.querySelector(".ts-root").explorer;
  app.keepBeside(); app.step(1); app.choose({ difference: true }); }"""
PAINT = """async id => {
  const select = document.querySelector(`[data-id=${id}]`), took = [];
  for (let i = 0; i < 9; i++) {
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    const start = performance.now();
    select.dispatchEvent(new Event("change"));
    await new Promise(done => requestAnimationFrame(() => { const channel = new MessageChannel();
      channel.port1.onmessage = done; channel.port2.postMessage(0); }));
    took.push(performance.now() - start);
  }
  return Math.min(...took);
}"""


def benchmark() -> dict[str, float | str]:
    """Time to open, and from a change in each of LISTS to the frame that shows it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not (chromium and find_spec("playwright")):
        return {"note": "no Chromium or no Playwright: not measured"}
    from playwright.sync_api import sync_playwright

    took: dict[str, list[float]] = {"opens_ms": []} | {f"paints_{name}_ms": [] for name in LISTS}
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            page = browser.new_page(viewport={"width": 1360, "height": 1000})
            page.goto(PAGE.as_uri())
            page.wait_for_selector("[data-ready]", timeout=60_000)
            took["opens_ms"].append(float(page.locator(".ts-root").get_attribute("data-ready")))
            page.evaluate(ALL_OF_IT)
            for name in LISTS:
                took[f"paints_{name}_ms"].append(page.evaluate(PAINT, name))
            page.close()
        browser.close()
    fastest = {name: min(times_ms) for name, times_ms in took.items()}
    return fastest | {"note": f"{PAGE.stat().st_size / 1e6:.1f} MB, figures/demo/explorer.html; wall time"}
