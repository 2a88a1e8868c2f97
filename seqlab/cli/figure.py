"""Figures of runs: the gradient through time, learning curves, accuracy by length, gates and hidden states.

The picture of one run goes into its folder, that of several runs into the folder that holds all of them.
"""

from __future__ import annotations

from pathlib import Path

from seqlab.analysis.figures import KINDS, draw
from seqlab.analysis.state_figure import COLOURS
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command, naming_options
from seqlab.cli.frames import PICTURES, require_ending
from seqlab.runs.by_length import read_lengths
from seqlab.runs.folders import folder_of_all
from seqlab.tasks import SPLITS
from seqlab.tracking.figure_style import WIDTHS, read_width
from seqlab.types import ConfigError

NAMES = {"flow": "gradient_flow"}
"""The names of files that are not those of their kind."""


def _require_picture(output: Path) -> None:
    try:
        require_ending(output, PICTURES)
    except ConfigError as error:
        raise ConfigError(f"output={error}") from error


@command
def main() -> None:
    """Draw figures of runs, which may be given as the folder of a sweep."""
    parser = Parser(prog="python -m seqlab.figure", description=main.__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR", help="run folders, or a sweep's")
    parser.add_argument("--kind", choices=KINDS, default="flow", help="flow by default")
    parser.add_argument("--output", type=Path, help="the picture; its suffix names the format")
    parser.add_argument("--width", help=f"{', '.join(WIDTHS)} of a paper, or inches")
    parser.add_argument("--scale", choices=("linear", "log"), help="flow: of the optimiser steps")
    parser.add_argument("--lengths", help="lengths: such as 41:500 or 41,100,500")
    parser.add_argument("--split", choices=SPLITS, help="lengths: test by default")
    parser.add_argument("--colour", choices=COLOURS, help="states: what colours them")
    arguments = parser.parse_args()
    given = {name: getattr(arguments, name) for name in ("scale", "lengths", "split", "colour")}
    options = {name: value for name, value in given.items() if value is not None}
    with naming_options("width", "output", *given):
        width = None if arguments.width is None else read_width(arguments.width)
        if "lengths" in options:
            options["lengths"] = read_lengths(options["lengths"])
        name = NAMES.get(arguments.kind, arguments.kind)
        output = arguments.output or folder_of_all(arguments.runs) / f"{name}.png"
        if arguments.output is not None:
            _require_picture(output)
        draw(arguments.runs, arguments.kind, width, output, **options)
    print(output)
