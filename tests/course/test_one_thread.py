"""One thread in the kernels of lessons, whatever was loaded before the course and whatever comes after it."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

SHOWN = """
import json, os, threadpoolctl, torch
pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
print(json.dumps([pools, torch.get_num_threads(), {name: os.environ[name] for name in one_thread.VARIABLES}]))
"""


@pytest.mark.parametrize(
    "limiting",
    [
        "one_thread.limit(); import scipy.linalg, sklearn.cluster",
        pytest.param("from tonespan_utils.course import checks", marks=pytest.mark.slow),
    ],
)
def test_one_thread_is_left_of_what_is_loaded_before_and_after(limiting):
    before = "import numpy, torch; torch.set_num_threads(4)"
    code = f"{before}\nfrom tonespan_utils.course import one_thread\n{limiting}\n{SHOWN}"
    environment = os.environ | dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "4")
    environment |= {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    pools, torch_threads, variables = json.loads(done.stdout)
    assert pools and set(pools) == {1} and torch_threads == 1
    assert set(variables.values()) == {"1"} and len(variables) == 3


def test_every_lesson_imports_the_checks():
    lessons = sorted((ROOT / "notebooks" / "course").glob("[0-9]_*.py"))
    assert len(lessons) == 6
    assert all("from tonespan_utils.course import checks" in lesson.read_text() for lesson in lessons)
