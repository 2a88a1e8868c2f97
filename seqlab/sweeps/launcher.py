"""Launch of a Hydra sweep's jobs as few programs; `hydra_plugins.seqlab_launcher` is the plugin."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from seqlab.registry import blame
from seqlab.runs.compose import request_of
from seqlab.runs.last import command_line
from seqlab.runs.outcome import cost_of
from seqlab.runs.request import Request
from seqlab.sweeps.cluster import require_one_process
from seqlab.sweeps.config_loader import CopyingLoader
from seqlab.sweeps.programs import Sharing, execute_all, submit_all
from seqlab.sweeps.resume import resuming
from seqlab.sweeps.search.stream import Stream
from seqlab.sweeps.search.trials import Job, Trials


class SweepLauncher:
    """Executes the jobs of a sweep, on this machine or on a cluster."""

    def __init__(
        self,
        context: HydraContext,
        config: DictConfig,
        cluster: Mapping[str, Any] | None = None,
        **sharing: Any,
    ) -> None:
        """Prepare to launch.

        Args:
            context: Hydra's. Its config loader is replaced by one that copies similar configs, which the
                sweeper then uses too.
            config: the config of the sweep.
            cluster: the settings of `seqlab.sweeps.cluster.submit`; None for this machine.
            sharing: the fields of `Sharing`.

        Raises:
            ConfigError: a value of `sharing` that is not legal, or jobs of several processes.
        """
        with blame("hydra.launcher."):
            self._sharing = Sharing(**sharing)
        require_one_process(cluster or {})
        context.config_loader = cast("ConfigLoader", CopyingLoader(context.config_loader))
        self._context, self._config, self._cluster = context, config, cluster

    def search(self, trials: Trials, size: int) -> bool:
        """Execute the trials of a search, each as soon as there is room for it in a program.

        Args:
            trials: the trials.
            size: how many run at a time.

        Returns:
            Whether it did so. The jobs of a cluster are launched in batches instead.
        """
        if self._cluster is not None:
            return False
        folder = self._begin()

        def request_of(job: Job) -> Request:
            return self._open(job.number, list(job.overrides)).return_value

        with _how_to_continue(folder):
            Stream(trials, request_of, self._sharing, size).run()
        return True

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Execute jobs, each given by its overrides, and return their results in order."""
        sweep_folder = self._begin()
        results = [
            self._open(initial_job_idx + index, list(overrides))
            for index, overrides in enumerate(job_overrides)
        ]
        requests = [result.return_value for result in results]
        with _how_to_continue(sweep_folder):
            if self._cluster is None:
                outcomes = execute_all(requests, self._sharing)
            else:
                outcomes = submit_all(requests, self._sharing, sweep_folder / ".submitit", self._cluster)
        for result, outcome in zip(results, outcomes, strict=True):
            try:
                result.return_value = cost_of(outcome)
            except Exception as error:
                result.return_value, result.status = error, JobStatus.FAILED
        return results

    def _begin(self) -> Path:
        """Prepare Hydra for jobs, and return the folder of the sweep."""
        setup_globals()
        hydra = self._config.hydra
        configure_log(hydra.hydra_logging, hydra.verbose)
        folder = Path(str(hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _open(self, number: int, overrides: list[str]) -> JobReturn:
        """Create a job's folder with its `.hydra/`, and return the job's request as its result."""
        config = self._context.config_loader.load_sweep_config(self._config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        return run_job(
            task_function=request_of,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self._context,
        )


@contextlib.contextmanager
def _how_to_continue(folder: Path) -> Generator[None]:
    """Print the command that continues a sweep where it is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"to continue: {command_line(resuming(folder))}", flush=True)
        raise
