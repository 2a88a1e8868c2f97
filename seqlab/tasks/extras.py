"""Is the optional package there? The loaders' lazy import, with a refusal that says what to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from seqlab.types import ConfigError


def import_extra(module: str) -> ModuleType:
    """Import a module of a package that only the `data` extra installs.

    Raises:
        ConfigError: the package is missing; the one line names it and the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise ConfigError(f"{package} is not installed: pip install 'seqlab[data]'") from error
