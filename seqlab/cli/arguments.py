"""Parser of the arguments of a command: a wrong one is one line with the legal values and the near miss."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from seqlab.near_misses import near_miss
from seqlab.types import ConfigError

COMPLETION = "--shell-completion"
"""The word by which `seqlab.cli.completion` asks a command what may follow the next word."""

_OF_ARGUMENT = re.compile(r"^argument ([^:]+): (.*)$", re.DOTALL)
_NO_CHOICE = re.compile(r"^invalid choice: (.*) \(choose from (.*)\)$", re.DOTALL)
_NO_VALUE = re.compile(r"^invalid (\w+) value: (.*)$", re.DOTALL)
_UNKNOWN = "unrecognized arguments: "
_MISSING = "the following arguments are required: "
_KINDS = {"int": "an integer", "float": "a number", "Path": "a path"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are refusals of ours: `ConfigError` with one line, in place of the usage."""

    def __init__(self, **settings: Any) -> None:
        """Take the arguments of `argparse.ArgumentParser`; options are never abbreviated."""
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)

    def parse_args(self, *given: Any, **named: Any) -> Any:
        """Return the arguments; where a shell completes, print what may follow and end the process."""
        if not given and not named and sys.argv[1:2] == [COMPLETION]:
            print(*self._following("".join(sys.argv[2:3])), sep="\n")
            sys.exit()
        return super().parse_args(*given, **named)

    def _following(self, word: str) -> list[str]:
        """Return the legal values of an option, or the options where the word is none that has some."""
        usage = " ".join(self.format_usage().split())
        if values := re.search(rf"{re.escape(word)} \{{(.*?)\}}", usage):
            return values[1].split(",")
        return ["--help", *re.findall(r"--[\w-]+", usage)]

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError.

        Args:
            message: argparse's.
        """
        raise ConfigError(self._explained(message))

    def _explained(self, message: str) -> str:
        """Return a message of argparse in our form."""
        more = f"{self.prog} --help says more"
        if message.startswith(_UNKNOWN):
            word = message.removeprefix(_UNKNOWN).split()[0]
            if not word.startswith("-"):
                return f"{word} is one argument too many: {more}"
            options = re.findall(r"--[\w-]+", self.format_usage())
            hint = near_miss(word.partition("=")[0].lstrip("-"), [one[2:] for one in options], "--")
            return f"{word} is not an option{hint}: legal are {', '.join(options)}, --help"
        if message.startswith(_MISSING):
            return f"{message.removeprefix(_MISSING)} is missing: {more}"
        if (found := _OF_ARGUMENT.match(message)) is None:
            return f"{message}: {more}"
        name, reason = found[1].split("/")[-1], found[2]
        if choice := _NO_CHOICE.match(reason):
            given, legal = choice[1].strip("'"), [one.strip(" '") for one in choice[2].split(",")]
            return f"{name}={given}{near_miss(given, legal)}: legal values are {', '.join(legal)}"
        if value := _NO_VALUE.match(reason):
            return f"{name} must be {_KINDS.get(value[1], value[1])}, got {value[2].strip(chr(39))}"
        return f"{name} {reason}"
