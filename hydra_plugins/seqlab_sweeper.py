"""Hydra plugin that searches by Optuna instead of a grid.

Hydra imports this module whenever any Hydra application starts, so it imports nothing of seqlab until a sweep
uses it.
"""

from __future__ import annotations

from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SearchSweeper(Sweeper):
    """Hydra sweeper that asks Optuna for the values of each run, and tells it how the run ended."""

    def __init__(self, **_: Any) -> None:
        """Take the keys of `conf/hydra/sweeper/optuna.yaml`, which `setup` reads from the config."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare to search with the launcher of the config."""
        from seqlab.sweeps.search.sweeper import Search

        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        self._search = Search(config, hydra_context.config_loader, launcher)

    def sweep(self, arguments: list[str]) -> None:
        """Search, given the overrides of the command."""
        self._search.run(arguments)
