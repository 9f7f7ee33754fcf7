"""Stand-ins for Slurm's commands: a job is written down with all that was asked for, and runs at once where it is."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

COMMANDS = ("sbatch", "srun", "sacct", "sacctmgr", "sinfo", "scancel")


def install(folder: Path) -> dict[str, str]:
    """Put the commands into ``folder``; what has to be in the environment for them to be found."""
    for name in COMMANDS:
        (folder / name).write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} {name} "$@"\n'
        )
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "FAKE_SLURM": str(folder / "jobs.jsonl")}


def submitted(folder: Path) -> dict[str, list[str]]:
    """What ``sbatch`` was asked, a job each, by Snakemake's comment (rule and wildcards)."""
    calls = [json.loads(line) for line in (folder / "jobs.jsonl").read_text().splitlines()]
    return {call["arguments"][call["arguments"].index("--comment") + 1]: call["arguments"] for call in calls}


def sbatch(arguments: list[str]) -> None:
    record = Path(os.environ["FAKE_SLURM"])
    number = len(record.read_text().splitlines()) + 1 if record.is_file() else 1
    (wrapped,) = [argument.removeprefix("--wrap=") for argument in arguments if argument.startswith("--wrap=")]
    log = arguments[arguments.index("--output") + 1].replace("%j", str(number))
    with open(log, "w") as output:
        folder = arguments[arguments.index("-D") + 1]
        failed = subprocess.run(wrapped, shell=True, cwd=folder, stdout=output, stderr=subprocess.STDOUT).returncode
    state = "FAILED" if failed else "COMPLETED"
    with record.open("a") as file:
        file.write(json.dumps({"number": number, "state": state, "arguments": arguments}) + "\n")
    print(number)


def srun(arguments: list[str]) -> None:
    first = next(i for i, argument in enumerate(arguments) if not argument.startswith("-"))
    os.execvp(arguments[first], arguments[first:])


def sacct(arguments: list[str]) -> None:
    record = Path(os.environ["FAKE_SLURM"])
    for line in record.read_text().splitlines() if record.is_file() else []:
        job = json.loads(line)
        print(f"{job['number']}|{job['state']}")


if __name__ == "__main__":
    {"sbatch": sbatch, "srun": srun, "sacct": sacct}.get(sys.argv[1], lambda _: None)(sys.argv[2:])
