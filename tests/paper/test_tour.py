"""The tour runs the small study and opens its pages where a browser can show them."""

import webbrowser

import pytest

from tonespan_utils.__main__ import main
from tonespan_utils.paper import tour
from tonespan_utils.workflow import runner


@pytest.fixture
def opened(monkeypatch):
    """What was run, and the addresses that a browser was given."""
    calls, addresses = [], []
    browser = type("Browser", (), {"open": lambda self, address: addresses.append(address)})()
    monkeypatch.setattr(runner, "run", lambda name, cores: calls.append((name, cores)))
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    monkeypatch.setenv("DISPLAY", ":0")
    return calls, addresses


def test_both_pages_are_opened_and_named(opened, capsys):
    assert main(["tour", "--cores", "2"]) == 0
    calls, addresses = opened
    assert calls == [("smoke", "2")]
    assert [address.rpartition("/results/smoke/figures/")[2] for address in addresses] == [
        "index.html",
        "explorer.html",
    ]
    said = capsys.readouterr().out
    assert "results/smoke/figures/index.html" in said and "explorer.html" in said and "make paper" in said


def test_no_browser_is_opened_where_none_is_wanted_or_none_can_be(opened, monkeypatch, capsys):
    _, addresses = opened
    main(["tour", "--no-browser"])
    monkeypatch.setattr(tour.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    main(["tour"])
    assert addresses == [] and capsys.readouterr().out.count("results/smoke/figures/index.html") == 2


def test_a_screen_without_a_browser_is_no_error(opened, monkeypatch):
    def none():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    assert tour.find_browser() is None and main(["tour"]) == 0
