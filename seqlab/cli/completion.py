"""Completion by shells: the script of a shell, which asks `--answer` for the words that may follow."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import sys
from collections.abc import Sequence
from importlib import resources

from seqlab.cli.arguments import COMPLETION, Parser
from seqlab.cli.command import command
from seqlab.cli.commands import COMMANDS

SHELLS = ("bash", "fish", "zsh")
NAMES = ("seqlab", *(f"seqlab-{name}" for name in COMMANDS))
"""The console scripts."""


@command
def main() -> None:
    """Print the script by which a shell completes the words of every command."""
    usage = 'eval "$(python -m seqlab.completion bash)" in the startup file of a shell'
    parser = Parser(prog="python -m seqlab.completion", description=main.__doc__, epilog=usage)
    parser.add_argument("shell", choices=SHELLS, nargs="?", default="bash", help="default: bash")
    parser.add_argument("--answer", metavar="LINE", help="print what may follow a line, as the scripts ask")
    options = parser.parse_args()
    if options.answer is None:
        print(script(options.shell), end="")
    else:
        print(*answers(options.answer), sep="\n")


def script(shell: str) -> str:
    """Return the script of a shell."""
    text = (resources.files("seqlab.cli") / "shells" / f"{shell}.sh").read_text(encoding="utf-8")
    return text.replace("PYTHON", shlex.quote(sys.executable)).replace("NAMES", " ".join(NAMES))


def answers(line: str) -> list[str]:
    """Return what the last word of a line may become; nothing where it may be a file.

    Args:
        line: a command up to the cursor.
    """
    *before, last = line.split() + [""] * (not line or line.endswith(" "))
    name, words = _command_of(before)
    if name is None:
        starts = ["seqlab", *(f"seqlab.{name}" for name in COMMANDS)] if before[1:] == ["-m"] else [*COMMANDS]
        return [one for one in starts if one.startswith(last)]
    found = _of_training(words, last) if name == "train" else _of_parser(name, words, last)
    return [one for one in found if one.startswith(last)]


def _command_of(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """Return the command that a line calls, and the words after it; None where the next word names it."""
    first = os.path.basename(words[0]) if words else ""
    if re.match(r"python[\d.]*$", first):
        if len(words) < 3:
            return None, ()
        first, words = words[2].replace("seqlab.", "seqlab-"), words[2:]
    if first == "seqlab":
        return (words[1], words[2:]) if len(words) > 1 else (None, ())
    return first.removeprefix("seqlab-"), words[1:]


def _of_training(words: Sequence[str], last: str) -> list[str]:
    """Return overrides as Hydra completes them, after a comma too, or options."""
    if last.startswith("-"):
        from seqlab.cli.line import FLAGS, VALUED  # imports JAX

        return [one for one in (*FLAGS, *VALUED) if one.startswith("--")]
    key, equals, value = last.partition("=")
    several = value.rpartition(",")[0]
    asked = f"{key}{equals}{value.rpartition(',')[2]}"
    words = words[1:] if words[:1] == ["help"] else words
    os.environ["COMP_LINE"] = " ".join(("seqlab-train", *words, asked))
    found = _printed_by("train", "-sc", "query=fish")
    return [f"{key}={several},{one.partition('=')[2]}" for one in found] if several else found


def _of_parser(name: str, words: Sequence[str], last: str) -> list[str]:
    """Return the options of a command, or the values of the option before."""
    before = words[-1] if words else ""
    if name not in COMMANDS or not (last.startswith("-") or before.startswith("-")):
        return []
    return _printed_by(name, COMPLETION, before)


def _printed_by(name: str, *words: str) -> list[str]:
    """Return the words that a command prints."""
    printed = io.StringIO()
    sys.argv = [f"seqlab-{name}", *words]
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(f"seqlab.cli.{name}").main()
    return printed.getvalue().split()
