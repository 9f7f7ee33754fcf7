"""The course: solutions pass, untouched student versions fail at their exercises and nowhere else, nbgrader takes both.

Solved lessons run with `make test-slow`, the untouched first one, which stops at its exercises, with `make test` too.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tonespan_utils.course import checks, classroom, feedback
from tonespan_utils.errors import TonespanError
from tonespan_utils.params import profile
from tonespan_utils.workflow import notebooks, runner

ROOT = Path(__file__).parents[2]
UNTOUCHED = [pytest.param(lesson, marks=[pytest.mark.slow] if i else []) for i, lesson in enumerate(classroom.LESSONS)]


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """An output root with every student version in it."""
    root = tmp_path_factory.mktemp("course")
    patch = pytest.MonkeyPatch()
    patch.setattr(profile, "OUTPUT_ROOT", root)
    patch.setenv("TONESPAN_OUTPUT", str(root))
    classroom.build(execute=False)
    yield root
    patch.undo()


def lesson_source(lesson):
    return nbformat.read(ROOT / "notebooks" / "course" / f"{lesson}.ipynb", as_version=4)


def student(output, lesson):
    return nbformat.read(output / "runs" / "course" / "student" / lesson / f"{lesson}.ipynb", as_version=4)


def executed(notebook, output):
    """A copy of a notebook after all cells were run, with errors where they came up."""
    client = NotebookClient(
        notebook, allow_errors=True, kernel_name="python3", timeout=600, startup_timeout=notebooks.KERNEL_START_S,
        resources={"metadata": {"path": str(ROOT)}},
    )  # fmt: skip
    return client.execute(env=os.environ | {"TONESPAN_OUTPUT": str(output), "PYTHONPATH": str(ROOT)})


def marks(cell):
    return cell.metadata.get("nbgrader", {})


def errors(notebook):
    """Index of each cell that stopped -> its error."""
    outputs = {
        i: [o for o in cell.get("outputs", []) if o.output_type == "error"] for i, cell in enumerate(notebook.cells)
    }
    return {i: errors[0] for i, errors in outputs.items() if errors}


def autograded(notebook):
    return {i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and marks(cell).get("grade")}


def test_there_are_six_lessons():
    assert [lesson[0] for lesson in classroom.LESSONS] == list("123456")


@pytest.mark.parametrize("lesson", classroom.LESSONS)
def test_exercises_are_marked_as_nbgrader_wants_them(lesson):
    notebook = lesson_source(lesson)
    marked = [cell for cell in notebook.cells if marks(cell)]
    names = [marks(cell)["grade_id"] for cell in marked]
    assert len(names) == len(set(names)) and all(marks(cell)["schema_version"] == 3 for cell in marked)
    for cell in notebook.cells:
        is_solution = bool(marks(cell).get("solution"))
        assert ("### BEGIN SOLUTION" in cell.source) == ("### END SOLUTION" in cell.source) == is_solution
        is_check = cell.cell_type == "code" and bool(marks(cell).get("grade"))
        assert ("checks.check" in cell.source) == is_check
        assert "HIDDEN TESTS" not in cell.source or is_check
        if is_check:
            assert marks(cell)["locked"] and marks(cell)["points"] > 0
    # every exercise asks and is checked; those in words are read by a person
    checked = {name.removesuffix("_check") for name in names if name.endswith("_check")}
    solved = {marks(c)["grade_id"] for c in marked if marks(c)["solution"] and c.cell_type == "code"}
    assert checked == solved and len(checked) >= 5
    assert any(cell.cell_type == "markdown" and marks(cell).get("grade") for cell in marked)


def test_every_check_is_used_by_a_lesson_once():
    used = [marks(c)["grade_id"] for lesson in classroom.LESSONS for c in lesson_source(lesson).cells if marks(c)]
    checked = [name.removesuffix("_check") for name in used if name.endswith("_check")]
    assert sorted(checked) == sorted([*checks.EXERCISES, "measure"])


@pytest.mark.parametrize("lesson", classroom.LESSONS)
def test_students_get_no_solution(output, lesson):
    source, given = lesson_source(lesson), student(output, lesson)
    assert len(given.cells) == len(source.cells)
    text = "\n".join(cell.source for cell in given.cells)
    for word in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS"):
        assert word not in text
    for before, after in zip(source.cells, given.cells, strict=True):
        if marks(before).get("solution"):
            assert "our answer here" in after.source
            inside = before.source.split("### BEGIN SOLUTION\n")[1].split("### END SOLUTION")[0].strip()
            assert inside not in text
        elif not marks(before):
            assert after.source == before.source
    assert not any(cell.get("outputs") for cell in given.cells)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", classroom.LESSONS)
def test_solutions_pass(output, lesson):
    path = classroom.teacher_version(lesson)
    notebook = nbformat.read(path, as_version=4)
    assert not errors(notebook)
    for i in autograded(notebook):
        assert ": right" in notebook.cells[i].outputs[0].text
    kinds = {kind for cell in notebook.cells for o in cell.get("outputs", []) for kind in o.get("data", {})}
    assert "image/png" in kinds and notebook.metadata.papermill.exception is None
    sounds = [o for cell in notebook.cells for o in cell.get("outputs", []) if "<audio" in str(o.get("data", {}))]
    assert sounds
    time = path.stat().st_mtime_ns
    assert classroom.teacher_version(lesson).stat().st_mtime_ns == time, "what is up to date is not run again"


@pytest.mark.parametrize("lesson", UNTOUCHED)
def test_an_untouched_student_version_fails_at_its_exercises_and_nowhere_else(output, lesson):
    notebook = executed(student(output, lesson), output)
    stopped = errors(notebook)
    assert set(stopped) == autograded(notebook)
    assert {error.ename for error in stopped.values()} == {"NotYet"}
    shown = ["\n".join(error.traceback) for error in stopped.values()]
    assert all(text.startswith("Not yet: ") and "\n" not in text for text in shown), "a hint, not a stack trace"


def nbgrader(command, lesson, folder, output):
    """Run one of nbgrader's commands in a course folder."""
    environment = runner.environment() | {"PYTHONPATH": str(ROOT), "TONESPAN_OUTPUT": str(output)}
    words = [sys.executable, "-m", "nbgrader", command, lesson]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def graded(output, tmp_path_factory):
    """A course folder that was moved, with three graded submissions of the first lesson, and their feedback."""
    lesson, folder = classroom.LESSONS[0], tmp_path_factory.mktemp("else where") / "course"
    shutil.copytree(output / "runs" / "course", folder)
    wrong = lesson_source(lesson)
    for cell in wrong.cells:  # right for the cases of the check, and wrong for what is hidden
        if marks(cell).get("grade_id") == "movement_st":
            cell.source = cell.source.replace("return voiced", "return len(contour_st) // 11 * voiced")
    for name, notebook in {
        "untouched": student(output, lesson), "solved": lesson_source(lesson), "hidden": wrong,
    }.items():  # fmt: skip
        target = folder / "submitted" / name / lesson
        target.mkdir(parents=True)
        nbformat.write(notebook, target / f"{lesson}.ipynb")
    nbgrader("autograde", lesson, folder, output)
    nbgrader("generate_feedback", lesson, folder, output)
    return folder


@pytest.mark.slow
def test_nbgrader_grades_submissions_in_a_folder_that_was_moved(graded):
    from nbgrader.api import Gradebook

    lesson = classroom.LESSONS[0]
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}", "tonespan") as book:
        grades = {
            name: {
                g.cell.name: (g.auto_score, g.max_score)
                for g in book.find_submission_notebook(lesson, lesson, name).grades
                if g.cell.cell_type == "code"
            }
            for name in ("untouched", "solved", "hidden")
        }
    assert len(grades["solved"]) == 7
    assert all(score == 0 for score, _ in grades["untouched"].values())
    assert all(score == most > 0 for score, most in grades["solved"].values())
    assert {name for name, (score, _) in grades["hidden"].items() if not score} == {"movement_st_check"}


@pytest.mark.slow
def test_feedback_has_hints_and_no_hidden_test(graded):
    lesson = classroom.LESSONS[0]
    pages = {
        name: (graded / "feedback" / name / lesson / f"{lesson}.html").read_text(encoding="utf-8")
        for name in ("untouched", "solved", "hidden")
    }
    for page in pages.values():
        assert "HIDDEN TESTS" not in page
        assert "movement_st(np.arange(5)" not in html.unescape(re.sub(r"<[^>]+>", "", page))
    assert "Not yet: f0_of_trace has no answer yet" in html.unescape(re.sub(r"<[^>]+>", "", pages["untouched"]))
    assert feedback.FAILED in html.unescape(pages["hidden"])
    assert all(feedback.FAILED not in html.unescape(pages[name]) for name in ("untouched", "solved"))


def test_the_course_s_settings_name_no_place(output):
    settings = (output / "runs" / "course" / "nbgrader_config.py").read_text()
    assert str(output) not in settings and sys.executable not in settings and str(Path(sys.prefix)) not in settings


def test_a_moved_course_folder_is_where_its_settings_lie(output, tmp_path):
    from traitlets.config import PyFileConfigLoader

    shutil.copy(output / "runs" / "course" / "nbgrader_config.py", tmp_path)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(tmp_path)).load_config()
    assert config.CourseDirectory.root == str(tmp_path)
    assert feedback.HideTests in config.GenerateFeedback.preprocessors


def test_a_lesson_that_does_not_exist_is_one_clear_line():
    with pytest.raises(TonespanError, match="no lesson '9_nothing'; lessons: 1_tone_and_f0"):
        classroom.build(["9_nothing"])


def test_a_lesson_that_nbgrader_refuses_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "OUTPUT_ROOT", tmp_path / "out")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("### BEGIN SOLUTION\n1\n### END SOLUTION")])
    (tmp_path / "course").mkdir()
    nbformat.write(notebook, tmp_path / "course" / "1_broken.ipynb")
    with pytest.raises(TonespanError, match="1_broken: nbgrader could not make the student version"):
        classroom.student_version("1_broken")
