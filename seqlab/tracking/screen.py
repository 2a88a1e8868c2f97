"""Standard output for tables, which are folded at the width of a terminal alone."""

from __future__ import annotations

import rich.console

_WIDE = 10_000
"""A width in characters at which no line is folded."""


def standard_output() -> rich.console.Console:
    """Return standard output; in a pipe or a file, lines are as long as they need to be."""
    screen = rich.console.Console()
    return screen if screen.is_terminal else rich.console.Console(width=_WIDE)
