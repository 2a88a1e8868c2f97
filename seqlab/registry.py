"""The resolver of names: config folders, `_target_`s, and optional packages."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from seqlab.types import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "conf"

CONF = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "conf"
"""The folder of the Hydra groups: inside an installed wheel, beside the package in a checkout."""

ALLOWED = ("seqlab", "flax.linen", "optax", "jax.nn")
"""Where a `_target_` may point: a config must not be able to run any code there is."""

NOT_KEYS = ("parent", "name", "share")
"""Arguments of targets that a config does not set."""


def make(plain: Mapping[str, Any], group: str, prefix: str = "", **further: Any) -> Any:
    """Call the `_target_` of a group with the group's keys and the further arguments.

    Args:
        plain: the config that holds the group, as plain dicts.
        group: the group's name.
        prefix: the path of `plain`, for messages, with a dot at its end.
        further: arguments that the config does not set.

    Raises:
        ConfigError: a key, a value or a target that is not legal.
    """
    settings = {key: _value(value, f"{prefix}{group}.{key}") for key, value in plain[group].items()}
    target = locate(settings.pop("_target_", None), f"{prefix}{group}")
    legal = [name for name in inspect.signature(target).parameters if name not in NOT_KEYS]
    for key in settings:
        if key not in legal:
            offered = ", ".join(name for name in legal if name not in further)
            raise ConfigError(f"{prefix}{group}.{key} is not a key of {target.__name__}: legal are {offered}")
    with blame(f"{prefix}{group}."):
        return target(**{**settings, **further})


def _value(value: Any, path: str) -> Any:
    """Turn a config value into an argument: a list into a tuple, a nested target into what it names."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, Mapping) and "_target_" in value:
        return functools.partial(
            locate(value["_target_"], path), **{k: v for k, v in value.items() if not k.startswith("_")}
        )
    return value


def locate(target: Any, path: str) -> Callable[..., Any]:
    """Return what a `_target_` names, if it may be named.

    Args:
        target: a dotted name.
        path: the config key that holds it, for the message.

    Raises:
        ConfigError: the name lies, or leads, outside `ALLOWED`, or names nothing that can be called.
    """
    package = next((name for name in ALLOWED if str(target).startswith(f"{name}.")), None)
    found = _find(str(target)) if package else None
    home = (getattr(found, "__module__", None) or "").partition(".")[0]
    if package is None or (found is not None and home != package.partition(".")[0]):
        raise ConfigError(f"{path}._target_={target} is refused: legal are names in {', '.join(ALLOWED)}")
    if not callable(found):
        raise ConfigError(f"{path}._target_={target} names nothing that can be called")
    return found


def _find(target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


@contextlib.contextmanager
def blame(prefix: str) -> Generator[None, None, None]:
    """Turn what an object says against its arguments into a ConfigError that names the config key."""
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{prefix}{error}") from error


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
