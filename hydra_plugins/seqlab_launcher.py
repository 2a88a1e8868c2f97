"""Hydra plugin that trains the jobs of a sweep as few compiled programs.

Hydra finds launchers in the namespace package `hydra_plugins` alone, and imports all of it whenever any Hydra
application starts. So this module imports nothing of seqlab until a sweep uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class VectorizedLauncher(Launcher):
    """Hydra launcher that trains jobs which differ in hyperparameters alone as one program.

    Each job has its own run folder, with the files that it would have when run by itself.
    """

    def __init__(self, **settings: Any) -> None:
        """Take the keys of `conf/hydra/launcher/vectorized.yaml`."""
        self._settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare to launch the jobs of a sweep."""
        from seqlab.sweeps.launcher import SweepLauncher

        self._launcher = SweepLauncher(hydra_context, config, **self._settings)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs, each given by its overrides, and return their results in order."""
        return self._launcher.launch(job_overrides, initial_job_idx)

    def search(self, trials: Any, size: int) -> bool:
        """Run the trials of a search; return whether this launcher does so, rather than in batches."""
        return self._launcher.search(trials, size)
