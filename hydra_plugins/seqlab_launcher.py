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
        """Take the keys of the files of `conf/hydra/launcher/` that name this class."""
        self._settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare to launch the jobs of a sweep."""
        from seqlab.sweeps.launcher import SweepLauncher

        self._launcher = SweepLauncher(hydra_context, config, self._execute(), self._sharing())

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs, each given by its overrides, and return their results in order."""
        return self._launcher.launch(job_overrides, initial_job_idx)

    def search(self, trials: Any, size: int) -> bool:
        """Run the trials of a search; return whether this launcher does so, rather than in batches."""
        return self._launcher.search(trials, size)

    def _sharing(self) -> Any:
        """Return how trials of a search share a program of this process; None where jobs run elsewhere."""
        from seqlab.sweeps.launcher import SHARING, sharing_of

        if "cluster" in self._settings or self._settings.get("processes") not in (None, 1):
            return None
        return sharing_of({name: self._settings[name] for name in SHARING if name in self._settings})

    def _execute(self) -> Any:
        """Return what executes the runs of a sweep."""
        from seqlab.sweeps.launcher import by_itself, by_submitit, in_one_process

        ways = {"cluster": by_submitit, "processes": by_itself}
        execute = next((way for key, way in ways.items() if key in self._settings), in_one_process)
        return execute(**self._settings)


class RayLauncher(VectorizedLauncher):
    """The same, but each program is a task of Ray; its keys are in `conf/hydra/launcher/ray.yaml`."""

    def _execute(self) -> Any:
        from seqlab.sweeps.launcher import by_ray

        return by_ray(**self._settings)

    def _sharing(self) -> None:
        """Return None: all jobs are tasks."""
