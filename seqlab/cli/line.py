"""The words of the training command: options of Hydra anywhere among the overrides, and slips explained."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from seqlab.near_misses import advice, closest, did_you_mean
from seqlab.registry import ALL_GROUPS, choices
from seqlab.runs import compose_config
from seqlab.runs.explain import HYDRA_ERRORS
from seqlab.runs.suggestions import meant_key
from seqlab.synonyms import ADVICE
from seqlab.types import ConfigError

FLAGS = (
    *("--help", "-h", "--hydra-help", "--version", "--resolve", "--run", "-r", "--multirun", "-m"),
    *("--shell-completion", "-sc", "--info", "-i"),
)
"""Hydra's options without a value; `--info` may have one."""

VALUED = (
    *("--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "--config-path", "-cp"),
    *("--config-name", "-cn", "--experimental-rerun"),
)
"""Hydra's options with a value."""

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
"""The values of `--info`."""

SHOWN = "-m, --help, --cfg job, --config-dir FOLDER, --info"
"""The options that a refusal names."""

_OPENING, _CLOSING = "([{", ")]}"


@dataclasses.dataclass(frozen=True)
class Line:
    """The words of a command, sorted.

    Attributes:
        options: Hydra's options and their values.
        overrides: the other words.
    """

    options: tuple[str, ...]
    overrides: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """All words in the order that Hydra reads."""
        return [*self.options, *self.overrides]

    def has(self, *names: str) -> bool:
        """Return whether the line has an option, given by each of its names."""
        return any(word.partition("=")[0] in names for word in self.options)

    def value(self, *names: str) -> str | None:
        """Return the value of an option, given by each of its names; None where the line lacks it."""
        for word, following in zip(self.options, (*self.options[1:], ""), strict=False):
            name, equals, value = word.partition("=")
            if name in names:
                return value if equals else following
        return None


def read_line(words: Sequence[str]) -> Line:
    """Sort the words of a command.

    Raises:
        ConfigError: an option that Hydra lacks, or one that would replace our config.
    """
    options: list[str] = []
    overrides: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if name in VALUED or (name in FLAGS and not equals):
            options.append(word)
            if name in VALUED and not equals and rest:
                options.append(rest.pop(0))
            elif name in ("--info", "-i"):
                options.append(rest.pop(0) if rest and rest[0] in INFO else INFO[0])
        elif word.startswith("-"):
            raise _no_option(word, rest[0] if rest else "")
        else:
            overrides.append(word)
    line = Line(tuple(options), tuple(overrides))
    if line.has("--config-path", "-cp", "--config-name", "-cn"):
        raise ConfigError("--config-path and --config-name are refused: use --config-dir FOLDER")
    return line


def require_overrides(words: Sequence[str]) -> None:
    """Raise ConfigError where words are no overrides, such as those that a space has separated.

    Args:
        words: the words that are no options.
    """
    for index, word in enumerate(words):
        following = words[index + 1 : index + 2]
        if joined := _separated(words[index:]):
            given = " ".join(words[index : index + joined[1]])
            raise ConfigError(f"{given} has a space: write {joined[0]}")
        if word[0] in "–—":  # by the keyboard of a phone, or from a document
            raise ConfigError(f"{word} begins with a dash: write -{word.lstrip('–—')} with a hyphen")
        if word.endswith(",") and "=" in word:
            raise ConfigError(f"{word} ends with a comma: write {word.rstrip(',')}")
        key, _, value = word.partition("==")
        if value and "=" not in key:
            raise ConfigError(f"{word} has two signs =: write {key}={value}")
        if "=" in word or word.startswith("~"):
            continue
        if found := re.fullmatch(r"([\w./]+)[:/](\w+)", word):
            raise ConfigError(f"{word} is not key=value: write {found[1]}={found[2]}")
        if following and "=" not in following[0] and "." in word:
            raise ConfigError(f"{word} {following[0]} has a space: write {word}={following[0]}")
        raise ConfigError(f"{word} is not key=value{_of_bare(word)}: a key is set by key=value")


def require_sweep(line: Line) -> None:
    """Raise ConfigError where a line without `-m` has a word for sweeps, unless its experiment is a sweep."""
    if line.has("-m", "--multirun"):
        return
    found = next(filter(None, map(_for_sweeps, line.overrides)), None)
    if found is not None and not _sweeps_by_itself(line):
        raise ConfigError(found)


def _separated(words: Sequence[str]) -> tuple[str, int] | None:
    """Return the first words joined, and their number, where spaces have separated one override."""
    first = words[0]
    if len(words) == 1 or first.startswith("~"):
        return None
    if "=" not in first:
        if not words[1].startswith("="):
            return None
        count = 3 if words[1] == "=" and len(words) > 2 else 2
        return "".join(words[:count]), count
    count = 1
    while count < len(words) and (
        words[count - 1].endswith(("=", ","))
        or words[count].startswith(",")
        or _is_open("".join(words[:count]))
    ):
        if "=" in words[count] and words[count - 1].endswith("="):  # `name= cell=gru`: an empty value
            break
        count += 1
    return ("".join(words[:count]), count) if count > 1 else None


def _is_open(text: str) -> bool:
    """Return whether a text opens more brackets than it closes; what stands in quotation marks is skipped."""
    if "'" in text or '"' in text:
        return False
    return sum(text.count(one) for one in _OPENING) > sum(text.count(one) for one in _CLOSING)


def _of_bare(word: str) -> str:
    """Say which override a word without `=` stands for."""
    if word in ALL_GROUPS:
        return did_you_mean(f"{'+' * (word == 'experiment')}{word}=OPTION")
    for group in ALL_GROUPS:
        if word in choices(group):
            return did_you_mean(f"{'+' * (group == 'experiment')}{group}={word}")
    name = word.strip("-")
    if key := meant_key(name, "", compose_config()):
        return did_you_mean(f"{key}=VALUE" if "=" not in key.split()[-1] else key, name)
    return advice(name)


def _no_option(word: str, following: str) -> ConfigError:
    """Return the refusal of an option that Hydra lacks; perhaps it is a key."""
    name, equals, value = word.lstrip("-").partition("=")
    if not equals and "=" not in following and not following.startswith("-"):
        value = following
    name = name.replace("-", "_")
    config = compose_config()
    names = [one for one in (*FLAGS, *VALUED) if one.startswith("--")]
    is_key = name in ALL_GROUPS or OmegaConf.select(config, name, default=None) is not None
    option = None if is_key else closest(word.partition("=")[0], names)
    key = meant_key(name, value, config)
    if key and name not in ADVICE and "=" not in key.split()[-1]:
        key = f"{key}={value or 'VALUE'}"
    hint = did_you_mean(option) if option else (did_you_mean(key, name) if key else advice(name))
    shown = word if equals or value != following or not value else f"{word} {value}"
    return ConfigError(f"{shown} is not an option{hint}: a key is set by key=value, and options are {SHOWN}")


def _for_sweeps(word: str) -> str | None:
    """Return the refusal of a word that only acts on sweeps; None where it does not."""
    key, _, value = word.partition("=")
    if key.lstrip("+").startswith(("hydra/launcher", "hydra/sweeper", "hydra.launcher.", "hydra.sweeper.")):
        return f"{word} acts on sweeps only: add -m, which runs every combination of the values"
    try:
        swept = OverridesParser.create().parse_override(word).is_sweep_override()
    except HYDRA_ERRORS:
        return None
    if not swept:
        return None
    if re.fullmatch(r"\d{1,3}(,\d{3})+", value):
        return f"{word} has a comma in its number: write {key}={value.replace(',', '')}"
    refusal = f"{word} has several values: add -m, which runs each of them"
    is_list = key.lstrip("+") not in ALL_GROUPS and "(" not in value
    return f"{refusal}, or write '{key}=[{value}]' for one list" if is_list else refusal


def _sweeps_by_itself(line: Line) -> bool:
    """Return whether the experiment of a line is a sweep, as it says by `hydra.mode`."""
    named = [word for word in line.overrides if word.startswith("+experiment=") and "," not in word]
    mode = [word for word in line.overrides if word.startswith("hydra.mode=")]
    config = compose_config([*named, *mode], line.value("--config-dir", "-cd"))
    return config.hydra.mode is not None and config.hydra.mode.name == "MULTIRUN"
