"""The explorer in a real browser, from disk and in Voila and JupyterLab: it opens, switches, plays, and tells what the
tables say; nothing goes to the console as an error and nothing leaves the machine.

Needs Chromium and Playwright; the results are made of dice (fake_results), the model for one's own recording is random.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import browsing
import fake_results
import matplotlib
import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from browsing import Watched, choose, open_page, playwright
from conftest import make_checkpoint

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.encoders import checkpoints
from tonespan_utils.instrument import probes, spans, token_energy
from tonespan_utils.paper.explorer import page, script
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables
from tonespan_utils.statistics.classifier import LinearClassifier

pytestmark = browsing.needed

TASKS = ["vanilla", "asr-th", "asr-vi", "emotion"]
MAX_BYTES = 30_000_000
APP = "const app = document.querySelector('.ts-root').explorer;"
NUMBER = r"-?\d+(?:\.\d+)?"
START_S = 240  # a notebook server and a kernel on a machine with other things to do


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Path:
    """A profile of two languages with its results, and a small random encoder with random probes."""
    folder = tmp_path_factory.mktemp("explorer")
    path = Path(fake_results.profile(folder, TASKS, tonal=["th", "vi"], other=[]))
    tree = yaml.safe_load(path.read_text())
    checkpoint = make_checkpoint(folder / "checkpoint", "wav2vec2-base")
    tree["encoders"]["mini"]["checkpoint"] = str(checkpoint)
    tree["explorer"] = {"n_tokens": 60}
    path.write_text(yaml.safe_dump(tree))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "OUTPUT_ROOT", folder)
        p = params.load(str(path))
        fake_results.write(p)
        tables.join_all(p)
        page.write(p)
        rng = np.random.default_rng(0)
        config = checkpoints.load(checkpoint).model.config
        widths = {"cnn": config.conv_dim[-1]} | {
            str(n): config.hidden_size for n in range(config.num_hidden_layers + 1)
        }
        by_layer = {
            layer: LinearClassifier(("high", "low", "mid"), rng.standard_normal((3, width)), np.zeros(3))
            for layer, width in widths.items()
        }
        probes.save_probes(by_layer, probes.path(p.results, "mini/vanilla", "th", seed=0))
    return path


@pytest.fixture
def p(profile, monkeypatch) -> params.Params:
    monkeypatch.setattr(params, "OUTPUT_ROOT", profile.parent)
    return params.load(str(profile))


@pytest.fixture
def watched(browser):
    watched = Watched(browser)
    yield watched
    watched.context.close()
    assert watched.problems == []


def shown_text(shown, key: str, column: str = "a") -> str:
    return shown.locator(f"td[data-key={key}][data-column={column}]").inner_text()


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(NUMBER, text)]


def check_numbers(text: str, values: list[float]) -> None:
    """The numbers of a text are these values, rounded to as many digits as are shown."""
    shown = re.findall(NUMBER, text)
    assert len(shown) == len(values), text
    for number, value in zip(shown, values, strict=True):
        digits = len(number.partition(".")[2])
        assert abs(float(number) - value) <= 0.5 * 10**-digits + 1e-6 * abs(value), (text, values)


def chosen(shown) -> dict:
    """The state of the explorer: what it would show on."""
    return shown.evaluate(
        f"() => {{ {APP} const {{ state }} = app;"
        " return { ...state, recording: state.recording.about.id, layer: state.layer.name }; }"
    )


def check_against_tables(shown, p: params.Params, *, language: str, condition: str, layer: str, column: str) -> None:
    """Every number in the explorer's table equals the stored one, to the digits shown."""
    token = chosen(shown)["recording"]
    where = {"language": language, "condition": condition, "layer": layer}
    row = tables.select(pd.read_csv(p.results / "spans.csv", dtype={"layer": str}), **where).iloc[0]
    part = pd.read_csv(tables.part_path(p.results, "token_spans", condition), dtype={"layer": str})
    radius = tables.select(part, **where, token_id=token)["r_com_ms"].mean()
    f1 = tables.select(pd.read_csv(p.results / "probe_f1.csv", dtype={"layer": str}), **where)["macro_f1"].mean()
    cue = tables.select(pd.read_csv(p.results / "baseline_spans.csv"), language=language).iloc[0]
    stored = token_energy.load(p.results, condition)[language]
    at = stored.token_ids.index(token), stored.layers.index(layer)
    share = stored.share[:, *at].mean(axis=0)
    expected = {
        "token_span": [2 * radius],
        "token_r90": [spans.energy_radius(share, stored.edges_ms, fraction=0.9).item()],
        "confidence": [stored.confidence[:, *at].mean()],
        "span": [row["span_ms"], row["ci_low_ms"], row["ci_high_ms"]],
        "r90": [row["r90_ms"]],
        "null": [row["null_span_ms"]],
        "n": [row["n_tokens"]],
        "f1": [f1, 0.33],
    }
    for key, values in expected.items():
        check_numbers(shown_text(shown, key, column), values)
    check_numbers(shown_text(shown, "cue"), [cue["span_ms"], cue["span_low_ms"], cue["span_high_ms"]])


def exercise(shown, p: params.Params) -> None:
    """Switch language, condition, layer, tone and token, each checked against the tables."""
    for language, condition, other in (("th", "mini/asr-th", "mini/vanilla"), ("vi", "mini/emotion", "mini/asr-vi")):
        choose(shown, "language", language)
        choose(shown, "condition", condition)
        choose(shown, "compare", other)
        for layer in ("2", "cnn"):
            choose(shown, "layer", layer)
            choose(shown, "token", "3")
            for column, name in (("a", condition), ("b", other)):
                check_against_tables(shown, p, language=language, condition=name, layer=layer, column=column)
    choose(shown, "tone", "low")
    tones = shown.evaluate(f"() => {{ {APP} return app.tokens().map(one => one.about.tone); }}")
    assert tones and set(tones) == {"low"}


def hear(shown) -> None:
    """Play the part inside the span: the browser is asked for exactly +-r_com, and the playhead runs and stops."""
    shown.evaluate(
        "() => { const start = AudioBufferSourceNode.prototype.start; window.asked = [];"
        " AudioBufferSourceNode.prototype.start = function (...given) {"
        " window.asked.push(given); start.apply(this, given); }; }"
    )
    shown.locator("[data-id=playspan]").click()
    shown.wait_for_selector("[data-playing]", timeout=10_000)
    shown.wait_for_selector(".ts-root:not([data-playing])", timeout=10_000)
    ((_, offset_s, length_s),) = shown.evaluate("() => window.asked")
    span_ms = numbers(shown_text(shown, "token_span"))[0]
    assert 1000 * length_s == pytest.approx(span_ms, abs=0.51)
    assert 1000 * offset_s == pytest.approx(500 - span_ms / 2, abs=0.51)


def interact(shown) -> None:
    """Range, zoom, two tokens, mean, search and difference, wherever the explorer is shown."""
    stage = shown.locator(".ts-stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    y, third = box["y"] + 40, box["width"] / 3
    shown.mouse.move(box["x"] + third, y)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 2 * third, y, steps=3)
    shown.mouse.up()
    from_ms, to_ms = chosen(shown)["range"]
    assert -300 < from_ms < 0 < to_ms < 300 and shown_text(shown, "range_token").endswith("%")
    shown.locator(".ts-root").focus()
    shown.keyboard.press("+")
    shown.keyboard.press("p")
    shown.keyboard.press("ArrowRight")
    assert shown.locator(".ts-stage").count() == 2
    shown.wait_for_function(f"() => {{ {APP} return app.view.length < 700; }}")
    choose(shown, "compare", "mini/vanilla")
    shown.locator("[data-id=difference]").click()
    choose(shown, "show", "tone")
    assert "Mean of tone" in shown.locator("[data-id=heading]").inner_text()
    shown.locator("[data-id=search]").fill("s1")
    shown.keyboard.press("Enter")
    shown.wait_for_function(f"() => {{ {APP} return app.state.recording.about.speaker === 's1'; }}")
    for name in ("keep", "clear", "zoomall"):
        shown.locator(f"[data-id={name}]").click()
    choose(shown, "show", "token")
    assert shown.locator(".ts-stage").count() == 1


def paint(shown, select: str) -> None:
    """Choose the next of a list and wait for the frame that shows it."""
    shown.evaluate(
        """async id => {
          const select = document.querySelector(`[data-id=${id}]`);
          select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
          select.dispatchEvent(new Event("change"));
          await new Promise(requestAnimationFrame);
        }""",
        select,
    )


# From disk


def test_the_page_tells_what_the_tables_say_and_plays(watched, p):
    shown = open_page(watched, p.figures / "explorer.html")
    exercise(shown, p)
    hear(shown)


def test_the_map_shows_the_stored_energy(watched, p):
    """Pixels of the map are the colour of the stored share over the flat null."""
    shown = open_page(watched, p.figures / "explorer.html")
    choose(shown, "language", "th")
    choose(shown, "condition", "mini/asr-th")
    stored = token_energy.load(p.results, "mini/asr-th")["th"]
    token = chosen(shown)["recording"]
    share = stored.share[:, stored.token_ids.index(token)].mean(axis=0)  # (layer, bin)
    pixels = shown.evaluate(
        f"""() => {{ {APP} const {{ chart, base }} = app.stages[0];
          const map = chart.panels.find(one => one.name === 'map a');
          const context = base.getContext('2d'), n = map.layers.length, found = [];
          for (let layer = 0; layer < n; layer++) for (const ms of [-295, -145, -75, 25, 105, 255]) {{
            const y = map.top + map.height * (n - 0.5 - layer) / n;
            const at = [chart.x(ms), y].map(one => Math.round(one * devicePixelRatio));
            found.push([layer, ms, ...context.getImageData(...at, 1, 1).data]); }}
          return found; }}"""
    )
    # The made-up recording reaches beyond the window on both sides: the null is even over its 100 bins.
    level = np.clip((np.log2(np.maximum(share * share.shape[1], 1e-9)) + 4) / 8, 0, 1)
    viridis = 255 * matplotlib.colormaps["viridis"](np.linspace(0, 1, 256))[:, :3]
    part = tables.select(tables.read_parts(p.results, "token_spans", parts=["mini/asr-th"]), token_id=token)
    radius = part.groupby("layer")["r_com_ms"].mean().loc[stored.layers].to_numpy()
    pixels = [pixel for pixel in pixels if abs(abs(pixel[1]) - radius[pixel[0]]) > 8]  # white ticks are drawn there
    assert len(pixels) > 4 * len(radius)
    for layer, ms, *color in pixels:
        nearest = np.abs(viridis - color[:3]).sum(axis=1).argmin()
        assert abs(nearest - 255 * level[layer, int((ms + 500) // 10)]) <= 3, (layer, ms)


def test_everything_is_done_from_the_keyboard(watched, p):
    shown = open_page(watched, p.figures / "explorer.html")
    first = chosen(shown)
    shown.keyboard.press("ArrowRight")
    shown.keyboard.press("ArrowDown")
    second = chosen(shown)
    assert second["recording"] != first["recording"] and int(second["layer"]) == int(first["layer"]) - 1
    shown.keyboard.press("ArrowLeft")
    shown.keyboard.press("x")
    swapped = chosen(shown)
    assert swapped["recording"] == first["recording"]
    assert (swapped["condition"], swapped["compare"]) == (first["compare"], first["condition"])
    shown.keyboard.press("l")
    assert chosen(shown)["language"] != first["language"]
    shown.keyboard.press("Space")
    shown.wait_for_selector("[data-playing]", timeout=10_000)
    shown.keyboard.press("Escape")
    shown.wait_for_selector(".ts-root:not([data-playing])", timeout=2_000)
    reached = set()
    for _ in range(40):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("() => document.activeElement.dataset.id ?? document.activeElement.tagName"))
    assert {"language", "condition", "compare", "layer", "tone", "token", "play", "playspan", "SUMMARY"} <= reached


def test_a_token_is_picked_in_the_scatter_and_a_layer_in_the_map(watched, p):
    shown = open_page(watched, p.figures / "explorer.html")
    shown.locator(".ts-scatter canvas").scroll_into_view_if_needed()
    x, y, name = shown.evaluate(
        f"""() => {{ {APP} const {{ points }} = app.scatter;
          const apart = a => points.every(b => a === b || Math.hypot(a.x - b.x, a.y - b.y) > 3);
          const one = points.find(apart); return [one.x, one.y, one.recording.about.id]; }}"""
    )
    shown.locator(".ts-scatter canvas").click(position={"x": x, "y": y})
    assert chosen(shown)["recording"] == name
    top, height, layers = shown.evaluate(
        f"() => {{ {APP} const map = app.stages[0].chart.panels.find(one => one.layers);"
        " return [map.top, map.height, map.layers]; }"
    )
    shown.locator(".ts-stage").click(position={"x": 300, "y": top + height * (len(layers) - 0.5 - 1) / len(layers)})
    assert chosen(shown)["layer"] == layers[1]
    shown.locator(".ts-stage").hover(position={"x": 300, "y": top + 5})
    assert re.search(r"ms · .*A layer .* × null", shown.locator("[data-id=hover]").text_content())


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("delete window.AudioContext; delete window.webkitAudioContext;", "This browser plays no sound"),
        (
            "BaseAudioContext.prototype.decodeAudioData = () => Promise.reject(new Error('no'));",
            "cannot decode the clips",
        ),
    ],
)
def test_a_browser_without_audio_says_so_and_does_the_rest(watched, p, script, line):
    watched.page.add_init_script(script)
    shown = open_page(watched, p.figures / "explorer.html")
    shown.locator("[data-id=play]").click()
    problem = shown.locator("[data-id=problem]")
    problem.wait_for(state="visible", timeout=30_000)
    assert line in problem.inner_text() and "everything else works" in problem.inner_text()
    exercise(shown, p)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1360, "dark")])
def test_it_fits_a_phone_and_follows_the_dark(browser, p, width, scheme):
    watched = Watched(browser, color_scheme=scheme)
    watched.page.set_viewport_size({"width": width, "height": 900})
    shown = open_page(watched, p.figures / "explorer.html")
    assert shown.evaluate("() => document.documentElement.scrollWidth") <= width
    paper = shown.evaluate("() => getComputedStyle(document.querySelector('.ts-root')).backgroundColor")
    assert (max(numbers(paper)) < 60) == (scheme == "dark")
    exercise(shown, p)
    watched.context.close()
    assert watched.problems == []


def test_a_page_whose_data_are_of_another_version_says_so(browser, p, tmp_path):
    text = (p.figures / "explorer.html").read_text()
    copy = tmp_path / "explorer.html"
    copy.write_text(text.replace('{"version": 2,', '{"version": 1,', 1))
    watched = Watched(browser)
    watched.page.goto(copy.as_uri())
    watched.page.wait_for_selector("[data-failed]")
    assert "of different versions" in watched.page.locator("[role=alert]").inner_text()
    watched.context.close()


def test_the_largest_page_is_small_enough_and_shows_what_is_chosen(watched, tmp_path, monkeypatch):
    """200 tokens, 26 layers, ten conditions and more; how fast it opens and paints: `make benchmark`."""
    monkeypatch.setattr(params, "OUTPUT_ROOT", tmp_path)
    monkeypatch.setattr(fake_results, "LAYERS", ["cnn", *map(str, range(25))])
    tasks = ["vanilla", "asr-cmn", "asr-en", "emotion", "gender", "speaker", "shuffled_emotion",
             "shuffled_gender", "shuffled_speaker", *(f"asr-{la}" for la in fake_results.TONAL)]  # fmt: skip
    p = params.load(fake_results.profile(tmp_path, tasks))
    fake_results.write(p)
    tables.join_all(p)
    path = page.write(p)
    assert path.stat().st_size <= MAX_BYTES
    shown = open_page(watched, path)
    assert shown.evaluate(f"() => {{ {APP} return app.recordings.length; }}") == 200
    before = chosen(shown)
    for select in ("layer", "token"):
        paint(shown, select)
    after = chosen(shown)
    assert after["layer"] != before["layer"] and after["recording"] != before["recording"]


# In a notebook


MODEL = """async code => {
  const { default: widget } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const bytes = Uint8Array.from(atob(document.getElementById("bytes").textContent), letter => letter.charCodeAt(0));
  const header = JSON.parse(document.getElementById("header").textContent), heard = {};
  const values = { header, packed: new DataView(bytes.buffer), can_measure: false,
                   address: "language=vi&condition=mini/emotion&layer=2" };
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  window.model = {
    get: name => values[name], save_changes: () => { window.saved = values.address; },
    set: (name, value) => { values[name] = value; heard[`change:${name}`]?.(); },
    on: (name, act) => { heard[name] = act; }, off: () => {},
  };
  window.close = await widget.render({ model, el });
}"""


def test_a_widget_opens_at_its_address_and_tells_what_it_shows(watched, p):
    """The two ways of ``address``, on a made-up model such as anywidget hands over."""
    shown = open_page(watched, p.figures / "explorer.html")
    shown.wait_for_function("() => location.hash", timeout=30_000)
    before = shown.url
    shown.evaluate(MODEL, script.module())
    shown.wait_for_selector("[data-ready]", timeout=10_000)
    first = chosen(shown)
    assert (first["language"], first["condition"], first["layer"]) == ("vi", "mini/emotion", "2")
    shown.evaluate("() => window.model.set('address', 'language=th&condition=mini/asr-th&order=widest')")
    shown.wait_for_function(f"() => {{ {APP} return app.state.condition === 'mini/asr-th'; }}")
    choose(shown, "layer", "1")
    shown.wait_for_function("() => window.saved?.includes('layer=1')", timeout=30_000)
    assert "order=widest" in shown.evaluate("() => window.saved")
    assert shown.url == before, "a notebook's own address is left alone"


@contextmanager
def serving(profile: Path, *options: str):
    """The address at which `explore` serves a profile."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = profile.parent / "jupyter"
    settings.mkdir(exist_ok=True)
    (settings / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": {"allow_root": True}}))
    environment = os.environ | {
        "TONESPAN_OUTPUT": str(profile.parent), "JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_TOKEN": "test",
    }  # fmt: skip
    command = [sys.executable, "-m", "tonespan_utils", "explore", str(profile), "--no-browser", "--port", str(port)]
    log = profile.parent / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [*command, *options], env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_S
        while not answers(port):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/static/nothing", timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def recording(seconds: float = 1.5, *, kind: str = "WAV", peak: float = 0.3) -> bytes:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    stream = io.BytesIO()
    soundfile.write(stream, peak * np.sin(2 * np.pi * 180 * time_s), SAMPLE_RATE, format=kind)
    return stream.getvalue()


def measure(shown, content: bytes, name: str, center_s: str = "0.7") -> str:
    """Hand a file to the explorer and return the line it answers."""
    shown.locator("[data-own=file]").set_input_files({"name": name, "mimeType": "audio/wav", "buffer": content})
    shown.locator("[data-own=center]").fill(center_s)
    shown.locator("[data-own=go]").click()
    shown.wait_for_function(
        "() => document.querySelector('[data-own=go]:enabled') && document.querySelector('[data-own=line]').innerText",
        timeout=1000 * START_S,
    )
    return shown.locator("[data-own=line]").inner_text()


def check_measuring(shown) -> None:
    choose(shown, "language", "th")
    choose(shown, "condition", "mini/vanilla")
    choose(shown, "compare", "")
    assert "notes.txt: not an audio file" in measure(shown, b"no sound at all", "notes.txt")
    assert "damaged, or no audio file" in measure(shown, b"no sound at all" * 9, "notes.ogg")
    assert "60 minutes long" in measure(shown, recording(3600, kind="FLAC", peak=0), "hour.flac")
    assert "at most 8 MB" in measure(shown, bytes(9_000_000), "large.wav")
    assert "tone centre 7.00 s must lie" in measure(shown, recording(), "mine.wav", "7")
    assert "Measured under mini/vanilla" in measure(shown, recording(), "mine.wav")
    assert chosen(shown)["recording"] == "mine.wav"
    assert 0 < numbers(shown_text(shown, "token_span"))[0] < 1000
    assert "not measured" in (choose(shown, "compare", "mini/emotion") or shown_text(shown, "token_span", "b"))


def test_voila_shows_the_same_and_measures_a_recording(watched, profile, p):
    with serving(profile) as address:
        watched.page.goto(f"{address}/?token=test", wait_until="commit")
        watched.page.wait_for_selector("[data-ready]", timeout=1000 * START_S)
        exercise(watched.page, p)
        hear(watched.page)
        interact(watched.page)
        check_measuring(watched.page)
        watched.page.goto("about:blank")  # before the server goes, or its going is an error on the console


def run_all(shown) -> None:
    """Run every cell. JupyterLab drops what is run before its session is ready, though it shows an idle kernel, and may
    ask once more for the kernel it has just connected to: then run again, as a person would.
    """
    choice = ".jp-Dialog .jp-mod-accept"
    for _ in range(8):
        shown.get_by_role("menuitem", name="Run", exact=True).click()
        shown.get_by_text("Run All Cells", exact=True).click()
        with suppress(playwright.TimeoutError):
            element = shown.wait_for_selector(f"[data-ready], {choice}", state="attached", timeout=1000 * START_S / 8)
            if element.get_attribute("data-ready"):
                return
            shown.locator(choice).click()
    seen = shown.locator(".jp-Notebook").inner_text()
    pytest.fail(f"the explorer never came up in JupyterLab; its notebook shows\n{seen}")


@pytest.mark.slow
def test_jupyterlab_shows_the_same_and_measures_a_recording(watched, profile, p):
    with serving(profile, "--lab") as address:
        shown = watched.page
        shown.goto(f"{address}/lab/tree/explorer.ipynb?token=test", wait_until="commit")
        shown.wait_for_selector(".jp-Notebook .jp-Cell", timeout=1000 * START_S)
        shown.wait_for_selector("#jp-main-statusbar :text('| Idle')", timeout=1000 * START_S)
        run_all(shown)
        exercise(shown, p)
        hear(shown)
        interact(shown)
        shown.locator(".ts-root").focus()
        before = chosen(shown)["recording"]
        shown.keyboard.press("x")  # JupyterLab would cut the cell
        shown.keyboard.press("ArrowRight")
        assert chosen(shown)["recording"] != before and shown.locator(".ts-root").count() == 1
        check_measuring(shown)
        shown.goto("about:blank")
