"""Dynamics of a trained run: fixed and slow points, their stability, and Lyapunov exponents."""

from __future__ import annotations

from pathlib import Path

import rich.table

from seqlab.analysis.dynamics import Dynamics, analyse_dynamics
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command, naming_options
from seqlab.cli.frames import PICTURES, require_ending
from seqlab.tasks import SPLITS
from seqlab.tracking.figure_style import WIDTHS, read_width, save
from seqlab.tracking.screen import standard_output
from seqlab.types import ConfigError

MOST_ROWS = 30
"""The most points that are printed; the file holds all of them."""


@command
def main() -> None:
    """Find the fixed points of a trained run under a constant input, and draw them among its trajectories."""
    parser = Parser(prog="python -m seqlab.dynamics", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument("--constant-input", help="a symbol, or numbers with commas; zeros by default")
    parser.add_argument("--starts", type=int, default=128, help="states that the search begins at; 128")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of the starts")
    parser.add_argument("--split", choices=SPLITS, default="validation", help="whose sequences are followed")
    parser.add_argument("--output", type=Path, help="the picture; RUN_DIR/dynamics.png by default")
    parser.add_argument("--width", help=f"{', '.join(WIDTHS)} of a paper, or inches")
    options = parser.parse_args()
    with naming_options("constant_input", "starts", "seed", "width", "output"):
        width = None if options.width is None else read_width(options.width)
        _require_picture(options.output)
        found = analyse_dynamics(
            options.run, options.constant_input, options.starts, options.seed, options.split
        )
        _print(found)
        _write(found, options.run, options.output or options.run / "dynamics.png", width)


def _require_picture(output: Path | None) -> None:
    try:
        require_ending(output, PICTURES)
    except ConfigError as error:
        raise ConfigError(f"output={error}") from error


def _print(found: Dynamics) -> None:
    frame = found.frame()
    if len(frame):
        table = rich.table.Table(*frame.columns)
        for row in frame.head(MOST_ROWS).itertuples(index=False):
            table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row))
        standard_output().print(table)
    print("\n".join(found.summary()))


def _write(found: Dynamics, folder: Path, output: Path, width: float | None) -> None:
    try:
        files = [*found.save(folder), *save(found.draw(width), output)]
    except OSError as error:
        raise ConfigError(f"RUN_DIR={folder} cannot be written: {error.strerror}") from error
    print(f"table and figure: {', '.join(map(str, files))}")
