"""The course for a class: what students get, and what the teacher has, from the lessons in notebooks/course.

Under ``runs/course`` a course folder as nbgrader wants it: ``source`` (the lessons with their solutions), ``student``
(what nbgrader's generate_assignment makes of them: no solutions, no hidden tests) and ``nbgrader_config.py``, so that
``nbgrader autograde`` goes on from there, also after the folder was moved; and ``teacher``, the lessons executed, with
every figure, sound and answer.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tonespan_utils.workflow import notebooks

LESSONS = tuple(sorted(path.stem for path in (notebooks.NOTEBOOKS / "course").glob("[0-9]_*.py")))
CONFIG = """# written by `make course`: nbgrader reads it when called in this folder, wherever the folder is
import os
import sys

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades

from tonespan_utils.course.feedback import HideTests

os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])  # alembic is there
c = get_config()
c.CourseDirectory.course_id = "tonespan"
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.release_directory = "student"
c.ClearSolutions.code_stub = {"python": "# your answer here"}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.ExecutePreprocessor.timeout = 600
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]
"""


def folder() -> Path:
    """Where the course is built."""
    return profile.OUTPUT_ROOT / "runs" / "course"


def build(lessons: Sequence[str] = LESSONS, *, execute: bool = True) -> list[Path]:
    """Write the student's version of ``lessons`` and, with ``execute``, the teacher's; what is up to date stays.

    Returns the files. Raises TonespanError for a lesson that does not exist or does not run.
    """
    for lesson in lessons:
        if lesson not in LESSONS:
            raise TonespanError(f"no lesson {lesson!r}; lessons: {', '.join(LESSONS)}")
    written = [student_version(lesson) for lesson in lessons]
    return written + ([teacher_version(lesson) for lesson in lessons] if execute else [])


def student_version(lesson: str) -> Path:
    """The lesson without solutions and hidden tests, by nbgrader. Raises TonespanError where nbgrader refuses it."""
    from nbgrader.apps import NbGraderAPI  # seconds, which no other command needs
    from traitlets.config import PyFileConfigLoader

    source = folder() / "source" / lesson / f"{lesson}.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebooks.NOTEBOOKS / "course" / f"{lesson}.ipynb", source)
    (folder() / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder())).load_config()
    done = NbGraderAPI(config=config).generate_assignment(lesson, force=True, create=True)
    if not done["success"]:
        raise TonespanError(f"{lesson}: nbgrader could not make the student version:\n{done['log'].strip()}")
    return folder() / "student" / lesson / f"{lesson}.ipynb"


def teacher_version(lesson: str) -> Path:
    """The lesson executed with its solutions; not again while it is newer than the lesson and the course's modules."""
    executed = folder() / "teacher" / f"{lesson}.ipynb"
    inputs = [notebooks.NOTEBOOKS / "course" / f"{lesson}.ipynb", *Path(__file__).parent.glob("*.py")]
    if not executed.is_file() or executed.stat().st_mtime < max(path.stat().st_mtime for path in inputs):
        notebooks.run_notebook(f"course/{lesson}", executed, {})
    return executed
