"""Differences between the config of a run and that of a command which resumes it.

What a resume may change is declared where a key is: `field(metadata={"resumable": True})` of a class. Further
legal are the groups `FREE`, and the fields of a task that say where its data are, because the data themselves
are compared.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from seqlab.registry import field_marks, locate
from seqlab.types import ConfigError

Changes = Mapping[str, tuple[Any, Any]]
"""The old and the new value of each key that differs."""

IGNORED = ("resume", "sweep", "allow_changes", "overwrite", "debug", "distributed")
"""The top-level keys that say how a command treats a run, and not what the run is."""

FREE = ("name", "notes", "tracking", "callbacks", "metrics", "diagnostics", "recurrence")
"""The top-level keys that a resume may change: names, what is logged, by which trackers, and rounding."""

MOST_NAMED = 8
"""The most keys that a message names."""

_MISSING = "(missing)"


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Return the keys whose values differ between two resolved configs.

    A key that one of the configs lacks counts with the default of its target, so that a run of an older
    version of seqlab can be resumed.
    """
    before, after = dict(_flat(old)), dict(_flat(new))
    changes: dict[str, tuple[Any, Any]] = {}
    for key in dict.fromkeys([*before, *after]):
        if key.partition(".")[0] in IGNORED:
            continue
        pair = tuple(
            values[key] if key in values else _default(config, key)
            for values, config in ((before, old), (after, new))
        )
        if pair[0] != pair[1]:
            changes[key] = pair[0], pair[1]
    return changes


def is_resumable(key: str, config: Mapping[str, Any]) -> bool:
    """Return whether a resume may change a key.

    Args:
        key: the key, `group.name`.
        config: the new config.
    """
    group, _, name = key.partition(".")
    if group in FREE:
        return True
    marks = _marks(config, group).get(name, {})
    return bool(marks.get("resumable")) or (group == "task" and marks.get("fingerprint") is False)


def describe(changes: Changes) -> str:
    """Return changes as `key old -> new, …`, in one line."""
    named = [f"{key} {old!r} -> {new!r}" for key, (old, new) in list(changes.items())[:MOST_NAMED]]
    further = len(changes) - len(named)
    return ", ".join(named) + (f" and {further} more" if further else "")


def require_resumable(changes: Changes, config: Mapping[str, Any], run: Any) -> None:
    """Raise ConfigError where a change is not legal and the config does not allow it.

    Args:
        changes: what differs.
        config: the new config.
        run: the folder of the run to resume, for the message.
    """
    refused = {key: pair for key, pair in changes.items() if not is_resumable(key, config)}
    if refused and not config["allow_changes"]:
        raise ConfigError(
            f"resume={config['resume']} changes {describe(refused)} of the run in {run}: "
            "legal are its own values, or allow_changes=true, which records the changes"
        )


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a config by their dotted keys; a list is one value."""
    if isinstance(node, Mapping) and (node or not path):
        for key, value in node.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, list(node) if isinstance(node, tuple) else node


def _default(config: Mapping[str, Any], key: str) -> Any:
    """Return the default that a target has for a key which a config lacks."""
    group, _, name = key.partition(".")
    settings = config.get(group)
    if not isinstance(settings, Mapping) or "_target_" not in settings:
        return _MISSING
    try:
        parameter = inspect.signature(locate(settings["_target_"], group)).parameters.get(name)
    except (ConfigError, TypeError, ValueError):
        return _MISSING
    if parameter is None or parameter.default is inspect.Parameter.empty:
        return _MISSING
    return parameter.default


def _marks(config: Mapping[str, Any], group: str) -> Mapping[str, Mapping[Any, Any]]:
    settings = config.get(group)
    target = settings.get("_target_") if isinstance(settings, Mapping) else None
    return {} if target is None else field_marks(locate(target, group))
