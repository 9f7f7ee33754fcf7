"""Watching a run of Snakemake: a line for each step that ends, and everything else in a log file.

Two pipes come from Snakemake: its events (:mod:`.events`), from which the lines are made, and its output with that of
all notebooks, which goes to ``runs/<profile>/snakemake.log``. A notebook that fails ends with one line, ``tonespan:
<notebook>, cell <n>: <reason> (log: <file>)``: it is in that output, or, from another machine, in a file that
:mod:`.notebooks` leaves in ``runs/<profile>/failed``. :meth:`Watched.why` is that line.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tonespan_utils.params.profile import Params
from tonespan_utils.workflow import step_times, step_titles
from tonespan_utils.workflow.progress import Progress, Step

PLUGINS = Path(__file__).with_name("events")  # on Snakemake's path
EVENTS = "TONESPAN_EVENTS"
OPTIONS = ["--logger", "tonespan"]
LOG, PLAN_LOG = "snakemake.log", "snakemake.plan.log"  # the second of a dry run: it leaves that of a run alone
OURS = "tonespan: "
LONGEST_REASON = 600  # characters, of Snakemake's own errors
DRAIN_S = 5.0  # that a pipe may stay open after Snakemake has ended


@dataclass
class Watched:
    """A run as it is seen: its progress, its events, what went wrong. ``says`` is how a line is shown."""

    params: Params
    progress: Progress
    log: Path
    quiet: bool = False  # no line for a step: it is only asked what there is to do
    environment: dict[str, str] = field(default_factory=dict)
    pass_fds: list[int] = field(default_factory=list)
    stream: int = -1
    jobs: dict[int, dict] = field(default_factory=dict)
    failed: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # Snakemake's own
    reasons: list[str] = field(default_factory=list)  # the lines of commands that failed
    last_line: str = "it said nothing"  # of the output

    def take(self, event: dict, at_s: float) -> None:
        """One event of Snakemake."""
        kind = event["event"]
        if kind == "run_info":
            counts = event["stats"] or {}
            left_out = ("total", step_titles.NOT_A_STEP)
            self.progress.plan({rule: int(n) for rule, n in counts.items() if rule not in left_out})
        elif kind == "job_info":
            self._begin(event, at_s)
        elif kind == "job_finished" and event["job_id"] in self.jobs:
            self._end(event["job_id"], at_s)
        elif kind == "job_error" and event["jobid"] in self.jobs:
            self._fail(event["jobid"])
        elif kind == "error":
            self.errors.append(event["text"])

    def _begin(self, event: dict, at_s: float) -> None:
        if self.quiet or event["rule_name"] == step_titles.NOT_A_STEP:  # a dry run names steps that do not begin
            return
        job, wildcards = event["jobid"], event["wildcards"] or {}
        self.jobs[job] = event
        name = " ".join([event["rule_name"], *(f"{key}={value}" for key, value in sorted(wildcards.items()))])
        self.progress.begin(job, Step(event["rule_name"], name), at_s)

    def _end(self, job: int, at_s: float) -> None:
        if job in self.failed:
            self.failed.remove(job)  # it was tried again, on a cluster
        self.progress.end(job, at_s)
        left = self.progress.left(at_s)
        self._say(f"{self.progress.position}{', ' if left else ''}{left}: {self.title(job, ended=True)}")

    def _fail(self, job: int) -> None:
        self.progress.fail(job)
        if job not in self.failed:
            self.failed.append(job)
        self._say(f"[{self.progress.n_ended}/{self.progress.n_steps}] failed: {self.title(job, ended=False)}")

    def _say(self, line: str) -> None:
        if not self.quiet:
            with contextlib.suppress(BrokenPipeError):  # whoever read the lines has gone; the run goes on
                print(line, flush=True)

    def title(self, job: int, *, ended: bool) -> str:
        """A step in words."""
        event = self.jobs[job]
        return step_titles.title(event["rule_name"], event["wildcards"] or {}, self.params, ended=ended)

    def why(self) -> str:
        """What stopped the run, on one line: the first step that failed and its reason, or Snakemake's own error."""
        if not self.failed:
            return _one_line(self.errors[-1] if self.errors else self.last_line)
        job = self.failed[0]
        return f"{self.title(job, ended=False)} failed: {self._reason(job) or 'its process was killed'}"

    def _reason(self, job: int) -> str:
        """The line of the command that failed; the empty string where it left none."""
        names = [Path(name).name for name in self.jobs[job]["output"] or [] if str(name).endswith(".ipynb")]
        for name in names:
            matching = [line for line in self.reasons if name in line]
            if matching:
                return matching[-1]
            with contextlib.suppress(OSError):
                return (self.params.runs / "failed" / f"{name}.txt").read_text(encoding="utf-8").strip()
        return self.reasons[-1] if self.reasons and len(self.failed) == 1 else ""


@contextmanager
def watching(params: Params, *, lanes: int | None, quiet: bool = False) -> Iterator[Watched]:
    """Inside, Snakemake may run, with the options, environment and open files of the yielded object; at the end all
    that it said has been read.
    """
    log = params.runs / (PLAN_LOG if quiet else LOG)
    for earlier in [] if quiet else (params.runs / "failed").glob("*.txt"):
        earlier.unlink(missing_ok=True)
    watched = Watched(params, Progress(step_times.load(params), lanes), log, quiet)
    events, events_in = os.pipe()
    stream, watched.stream = os.pipe()
    watched.pass_fds = [events_in]
    watched.environment = {EVENTS: str(events_in)}
    readers = [
        threading.Thread(target=_read_events, args=[events, watched], daemon=True),
        threading.Thread(target=_read_output, args=[stream, watched], daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        yield watched
    finally:
        os.close(events_in)
        os.close(watched.stream)
        for reader in readers:
            reader.join(DRAIN_S)
        if watched.progress.seconds:
            step_times.keep(params, watched.progress.seconds)


def _read_events(descriptor: int, watched: Watched) -> None:
    with open(descriptor, encoding="utf-8") as file:
        for line in file:
            with contextlib.suppress(ValueError):  # a line that a kill has cut off
                watched.take(json.loads(line), time.monotonic())


def _read_output(descriptor: int, watched: Watched) -> None:
    """Copy a pipe into the log, and keep the lines by which commands say why they failed. It is read to its end,
    whether the log can be written or not: who writes to it must not wait.
    """
    rest = b""
    log: int | None = None
    with contextlib.suppress(OSError):
        log = os.open(watched.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    while block := os.read(descriptor, 65536):
        with contextlib.suppress(OSError):
            if log is not None:
                os.write(log, block)
        *lines, rest = re.split(rb"[\r\n]+", rest + block)
        texts = [line.decode("utf-8", errors="replace") for line in lines if line.strip()]
        watched.reasons += [text.partition(OURS)[2].strip() for text in texts if OURS in text]
        watched.last_line = texts[-1] if texts else watched.last_line
    os.close(descriptor)
    if log is not None:
        os.close(log)


def _one_line(text: str) -> str:
    """A message of several lines as one."""
    return " ".join(text.split())[:LONGEST_REASON]
