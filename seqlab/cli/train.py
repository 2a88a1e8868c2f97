"""The training command: help, shell completion, and the start of a run or a sweep."""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig

from seqlab.cli.command import command
from seqlab.cli.help import help_on, page
from seqlab.registry import CONF

HELP = ("--help", "-h")
COMPLETION = ("--shell-completion", "-sc")


@command
def main() -> None:
    """Train what the command line asks for; exit with 0 only where every run finished."""
    words = sys.argv[1:]
    if set(COMPLETION) & set(words):
        hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")(_nothing)()
    elif words[:1] == ["help"]:
        print(help_on(words[1:]), end="")
    elif set(HELP) & set(words):
        print(page(), end="")
    else:
        from seqlab.cli.training import train  # imports JAX, for which completion and help do not wait

        train()


def _nothing(config: DictConfig) -> None:
    """Be the application whose config Hydra completes."""
