"""The command line: ``python -m tonespan_utils COMMAND``; errors are one line on standard error and exit status 2.

Modules are imported by the command that needs them, so that each starts as fast as it can.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tonespan_utils.errors import TonespanError


def run(arguments: argparse.Namespace) -> None:
    """Run a profile end to end through Snakemake."""
    from tonespan_utils import workflow

    workflow.run(arguments.profile, cores=arguments.cores, dry_run=arguments.dry_run)


def notebook(arguments: argparse.Namespace) -> None:
    """Execute one notebook through Papermill; what the workflow's rules call."""
    from tonespan_utils import workflow

    workflow.run_notebook(arguments.name, arguments.output, dict(arguments.parameter))


def figures(arguments: argparse.Namespace) -> None:
    """Draw one figure, or all of them and the report, from stored tables."""
    from tonespan_utils import figures as figures_module
    from tonespan_utils import params as params_module

    params = params_module.load(arguments.profile)
    for stem in figures_module.redraw(params, arguments.name or None):
        print(f"{stem}.pdf .svg .png")


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="python -m tonespan_utils", description=__doc__.splitlines()[0])
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("run", help=run.__doc__)
    command.add_argument("profile", help="a name in params/ or a path to a YAML file")
    command.add_argument("--cores", default="all", help="how many cores to use (default: all)")
    command.add_argument("--dry-run", action="store_true", help="say what would be done")
    command.set_defaults(call=run)

    command = commands.add_parser("notebook", help=notebook.__doc__)
    command.add_argument("name", help="a notebook in notebooks/, without its ending")
    command.add_argument("output", type=Path, help="where the executed notebook goes")
    command.add_argument("-p", dest="parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    command.set_defaults(call=notebook)

    command = commands.add_parser("figures", help=figures.__doc__)
    command.add_argument("profile", help="a name in params/ or a path to a YAML file")
    command.add_argument("--name", help="one figure; all of them and the report without it")
    command.set_defaults(call=figures)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        arguments.call(arguments)
    except TonespanError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
