"""One-line messages for Hydra's errors, with the legal values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Sweep
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from seqlab.registry import choices, near_miss
from seqlab.types import ConfigError

HYDRA_ERRORS = (HydraException, OmegaConfBaseException)
"""What Hydra raises where the command line or a config file is wrong."""

GROUPS = (
    *("cell", "task", "architecture", "optimizer", "schedule", "loss", "metrics", "training"),
    *("gradients", "diagnostics", "tracking", "callbacks"),
)
"""The groups whose keys depend on the choice."""

EXTRAS = {
    "hydra/launcher/submitit_slurm": "slurm",
    "hydra/launcher/submitit_local": "slurm",
    "hydra/launcher/ray": "ray",
    "hydra/sweeper/optuna": "optuna",
}
"""The extra of our package that installs another package's choice."""

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
        if not key or key == "hydra":
            raise ConfigError(f"{word} has no key that can be set: legal are the keys of the config")
        if key not in (*GROUPS, "experiment") or (one.is_delete() and value is None):
            continue
        if not isinstance(value, (str, list, Sweep)):
            raise ConfigError(f"{word} names no option: legal values of {key} are {', '.join(choices(key))}")


def _missing_choice(error: MissingConfigException) -> ConfigError:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    if extra := EXTRAS.get(str(error.missing_cfg_file)):
        return ConfigError(f"{group}={name} is not installed: pip install 'seqlab[{extra}]'")
    legal = list(error.options or ())
    hint = near_miss(name, legal, f"{group}=")
    return ConfigError(f"{group}={name}{hint}: legal values are {', '.join(legal) or 'none'}")


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
    if key.split("=")[0] == "experiment":
        return ConfigError("experiment is added, not overridden: write +experiment=NAME")
    chosen = {one.key_or_group: one for one in _choices(overrides)}
    node, path = compose([_first_value(one) for one in chosen.values()]), []
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
    hint = near_miss(name, legal, "".join(f"{part}." for part in path))
    where = f" of {'.'.join(path)}" if path else ""
    return ConfigError(f"{key} is not a key{hint}: the legal keys{where} are {', '.join(legal)}")


def _choices(overrides: Sequence[str]) -> list[Override]:
    """Return the overrides that choose an option of a group, an experiment included."""
    groups = (*GROUPS, "experiment")
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [one for one in parsed if one.key_or_group.partition("/")[0] in groups and not one.is_delete()]


def _first_value(override: Override) -> str:
    """Return an override as it was written, and of one that sweeps, its first value."""
    if not override.is_choice_sweep():
        return str(override.input_line)
    return f"{override.get_key_element()}={next(iter(override.sweep_string_iterator()))}"
