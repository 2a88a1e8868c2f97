"""Overrides that add a key to a config group whose keys are those of a class's or function's signature."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, cast

import yaml

from seqlab.registry import CONF, choices, files_of, settings_of

OPEN = ("optimizer", "schedule", "loss", "metrics", "diagnostics", "tracking", "callbacks")
"""The groups that take further keys. A wrong one is refused when the group's object is made."""

_PRESET = re.compile(r"\+{0,2}debug=(.*)", re.DOTALL)
_KEY = re.compile(rf"({'|'.join(OPEN)})\.([^=@]+)=")
_CHOICE = re.compile(r"\+?([\w/]+)=(.*)", re.DOTALL)


def with_new_keys(words: Sequence[str]) -> list[str]:
    """Return the words of a command, where an override that gives an open group a new key begins with `++`.

    So `optimizer.nesterov=true` needs no `+`, whether or not the YAML file lists `nesterov`. A preset
    `debug=NAME` is added at the end, so that it takes precedence over an experiment.
    """
    words = _with_preset_last(words)
    found = [match.groups() for word in words if (match := _CHOICE.fullmatch(word))]
    chosen = {group: value for group, value in found if "." not in group}
    return [f"++{word}" if _is_new(word, chosen) else word for word in words]


def _with_preset_last(words: Sequence[str]) -> list[str]:
    presets = [match[1] for word in words if (match := _PRESET.fullmatch(word))]
    others = [word for word in words if not _PRESET.fullmatch(word)]
    return others if not presets or presets[-1] == "null" else [*others, f"+debug={presets[-1]}"]


def _is_new(word: str, chosen: dict[str, str]) -> bool:
    if (match := _KEY.match(word)) is None:
        return False
    group, key = match.groups()
    names = re.findall(r"[\w-]+", chosen[group]) if group in chosen else _default(group, chosen)
    known = [name for name in names if name in choices(group)]
    return bool(known) and not all(_has(settings_of(group, name), key) for name in known)


def _has(settings: Any, key: str) -> bool:
    """Return whether a node has a key, which may lead through inner nodes."""
    for part in key.split("."):
        if not isinstance(settings, dict) or part not in settings:
            return False
        settings = cast("dict[str, Any]", settings)[part]
    return True


def _default(group: str, chosen: dict[str, str]) -> list[str]:
    """Return the choice of a group that no override makes: the experiment's, else that of `train.yaml`."""
    defaults = dict(_defaults_of("train"))
    experiment = chosen.get("experiment", "")
    if experiment in choices("experiment"):
        defaults |= {name.removeprefix("override /"): value for name, value in _defaults_of(experiment)}
    return [str(defaults[group])] if group in defaults else []


@functools.lru_cache(maxsize=64)
def _defaults_of(name: str) -> tuple[tuple[str, Any], ...]:
    """Return the defaults list of `train.yaml` or of an experiment, as pairs."""
    path = CONF / "train.yaml" if name == "train" else files_of("experiment")[name]
    listed = yaml.safe_load(path.read_text(encoding="utf-8")).get("defaults", [])
    return tuple(pair for entry in listed if isinstance(entry, dict) for pair in entry.items())
