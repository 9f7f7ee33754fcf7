"""The README's badges, which open the repository in a browser elsewhere: ``python -m tools.badges OWNER/REPOSITORY``.

They hold the repository's address on GitHub, which a clone does not know; whoever publishes one runs this once. Without
an argument the address is that of the remote ``origin``. What Binder installs is in ``binder/``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- badges -->", "<!-- end of badges -->"
NAME = re.compile(r"[\w.-]+/[\w.-]+")
ON_GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
BINDER = "https://mybinder.org"
COLAB = "https://colab.research.google.com"
OPENED = {  # what a badge of Binder says, and where it leads to
    "lessons": "lab/tree/runs/course/student",
    "explorer": "files/figures/demo/explorer.html",
}


def badges(repository: str) -> str:
    """The block of badges, in Markdown, for ``owner/name`` on GitHub."""
    lines = [
        f"[![{what} in Binder]({BINDER}/badge_logo.svg)]({BINDER}/v2/gh/{repository}/HEAD?urlpath={path}) {what}"
        for what, path in OPENED.items()
    ]
    colab = f"{COLAB}/github/{repository}/blob/HEAD/binder/colab.ipynb"
    lines.append(f"[![a first look in Colab]({COLAB}/assets/colab-badge.svg)]({colab}) a first look")
    return "\n".join([BEGIN, *lines, END])


def write(path: Path, repository: str) -> None:
    """Put the badges of a repository in place of those in a page. Raises ValueError where it has no place for them."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path}: no lines {BEGIN} and {END}, between which the badges go")
    path.write_text(before + badges(repository) + after, encoding="utf-8")


def origin() -> str | None:
    """``owner/name`` of the remote ``origin`` on GitHub; None where there is no such remote."""
    asking = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    address = subprocess.run(asking, capture_output=True, text=True, check=False).stdout.strip()
    match = ON_GITHUB.search(address)
    return match[1] if match else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.badges", description=__doc__.splitlines()[0])
    parser.add_argument("repository", nargs="?", help="owner/name on GitHub (default: that of the remote origin)")
    repository = parser.parse_args().repository or origin()
    if repository is None or not NAME.fullmatch(repository):
        print("badges: name the repository: python -m tools.badges OWNER/REPOSITORY", file=sys.stderr)
        return 2
    write(ROOT / "README.md", repository)
    return 0


if __name__ == "__main__":
    sys.exit(main())
