"""Trust in Hydra's own nodes: its callbacks, launcher and sweeper, before Hydra instantiates them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from seqlab.registry import require_trusted
from seqlab.runs.compose import compose_config

PLUGINS = ("hydra_plugins.", "hydra._internal.core_plugins.", "optuna.samplers.", "optuna.pruners.")
"""What a launcher or a sweeper may name besides trusted packages: Hydra's plug-ins are installed ones."""

_HARMLESS = re.compile(r"hydra(/(launcher|sweeper)=\w+|\.(run\.dir|sweep\.dir|sweep\.subdir|job\.\w+)=[^{]*)")
"""Overrides of Hydra's node that can name no target."""


def require_trusted_hydra(overrides: Sequence[str], config_dir: str | Path | None) -> None:
    """Refuse a command whose callbacks, launcher or sweeper are not of a trusted package.

    Our own configs and those of plug-ins are trusted, so nothing is composed where a command uses no others.

    Args:
        overrides: the overrides of the command.
        config_dir: its folder of further configs; None for none.

    Raises:
        ConfigError: a `_target_` that is refused, or an override that does not fit.
    """
    suspicious = [word for word in overrides if "hydra" in word or ".." in word]
    if config_dir is None and all(_HARMLESS.fullmatch(word) for word in suspicious):
        return
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    fixed = [str(override.input_line) for override in parsed if not override.is_sweep_override()]
    config = compose_config(fixed, config_dir)
    for key, also in (("callbacks", ()), ("launcher", PLUGINS), ("sweeper", PLUGINS)):
        node = OmegaConf.select(config, f"hydra.{key}")
        plain = OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node
        require_trusted(plain, f"hydra.{key}", also)
