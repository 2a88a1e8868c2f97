"""The table of all commands, and `seqlab COMMAND`, which calls one of them."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys

from seqlab.cli.arguments import Parser
from seqlab.cli.command import complain, quiet_pipe
from seqlab.types import ConfigError

COMMANDS = {
    "train": "train one run, or a sweep with -m",
    "evaluate": "compute the metrics of a run",
    "predict": "answer the rows of a file with a run",
    "generate": "generate with a run, or let it answer",
    "report": "write an HTML page about runs and sweeps",
    "watch": "follow runs and sweeps in the terminal",
    "runs": "list runs and sweeps, or compare two",
    "figure": "draw figures of runs: gradients, curves, gates, states",
    "dynamics": "find the fixed points of a run, and their stability",
    "check": "say what of a run folder is whole",
    "new": "write a plug-in with a cell, a task and tests",
    "weights": "import and export weights",
    "tasks": "list the tasks",
    "cells": "list the cells",
    "completion": "print the script by which a shell completes commands",
}
"""Names of commands and what they do. Each is `seqlab NAME`, `seqlab-NAME` and `python -m seqlab.NAME`."""


def main() -> None:
    """Call a command, or print which there are."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {does}" for name, does in COMMANDS.items())
    parser = Parser(
        prog="python -m seqlab",
        description="Experiments on recurrent sequence models in JAX.",
        epilog=f"commands:\n{listed}\n\n`python -m seqlab COMMAND --help` says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"seqlab {importlib.metadata.version('seqlab')}"
    )
    parser.add_argument("command", metavar="COMMAND", choices=COMMANDS, nargs="?")
    try:
        with quiet_pipe():
            options = parser.parse_args(sys.argv[1:2])
            if options.command is None:
                parser.print_help()
                return
    except ConfigError as error:
        sys.exit(complain(error))
    del sys.argv[1]
    importlib.import_module(f"seqlab.cli.{options.command}").main()
