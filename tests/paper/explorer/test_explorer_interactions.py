"""What a reader does in the explorer's page: links, ranges, zoom, two tokens, means, differences, search, files, keys.

Every number is checked against the stored tables; a browser does the rest. The results are made of dice (fake_results).
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import browsing
import fake_results
import numpy as np
import pandas as pd
import pytest
from browsing import Watched, choose
from PIL import Image

from tonespan_utils.__main__ import main
from tonespan_utils.instrument import token_energy
from tonespan_utils.paper import provenance
from tonespan_utils.paper.explorer import page
from tonespan_utils.params import profile as params
from tonespan_utils.params import tables

pytestmark = browsing.needed

A, B = "mini/asr-th", "mini/vanilla"
START = f"language=th&condition={A}&compare={B}&layer=3"
APP = "const app = document.querySelector('.ts-root').explorer;"
SYLLABLES = ["มา", "ข้าว", "ไก่", "ma", "mả", "đá"]


def labelled(language: str) -> pd.DataFrame:
    """Made-up tokens with words of several scripts."""
    made = plain_tokens(language)
    return made.assign(syllable=[SYLLABLES[row // 2 % len(SYLLABLES)] for row in range(len(made))], ipa="kʰaː")


plain_tokens = fake_results.tokens


@pytest.fixture(scope="module")
def p(tmp_path_factory):
    """The parameters of a made-up run of two languages, its page written with some of the tokens."""
    folder = tmp_path_factory.mktemp("interactions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "OUTPUT_ROOT", folder)
        patch.setattr(fake_results, "tokens", labelled)
        path = fake_results.profile(folder, ["vanilla", "asr-th", "asr-vi"], tonal=["th", "vi"], other=[])
        Path(path).write_text(Path(path).read_text() + "explorer: {n_tokens: 60}\n")
        loaded = params.load(path)
        fake_results.write(loaded)
        tables.join_all(loaded)
        page.write(loaded)
        yield loaded


@pytest.fixture
def watched(browser):
    watched = Watched(browser, accept_downloads=True)
    yield watched
    watched.context.close()
    assert watched.problems == []


def opened(watched: Watched, p: params.Params, address: str = START):
    """The page at an address."""
    watched.page.goto("about:blank")  # or only the part after # would change, and nothing be loaded
    watched.page.goto(f"{(p.figures / 'explorer.html').as_uri()}#{address}")
    watched.page.wait_for_selector("[data-ready]", timeout=30_000)
    return watched.page


def state(shown) -> dict:
    """What is chosen, and the stretch of time."""
    return shown.evaluate(
        f"() => {{ {APP} const {{ state, view }} = app; return {{ ...state, recording: state.recording.about.id,"
        " second: state.second?.about.id ?? null, layer: state.layer.name, zoom: [view.from, view.to] }; }"
    )


def run(shown, script: str):
    return shown.evaluate(f"async () => {{ {APP} {script} }}")


def stored(p: params.Params, condition: str = A) -> tuple[token_energy.TokenEnergy, np.ndarray]:
    """The measured tokens of Thai and their shares (token, layer, bin), means over seeds."""
    energy = token_energy.load(p.results, condition)["th"]
    return energy, energy.share.astype(float).mean(axis=0)


def rows(energy: token_energy.TokenEnergy, names: list[str]) -> list[int]:
    return [energy.token_ids.index(name) for name in names]


def shown_ids(shown, condition: str = "true") -> list[str]:
    """The tokens of Thai in the page that meet a condition in JavaScript, in the order of the corpus."""
    return run(shown, f"return app.tokensOf('th').filter(token => {condition}).map(token => token.about.id);")


def at(shown, time_ms: float, panel: str = "profile") -> tuple[float, float]:
    """Where a time lies on the screen, in the middle of a panel."""
    return tuple(
        run(
            shown,
            f"""const {{ chart, host }} = app.stages[0], box = host.getBoundingClientRect();
            const panel = chart.panels.find(each => each.name === {json.dumps(panel)});
            return [box.left + chart.x({time_ms}), box.top + panel.top + panel.height / 2];""",
        )
    )


def drag(shown, from_ms: float, to_ms: float) -> None:
    x1, y = at(shown, from_ms)
    x2, _ = at(shown, to_ms)
    shown.mouse.move(x1, y)
    shown.mouse.down()
    shown.mouse.move((x1 + x2) / 2, y)
    shown.mouse.move(x2, y)
    shown.mouse.up()


def cell(shown, key: str, column: str = "a") -> str:
    return shown.locator(f"td[data-key={key}][data-column={column}]").inner_text()


def number(words: str) -> float:
    return float(re.search(r"-?\d+(?:\.\d+)?", words).group())


# The address


def test_the_address_opens_what_was_shown(watched, p):
    shown = opened(watched, p)
    choose(shown, "token", "7")
    choose(shown, "layer", "2")
    choose(shown, "show", "speaker")
    choose(shown, "order", "widest")
    shown.locator("[data-id=keep]").click()
    shown.locator("[data-id=difference]").click()
    run(shown, "app.setRange([-60, 35.5]); app.view.show(-200, 150); app.viewed();")
    shown.wait_for_function("() => location.hash.includes('zoom=')", timeout=30_000)
    before, address = state(shown), shown.url.partition("#")[2]
    assert before["zoom"] == [-200, 150] and before["second"] and before["show"] == "speaker"
    assert parse_qs(address)["token"] == [before["recording"]]
    assert state(opened(watched, p, address)) == before


def test_a_link_followed_on_the_open_page_shows_what_it_names(watched, p):
    shown = opened(watched, p)
    name = shown_ids(shown)[-1]
    shown.evaluate("address => { location.hash = address; }", f"token={name}&condition={B}&layer=1&compare=")
    shown.wait_for_function(f"() => {{ {APP} return app.state.recording.about.id === {json.dumps(name)}; }}")
    after = state(shown)
    assert (after["condition"], after["compare"], after["layer"], after["language"]) == (B, "", "1", "th")


def test_an_address_that_names_what_is_not_there_says_so_and_shows_the_rest(watched, p):
    payload = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    shown = opened(watched, p, f"token={payload}&language=th&layer=99&condition=mini/none&range=wide&order=up&tone=x")
    problem = shown.locator("[data-id=problem]").inner_text()
    assert "does not hold token" in problem and "onerror" in problem and "layer “99”" in problem
    assert state(shown)["language"] == "th" and state(shown)["range"] is None
    assert shown.evaluate("() => window.hacked ?? null") is None and shown.locator("img").count() == 0


def test_the_link_is_copied_or_shown(watched, p):
    shown = opened(watched, p)
    shown.locator("[data-id=link]").click()
    said = shown.locator("[data-id=saved]")
    said.filter(has_text="ink").wait_for()
    assert "Link copied" in said.inner_text() or "explorer.html#language=th" in said.inner_text()


# A range of time


def check_range(shown, p: params.Params, from_ms: float, to_ms: float) -> None:
    """The shares that are shown are those of the stored energy; a bin that is cut counts by its part."""
    name, layer = state(shown)["recording"], state(shown)["layer"]
    edges = np.arange(-500, 501, 10.0)
    inside = np.clip(np.minimum(edges[1:], to_ms) - np.maximum(edges[:-1], from_ms), 0, None) / 10
    for column, condition in (("a", A), ("b", B)):
        energy, share = stored(p, condition)
        token = share[energy.token_ids.index(name), energy.layers.index(layer)] @ inside
        assert number(cell(shown, "range_token", column)) == pytest.approx(100 * token, abs=0.5 + 2 * token)
        where = {"condition": condition, "language": "th", "layer": layer}
        pooled = tables.select(tables.read(p.results, "energy"), **where)["energy"] @ inside
        assert number(cell(shown, "range_all", column)) == pytest.approx(100 * pooled, abs=0.51)
        assert number(cell(shown, "range_null", column)) == pytest.approx((to_ms - from_ms) / 10, abs=0.51)


def listen_in(shown) -> None:
    shown.evaluate(
        "() => { const start = AudioBufferSourceNode.prototype.start; window.played = [];"
        " AudioBufferSourceNode.prototype.start = function (...given) {"
        " window.played.push(given); start.apply(this, given); }; }"
    )


def check_played(shown, from_ms: float, to_ms: float) -> None:
    shown.wait_for_function("() => window.played.length === 1", timeout=30_000)
    ((_, offset_s, length_s),) = shown.evaluate("() => window.played")
    assert 1000 * offset_s == pytest.approx(500 + from_ms, abs=0.6)
    assert 1000 * length_s == pytest.approx(to_ms - from_ms, abs=0.6)


def test_a_drag_chooses_a_range_to_listen_to_and_says_its_share(watched, p):
    shown = opened(watched, p)
    drag(shown, 80, -120)
    from_ms, to_ms = state(shown)["range"]
    assert (from_ms, to_ms) == pytest.approx((-120, 80), abs=1.5)
    check_range(shown, p, from_ms, to_ms)
    listen_in(shown)
    shown.locator("[data-id=playrange]").click()
    check_played(shown, from_ms, to_ms)
    shown.locator("[data-id=clear]").click()
    assert state(shown)["range"] is None and shown.locator("[data-key=range_token]").count() == 0


def test_a_click_is_no_range_and_a_drag_chooses_no_layer(watched, p):
    shown = opened(watched, p)
    x, y = at(shown, 50, "map a")
    shown.mouse.click(x, y)
    clicked = state(shown)
    assert clicked["range"] is None and clicked["layer"] in "12"
    x2, _ = at(shown, -50, "map a")
    shown.mouse.move(x, y - 20)
    shown.mouse.down()
    shown.mouse.move(x2, y - 20)
    shown.mouse.up()
    assert state(shown)["layer"] == clicked["layer"] and state(shown)["range"] is not None


def test_a_range_from_the_keyboard_alone(watched, p):
    shown = opened(watched, p)
    shown.locator("[data-id=from]").focus()
    shown.keyboard.type("-40")
    shown.keyboard.press("Tab")
    shown.keyboard.type("95")
    shown.keyboard.press("Tab")
    assert state(shown)["range"] == [-40, 95]
    check_range(shown, p, -40, 95)
    listen_in(shown)
    shown.keyboard.press("r")
    check_played(shown, -40, 95)
    shown.keyboard.press("Escape")  # stops
    shown.keyboard.press("z")
    shown.wait_for_function(f"() => {{ {APP} return app.view.to < 500; }}", timeout=30_000)  # in a frame of its own
    assert state(shown)["zoom"] == pytest.approx([-50.8, 105.8])
    shown.keyboard.press("Escape")
    assert state(shown)["range"] is None


# Zoom


def settle(shown) -> None:
    run(shown, "await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);")


def test_the_wheel_zooms_around_the_pointer(watched, p):
    shown = opened(watched, p)
    x, y = at(shown, 100)
    shown.mouse.move(x, y)
    for _ in range(3):
        shown.mouse.wheel(0, -240)
    settle(shown)
    from_ms, to_ms = state(shown)["zoom"]
    assert to_ms - from_ms < 600
    left = run(shown, "return app.stages[0].host.getBoundingClientRect().left;")
    assert run(shown, f"return app.stages[0].chart.time({x - left});") == pytest.approx(100, abs=1)
    shown.mouse.wheel(120, 0)
    settle(shown)
    moved = state(shown)["zoom"]
    assert moved[0] > from_ms and moved[1] - moved[0] == pytest.approx(to_ms - from_ms)


def test_at_the_whole_window_the_wheel_scrolls_the_page(watched, p):
    shown = opened(watched, p)
    shown.set_viewport_size({"width": 1360, "height": 600})
    shown.mouse.move(*at(shown, 100, "wave"))
    shown.mouse.wheel(0, 300)
    shown.wait_for_function("() => scrollY > 0", timeout=30_000)
    shown.mouse.wheel(0, -100)  # of the same turn: it goes on scrolling
    assert state(shown)["zoom"] == [-500, 500]


def test_keys_and_buttons_zoom_and_move(watched, p):
    shown = opened(watched, p)
    shown.keyboard.press("+")
    settle(shown)
    assert state(shown)["zoom"] == pytest.approx([-300, 300])
    shown.keyboard.press("Shift+ArrowRight")
    settle(shown)
    assert state(shown)["zoom"] == pytest.approx([-150, 450])
    shown.keyboard.press("-")
    settle(shown)
    assert state(shown)["zoom"] == pytest.approx([-350, 500], abs=151)
    shown.keyboard.press("0")
    settle(shown)
    assert state(shown)["zoom"] == [-500, 500]
    for _ in range(12):
        shown.locator("[data-id=zoomin]").click()
    settle(shown)
    assert np.diff(state(shown)["zoom"]) == pytest.approx(80), "no narrower than there is something to see"


def test_a_drag_with_shift_moves_and_chooses_no_range(watched, p):
    shown = opened(watched, p, f"{START}&zoom=-200to200")
    x1, y = at(shown, 0)
    x2, _ = at(shown, 100)
    shown.keyboard.down("Shift")
    shown.mouse.move(x1, y)
    shown.mouse.down()
    shown.mouse.move(x2, y)
    shown.mouse.up()
    shown.keyboard.up("Shift")
    settle(shown)
    assert state(shown)["zoom"] == pytest.approx([-300, 100], abs=2) and state(shown)["range"] is None


def test_two_fingers_zoom(browser, p):
    watched = Watched(browser, has_touch=True)
    shown = opened(watched, p)
    (left, y), (right, _) = at(shown, -100), at(shown, 100)
    session = watched.context.new_cdp_session(shown)

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": x, "y": y, "id": i} for i, x in enumerate(xs)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", left)
    touch("touchStart", left, right)
    for step in range(1, 5):
        touch("touchMove", left - 30 * step, right + 30 * step)
    settle(shown)
    from_ms, to_ms = state(shown)["zoom"]
    touch("touchEnd")
    width = (right - left) / (right - left + 240) * 1000
    assert to_ms - from_ms == pytest.approx(width, rel=0.05) and state(shown)["range"] is None
    watched.context.close()
    assert watched.problems == []


# Two tokens, means, differences


def test_a_token_kept_stays_beside_the_next_ones(watched, p):
    shown = opened(watched, p)
    first = state(shown)["recording"]
    shown.keyboard.press("p")
    shown.keyboard.press("ArrowRight")
    assert state(shown)["second"] == first != state(shown)["recording"]
    assert shown.locator(".ts-stage").count() == 2
    labels = [canvas.get_attribute("aria-label") for canvas in shown.locator(".ts-base").all()]
    assert labels[0] != labels[1]
    part = tables.select(tables.read_parts(p.results, "token_spans", parts=[A]), token_id=first, layer="3")
    assert number(cell(shown, "second_span")) == pytest.approx(2 * part["r_com_ms"].mean(), abs=0.51)
    tops = run(shown, "return app.stages.map(stage => stage.chart.panels.map(panel => panel.top));")
    assert tops[0] == tops[1]
    listen_in(shown)
    box = shown.locator(".ts-stage").nth(1).bounding_box()
    shown.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    shown.wait_for_selector("[data-playing]", timeout=30_000)
    assert run(shown, "return app.player.recording.about.id;") == first
    shown.locator("[data-id=keep]").click()
    assert shown.locator(".ts-stage").count() == 1


@pytest.mark.parametrize(
    ("show", "what"), [("tone", "tone"), ("speaker", "speaker"), ("syllable", "syllable"), ("all", None)]
)
def test_a_mean_is_that_of_its_tokens(watched, p, show, what):
    shown = opened(watched, p)
    choose(shown, "show", show)
    test = f"token.about.{what} === app.state.recording.about.{what}" if what else "true"
    names = shown_ids(shown, test)
    assert 1 < len(names) <= 30
    energy, share = stored(p)
    expected = share[rows(energy, names)].mean(axis=0)
    drawn = np.array(run(shown, f"return [...app.subject.map('{A}').values];")).reshape(expected.shape)
    np.testing.assert_allclose(drawn, expected, rtol=0.02, atol=2e-4)
    part = tables.select(tables.read_parts(p.results, "token_spans", parts=[A]), language="th", layer="3")
    spans = 2 * part[part["token_id"].isin(names)]["r_com_ms"].mean()
    assert number(cell(shown, "token_span")) == pytest.approx(spans, abs=0.51)
    assert f"Mean of {len(names)} tokens" in shown.locator("[data-id=numbers]").inner_text()
    assert "mean log-Mel" in shown.locator(".ts-base").get_attribute("aria-label")


def test_a_minus_b_is_the_difference_in_multiples_of_the_null(watched, p):
    shown = opened(watched, p)
    shown.keyboard.press("b")
    assert shown.locator("[data-id=difference]").get_attribute("aria-pressed") == "true"
    drawn = run(
        shown,
        "const panel = app.stages[0].chart.panels.find(each => each.name === 'difference');"
        " return [Boolean(panel), [...app.differenceOf(app.subject).values]];",
    )
    energy, a = stored(p)
    _, b = stored(p, B)
    at_token = energy.token_ids.index(state(shown)["recording"])
    expected = (a - b)[at_token] * a.shape[-1]  # the made-up recording is longer than the window: the null is even
    assert drawn[0]
    np.testing.assert_allclose(
        np.reshape(drawn[1], expected.shape), expected, atol=0.02 * np.abs(a[at_token]).max() * 200
    )
    choose(shown, "compare", "")
    assert state(shown)["difference"] is False and shown.locator("[data-id=difference]").is_disabled()


def test_the_null_of_random_weights_and_the_knee_are_told_and_drawn(watched, p):
    shown = opened(watched, p)
    knees = tables.select(tables.read(p.results, "margin_knee"), condition=A, language="th", layer="3")
    random = tables.select(tables.read(p.results, "random_spans"), language="th", weight="none", layer="3").iloc[0]
    assert number(cell(shown, "knee")) == pytest.approx(knees["knee_ms"].mean(), abs=0.51)
    assert number(cell(shown, "random")) == pytest.approx(random["span_ms"], abs=0.51)
    drawn, color = run(
        shown,
        """const { chart } = app.stages[0], drawn = [], plain = chart.upright;
        chart.upright = (...given) => {
          drawn.push([given[1].name, given[2], given[3]]);
          plain.apply(chart, given);
        };
        chart.paint(app.stages[0].base.getContext("2d"));
        return [drawn, app.color];""",
    )
    for side in (-1, 1):
        assert ["profile", side * random["span_ms"] / 2, color["random"]] in drawn
        assert ["margin", side * knees["knee_ms"].mean() / 2, color["a"]] in drawn
    margin = run(shown, f"return [...app.pooled('{A}').margin];")
    curves = tables.select(tables.read(p.results, "margin_curves"), condition=A, language="th", layer="3")
    means = curves.groupby(["curve", "half_width_ms"])[["margin", "ci_low", "ci_high"]].mean()
    expected = np.stack([means.loc["keep"], means.loc["flatten"]])
    np.testing.assert_allclose(np.reshape(margin, expected.shape), expected, rtol=1e-5, atol=1e-6)
    choose(shown, "layer", "cnn")
    assert cell(shown, "knee").splitlines() == ["none", "F1 not above chance"]


# Finding tokens


def results(shown) -> list[str]:
    return shown.locator("[data-id=results] [role=option]:not([aria-disabled])").all_text_contents()


def test_typing_finds_tokens_by_the_beginning_of_their_words(watched, p):
    shown = opened(watched, p)
    shown.keyboard.press("/")
    box = shown.locator("[data-id=search]")
    assert box.evaluate("node => document.activeElement === node")
    for typed, syllables in (("ข้", {"ข้าว"}), ("ma", {"ma", "mả"}), ("mả", {"mả"}), ("da", {"đá"}), ("ไก่ high", {"ไก่"})):
        box.fill(typed)
        words = results(shown)
        assert words, typed
        named = {next(s for s in sorted(SYLLABLES, key=len, reverse=True) if s in line) for line in words}
        assert named == syllables, typed
    assert all("tone high" in line for line in results(shown))
    box.fill("s2 low")
    assert results(shown) and all("s2" in line and "tone low" in line for line in results(shown))
    box.fill("nothing like it")
    assert results(shown) == [] and "no token begins so" in shown.locator("[data-id=results]").inner_text()


def test_the_search_is_driven_from_the_keyboard(watched, p):
    shown = opened(watched, p)
    choose(shown, "tone", "high")
    shown.keyboard.press("/")
    shown.keyboard.type("ไก่ low")
    box = shown.locator("[data-id=search]")
    assert box.get_attribute("aria-expanded") == "true"
    shown.keyboard.press("ArrowDown")
    active = box.get_attribute("aria-activedescendant")
    line = shown.locator(f"#{active}").inner_text()
    assert shown.locator(f"#{active}").get_attribute("aria-selected") == "true"
    shown.keyboard.press("Enter")
    after = run(shown, "return [app.state.recording.about.syllable, app.state.tone, app.lineOf(app.state.recording)];")
    assert after == ["ไก่", "", line], "the list of one tone gives way to what was chosen"
    assert box.get_attribute("aria-expanded") == "false" and box.input_value() == ""
    shown.keyboard.type("x")
    shown.keyboard.press("Escape")
    shown.keyboard.press("Escape")
    assert box.input_value() == ""


@pytest.mark.parametrize(
    ("order", "of", "sign"), [("hardest", "p", 1), ("surest", "p", -1), ("widest", "r", -1), ("narrowest", "r", 1)]
)
def test_tokens_are_ordered_by_confidence_and_by_span(watched, p, order, of, sign):
    shown = opened(watched, p)
    choose(shown, "order", order)
    names = run(shown, "return app.tokens().map(token => token.about.id);")
    energy, _ = stored(p)
    if of == "p":
        values = energy.confidence.mean(axis=0)[rows(energy, names), energy.layers.index("3")]
    else:
        part = tables.select(tables.read_parts(p.results, "token_spans", parts=[A]), language="th", layer="3")
        values = part.groupby("token_id")["r_com_ms"].mean().loc[names].to_numpy()
    assert len(names) == 30 and (np.diff(sign * values) >= -1e-6).all()
    assert state(shown)["recording"] == names[0], "the first of the order is shown"
    shown.keyboard.press("ArrowRight")
    assert state(shown)["recording"] == names[1]
    line = shown.locator("[data-id=token] option").nth(1).inner_text()
    value = values[1] if of == "p" else 2 * values[1]
    assert number(line.split(". ", 1)[1]) == pytest.approx(value, abs=0.51 if of == "r" else 6e-4)


# Files


def downloaded(shown, kind: str, folder: Path) -> Path:
    with shown.expect_download() as started:
        shown.locator(f"[data-id={kind}]").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    assert path.suffix == f".{kind}" and re.fullmatch(r"[\w.-]+", path.name)
    return path


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_a_saved_file_says_where_it_comes_from(watched, p, tmp_path, capsys, kind):
    shown = opened(watched, p, f"{START}&range=-50to50")
    path = downloaded(shown, kind, tmp_path)
    record = provenance.read(path)
    page_record = provenance.read(p.figures / "explorer.html")
    assert {name: record[name] for name in page_record} == page_record
    assert record["view"]["token"] == state(shown)["recording"] and record["view"]["range"] == "-50to50"
    assert main(["explain", str(path)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("shows")]
    assert line.split(maxsplit=1)[1] == record["address"]
    again = opened(watched, p, record["address"].partition("#")[2])
    assert state(again)["recording"] == record["view"]["token"] and state(again)["range"] == [-50, 50]


def test_the_pictures_show_the_charts_side_by_side(watched, p, tmp_path):
    shown = opened(watched, p)
    single = Image.open(downloaded(shown, "png", tmp_path))
    shown.keyboard.press("p")
    shown.keyboard.press("ArrowRight")
    both = Image.open(downloaded(shown, "png", tmp_path / "both"))
    assert both.size[0] > 1.9 * single.size[0]
    pixels = np.asarray(single.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 200, "maps, curves and words, no empty sheet"
    svg = downloaded(shown, "svg", tmp_path)
    alone = watched.context.new_page()
    alone.set_viewport_size({"width": both.size[0] // 2, "height": both.size[1] // 2})
    alone.goto(svg.as_uri())
    words = alone.evaluate("() => [...document.querySelectorAll('text')].map(node => node.textContent)")
    assert words.count("time from the tone centre (ms)") == 2 and "Waveform" in words
    drawn = Image.open(io.BytesIO(alone.screenshot())).convert("L")
    expected = both.convert("L").resize(drawn.size)
    assert np.corrcoef(np.ravel(drawn), np.ravel(expected))[0, 1] > 0.9, "SVG and PNG are one picture"


def test_the_csv_holds_the_energy_that_is_drawn(watched, p, tmp_path):
    shown = opened(watched, p, f"{START}&difference=1")
    table = pd.read_csv(downloaded(shown, "csv", tmp_path), skiprows=1, dtype={"layer": str})
    name = state(shown)["recording"]
    assert set(table["condition"]) == {A, B, f"{A} minus {B}"} and set(table["token_id"]) == {name}
    for condition in (A, B):
        energy, share = stored(p, condition)
        rows_of = tables.select(table, condition=condition)
        wide = rows_of.pivot(index="layer", columns="from_ms", values="share").loc[energy.layers]
        np.testing.assert_allclose(wide, share[energy.token_ids.index(name)], rtol=0.02, atol=2e-4)
        part = tables.select(tables.read_parts(p.results, "token_spans", parts=[condition]), token_id=name)
        radii = rows_of.groupby("layer")["r_com_ms"].first()
        np.testing.assert_allclose(radii, part.groupby("layer")["r_com_ms"].mean().loc[radii.index], rtol=1e-4)
    minus = tables.select(table, condition=f"{A} minus {B}")["share"].to_numpy()
    a, b = (tables.select(table, condition=condition)["share"].to_numpy() for condition in (A, B))
    np.testing.assert_allclose(minus, a - b, atol=2e-5)
    np.testing.assert_allclose(tables.select(table, condition=A)["flat_null"], 0.01)


# Keys


def test_single_keys_can_be_switched_off_for_good(watched, p):
    shown = opened(watched, p)
    first = state(shown)["recording"]
    shown.locator("summary").click()
    shown.locator("[data-id=keys]").uncheck()
    shown.locator(".ts-title").click()
    for key in ("ArrowRight", "l", "x", "Space", "b", "+"):
        shown.keyboard.press(key)
    after = state(shown)
    assert after["recording"] == first and after["zoom"] == [-500, 500] and not after["difference"]
    shown = opened(watched, p)
    assert not shown.locator("[data-id=keys]").is_checked(), "remembered by the browser"
    shown.keyboard.press("ArrowRight")
    assert state(shown)["recording"] == first


def test_everything_new_is_reached_with_tab(watched, p):
    shown = opened(watched, p, f"{START}&range=-50to50")
    reached = set()
    for _ in range(45):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("() => document.activeElement.dataset.id ?? document.activeElement.tagName"))
    expected = {"order", "search", "show", "difference", "keep", "zoomin", "zoomout", "zoomall", "from", "to"}
    assert expected | {"playrange", "zoomrange", "clear", "link", "png", "svg", "csv"} <= reached


# Letters


def test_the_page_brings_the_letters_of_its_scripts(watched, p):
    shown = opened(watched, p)
    loaded = shown.evaluate("() => [...document.fonts].map(face => [face.family, face.status])")
    assert loaded == [["Tonespan Scripts", "loaded"]] * 2, (
        "Latin with Vietnamese and IPA, and Thai; no Lao or Burmese here"
    )
    widths = run(
        shown,
        """const context = document.createElement("canvas").getContext("2d");
        return ["'Tonespan Scripts'", "'No Such Font'"].map(family => {
          context.font = `40px ${family}, monospace`;
          return context.measureText("ข้าว").width;
        });""",
    )
    assert widths[0] != widths[1]


def test_a_phone_has_room_for_all_of_it(browser, p):
    """With two tokens, a range and a difference nothing is wider than the screen."""
    watched = Watched(browser)
    watched.page.set_viewport_size({"width": 390, "height": 844})
    shown = opened(watched, p, f"{START}&range=-50to50&difference=1")
    shown.keyboard.press("p")
    shown.keyboard.press("ArrowRight")
    assert shown.evaluate("() => document.documentElement.scrollWidth") <= 390
    buttons = "[...document.querySelectorAll('.ts-bar button')]"
    heights = shown.evaluate(f"() => {buttons}.map(button => button.offsetHeight).filter(Boolean)")
    assert min(heights) >= 36, "large enough for a finger"
    watched.context.close()
    assert watched.problems == []
