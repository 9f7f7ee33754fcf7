"""What students see of a graded lesson: points, comments, their own answers, and no hidden test.

``nbgrader generate_feedback`` makes a page of the graded notebook, in which the hidden tests stand again; and where a
cell stops, Jupyter shows the lines around. :class:`HideTests` takes the tests out, and says of an error what happened
without the lines. The course's ``nbgrader_config.py`` puts it before the page is made.

Notebook: notebooks/course/1_tone_and_f0
"""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests

FAILED = "A test that is not shown did not pass: try your function on other input than that of the text."


class HideTests(ClearHiddenTests):
    """Takes hidden tests out of cells, and the lines of code out of the errors of those cells."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """The cell without hidden tests, in place. Raises RuntimeError where their begin has no end."""
        if self._remove_hidden_test_region(cell):
            for output in cell.get("outputs", []):
                if output["output_type"] == "error" and output["ename"] != "NotYet":  # which shows a hint alone
                    output["evalue"] = FAILED if output["ename"] == "AssertionError" else output["evalue"]
                    output["traceback"] = [f"{output['ename']}: {output['evalue']}"]
        return cell, resources
