"""Plug-ins: packages that the environment names, and their config folders.

A package is a plug-in if its distribution has an entry point of the group `seqlab.plugins`, or if the
environment variable `SEQLAB_PLUGINS` names it. A config or a run folder can not add one.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import os
from pathlib import Path

from seqlab.types import ConfigError

ENTRY_POINTS = "seqlab.plugins"
"""The group of entry points, each `name = "package"`."""

VARIABLE = "SEQLAB_PLUGINS"
"""The environment variable: packages on the path, separated by commas."""


def plugins() -> tuple[str, ...]:
    """Return the names of the plug-ins' packages, without importing them."""
    return _named(os.environ.get(VARIABLE, ""))


@functools.cache
def _named(variable: str) -> tuple[str, ...]:
    installed = [entry.value for entry in importlib.metadata.entry_points(group=ENTRY_POINTS)]
    named = [name.strip() for name in variable.split(",") if name.strip()]
    return tuple(dict.fromkeys([*installed, *named]))


def require_plugins() -> None:
    """Import every plug-in.

    Raises:
        ConfigError: one cannot be imported; the message names it.
    """
    for package in plugins():
        import_plugin(package, package)


def import_plugin(module: str, package: str) -> object:
    """Import a module of a plug-in.

    Raises:
        ConfigError: it cannot be imported, whatever it raises.
    """
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"plug-in {package} cannot be imported: {reason}") from error


def config_folders() -> list[Path]:
    """Return the folder `conf` of each plug-in that has one."""
    folders = []
    for package in plugins():
        spec = importlib.util.find_spec(package.partition(".")[0])
        for place in (spec.submodule_search_locations or ()) if spec else ():
            folders.append(Path(place, *package.split(".")[1:], "conf"))
    return [folder for folder in folders if folder.is_dir()]
