"""Watch: runs and sweeps in the terminal, while they are trained and afterwards."""

from __future__ import annotations

from pathlib import Path

from seqlab.analysis.live.view import watch
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command, naming_options


@command
def main() -> None:
    """Follow the runs and sweeps below a folder until they have ended.

    Each run has a line with its progress and its best score. One run is shown with its curves and with the
    gradient through time. Where the output is no terminal, the present state is printed once.
    """
    parser = Parser(prog="python -m seqlab.watch", description=main.__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder of runs or sweeps, or of one run")
    parser.add_argument("--run", metavar="NAME", help="the run to show; default: the newest that is running")
    parser.add_argument("--once", action="store_true", help="print the present state and end")
    options = parser.parse_args()
    with naming_options("run"):
        watch(options.folder, options.run, options.once)
