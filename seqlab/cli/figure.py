"""Heat map of log10 ‖∂L/∂h_t‖, t × step, with one panel for each run.

All runs share one colour scale. Each gradient is relative to the gradient at the last t of its step: white is
equal, blue has vanished, red has exploded, grey is not a number. The titles say what the gradient does in the
first and in the last row; the lower panels show the slope. The picture of one run goes into its folder, that
of several runs into the current folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from seqlab.cli.command import command
from seqlab.tracking import read_rows, read_summary
from seqlab.tracking.gradient_flow import Flow, draw, flow_of
from seqlab.types import ConfigError


def read(folder: Path) -> Flow:
    """Return the gradient flow of a run; its title has folder, cell, task, and the status if not finished.

    Raises:
        ConfigError: the folder has no gradient through time.
    """
    title = folder.resolve().name
    try:
        summary = read_summary(folder)
        ended = "" if summary["status"] == "finished" else f", {summary['status']}"
        title += f"\n{summary['cell']}, {summary['task']}{ended}"
    except FileNotFoundError:
        title += "\nnot ended"
    try:
        return flow_of(read_rows(folder), title)
    except ValueError as error:
        raise ConfigError(f"RUN_DIR={folder} cannot be drawn: {error}") from error


@command
def main() -> None:
    """Draw the gradient through time of runs."""
    parser = argparse.ArgumentParser(prog="python -m seqlab.figure", description=main.__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR")
    parser.add_argument("--output", type=Path, help="the picture; its suffix names the format")
    parser.add_argument("--scale", choices=("linear", "log"), default="linear", help="of the optimiser steps")
    arguments = parser.parse_args()
    figure = draw([read(run) for run in arguments.runs], arguments.scale)
    folder = arguments.runs[0] if len(arguments.runs) == 1 else Path()
    output = arguments.output or folder / "gradient_flow.png"
    try:
        figure.savefig(output)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--output={output} cannot be written: {error}") from error
    print(output)
