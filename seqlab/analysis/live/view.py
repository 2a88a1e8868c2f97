"""Live view of runs and sweeps in a terminal."""

from __future__ import annotations

import time
from pathlib import Path

import rich.console
from rich.live import Live

from seqlab.analysis.live.frame import frame
from seqlab.analysis.live.watched import Watched

SECONDS = 1.0
"""How often the folder is read, in seconds."""

_WIDTH = 140
"""The width in characters of what is printed where there is no terminal."""


def watch(
    folder: Path | str, run: str | None = None, once: bool = False, screen: rich.console.Console | None = None
) -> None:
    """Show runs and sweeps until they have ended; where there is no terminal, print their state once.

    Args:
        folder: a folder of runs and sweeps, or a run folder; runs that begin later appear.
        run: the run whose curves are shown, by its folder; the newest running one by default.
        once: whether to print the present state and return.
        screen: where to show it; standard output by default.

    Raises:
        seqlab.types.ConfigError: the folder does not exist, or has no such run.
    """
    screen = screen or rich.console.Console()
    watched = Watched(folder, run)
    if once or not screen.is_terminal:
        if not screen.is_terminal:
            screen.width = _WIDTH
        screen.print(frame(watched, screen), crop=False)
        return
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(frame(watched, screen, screen.height), refresh=True)
            if watched.ended:
                return
            time.sleep(SECONDS)
            watched.update()
