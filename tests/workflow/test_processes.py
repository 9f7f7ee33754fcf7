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


def hear_signals():
    """Undo what a shell's & has handed down: an ignored SIGINT stays ignored."""
    for signum in processes.ASKING:
        signal.signal(signum, signal.SIG_DFL)


def start(program, *arguments):
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=hear_signals)


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


STOPPED = """
import os, signal, subprocess, sys
from tonespan_utils.workflow import processes

class Popen(subprocess.Popen):
    def __init__(self, *command, **options):
        if moment == "before":
            os.kill(os.getpid(), signum)
        super().__init__(*command, **options)
        print(self.pid, flush=True)
        if moment == "while":  # it is there, and nobody has it yet
            os.kill(os.getpid(), signum)

moment, signum = sys.argv[1], int(sys.argv[2])
subprocess.Popen = Popen
try:
    with processes.stoppable():
        processes.run(["sleep", "600"], ask=signal.SIGTERM)
except processes.Stopped as stop:
    print("cleaned up", stop.signum)
"""


@pytest.mark.parametrize("signum", processes.ASKING)
@pytest.mark.parametrize("moment", ["before", "while", "after"])
def test_who_is_stopped_ends_its_child_and_cleans_up(moment, signum):
    parent = start(STOPPED, moment, str(int(signum)))
    child = int(parent.stdout.readline())
    if moment == "after":
        parent.send_signal(signum)
    said = parent.stdout.read()  # not communicate, which misses what came along with the first line
    parent.wait(60)
    parent.stdout.close()
    assert said == f"cleaned up {int(signum)}\n" and parent.returncode == 0 and not runs(child)


def test_a_stop_that_python_cannot_raise_is_not_lost():
    """In a weakref's callback an exception is printed and dropped; each import has such a callback."""
    program = (
        "import os, signal, time, weakref\n"
        "from tonespan_utils.workflow import processes\n"
        "class Thing: pass\n"
        "thing = Thing()\n"
        "watch = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))\n"
        "try:\n"
        "    with processes.stoppable():\n"
        "        del thing\n"
        "        time.sleep(600)\n"
        "except processes.Stopped as stop:\n"
        "    print('stopped', stop.signum)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (f"stopped {int(signal.SIGTERM)}\n", "", 0)


def test_what_else_python_cannot_raise_is_printed(capsys):
    class Careless:
        def __del__(self):
            raise ValueError("lost")

    before = sys.unraisablehook
    with processes.stoppable():
        Careless()
    assert "ValueError: lost" in capsys.readouterr().err and sys.unraisablehook is before


def test_an_interrupt_while_a_command_imports_is_one_line():
    program = (
        "import os, runpy, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tonespan_utils.tone': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv[:] = ['tonespan_utils', 'tones', 'cmn', '-']\n"
        "runpy.run_module('tonespan_utils', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, input="",
        preexec_fn=hear_signals,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "tonespan: stopped; the same command goes on from here\n" and done.stdout == ""


@pytest.mark.parametrize(
    ("by", "status", "said"), [(signal.SIGKILL, 0, "goes on\n"), (signal.SIGTERM, 128 + signal.SIGINT, "")]
)
def test_a_child_hears_interrupts_unless_it_is_killed_with_its_parent(tmp_path, by, status, said):
    (tmp_path / "nap.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nprint('goes on', flush=True)\n"
    )
    program = (
        "import signal, sys; from tonespan_utils.workflow import processes\n"
        f"sys.exit(processes.run(processes.tied('nap', signum=signal.Signals({int(by)})), ask=signal.SIGKILL))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, tmp_path)))}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
        preexec_fn=hear_signals,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (status, said, "")


def test_a_child_begins_with_interrupts_blocked_and_who_makes_it_does_not_stay_so():
    program = "import signal; print(int(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    with processes.making_a_child():
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.communicate()[0] == "1\n"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


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
