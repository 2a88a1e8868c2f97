"""Check: what of a run folder is whole, and what is damaged or missing."""

from __future__ import annotations

import sys
from pathlib import Path

from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.runs.check import check


@command
def main() -> None:
    """Print what of a run folder is whole and what is not; exit with 1 where a file is damaged."""
    parser = Parser(prog="python -m seqlab.check", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    found = check(parser.parse_args().run)
    width = max(len(one.path) for one in found)
    for one in found:
        print(f"{one.state:8}{one.path:{width}}  {one.text}".rstrip())
    if any(one.state == "damaged" for one in found):
        sys.exit(1)
