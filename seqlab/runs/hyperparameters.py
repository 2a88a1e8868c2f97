"""Numbers of a config that a compiled program takes as arguments.

Runs whose configs differ in these numbers alone share one compiled program. A class marks such a field where
it declares it, by `field(metadata={"traced": WHEN})`, where WHEN is one of

- `"always"`: any number may be traced;
- `"nonzero"`: 0 leaves a part of the program out, so only other numbers may be traced;
- `"initial"`: the number determines the initial parameters and nothing else.

The seed is always an argument.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from seqlab.registry import choices, field_marks, locate, settings_of
from seqlab.runs.optimizer import TRACED as TRACED_OF_OPTIMIZERS
from seqlab.runs.optimizer import traced_keys

GROUPS = ("cell", "architecture", "training")
"""The groups whose classes mark their fields."""


def traced_fields(group: str, target: Any) -> dict[str, str]:
    """Return the traced keys of a group's `_target_`, `group.name`, and when each is traced."""
    marks = field_marks(locate(target, group))
    return {f"{group}.{name}": mark["traced"] for name, mark in marks.items() if "traced" in mark}


def hyperparameters(config: Mapping[str, Any]) -> tuple[dict[str, float], frozenset[str]]:
    """Return the numbers of a config that its program takes as arguments.

    Args:
        config: the resolved config.

    Returns:
        The numbers by key, `group.name`; and the keys of those that only determine initial parameters.
    """
    traced = {f"optimizer.{name}": "always" for name in traced_keys(config["optimizer"])}
    for group in GROUPS:
        traced |= traced_fields(group, config[group].get("_target_"))
    values = {key: _at(config, key) for key in traced}
    found = {key: float(value) for key, value in values.items() if _is_traced(value, traced[key])}
    return found, frozenset(key for key in found if traced[key] == "initial")


def replaced(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with other values at keys `group.name`."""
    changed = dict(config)
    for key, value in values.items():
        group, name = key.split(".")
        changed[group] = {**changed[group], name: value}
    return changed


@functools.cache
def traceable_keys() -> frozenset[str]:
    """Return every key that is traced in some choice that comes with seqlab, and `seed`."""
    keys = {"seed", *(f"optimizer.{name}" for name in TRACED_OF_OPTIMIZERS)}
    for group in GROUPS:
        for name in choices(group):
            keys |= traced_fields(group, settings_of(group, name)["_target_"]).keys()
    return frozenset(keys)


def _is_traced(value: Any, when: str) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and not (when == "nonzero" and value == 0)


def _at(config: Mapping[str, Any], key: str) -> Any:
    """Return the value at a key `group.name`; None where there is none."""
    group, name = key.split(".")
    return config[group].get(name)
