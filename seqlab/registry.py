"""Resolver of names: config files, `_target_`s and optional packages."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from seqlab.near_misses import elsewhere, near_miss
from seqlab.plugins import config_folders, import_plugin, plugins
from seqlab.types import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "conf"

CONF = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "conf"
"""The folder of the Hydra groups: in the package of an installed wheel, next to it in a checkout."""

ALLOWED = ("seqlab", "flax.linen", "optax", "jax.nn")
"""The packages that a `_target_` may name, besides the plug-ins. A config can not run any other code."""

FACTORIES = ("seqlab.metrics", "seqlab.tasks", "seqlab.training.optimizers", "seqlab.training.schedules")
"""Where the functions of seqlab are that a `_target_` may name. Others import modules or write files."""

LINEN_FIELDS = ("parent", "name")
"""Fields that Flax adds to every module; a config does not set them."""


GROUPS = (
    *("cell", "task", "architecture", "optimizer", "schedule", "loss", "metrics", "training"),
    *("recurrence", "distributed", "gradients", "diagnostics", "tracking", "callbacks"),
)
"""The groups whose keys depend on the choice."""

ALL_GROUPS = (*GROUPS, "debug", "experiment", "hydra/launcher", "hydra/sweeper")
"""The groups whose options a user chooses."""


def choices(group: str) -> list[str]:
    """Return the names of a config group, such as `cell`: those of its YAML files, plug-ins included."""
    return sorted(files_of(group))


def files_of(group: str) -> dict[str, Path]:
    """Return the YAML files of a group by name; of two with one name, the first in Hydra's search path."""
    folders = reversed([CONF, *config_folders()])
    return {path.stem: path for folder in folders for path in (folder / group).glob("*.yaml")}


def options_with(group: str, key: str) -> list[str]:
    """Return the names of a group's options whose YAML files have a key."""
    return [name for name in choices(group) if key in settings_of(group, name)]


def of_other_options(group: str, key: str) -> str:
    """Return which options of a group have a key, in brackets; empty where none has it."""
    if not (options := options_with(group, key)):
        return ""
    more = f" and {len(options) - 1} other options" if options[1:] else ""
    return f" ({group}.{key} is a key of {group}={options[0]}{more})"


def settings_of(group: str, name: str) -> dict[str, Any]:
    """Return the content of `conf/<group>/<name>.yaml`, without its Hydra `defaults`.

    Raises:
        ConfigError: the group has no such file; the message lists the legal names.
    """
    files = files_of(group)
    if name not in files:
        legal = sorted(files)
        raise ConfigError(
            f"{group}={name}: legal values are {', '.join(legal)}{near_miss(name, legal, f'{group}=')}"
        )
    settings = yaml.safe_load(files[name].read_text(encoding="utf-8")) or {}
    settings.pop("defaults", None)
    return settings


def make(settings: Any, path: str, **arguments: Any) -> Any:
    """Call the `_target_` of a config node with the node's other keys and with further arguments.

    Args:
        settings: the node, as plain dicts and lists. Lists become tuples. A nested node with a `_target_`,
            also one in a list, becomes a `functools.partial` of that target.
        path: the node's key, such as `cell`, for messages.
        arguments: arguments that the config does not set.

    Raises:
        ConfigError: a key, a value or a target that is not legal.
    """
    target, values = _resolved(settings, path, arguments)
    for name, parameter in inspect.signature(target).parameters.items():
        is_named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if is_named and parameter.default is parameter.empty and name not in {**values, **arguments}:
            raise ConfigError(f"{path}.{name} is missing: {path} is {settings['_target_']}, which needs it")
    with blame(f"{path}."):
        return target(**values, **arguments)


def bind(settings: Any, path: str, arguments: Collection[str] = ()) -> functools.partial[Any]:
    """Return what a config node names, with the node's other keys as arguments.

    Args:
        settings: the node, as `make` takes it.
        path: the node's key, for messages.
        arguments: those that a call gives, which a config does not set.

    Raises:
        ConfigError: as `make`.
    """
    target, values = _resolved(settings, path, arguments)
    return functools.partial(target, **values)


def _resolved(
    settings: Any, path: str, arguments: Collection[str] = ()
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return what a node's `_target_` names, and the values of its other keys."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{path} must be a group of keys with a _target_, got {settings!r}")
    if settings and "_target_" not in settings:
        key = next(iter(settings))
        raise ConfigError(
            f"{path}.{key} is not a key{of_other_options(path, key)}: what was chosen for {path} has no keys"
        )
    target = locate(settings.get("_target_"), path)
    values = {key: _value(value, f"{path}.{key}") for key, value in settings.items() if key != "_target_"}
    if (legal := config_keys(target)) is not None:
        require_keys(values, [key for key in legal if key not in arguments], path)
    return target, values


def _value(value: Any, path: str) -> Any:
    """Return a config value as an argument."""
    if isinstance(value, list):
        return tuple(_value(item, f"{path}.{index}") for index, item in enumerate(value))
    if isinstance(value, Mapping) and "_target_" in value:
        return bind(value, path)
    return value


def config_keys(target: Callable[..., Any]) -> list[str] | None:
    """Return the arguments of a target that a config may set; None where the target takes any.

    A dataclass keeps a field from configs by `field(metadata={"config": False})`.
    """
    parameters = inspect.signature(target).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    hidden = {name for name, marks in field_marks(target).items() if marks.get("config") is False}
    return [name for name in parameters if name not in hidden and name not in LINEN_FIELDS]


def field_marks(target: Callable[..., Any]) -> dict[str, Mapping[Any, Any]]:
    """Return the metadata of each field of a dataclass; nothing for any other target."""
    if not (isinstance(target, type) and dataclasses.is_dataclass(target)):
        return {}
    return {field.name: field.metadata for field in dataclasses.fields(target)}


def require_keys(given: Collection[str], legal: Collection[str], path: str = "") -> None:
    """Raise ConfigError where a key is not legal; the message names the legal ones and the nearest.

    Args:
        given: the keys of a node.
        legal: the keys that it may have.
        path: the node's own key; empty for the whole config.
    """
    for key in given:
        if key not in legal:
            full, whose = (f"{path}.{key}", f" of {path}") if path else (key, "")
            hint = near_miss(key, legal, f"{path}." if path else "")
            hint = hint or (of_other_options(path, key) if path else elsewhere(key))
            raise ConfigError(f"{full} is not a key{hint}: the legal keys{whose} are {', '.join(legal)}")


def locate(target: Any, path: str) -> Callable[..., Any]:
    """Return what a `_target_` names.

    Args:
        target: a dotted name.
        path: the config key that holds it, for the message.

    Raises:
        ConfigError: the name is not in `ALLOWED` or a plug-in, or leads out of them through an import, or is
            not callable, or is a function of seqlab outside `FACTORIES`; or a plug-in cannot be imported.
    """
    legal = (*ALLOWED, *plugins())
    package = next((name for name in legal if str(target).startswith(f"{name}.")), None)
    found = _find(str(target), package) if package else None
    home = str(getattr(found, "__module__", None) or "")
    roots = {name.partition(".")[0] for name in legal}
    if package is None or (found is not None and home.partition(".")[0] not in roots):
        raise ConfigError(f"{path}._target_={target} is refused: legal are names in {', '.join(legal)}")
    if inspect.isfunction(found) and home.startswith("seqlab.") and not _is_factory(home):
        functions = ", ".join(FACTORIES)
        raise ConfigError(
            f"{path}._target_={target} is refused: legal are classes of seqlab, and functions of {functions}"
        )
    if not callable(found):
        raise ConfigError(f"{path}._target_={target} names nothing that can be called")
    return found


def _is_factory(module: str) -> bool:
    return any(f"{module}.".startswith(f"{name}.") for name in FACTORIES)


def require_trusted(node: Any, path: str, also: Collection[str] = ()) -> None:
    """Raise ConfigError where a node, however deep, has a `_target_` that `locate` refuses.

    Args:
        node: a config node, as plain dicts and lists.
        path: the node's key, for the message.
        also: further packages that a target may be in, each with a dot at its end.
    """
    if isinstance(node, Mapping):
        target = node.get("_target_")
        if target is not None and not str(target).startswith(tuple(also)):
            locate(target, path)
        for key, value in node.items():
            require_trusted(value, f"{path}.{key}", also)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            require_trusted(value, f"{path}.{index}", also)


def _find(target: str, package: str) -> Any:
    module, _, name = target.rpartition(".")
    if package in plugins() and importlib.util.find_spec(package.partition(".")[0]) is not None:
        if module != package and not _exists(module):
            return None
        return getattr(import_plugin(module, package), name, None)
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextlib.contextmanager
def blame(prefix: str) -> Generator[None, None, None]:
    """Turn the ValueError or TypeError of an object's arguments into a ConfigError that names the key."""
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{prefix}{error}") from error


def require_extras(modules: Collection[str], extra: str = "data") -> None:
    """Raise ConfigError where a module of an extra is missing; none is imported."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise _missing(module, extra)


def import_extra(module: str, extra: str = "data") -> ModuleType:
    """Import a module of a package that only an extra installs.

    Raises:
        ConfigError: the package is missing; the message names it and the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(module, extra) from error


def _missing(module: str, extra: str = "data") -> ConfigError:
    package = module.partition(".")[0]
    return ConfigError(f"{package} is not installed: pip install 'seqlab[{extra}]'")
