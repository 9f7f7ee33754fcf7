"""The gallery: figures and pages of a finished run, copied to ``figures/<profile>`` at the top of the repository.

Runs write to ``results/<profile>/figures`` alone, so that a clone stays as it was; what the repository shows is what a
maintainer copied (``make gallery``). The copy is whole or not made: a run that is unfinished or out of date is refused,
and so are figures of another profile, or of parameters that are not those in ``params/<profile>.yaml``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.explorer import page
from tonespan_utils.paper.figures import store
from tonespan_utils.params import profile
from tonespan_utils.params.profile import ROOT, Params
from tonespan_utils.workflow import runner

GALLERY = ROOT / "figures"
OF_ANOTHER_WIDTH = re.compile(r".+_[\d.]+mm")  # as store.figure_stem names them
PAGES = ("index.html", f"{page.NAME}.html")


def publish(name: str) -> Path:
    """Copy the figures of a profile's run into the gallery, in place of those that are there. Returns their folder.

    Raises TonespanError where the run is unfinished, or a figure or page is missing, damaged or of another run.
    """
    params = profile.load(name)
    target = GALLERY / params.profile
    if not target.is_dir():
        there = ", ".join(sorted(path.name for path in GALLERY.iterdir() if path.is_dir()))
        raise TonespanError(
            f"the gallery has no folder {target} (it has: {there}); make it first, if it is to be shown"
        )
    if n_steps := runner.plan(params).n_steps:
        still = f"{n_steps} steps of its run are still to be done"
        raise TonespanError(f"profile {params.profile}: {still}; `make paper PROFILE={name}` first")
    files = to_copy(params)
    _check(params, files)
    _replace(files, target)
    return target


def to_copy(params: Params) -> list[Path]:
    """The files of a run that the gallery shows: its figures, those of other notebooks that its report shows, and both
    pages; no figure of another width, and none that an earlier version drew.
    """
    files = sorted(path for path in params.figures.glob("*") if path.is_file() and not path.name.startswith("."))
    drawn = store.recipes(params)
    return [path for path in files if path.name in PAGES or path.stem in drawn or _is_of_report(path)]


def _is_of_report(path: Path) -> bool:
    """Whether a figure brings its own title and caption, as those of other notebooks do."""
    if path.suffix.removeprefix(".") not in provenance.FORMATS or OF_ANOTHER_WIDTH.fullmatch(path.stem):
        return False
    return {"title", "caption"} <= provenance.read(path).keys()


def _check(params: Params, files: list[Path]) -> None:
    """Raise TonespanError for a figure that is missing, or is not of this profile with these parameters."""
    wanted = [f"{each}.{kind}" for each in store.recipes(params) for kind in provenance.FORMATS]
    missing = sorted({*wanted, *PAGES} - {path.name for path in files})
    if missing:
        raise TonespanError(f"{params.figures / missing[0]}: missing; `make figures PROFILE={params.profile}` draws it")
    resolved = params.model_dump(mode="json")
    for path in files:
        record = provenance.read(path)
        if record.get("profile") != params.profile:
            raise TonespanError(f"{path}: of profile {record.get('profile')}, not {params.profile}; remove it")
        if record.get("params") != resolved:
            raise TonespanError(
                f"{path}: drawn with other parameters than params/{params.profile}.yaml has; draw it again or remove it"
            )


def _replace(files: list[Path], target: Path) -> None:
    """Put copies of the files in place of a folder, which is there as it was until all are copied."""
    partial, before = (target.with_name(f".{target.name}.{what}") for what in ("partial", "before"))
    try:
        for leftover in (partial, before):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir()
        for path in files:
            shutil.copyfile(path, partial / path.name)
        os.replace(target, before)
        os.replace(partial, target)
        shutil.rmtree(before, ignore_errors=True)
    except OSError as error:
        raise TonespanError(f"{target}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if before.is_dir() and not target.exists():
            os.replace(before, target)
