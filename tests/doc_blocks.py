"""The blocks of code that README and the pages of docs/ show, and the comments that say how they are checked.

A comment in the line before a block changes how `make docs-check` runs it:

    <!-- check: skip: needs a SLURM cluster -->        it is not run, and why
    <!-- check: training.steps=20 cell.features=8 -->  these overrides are added to each `seqlab.train` of it
    <!-- check: RUN_DIR=adding,reviews -->             a word in capitals stands for these values in turn
    <!-- check: status=1 -->                           the block is to end with this exit status

`RUN_DIR` and `SWEEP_DIR` name runs and sweeps of `doc_stand_ins`. A block after a line that names a file,
such as `mylab/cells.py`, is that file and is not run.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")))
LANGUAGES = ("sh", "python")
OWN = {"--config-dir", "cell=my_cell", "cell=my_cell,gru", "help"}
"""Words of commands that the config of this repository cannot answer."""

BLOCK = re.compile(
    r"^(?P<file>`[^`\n=]+`:\n\n)?(?:<!-- check: (?P<check>.*?) -->\n+)?"
    r"```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class Block:
    """One block of a page.

    Attributes:
        page: its file.
        line: the number of its first line.
        language: `sh` or `python`.
        code: what it shows.
        skip: why it is not run; None where it is.
        overrides: what is added to each `seqlab.train`.
        words: what each word in capitals stands for, in the order of its uses.
        status: the exit status that it ends with.
    """

    page: Path
    line: int
    language: str
    code: str
    skip: str | None = None
    overrides: tuple[str, ...] = ()
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    status: int = 0

    @property
    def name(self) -> str:
        """The page and the line, as editors write them."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a block of the shell, each in one line, with the overrides that are added."""
        joined = re.sub(r"\\\n\s*", "", self.code)
        lines = [_without_comment(line) for line in joined.splitlines()]
        return [self._completed(line) for line in lines if line]

    def _completed(self, command: str) -> str:
        is_training = re.match(r"(\w+=\S+ )*python -m seqlab\.train ", command + " ")
        return " ".join([command, *self.overrides]) if is_training else command


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s+)#\s.*$", "", line).strip()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are run or skipped, in order."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        if found["language"] not in LANGUAGES or found["file"]:
            continue
        line = text.count("\n", 0, found.start("code")) + 1
        yield _with_check(Block(page, line, found["language"], found["code"]), found["check"] or "")


def _with_check(block: Block, check: str) -> Block:
    if check.startswith("skip: "):
        return dataclasses.replace(block, skip=check.removeprefix("skip: "))
    parts = [part.partition("=")[::2] for part in shlex.split(check)]
    status = [int(value) for key, value in parts if key == "status"]
    words = tuple((key, tuple(value.split(","))) for key, value in parts if key.isupper())
    overrides = tuple(f"{key}={value}" for key, value in parts if key != "status" and not key.isupper())
    return dataclasses.replace(block, overrides=overrides, words=words, status=sum(status))


def trainings(page: Path) -> list[list[str]]:
    """Return the overrides of each `seqlab.train` of a page; of a sweep, those of its first run.

    Commands with a folder or a plug-in of the reader's own are left out.
    """
    shown = [command for block in blocks(page) if block.language == "sh" for command in _with_words(block)]
    lines = [shlex.split(command)[3:] for command in shown if command.startswith("python -m seqlab.train ")]
    return [[_single(word) for word in line if "=" in word] for line in lines if not OWN & {*line}]


def _with_words(block: Block) -> list[str]:
    """Return the commands of a block with the last value of each word in capitals."""
    values = {word: last for word, (*_, last) in block.words}
    names = "|".join(values) or r"\b\B"
    return [re.sub(rf"\b({names})\b", lambda found: values[found[1]], command) for command in block.commands]


def _single(word: str) -> str:
    """Return an override with the first of its values."""
    override = OverridesParser.create().parse_override(word)
    if not override.is_sweep_override():
        return word
    values = override.value()
    first = values.start if override.is_interval_sweep() else next(iter(override.sweep_string_iterator()))
    return f"{override.get_key_element()}={first}"
