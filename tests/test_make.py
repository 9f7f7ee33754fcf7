"""The Makefile: what it is given reaches no shell, and what it removes is listed first."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="no make")
ECHO = '#!/bin/sh\nfor word; do printf "<%s>" "$word"; done\n'


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile and a Python that prints its arguments, under a path that a shell would act on."""
    folder = tmp_path / "My Papers" / "tone's $pan"
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copyfile(ROOT / "Makefile", folder / "Makefile")
    for name in ("requirements.lock", "pyproject.toml", ".venv/.installed"):
        (folder / name).write_text("")
    python = folder / ".venv" / "bin" / "python"
    python.write_text(ECHO)
    python.chmod(0o755)
    return folder


def make(folder, *arguments, answer="", **environment):
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=folder, input=answer, env=os.environ | environment,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


HOSTILE = [
    "a;touch hit",
    "$(touch hit)",
    "`touch hit`",
    "it's",
    'say "hi"',
    "$HOME",
    "$(shell touch hit)",
    "--help",
    "{x}",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_arrive_as_they_are(checkout, name):
    expected = f"<-m><tonespan_utils><run><--cores><all><--><{name}>"
    assert make(checkout, "paper", f"PROFILE={name}") == (0, expected, "")
    assert make(checkout, "paper", PROFILE=name) == (0, expected, "")
    _, printed, _ = make(checkout, "figure", f"NAME={name}", "WIDTH=89")
    assert printed == f"<-m><tonespan_utils><figures><--name><{name}><--width><89><--><demo>"
    _, printed, _ = make(checkout, "validity", f"CLUSTER={name}", "CORES=2")
    assert printed == f"<-m><tonespan_utils><run><--cores><2><--cluster><{name}><--target><validity><--><demo>"
    assert not list(checkout.rglob("hit"))


def test_programs_are_called_as_modules(checkout):
    """The first line of a script cannot hold a path with a space."""
    _, printed, _ = make(checkout, "test")
    assert printed.startswith("<-m><ruff><check><.><-m><ruff><format><--check><.><-m><pytest>")


def test_another_python_s_variables_do_not_reach_ours(checkout):
    (checkout / ".venv" / "bin" / "python").write_text('#!/bin/sh\necho "[$PYTHONHOME$PYTHONPATH$PYTHONWARNINGS]"\n')
    assert make(checkout, "paper", PYTHONHOME="/x", PYTHONPATH="/y", PYTHONWARNINGS="error")[1] == "[]\n"


def filled(checkout):
    for name in ("results/demo/tokens.csv", "runs/demo/.lock", "data/demo/x.wav", "data/corpora/emotion/mine.wav"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("")
    return checkout


@pytest.mark.parametrize("answer", ["", "n\n", "\n", "maybe\n"])
def test_clean_asks_and_removes_nothing_without_a_yes(checkout, answer):
    status, printed, _ = make(filled(checkout), "clean", answer=answer)
    assert status == 2 and "results" in printed and "total" in printed and "nothing was removed" in printed
    assert (checkout / "results/demo/tokens.csv").is_file()


@pytest.mark.parametrize(("arguments", "answer"), [(["FORCE=1"], ""), ([], "y\n"), ([], "yes\n")])
def test_clean_removes_what_runs_made_and_no_recordings(checkout, arguments, answer):
    status, _, errors = make(filled(checkout), "clean", *arguments, answer=answer)
    assert status == 0, errors
    left = {
        str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file() and ".venv" not in str(path)
    }
    assert left == {"Makefile", "requirements.lock", "pyproject.toml", "data/corpora/emotion/mine.wav"}
    assert make(checkout, "clean")[1] == "nothing to remove\n"


def test_clean_leaves_a_run_alone(checkout):
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (filled(checkout) / "runs/demo/.lock").write_text(f"{sleeper.pid}\n")
    status, _, errors = make(checkout, "clean", "FORCE=1")
    sleeper.communicate(b"\n")
    assert status == 2 and "runs/demo is being run by process" in errors and (checkout / "results").is_dir()


def test_help_lists_every_target_and_no_other(checkout):
    status, printed, _ = make(checkout, "help")
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    phony = set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())
    rules = set(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE))
    assert status == 0 and phony == rules == set(re.findall(r"^make ([\w-]+)  ?", printed, re.MULTILINE))


def test_the_tour_and_the_gallery_are_commands(checkout):
    assert make(checkout, "tour", "CORES=2")[1] == "<-m><tonespan_utils><tour><--cores><2>"
    assert make(checkout, "gallery", "PROFILE=it's")[1] == "<-m><tonespan_utils><gallery><--><it's>"
