"""The command line: ``python -m tonespan_utils COMMAND ...``; a command is an entry of COMMANDS.

Exit status: 0 done; 2 bad input, with one line on standard error that says what to do; 130 interrupted; 141 the
reader of standard output went away; 143 and 129 ended by SIGTERM or SIGHUP. Heavy imports belong inside a
command, so that the others start at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # Ctrl-C waits for processes.stoppable: no stack trace out of imports
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])

from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import text_to_tone, tone_table
from tonespan_utils.workflow import processes, surroundings

BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # the latter two as shells count signals: 128 + SIGINT, SIGPIPE
BY_SIGNAL = 128


@dataclass(frozen=True)
class Command:
    """One subcommand: its name, a line of help, how its arguments are declared, and what it does with them."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def _add_tones_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "language", metavar="LANGUAGE", help=", ".join(f"{c} {m}" for c, m in text_to_tone.MODULES.items())
    )
    parser.add_argument("file", metavar="FILE", help="UTF-8 text, one sentence a line; - is standard input")
    parser.epilog = (
        "One line out for each line in, tab separated: the text (tabs in it become spaces), the tones, the syllables "
        "in IPA, their character spans start-end, their flags joined by + or - for none; several by spaces. What is no "
        "syllable, spaces and punctuation apart, stands in its place as [reason:characters], without IPA (-), flagged "
        "masked. A last line on standard error counts what was masked and flagged."
    )


def tones(arguments: argparse.Namespace) -> None:
    """Print text, tones, IPA, spans and flags of each line, and on standard error what was masked and flagged."""
    if arguments.language not in text_to_tone.MODULES:
        text_to_tone.parse("", arguments.language)  # raises the one message about languages, before any file is read
    lines = tone_table.refuse_wrong_encoding(
        read_lines(arguments.file),
        arguments.language,
        name="standard input" if arguments.file == "-" else arguments.file,
    )
    counts = tone_table.Counts()
    for line in lines:
        with contextlib.redirect_stdout(sys.stderr):  # whatever a library prints is no part of the table
            parts = text_to_tone.parse(line, arguments.language)
        print(tone_table.row(line, parts))
        counts.add(line, parts, wrong=text_to_tone.wrong_encoding(line, arguments.language))
    if counts.summary:
        print(f"tonespan: {counts.summary}", file=sys.stderr)


def read_lines(path: str) -> Iterator[str]:
    """The lines of a UTF-8 file, or of standard input for ``-``, without line ends and byte order mark.

    Raises :class:`TonespanError` for a file that cannot be read and a line that is not UTF-8.
    """
    name = "standard input" if path == "-" else path
    try:
        with open(sys.stdin.fileno() if path == "-" else path, "rb", closefd=path != "-") as stream:
            for number, raw in enumerate(stream, start=1):
                yield _decode(raw, name, number)
    except OSError as error:
        raise TonespanError(f"{name}: {error.strerror or error}; give a text file in UTF-8, or - for input") from None


def _decode(raw: bytes, name: str, number: int) -> str:
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        wrong = f"byte 0x{raw[error.start]:02x} at {error.start}"
        raise TonespanError(f"{name}: line {number} is not UTF-8 ({wrong}); convert the file to UTF-8") from None
    if "\0" in line:
        raise TonespanError(f"{name}: line {number} has zero bytes, as UTF-16 has; convert the file to UTF-8")
    return line.removesuffix("\n").removesuffix("\r")


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="a name in params/ or a path to a YAML file")
    parser.add_argument("--cores", default="all", help="how many cores to use (default: all)")
    parser.add_argument("--cluster", help="send jobs to a cluster: a name in cluster/, or a folder with config.yaml")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument(
        "--target", choices=("paper", "validity", "alignment"), default="paper", help="what to run (default: paper)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run a profile end to end through Snakemake."""
    from tonespan_utils.workflow import runner

    runner.run(
        arguments.profile,
        cores=arguments.cores,
        cluster=arguments.cluster,
        dry_run=arguments.dry_run,
        target=arguments.target,
    )


def _add_confirm_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="a name in params/ or a path to a YAML file")
    parser.add_argument("--cores", default="all", help="how many cores to use (default: all)")
    parser.add_argument("--cluster", help="send jobs to a cluster: a name in cluster/, or a folder with config.yaml")


def confirm(arguments: argparse.Namespace) -> None:
    """Run a finished profile once more on new speech and new trainings, and say which verdicts stay."""
    from tonespan_utils.paper import confirm

    shares = confirm.confirm(arguments.profile, cores=arguments.cores, cluster=arguments.cluster)
    print(
        f"{shares.n_stay} of {shares.n} verdicts stay ({shares.share:.0%}), {shares.n_decided_stay} of "
        f"{shares.n_decided} of those that decide; {shares.n_reversed} reversed"
    )


def _add_notebook_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a notebook in notebooks/, without its ending")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="where the executed notebook goes")
    parser.add_argument("-p", dest="parameters", nargs=2, action="append", default=[], metavar=("KEY", "VALUE"))
    parser.add_argument("--gpu", action="store_true", help="take one GPU, if there are any, for this notebook alone")
    parser.add_argument("--made", nargs="*", type=Path, help="files it makes, to be written down when it has ended")


def notebook(arguments: argparse.Namespace) -> None:
    """Execute one notebook through Papermill: what the rules of the workflow call."""
    from tonespan_utils.workflow import warm

    processes.tie_to_parent()
    if (status := warm.hand_over(sys.argv[1:])) is not None:
        sys.exit(status)
    from tonespan_utils.workflow import gpus, notebooks, produced

    if arguments.made:
        produced.forget(arguments.output)
    with gpus.only_one() if arguments.gpu else contextlib.nullcontext():
        notebooks.run_notebook(arguments.name, arguments.output, dict(arguments.parameters))
    if arguments.made:
        produced.record(arguments.output, arguments.made)


def _add_figures_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="a name in params/ or a path to a YAML file")
    parser.add_argument("--name", help="one figure (or: explorer); without it all of them, and both pages")
    parser.add_argument("--width", type=float, help="its width in mm, as 89 for a column; files are named by it")


def figures(arguments: argparse.Namespace) -> None:
    """Draw figures from stored tables and print where they are."""
    from tonespan_utils.paper import redraw
    from tonespan_utils.params import profile
    from tonespan_utils.workflow import produced

    loaded = profile.load(arguments.profile)
    produced.refuse_changed(loaded)
    for path in redraw.redraw(loaded, arguments.name, width_mm=arguments.width):
        print(path)


def _add_explore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="a name in params/ or a path to a YAML file")
    parser.add_argument("--lab", action="store_true", help="in JupyterLab instead of Voila")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    parser.add_argument("--port", type=int, help="the port of this machine to serve it on")


def explore(arguments: argparse.Namespace) -> None:
    """Open the explorer of a finished run in a browser."""
    from tonespan_utils.workflow import explorer_server

    explorer_server.explore(
        arguments.profile, lab=arguments.lab, open_browser=not arguments.no_browser, port=arguments.port
    )


def _add_explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a figure (pdf, svg, png) or a page (html)")


def explain(arguments: argparse.Namespace) -> None:
    """Print what made a figure, and the command that makes it again."""
    from tonespan_utils.paper import provenance

    print(provenance.explain(arguments.file), end="")


def _add_course_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lessons", metavar="LESSON", nargs="*", help="lessons by name (default: all)")
    parser.add_argument("--no-execute", action="store_true", help="student versions only, in seconds")


def course(arguments: argparse.Namespace) -> None:
    """Write the course's student and teacher versions and print where they are."""
    from tonespan_utils.course import classroom

    for path in classroom.build(arguments.lessons or classroom.LESSONS, execute=not arguments.no_execute):
        print(path)


COMMANDS = [
    Command("run", "the study end to end, for one profile", _add_run_arguments, run),
    Command("confirm", "the study again on new seeds: which verdicts stay", _add_confirm_arguments, confirm),
    Command("figures", "figures again, from stored tables", _add_figures_arguments, figures),
    Command("explain", "what made a figure: notebook, cell, parameters, commit, data", _add_explain_arguments, explain),
    Command("explore", "the interactive explorer of a finished run, in a browser", _add_explore_arguments, explore),
    Command("notebook", "one notebook through Papermill (called by the workflow)", _add_notebook_arguments, notebook),
    Command("course", "student and teacher versions of the course", _add_course_arguments, course),
    Command("tones", "text to tones: a line of syllables for each line of a file", _add_tones_arguments, tones),
]


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tonespan_utils", description="The tools of the executable paper.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    try:
        with processes.stoppable():
            surroundings.settle()
            arguments.run(arguments)
        sys.stdout.flush()
    except TonespanError as error:
        print(f"tonespan: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit fails once more
        return BROKEN_PIPE
    except KeyboardInterrupt as stop:
        print("tonespan: stopped; the same command goes on from here", file=sys.stderr)
        return BY_SIGNAL + stop.signum if isinstance(stop, processes.Stopped) else INTERRUPTED
    return 0


if __name__ == "__main__":
    status = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left to do is to end
    sys.exit(status)
