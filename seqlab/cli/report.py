"""Report: one HTML page on a run, a sweep, or several of them."""

from __future__ import annotations

from pathlib import Path

from seqlab.analysis.report import write_report
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command


@command
def main() -> None:
    """Write one self-contained HTML page about runs and sweeps, also while they train."""
    parser = Parser(prog="python -m seqlab.report", description=main.__doc__)
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="the folder of a run or a sweep")
    default = "default: report.html in PATH, or in the folder that holds all of several"
    parser.add_argument("--output", metavar="FILE", type=Path, help=f"the page; {default}")
    options = parser.parse_args()
    print(write_report(options.paths, options.output))
