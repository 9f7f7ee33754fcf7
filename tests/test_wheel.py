"""The wheel, built from this checkout and installed elsewhere: what somebody has who installs tonespan alone.

Nothing is fetched: the other packages are those of this environment. ``python -c`` programs run in another folder, with
the installed copy first on Python's path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, make_checkpoint

pytestmark = pytest.mark.slow
pytest.importorskip("hatchling", reason="no hatchling, which builds the wheel: pip install hatchling")


def run(*command: object, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TONESPAN_OUTPUT")}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    paths = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # hatchling may lie there
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        folder,
        ROOT,
    ]
    done = run(*build, folder=folder, **paths)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder to work in, and a function that runs Python there with the installed wheel first on its path."""
    site, work = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel]
    done = run(*install, folder=work)
    assert done.returncode == 0, done.stderr

    def python(*arguments: object, **options: str) -> subprocess.CompletedProcess:
        return run(sys.executable, *arguments, folder=work, PYTHONPATH=str(site), OMP_NUM_THREADS="1", **options)

    done = python("-c", "import tonespan_utils; print(tonespan_utils.__file__)")
    assert done.stdout.strip() == str(site / "tonespan_utils" / "__init__.py"), "the copy, not this checkout"
    return work, python, site


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "tonespan_utils"], capture_output=True, text=True, check=True
    )
    assert inside == set(listed.stdout.splitlines()), "no more and no less than the repository's package"


@pytest.mark.parametrize(
    ("language", "text", "tones"),
    [
        ("vi", "tôi đi", "ngang ngang"),
        ("th", "มา", "M"),
        ("cmn", "你好", "2 3"),
        ("lo", "ມາ", None),
        ("my", "မြန်မာ", None),
    ],
)
def test_the_command_from_text_to_tone(installed, language, text, tones):
    """By the name that pip installs, in every language: its tables and weights came along."""
    work, _, site = installed
    (work / "text.txt").write_text(f"{text}\n", encoding="utf-8")
    script = site / "bin" / "tonespan"
    done = run(sys.executable, script, "tones", language, "text.txt", folder=work, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    line, printed = done.stdout.splitlines()[0].split("\t"), done.stdout
    assert line[0] == text and line[1] and "[" not in printed, printed
    assert tones is None or line[1] == tones


def test_measure_span(installed):
    work, python, _ = installed
    make_checkpoint(work / "encoder", "xlsr")
    program = """
import numpy as np
from tonespan_utils import measure_span
rng = np.random.default_rng(0)
clips = [rng.normal(size=16000).astype(np.float32) for _ in range(12)]
spans = measure_span("encoder", clips, [0.5] * 12, ["a", "b"] * 6, random_seeds=(), half_widths_ms=(), n_resamples=20)
spans.plot().savefig("spans.png")
print(",".join(spans.layers["layer"]), spans.layers["span_ms"].between(0, 1000).all())
"""
    done = python("-c", program, MPLBACKEND="agg")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "cnn,0,1,2,final True" and (work / "spans.png").is_file()


def test_a_study_says_that_it_needs_the_repository(installed):
    _, python, _ = installed
    done = python("-m", "tonespan_utils", "run", "demo")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "profiles, notebooks and the Snakefile are in the repository" in done.stderr
