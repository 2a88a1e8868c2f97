"""Damaged files: a resume is equal or refused, and commands notice the damage or are not harmed."""

from __future__ import annotations

import contextlib
import importlib
import io
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from kills import whole_and_killed

from seqlab.types import ConfigError
from soak.kinds import KINDS, difference
from soak.stops import Result

WAYS = ("empty", "cut", "removed", "scrambled", "one bit flipped")
COMMANDS = (["evaluate", "--json"], ["generate", "--length", "5"], ["check"])
KIND = "encoder-decoder"


def damage(path: Path, way: str, draw: random.Random) -> None:
    """Damage one file."""
    content = path.read_bytes()
    if way == "removed":
        path.unlink()
    elif way == "one bit flipped" and content:
        place = draw.randrange(len(content))
        path.write_bytes(
            content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
        )
    elif way == "scrambled":
        path.write_bytes(bytes(draw.randrange(256) for _ in content))
    else:
        path.write_bytes(content[: len(content) // 2] if way == "cut" else b"")


def call(name: str, *arguments: str) -> tuple[int, str, str]:
    """Call a command in this process; return its status, its output and its errors."""
    before, sys.argv = sys.argv, [f"seqlab.{name}", *arguments]
    output, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = importlib.import_module(f"seqlab.cli.{name}").main() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return status, output.getvalue(), errors.getvalue()


def corruptions(root: Path, count: int, draw: random.Random) -> Iterator[Result]:
    """Damage a file of a run that was killed, and resume it; or of one that finished, and ask about it."""
    if not count:
        return
    whole, killed = whole_and_killed(root, list(KINDS[KIND].words))
    copy = killed[33]
    right = {tuple(words): call(words[0], str(whole), *words[1:]) for words in COMMANDS}
    for index in range(count):
        resumes = index % 2 == 0
        source = copy if resumes else whole
        folder = shutil.copytree(source, root / f"damaged {index}")
        path = draw.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
        way = draw.choice(WAYS)
        damage(path, way, draw)
        tried = f"{path.relative_to(folder)} {way}"
        if resumes:
            yield "corruptions, resume", tried, _resumed(whole, folder)
        else:
            words = draw.choice(COMMANDS)
            yield f"corruptions, {words[0]}", tried, _asked(words, folder, right[tuple(words)])
        shutil.rmtree(folder)


def _resumed(whole: Path, folder: Path) -> str:
    try:
        has_rows = (folder / "metrics.jsonl").exists()
        KINDS[KIND].train(folder, resume=True)
        return difference(whole, folder) if has_rows else "noticed"
    except ConfigError as error:
        return "refused in one line" if "\n" not in str(error) else "several lines"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {str(error)[:200]}"


def _asked(words: list[str], folder: Path, right: tuple[int, str, str]) -> str:
    try:
        status, output, errors = call(words[0], str(folder), *words[1:])
    except Exception as error:
        return f"traceback: {type(error).__name__}: {str(error)[:200]}"
    if status:
        lines = errors.strip().splitlines()
        return "noticed" if len(lines) == 1 or (words[0] == "check" and "damaged" in output) else f"{lines}"
    return "harmless" if output == right[1] or words[0] == "check" else "another answer"
