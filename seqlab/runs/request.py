"""What a run is asked to be: a config, the names chosen for its groups, and a folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seqlab.registry import choices, require_keys
from seqlab.runs.explain import in_one_line
from seqlab.types import ConfigError

KEYS = (
    *("cell", "task", "architecture", "optimizer", "schedule", "loss", "metrics", "training"),
    *("recurrence", "gradients", "diagnostics", "tracking", "callbacks", "seed", "name", "notes"),
    *("resume", "init_from", "allow_changes", "overwrite", "debug", "sweep", "distributed"),
)
"""The top-level keys of a config."""

MAY_BE_EMPTY = ("loss", "metrics", "diagnostics", "callbacks")
"""The keys that a config may lack, as those of older run folders do."""

SINCE: dict[str, Any] = {
    **dict.fromkeys(("name", "notes", "init_from", "debug")),
    **dict.fromkeys(("allow_changes", "overwrite"), False),
    "recurrence": {"_target_": "seqlab.recurrence.RecurrenceSettings"},
    "distributed": {"_target_": "seqlab.training.Distributed"},
}
"""The further keys that older run folders lack, with their values."""

FORMER_TARGETS = {
    "seqlab.recurrence.Settings": "seqlab.recurrence.RecurrenceSettings",
    "seqlab.diagnostics.Settings": "seqlab.diagnostics.GradientDiagnostics",
}
"""The present `_target_` of a group for one that older run folders name."""

RESUMES = ("resume", "sweep.resume")
"""The keys by which a run or a sweep is resumed. They do not distinguish runs."""

SWEEP_KEYS = ("resume",)
"""The keys of the group `sweep`."""

TEXTS = ("name", "notes")
"""The keys that describe a run in the user's words."""

NAMED = ("cell", "architecture", "task", "experiment")
"""The groups whose chosen names a summary records."""


@dataclasses.dataclass(frozen=True)
class Request:
    """A run that was asked for. It can be pickled, so that another process or machine can execute it.

    Attributes:
        config: the config as Hydra composes it from `conf/train.yaml`, without the node `hydra`.
        choices: the name chosen for each group of the config, as Hydra records them.
        folder: the run folder.
        hydra: the node `hydra` of the config; None where it is not known.
        overrides: the overrides that the config was composed of, without those of the node `hydra`.
    """

    config: DictConfig
    choices: Mapping[str, Any]
    folder: Path
    hydra: DictConfig | None = None
    overrides: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, Any]:
        """The names chosen for cell, architecture, task and experiment; None where there is none."""
        return {group: self.choices.get(group) for group in NAMED}

    @property
    def identity(self) -> dict[str, Any]:
        """The part of the summary that is known before any object is made."""
        texts = {key: self.config.get(key) for key in TEXTS}
        given = {key: str(text) for key, text in texts.items() if text is not None}
        return {**self.names, "seed": self.config.get("seed"), **given}


def overrides_in(hydra: Any) -> tuple[str, ...]:
    """Return the overrides that Hydra's node records, as they were written, interpolations included."""
    found: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return tuple(map(str, found))


def resolve(config: DictConfig) -> dict[str, Any]:
    """Return a config as plain dicts and lists, its interpolations replaced by their values.

    Raises:
        ConfigError: a key that nothing reads, a value that is missing, or a number that is not finite.
    """
    try:
        plain = cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True, throw_on_missing=True))
    except OmegaConfBaseException as error:
        raise ConfigError(in_one_line(error)) from error
    plain = {**{key: {} for key in MAY_BE_EMPTY}, **plain}
    require_keys(plain, KEYS)
    plain = as_today(plain)
    for key in KEYS:
        if key not in plain:
            raise ConfigError(f"{key} is missing: the legal keys are {', '.join(KEYS)}")
    if not isinstance(plain["sweep"], dict):
        raise ConfigError(f"sweep must be a group of keys, got {plain['sweep']!r}")
    require_keys(plain["sweep"], SWEEP_KEYS, "sweep")
    plain["sweep"].setdefault("resume", None)
    if not isinstance(plain["sweep"]["resume"], (str, type(None))):
        raise ConfigError(f"sweep.resume must be null or a folder, got {plain['sweep']['resume']!r}")
    for key in ("allow_changes", "overwrite"):
        if not isinstance(plain[key], bool):
            raise ConfigError(f"{key} must be true or false, got {plain[key]!r}")
    seed = plain["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigError(f"seed must be a non-negative integer below 2**32, got {seed!r}")
    if plain["debug"] not in (None, *(legal := choices("debug"))):
        raise ConfigError(f"debug must be null or one of {', '.join(legal)}, got {plain['debug']!r}")
    if not isinstance(plain["resume"], (str, type(None))):
        raise ConfigError(f"resume must be null, auto, last or a run folder, got {plain['resume']!r}")
    for key in TEXTS:
        if isinstance(plain[key], (bool, dict, list)):
            raise ConfigError(f"{key} must be null or a text, got {plain[key]!r}")
    if not isinstance(plain["init_from"], (str, type(None))):
        raise ConfigError(f"init_from must be null or a run folder, got {plain['init_from']!r}")
    _require_finite(plain, "")
    return plain


def as_today(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved config of a run folder with what was added or renamed since it was written."""
    found = {**SINCE, **config}
    for key, node in found.items():
        if isinstance(node, Mapping) and (target := FORMER_TARGETS.get(str(node.get("_target_")))):
            found[key] = {**node, "_target_": target}
    return found


def _require_finite(node: Any, path: str) -> None:
    if isinstance(node, Mapping):
        for key, value in node.items():
            _require_finite(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, float) and not math.isfinite(node):
        raise ConfigError(f"{path} must be a finite number, got {node}")
