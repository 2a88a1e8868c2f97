"""Config loader of a large sweep, which composes one of several similar jobs and copies it for the others."""

from __future__ import annotations

import pickle
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf


class CopyingLoader:
    """A Hydra config loader that composes jobs once where they differ in single values alone.

    Composition by Hydra takes some 50 ms a job. Everything but `load_sweep_config` is delegated to the loader
    that is wrapped.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        """Wrap a loader."""
        self._loader = loader
        self._composed: dict[tuple[str, ...], bytes] = {}
        self._parsed: dict[str, Override] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Compose the config of one job; see Hydra's `ConfigLoader`."""
        parsed = [self._parse(override) for override in sweep_overrides]
        similar = tuple(
            one.key_or_group if _sets_a_value(one) else override
            for one, override in zip(parsed, sweep_overrides, strict=True)
        )
        if similar not in self._composed:
            composed = self._loader.load_sweep_config(master_config, sweep_overrides)
            self._composed[similar] = pickle.dumps(composed)
        config: DictConfig = pickle.loads(self._composed[similar])  # some times faster than `copy.deepcopy`
        of_task = [one for one in parsed if not one.is_hydra_override()]
        for one in filter(_sets_a_value, of_task):
            OmegaConf.update(config, one.key_or_group, one.value())
        config.hydra.overrides.task = [one.input_line for one in of_task]
        naming = config.hydra.job.config.override_dirname
        named = (str(one.input_line) for one in of_task if one.key_or_group not in naming.exclude_keys)
        config.hydra.job.override_dirname = naming.item_sep.join(sorted(named)).replace("=", naming.kv_sep)
        return config

    def _parse(self, override: str) -> Override:
        if override not in self._parsed:
            parser = OverridesParser.create(config_loader=self._loader)
            self._parsed[override] = parser.parse_override(override)
        return self._parsed[override]


def _sets_a_value(override: Override) -> bool:
    """Return whether an override gives an existing key a number, true, false or null, and chooses no file."""
    is_key = override.key_or_group == "seed" or "." in override.key_or_group
    is_plain = not (override.is_add() or override.is_force_add() or override.is_delete())
    if not (is_key and is_plain) or override.is_hydra_override() or override.is_sweep_override():
        return False
    return override.value() is None or isinstance(override.value(), (int, float))
