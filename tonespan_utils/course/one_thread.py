"""One thread of calculation in the kernel of a lesson.

The fits of a lesson are thousands of products of small matrices. Spread over threads, each of them waits for the
slowest thread, and on a machine that has other work that thread is not running: lesson 2 then takes minutes in place of
seconds. Results do not change with the number of cores either, and students who share a machine do not slow each other
down.

Notebook: notebooks/course/2_how_wide_is_the_cue
"""

from __future__ import annotations

import os
import sys

import threadpoolctl

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limit() -> None:
    """Let BLAS, OpenMP and torch calculate with one thread from now on, whether they are loaded already or later."""
    os.environ.update(dict.fromkeys(VARIABLES, "1"))  # read by what is loaded later, and by processes started here
    threadpoolctl.threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
