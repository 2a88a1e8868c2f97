"""One-line messages for Hydra's errors, with the legal values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Sweep
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from seqlab.near_misses import closest, did_you_mean, elsewhere, equal, near_miss, normal
from seqlab.registry import GROUPS, choices, files_of, settings_of
from seqlab.runs.suggestions import suggest_key
from seqlab.synonyms import OPTIONS
from seqlab.types import ConfigError

HYDRA_ERRORS = (HydraException, OmegaConfBaseException)
"""What Hydra raises where the command line or a config file is wrong."""

NAMING = ("cell", "task", "architecture", "optimizer", "schedule", "experiment")
"""The groups whose options have names of their own; others have `none` or `default`."""

REQUIRED = (
    *("cell", "task", "architecture", "optimizer", "schedule", "training"),
    *("recurrence", "distributed", "gradients", "tracking"),
)
"""The groups that a run cannot be without."""

OPEN = {
    "metrics": "the task's own metrics are always reported; a further one is metrics.NAME._target_=FUNCTION",
    "diagnostics": "a diagnostic is named by diagnostics.NAME._target_=CLASS",
    "callbacks": "a callback is named by callbacks.NAME._target_=CLASS",
    "tracking": "a tracker is named by tracking.NAME._target_=CLASS",
}
"""How a node is added to each group of named nodes."""

EXTRAS = {
    "hydra/launcher/submitit_slurm": "slurm",
    "hydra/launcher/submitit_local": "slurm",
}
"""The extra of our package that installs another package's choice."""

_RANGE = re.compile(r"(\d+)(?:\.{2,3}|[-:])(\d+)")

Compose = Callable[[Sequence[str]], DictConfig]
"""Composes a config from overrides."""


def explain(error: Exception, overrides: Sequence[str], compose: Compose) -> ConfigError:
    """Return Hydra's error as one line, with the legal values where they are known.

    Args:
        error: what Hydra raised.
        overrides: the overrides that Hydra was given.
        compose: composes a config from other overrides, in the same search path.
    """
    try:
        if isinstance(error, MissingConfigException) and error.missing_cfg_file:
            return _missing_choice(error)
        if isinstance(error, ConfigCompositionException) and (key := _unknown_key(error)):
            return _misspelt(key, overrides, compose)
    except HYDRA_ERRORS:  # the choices cannot be composed either
        pass
    return ConfigError(in_one_line(error))


def in_one_line(error: Exception) -> str:
    """Return the message of an error of Hydra or OmegaConf in one line, with its key first if it is known."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = getattr(error, "full_key", None)
    return f"{key}: {lines[0]}" if key and lines else "; ".join(lines)


def require_choices(overrides: Sequence[str]) -> None:
    """Raise ConfigError where an override cannot be read, or gives a group something else than an option.

    Hydra's own errors do not name the override there.
    """
    for word in overrides:
        try:
            one = OverridesParser.create().parse_override(word)
        except HydraException as error:
            if remedy := _quoted(word):
                message = f"{word} cannot be read: quote its value, in a shell as '{remedy}'"
                raise ConfigError(message) from error
            reason = str(error).splitlines()[0]
            shown = " ".join(word.split())
            raise ConfigError(f"{shown} is not an override key=value: {reason}") from error
        key, value = one.key_or_group, one.value()
        if key == "seed" and isinstance(value, str) and (ends := _RANGE.fullmatch(value)):
            several = f'-m seed="range({ends[1]},{int(ends[2]) + 1})"'
            raise ConfigError(f"{word} is no number: write {several} for the seeds {ends[1]} to {ends[2]}")
        if not key or key == "hydra":
            raise ConfigError(f"{word} has no key that can be set: legal are the keys of the config")
        if key not in (*GROUPS, "experiment", "debug") or (key == "debug" and value is None):
            continue
        if one.is_delete() and value is None:
            if key in REQUIRED:
                raise _no_option(key, f"{word} removes what a run needs")
        elif not isinstance(value, (str, list, Sweep)) or not value:
            hint = near_miss(str(value), choices(key), f"{key}=")
            raise _no_option(key, f"{word} names no option{hint}")


def _no_option(group: str, complaint: str) -> ConfigError:
    """Return the refusal of what is no option of a group; of a group with one option, its keys are meant."""
    legal = choices(group)
    keys = [f"{group}.{key}" for key in settings_of(group, legal[0]) if key != "_target_"]
    if len(legal) == 1 and keys:
        return ConfigError(f"{complaint}: {group} is a group of keys: {', '.join(keys)}")
    return ConfigError(f"{complaint}: legal values of {group} are {', '.join(legal)}")


def _missing_choice(error: MissingConfigException) -> ConfigError:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    if extra := EXTRAS.get(str(error.missing_cfg_file)):
        return ConfigError(f"{group}={name} is not installed: pip install 'seqlab[{extra}]'")
    legal = list(error.options or ())
    is_known = equal(name, legal) or normal(name) in OPTIONS.get(group, {})
    hint = "" if is_known else _elsewhere(group, name)
    hint = hint or near_miss(name, legal, f"{group}=") or _of_optax(group, name, closest)
    return ConfigError(f"{group}={name}{hint}: legal values are {', '.join(legal) or 'none'}")


def _elsewhere(group: str, name: str) -> str:
    """Say which function of optax, which option of another group or which key is called so."""
    if found := _of_optax(group, name, equal):
        return found
    others = (other for other in NAMING if other != group and name in files_of(other))
    if other := next(others, None):
        return did_you_mean(f"{'+' * (other == 'experiment')}{other}={name}")
    return (elsewhere(name) or f" ({OPEN[group]})") if group in OPEN else ""


def _of_optax(group: str, name: str, search: Callable[[str, Collection[str]], str | None]) -> str:
    """Say which function of optax was meant by an option of a group; empty where none was.

    Args:
        group: of the config.
        name: what was written.
        search: returns the legal name that a given one is like.
    """
    from seqlab.metrics.measures import losses  # imports JAX
    from seqlab.training.optimizers import optimizers, schedules

    tables = {"optimizer": optimizers, "schedule": schedules, "loss": losses}
    if group not in tables:
        return ""
    found = search(name.removeprefix("optax."), tables[group]())
    return did_you_mean(f"{group}=optax {group}.name={found}") if found else ""


def _quoted(override: str) -> str | None:
    """Return an override with its value in quotation marks; None where that is no override either."""
    key, equals, value = override.partition("=")
    escaped = value.replace('"', '\\"')
    quoted = f'{key}="{escaped}"'
    try:
        OverridesParser.create().parse_override(quoted)
    except HydraException:
        return None
    return quoted if equals else None


def _unknown_key(error: ConfigCompositionException) -> str | None:
    """Return the key of an override that the config lacks; None where the error is about something else."""
    words = str(error).split("'")
    return words[1] if str(error).startswith("Could not override") and len(words) > 2 else None


def _misspelt(key: str, overrides: Sequence[str], compose: Compose) -> ConfigError:
    """Name the legal keys where an override's path leaves the config of the choices that were made."""
    if key.partition("=")[0] == "experiment":
        name = _value_of(key, overrides) or "NAME"
        hint = "" if name in choices("experiment") else near_miss(name, choices("experiment"), "+experiment=")
        return ConfigError(f"experiment is added, not overridden: write +experiment={name}{hint}")
    chosen = {one.key_or_group: one for one in _choices(overrides)}
    config = compose([_first_value(one) for one in chosen.values()])
    node, path = config, []
    name = None
    for name in key.split("@")[0].replace("/", ".").split("."):
        if not isinstance(node, DictConfig) or name not in node:
            break
        path.append(name)
        node, name = node[name], None
    legal = [str(k) for k in node if k not in ("hydra", "_target_")] if isinstance(node, DictConfig) else []
    group = "".join(path[:1])
    chooser = "task" if group == "architecture" and group not in chosen else group
    if chooser in chosen and chosen[chooser].is_sweep_override():
        return ConfigError(
            f"{key} is not a key: where {chooser} is swept, write ++{key}, and every choice must have it"
        )
    if name is None or not legal:
        return ConfigError(f"{key} cannot be overridden here: it takes no value of this form")
    hint = suggest_key(key, _value_of(key, overrides), config)
    where = f" of {'.'.join(path)}" if path else ""
    return ConfigError(f"{key} is not a key{hint}: the legal keys{where} are {', '.join(legal)}")


def _choices(overrides: Sequence[str]) -> list[Override]:
    """Return the overrides that choose an option of a group, an experiment included."""
    groups = (*GROUPS, "experiment")
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [one for one in parsed if one.key_or_group.partition("/")[0] in groups and not one.is_delete()]


def _value_of(key: str, overrides: Sequence[str]) -> str:
    """Return what a key is set to, as it was written."""
    found = (word.partition("=")[2] for word in overrides if word.lstrip("+~").partition("=")[0] == key)
    return next(found, "")


def _first_value(override: Override) -> str:
    """Return an override as it was written, and of one that sweeps, its first value."""
    if not override.is_choice_sweep():
        return str(override.input_line)
    return f"{override.get_key_element()}={next(iter(override.sweep_string_iterator()))}"
