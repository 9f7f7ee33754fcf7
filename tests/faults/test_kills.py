"""Twenty kills at random moments: a run is started again and again, until it ends; nothing is lost, nothing is left.

Each trial goes on from what the one before left. Where a run came to its end all the same, its tables are compared, and
a notebook drawn by chance is made again by the next trials, with all that depends on it.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time

import pytest
from studies import LONGEST_S, Study, descendants, read, wait_until

from tonespan_utils.workflow import watching

N_KILLS, SEED = 20, 15
VICTIMS = ("group", "run", "snakemake", "command", "kernel", "warm")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# A run may go on without these; and Snakemake leaves SIGINT to the run, and after SIGTERM lets notebooks end first.
SURVIVABLE = {"kernel", "warm", "command", "snakemake"}
GONE_S = 180.0  # that processes have to end, on a busy machine
COLUMNS = "{:>5}  {:9}  {:7}  {:>7}  {:>6}  {:>10}  {}"


def plan() -> list[tuple[str, int, float]]:
    """Victim, signal and seconds to wait once the victim is there: each pair once, and some twice."""
    draw = random.Random(SEED)
    pairs = list(itertools.product(VICTIMS, SIGNALS))
    pairs += draw.sample(pairs, N_KILLS - len(pairs))
    draw.shuffle(pairs)
    return [(victim, signum, draw.uniform(0, 6)) for victim, signum in pairs]


def find(victim: str, run: int) -> int | None:
    """The process that plays a part in a run."""
    if victim in ("group", "run"):
        return run
    below = descendants(run)
    words = {pid: read(pid, "cmdline").split(b"\0") for pid in below}
    if victim == "snakemake":
        matching = [pid for pid in below if b"snakemake" in words[pid]]
    elif victim == "command":
        matching = [pid for pid in below if b"notebook" in words[pid]]
    elif victim == "warm":
        matching = [pid for pid in below if any(b"warm.serve" in word for word in words[pid])]
    else:  # kernels lead sessions of their own
        matching = [pid for pid in below if words[pid] != [b""] and session(pid) == pid]
    return matching[0] if matching else None


def session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def kill(study: Study, victim: str, signum: int, delay: float) -> tuple[int | None, float, str]:
    """One trial: the run's exit status, how long all of its processes took to end, and what it said, log and all."""
    run = study.start()
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(run.stdout.read()), daemon=True)
    reader.start()
    wait_until(lambda: find(victim, run.pid) or run.poll() is not None)
    time.sleep(delay)
    target = find(victim, run.pid) if run.poll() is None else None
    if target is not None:
        (os.killpg if victim == "group" else os.kill)(target, signum)
    start = time.monotonic()
    goes_on = victim in SURVIVABLE or target is None
    run.wait(LONGEST_S if goes_on else GONE_S)
    assert wait_until(lambda: not study.processes(), GONE_S), [read(pid, "cmdline") for pid in study.processes()]
    reader.join(GONE_S)
    log = study.runs / watching.LOG
    texts = [*said, log.read_text(errors="replace") if log.is_file() else ""]
    return run.returncode, time.monotonic() - start, "\n".join(texts)


def test_twenty_kills_lose_nothing_and_leave_nothing(study, undisturbed, capsys):
    """Prints a table of the trials as they end."""
    say(capsys, "trial", "victim", "signal", "after s", "status", "gone in s", "outcome")
    complete, draw = 0, random.Random(SEED)
    for trial, (victim, signum, delay) in enumerate(plan(), start=1):
        status, seconds, said = kill(study, victim, signum, delay)
        assert "Traceback" not in said and "Exception ignored" not in said, said[-4000:]
        if status == 0:  # the victim took no notice, or the run went on without it
            assert study.digests() == undisturbed.digests()
            complete += 1
            study.forget(again := draw.choice(study.executed()))
        outcome = (
            f"to the end, tables as undisturbed; again: {again}" if status == 0 else "ended; the next trial goes on"
        )
        say(capsys, trial, victim, signal.Signals(signum).name, f"{delay:.1f}", status, f"{seconds:.1f}", outcome)
    study.finish()
    assert study.digests() == undisturbed.digests()
    assert study.processes() == [] and study.partial() == []
    say(capsys, "last", "none", "", "", 0, "", f"to the end, {len(study.digests())} tables and arrays as undisturbed")
    assert complete < N_KILLS // 2, "most kills have to hit a run that is at work"


def say(capsys, *columns: object) -> None:
    with capsys.disabled():
        print("\n" + COLUMNS.format(*columns), end="", flush=True)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=["TERM", "HUP", "INT"])
def test_a_run_that_is_asked_to_end_says_so_and_leaves_nothing_at_once(study, signum):
    run = study.start()
    assert wait_until(lambda: find("kernel", run.pid))
    os.kill(run.pid, signum)
    said, _ = run.communicate(timeout=GONE_S)
    assert run.returncode == 128 + signum
    assert said.splitlines()[-1] == "tonespan: stopped; the same command goes on from here"
    assert wait_until(lambda: not study.processes(), GONE_S)
    assert [path for path in study.partial() if path.is_socket() or path.parent == study.temporary] == []
