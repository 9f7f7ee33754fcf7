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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # Ctrl-C waits for processes.stoppable: no stack trace out of imports
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])

from tonespan_utils.errors import TonespanError
from tonespan_utils.tone import tones_command
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


def _add_gallery_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="a name in params/ whose run has ended")


def gallery(arguments: argparse.Namespace) -> None:
    """Copy the figures of a finished run to figures/PROFILE, for the repository to show."""
    from tonespan_utils.paper import gallery

    print(gallery.publish(arguments.profile))


def _add_tour_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cores", default="all", help="how many cores to use (default: all)")
    parser.add_argument("--no-browser", action="store_true", help="print where the pages are, and open no browser")


def tour(arguments: argparse.Namespace) -> None:
    """Run the study in small, open its report and explorer, and print where they are."""
    from tonespan_utils.paper import tour

    report, explorer = tour.tour(cores=arguments.cores, open_browser=not arguments.no_browser)
    print(f"report    {report}\nexplorer  {explorer}\nThe study itself: make paper")


def _add_measure_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("audio", metavar="FILE.wav", type=Path, help="a recording of at most 30 s (any kind of audio)")
    parser.add_argument("grid", metavar="FILE.TextGrid", type=Path, nargs="?", help="its vowels; without it: by sound")
    parser.add_argument("--encoder", required=True, help="a checkpoint: a folder, or a hub id")
    parser.add_argument("--language", default="", help="its code, as th: whose tones are to be named")
    parser.add_argument("--profile", default="demo", help="the run whose probes name tones (default: demo)")
    parser.add_argument("--tier", default="syllable", help="the TextGrid's tier of syllables (default: syllable)")
    parser.add_argument("--figure", type=Path, help="where the figure goes: png, pdf or svg (default: FILE.spans.png)")
    parser.add_argument("--csv", type=Path, help="a file for the numbers of each vowel and layer")


def measure(arguments: argparse.Namespace) -> None:
    """Print how far an encoder looks around the vowels of one recording, and write a figure of it."""
    from tonespan_utils.paper import measure_command

    measure_command.run(arguments)


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
    parser.add_argument("--all", action="store_true", help="every parameter and every model, not a page of them")


def explain(arguments: argparse.Namespace) -> None:
    """Print what made a figure, and the command that makes it again."""
    from tonespan_utils.paper import provenance

    print(provenance.explain(arguments.file, whole=arguments.all), end="")


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
    Command("tour", "the study in small, its report and explorer opened", _add_tour_arguments, tour),
    Command("figures", "figures again, from stored tables", _add_figures_arguments, figures),
    Command("gallery", "a finished run's figures into figures/, for the repository", _add_gallery_arguments, gallery),
    Command("explain", "what made a figure: notebook, cell, parameters, commit, data", _add_explain_arguments, explain),
    Command("measure", "how far an encoder looks around the vowels of a recording", _add_measure_arguments, measure),
    Command("explore", "the interactive explorer of a finished run, in a browser", _add_explore_arguments, explore),
    Command("notebook", "one notebook through Papermill (called by the workflow)", _add_notebook_arguments, notebook),
    Command("course", "student and teacher versions of the course", _add_course_arguments, course),
    Command(
        "tones",
        "text to tones: a line of syllables for each line of a file",
        tones_command.add_arguments,
        tones_command.run,
    ),
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
