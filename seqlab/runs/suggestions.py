"""Suggestions: the key that was meant, searched in the whole config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from seqlab.near_misses import advice, closest, did_you_mean, equal, normal, synonym
from seqlab.registry import ALL_GROUPS, GROUPS, choices, of_other_options
from seqlab.synonyms import KEYS

FURTHER = ("hydra.run.dir", "hydra.sweep.dir")
"""The keys of Hydra's node that a user sets."""


def suggest_key(key: str, value: str, config: DictConfig) -> str:
    """Return ` (did you mean X?)` for the key of a config that was meant; empty where none is like it.

    Args:
        key: what was written, with dots.
        value: what it was set to.
        config: the composed config.
    """
    path, name = _inner(config, key)
    meant = meant_key(key, value, config)
    if meant is None:
        return advice(name) or _of_other_options(name, path)
    return did_you_mean(meant, name if meant == KEYS.get(normal(name)) else "")


def meant_key(key: str, value: str, config: DictConfig) -> str | None:
    """Return the key of a config that was meant; None where none is like it.

    Args:
        key: what was written, with dots.
        value: what it was set to. A group is returned as `group=option` where that is one of its options.
        config: the composed config.
    """
    path, name = _inner(config, key)
    own, prefix = _names(config, path), "".join(f"{part}." for part in path)
    if found := equal(name, own) or synonym(name, own):
        return _with_option(f"{prefix}{found}", value)
    keys = [*_keys(config), *FURTHER]
    same = [one for one in keys if one.rpartition(".")[2] == normal(name)]
    if same and not isinstance(OmegaConf.select(config, same[0]), DictConfig):
        return same[0]
    if (meant := KEYS.get(normal(name))) is not None:
        return _with_option(meant, value)
    if advice(name) or _of_other_options(name, path):
        return None
    if whole := closest(key, keys):
        return _with_option(whole, value)
    if found := closest(name, own):
        return _with_option(f"{prefix}{found}", value)
    leaves = {one.rpartition(".")[2]: one for one in reversed(keys)}
    return leaves[found] if (found := closest(name, leaves)) else None


def _inner(config: DictConfig, key: str) -> tuple[list[str], str]:
    """Return the part of a key that is legal, and the first name after it."""
    node, path = config, list[str]()
    names = key.split("@")[0].replace("/", ".").split(".")
    for name in names[:-1]:
        if not isinstance(node, DictConfig) or name not in node or not isinstance(node[name], DictConfig):
            return path, name
        path.append(name)
        node = node[name]
    return path, names[-1]


def _names(config: DictConfig, path: Sequence[str]) -> list[str]:
    """Return the keys of an inner node."""
    node: Any = config
    for name in path:
        node = node[name]
    return [str(name) for name in node if name not in ("hydra", "_target_")]


def _keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the keys of a config with dots, without those of Hydra; inner ones after their groups."""
    for name in map(str, node):
        if name in ("hydra", "_target_"):
            continue
        yield f"{prefix}{name}"
        if OmegaConf.is_interpolation(node, name) or OmegaConf.is_missing(node, name):
            continue
        if isinstance(inner := node[name], DictConfig):
            yield from _keys(inner, f"{prefix}{name}.")


def _with_option(key: str, value: str) -> str:
    """Return a group as `group=option` where the value is one of its options."""
    group = key.removeprefix("+")
    if group in ALL_GROUPS and value in choices(group):
        return f"{key}={value}"
    return key


def _of_other_options(name: str, path: Sequence[str]) -> str:
    """Say which options of a group have a key that the chosen one lacks."""
    groups = path[:1] or GROUPS
    return next(filter(None, (of_other_options(group, name) for group in groups)), "")
