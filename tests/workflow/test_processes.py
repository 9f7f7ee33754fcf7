"""What a process starts ends with it: when it is killed, and when a signal tells it to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tonespan_utils.workflow import processes

ROOT = Path(__file__).parents[2]
PARENT = """
import subprocess, sys
from tonespan_utils.workflow import processes
child = subprocess.Popen(processes.tied("timeit", "-n", "1", "import time; time.sleep(600)"))
print(child.pid, flush=True)
child.wait()
"""


def wait_until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.is_file() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def start(program):
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_tied_process_ends_with_the_one_it_is_tied_to():
    parent = start(PARENT)
    child = int(parent.stdout.readline())
    assert runs(child)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: not runs(child))


def test_a_process_tied_too_late_ends_at_once():
    late = start("from tonespan_utils.workflow import processes; processes.tie(1 << 22); print('still here')")
    said, _ = late.communicate(timeout=60)
    assert late.returncode == -signal.SIGKILL and said == ""


def test_who_is_stopped_ends_its_child_and_cleans_up():
    program = (
        "from tonespan_utils.workflow import processes\n"
        "try:\n"
        "    with processes.stoppable():\n"
        "        print('ready', flush=True)\n"
        "        processes.run(['sleep', '600'], ask=15)\n"
        "except processes.Stopped as stop:\n"
        "    print('cleaned up', stop.signum)\n"
    )
    parent = start(program)
    parent.stdout.readline()
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    if not children.is_file():
        pytest.skip("no /proc: the child cannot be found")
    assert wait_until(lambda: children.read_text().split())
    (child,) = map(int, children.read_text().split())
    # TODO: a signal that comes while the child is still being made can be lost; until then it is waited for
    assert wait_until(lambda: b"600" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[:2])
    time.sleep(1)
    parent.terminate()
    said, _ = parent.communicate(timeout=60)
    assert said == f"cleaned up {int(signal.SIGTERM)}\n" and parent.returncode == 0 and not runs(child)


def test_a_signal_that_was_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with processes.stoppable():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(processes.Stopped, match="SIGTERM"):
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ends_in_words():
    assert processes.why(-9) == "was killed (SIGKILL)" and processes.why(3) == "ended with status 3"
