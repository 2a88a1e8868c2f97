"""Help of the training command: one screen by `--help`, and one option or key by `help WORD`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from seqlab.cli.key_docs import KeyDoc, option_doc, top_level_docs
from seqlab.near_misses import near_miss
from seqlab.registry import ALL_GROUPS, GROUPS, choices, files_of, locate, of_other_options
from seqlab.types import ConfigError

WIDTH = 80
"""The width of the text in characters."""

PRESETS = ("experiment", "debug")
"""The groups whose options set keys of other groups."""

MOST_SHOWN = 36
"""The width of the examples of a group's options."""

_ROLE = re.compile(r":\w+:`([^`]*)`")
"""A role of Sphinx around a name, in the docstrings of other libraries."""

PAGE = """\
usage: python -m seqlab.train [-m] [+experiment=NAME] [group=option …]
                              [key=value …]

Train a recurrent network on a task, or with -m a sweep of them. Every key has a
default. Results go to runs/DATE/TIME/, those of a sweep to sweeps/DATE/TIME/.

  python -m seqlab.train cell=gru task=adding training.steps=3000
  python -m seqlab.train +experiment=sms_spam          # a prepared experiment
  python -m seqlab.train task=text_classification task.source=my.csv
  python -m seqlab.train -m cell=elman,lstm,gru seed="range(0,5)" task=adding
  python -m seqlab.train resume=last                   # after an interruption

groups, each with the number of its options, the default first:
{groups}

  python -m seqlab.train help cell           # the options of a group
  python -m seqlab.train help cell=lstm      # the keys of an option
  python -m seqlab.train help optimizer.learning_rate          # one key
  python -m seqlab.train help keys           # seed, resume and further keys

options: -m (sweep), --cfg job (print the config, train nothing),
  --config-dir FOLDER (add configs), --hydra-help (Hydra's own options)
read on: docs/config.md, python -m seqlab.tasks, python -m seqlab.cells
"""


def page() -> str:
    """Return the help of one screen."""
    return PAGE.format(groups="\n".join(map(_group_line, ALL_GROUPS)))


def help_on(words: Sequence[str]) -> str:
    """Return the help on a group, an option, or a key.

    Args:
        words: what `help` is followed by; the page where nothing follows.

    Raises:
        ConfigError: there is no such thing.
    """
    if not words:
        return page()
    return "\n\n".join(_help_on(word.lstrip("+")) for word in words) + "\n"


def _help_on(word: str) -> str:
    group, equals, name = word.partition("=")
    preset = group.partition("/")[0] in PRESETS
    if group in ALL_GROUPS or (preset and choices(group)):
        if not equals and len(choices(group)) > 1:
            return _of_group(group)
        name = name or choices(group)[0]
        if name not in choices(group):
            hint = near_miss(name, choices(group), f"{group}=")
            raise ConfigError(f"{word} is no option{hint}: legal values are {', '.join(choices(group))}")
        return _of_preset(group, name) if preset else _of_option(group, name)
    if group == "keys":
        return "\n".join(line for doc in top_level_docs() for line in _of_key(doc))
    if doc := _key(group):
        return "\n".join(_of_key(doc))
    raise ConfigError(f"{word} is no group, option or key{_meant(group)}: help names the groups")


def _meant(word: str) -> str:
    """Name what was perhaps meant by a word."""
    from seqlab.runs import compose_config  # imports JAX
    from seqlab.runs.suggestions import meant_key

    for group in ALL_GROUPS:
        if word in choices(group):
            return f" (did you mean {group}={word}?)"
    meant = meant_key(word, "", compose_config())
    return f" (did you mean {meant}?)" if meant else ""


def _group_line(group: str) -> str:
    """Return a line of the page: a group, the number of its options, and some of them."""
    options = choices(group)
    shown = textwrap.shorten(" ".join(_first(group, options)), MOST_SHOWN, placeholder=" …")
    prefix = "+" if group == "experiment" else ""
    return f"  {f'{prefix}{group}=':<18}{len(options):>3}  {shown}"


def _first(group: str, options: Sequence[str]) -> list[str]:
    """Return the options of a group, the default first."""
    default = next((str(one[group]) for one in _defaults() if group in one), "")
    known = {"cell": "elman gru", "task": "adding text_classification series"}.get(group, "")
    first = [name for name in (default, *known.split()) if name in options]
    return [*first, *(name for name in options if name not in first)]


def _of_group(group: str) -> str:
    """Return a line for each option of a group."""
    docs = {name: _summary(group, name) for name in choices(group)}
    indent = min(24, max(map(len, docs)) + 4)
    plus = "+" if group.partition("/")[0] == "experiment" else ""
    lines = [f"{plus}{group}= has {len(docs)} options:"]
    for name, text in docs.items():
        lines += _wrapped(f"  {name}", textwrap.shorten(text, 2 * (WIDTH - indent), placeholder=" …"), indent)
    return "\n".join(lines)


def _summary(group: str, name: str) -> str:
    """Return the first sentence about an option."""
    return option_doc(group, name).summary.split(". ")[0].rstrip(".:")


def _of_option(group: str, name: str) -> str:
    """Return what is to be known of an option: what it is, and its keys."""
    doc = option_doc(group, name)
    lines = [f"{group}={name}" + (f"    {doc.target}" if doc.target else "")]
    lines += textwrap.wrap(doc.summary, WIDTH, initial_indent="  ", subsequent_indent="  ")
    framings = getattr(locate(doc.target, group), "framings", ()) if doc.target and group == "task" else ()
    if framings:
        lines += _wrapped("  architecture=", ", ".join(framings), 16)
    if not doc.keys:
        lines.append("  It has no keys.")
    for key in doc.keys:
        lines += _of_key(key)
    return "\n".join(lines)


def _of_preset(group: str, name: str) -> str:
    """Return what a preset says of itself, and what it sets in other groups."""
    path = files_of(group)[name]
    sets = yaml.safe_load(path.read_text(encoding="utf-8"))
    chosen = [item for item in sets.pop("defaults", []) if isinstance(item, dict)]
    words = [f"{key.removeprefix('override /')}={value}" for item in chosen for key, value in item.items()]
    words += [f"{key}={_text(value)}" for key, value in _flat(sets)]
    said = textwrap.wrap(option_doc(group, name).summary, WIDTH, initial_indent="  ", subsequent_indent="  ")
    plus = "" if group == "debug" else "+"
    return "\n".join([f"{plus}{group}={name}", *said, *(f"  {one}" for one in words)])


def _flat(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _of_key(doc: KeyDoc) -> list[str]:
    """Return the lines about a key: its default, its legal types, and what it means."""
    kind = f"    {doc.kind}" if doc.kind else ""
    text = _ROLE.sub(r"`\1`", doc.meaning.replace("None", "null"))
    head = f"  {doc.key}={_text(doc.default)}{kind}"
    return [head, *textwrap.wrap(text, WIDTH, initial_indent="      ", subsequent_indent="      ")]


def _key(key: str) -> KeyDoc | None:
    """Return what is to be known of a key: that of the default option, or of another one that has it."""
    for doc in top_level_docs():
        if doc.key == key:
            return doc
    group = next((one for one in GROUPS if key.startswith(f"{one}.")), None)
    if group is None:
        return None
    defaults = {name: value for item in _defaults() for name, value in item.items()}
    default = str(defaults[group])
    for name in (default, *choices(group)):
        for doc in option_doc(group, name).keys:
            if doc.key == key:
                which = "" if name == default else of_other_options(group, key.removeprefix(f"{group}."))
                return doc._replace(kind=f"{doc.kind}{which}")
    return None


def _defaults() -> list[dict[str, Any]]:
    """Return the choices of `train.yaml`."""
    text = files_of("")["train"].read_text(encoding="utf-8")
    return [item for item in yaml.safe_load(text)["defaults"] if isinstance(item, dict)]


def _text(value: Any) -> str:
    """Return a value as it is written on the command line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return textwrap.shorten(text.removesuffix("...").strip().strip("'"), 60, placeholder=" …")


def _wrapped(head: str, text: str, indent: int) -> list[str]:
    """Return a text beside its head, indented."""
    first = f"{head:<{indent}}"
    above = [head] if len(first) > indent else []
    start, rest = " " * indent if above else first, " " * indent
    return above + (textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=rest) or [head])
