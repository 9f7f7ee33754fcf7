"""Feedback to students: no hidden test, no lines of one in an error, and the hints stay."""

import nbformat
import pytest

from tonespan_utils.course.feedback import FAILED, HideTests

SHOWN = 'checks.check("semitones", semitones)'
SOURCE = f"{SHOWN}\n### BEGIN HIDDEN TESTS\nassert semitones(440.0, 110.0) == 24\n### END HIDDEN TESTS"


def shown(source, ename, evalue):
    """The cell of a check that stopped, as feedback has it."""
    error = nbformat.v4.new_output("error", ename=ename, evalue=evalue, traceback=[f"---> 3 {source}", evalue])
    printed = nbformat.v4.new_output("stream", text="semitones: right\n")
    cell = nbformat.v4.new_code_cell(source, outputs=[printed, error])
    return HideTests().preprocess_cell(cell, {}, 0)[0]


def test_a_hidden_test_that_failed_is_told_without_its_lines():
    cell = shown(SOURCE, "AssertionError", "semitones(440.0, 110.0) == 24")
    assert cell.source == SHOWN
    assert cell.outputs[0].text == "semitones: right\n"
    assert cell.outputs[1].traceback == [f"AssertionError: {FAILED}"] and "440" not in str(cell)


def test_an_error_in_a_cell_with_hidden_tests_keeps_its_words_alone():
    cell = shown(SOURCE, "TypeError", "unsupported operand")
    assert cell.outputs[1].traceback == ["TypeError: unsupported operand"] and "440" not in str(cell)


def test_a_hint_stays_as_it_is():
    cell = shown(SOURCE, "NotYet", "semitones has no answer yet")
    assert cell.source == SHOWN and cell.outputs[1].traceback[-1] == "semitones has no answer yet"


def test_a_cell_without_hidden_tests_stays_as_it_is():
    cell = shown(SHOWN, "AssertionError", "x")
    assert cell.source == SHOWN and cell.outputs[1].traceback == [f"---> 3 {SHOWN}", "x"]


def test_hidden_tests_without_an_end_are_an_error():
    with pytest.raises(RuntimeError, match="No end hidden tests"):
        shown("### BEGIN HIDDEN TESTS\nassert True", "AssertionError", "")
