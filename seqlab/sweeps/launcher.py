"""Launch of a Hydra sweep's jobs as few programs; `hydra_plugins.seqlab_launcher` is the plugin."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jax
from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from seqlab.registry import blame
from seqlab.runs.compose import request_of
from seqlab.runs.last import command_line
from seqlab.runs.outcome import Outcome, cost_of
from seqlab.runs.request import Request
from seqlab.sweeps.cluster import require_one_process, submit
from seqlab.sweeps.config_loader import CopyingLoader
from seqlab.sweeps.processes import choose_processes
from seqlab.sweeps.processes import submit as submit_to_processes
from seqlab.sweeps.programs import Sharing, execute_all, submit_all
from seqlab.sweeps.ray_cluster import RayCluster
from seqlab.sweeps.resume import resuming
from seqlab.sweeps.search.stream import Stream
from seqlab.sweeps.search.trials import Job, Trials
from seqlab.training.devices import MOST_CPU_DEVICES, num_cores
from seqlab.types import ConfigError

Execute = Callable[[Sequence[Request], Path], list[Outcome]]
"""Executes the runs of a sweep, given its folder."""

SHARING = tuple(field.name for field in dataclasses.fields(Sharing))


def in_one_process(**sharing: Any) -> Execute:
    """Return what executes programs one after another in this process.

    Args:
        sharing: the fields of `Sharing`.

    Raises:
        ConfigError: a value that is not legal.
    """
    shared = sharing_of(sharing)
    return lambda requests, _: execute_all(requests, shared)


def by_itself(processes: int | None, **sharing: Any) -> Execute:
    """Return what executes programs on this machine in the best way, which it prints.

    Args:
        processes: the number of programs at a time, each in a process of its own; None to choose it.
        sharing: the fields of `Sharing`.

    Raises:
        ConfigError: a value that is not legal.
    """
    shared = sharing_of(sharing)
    if processes is not None and (type(processes) is not int or processes < 1):
        raise ConfigError(f"hydra.launcher.processes must be null or a positive integer, got {processes!r}")

    def execute(requests: Sequence[Request], _: Path) -> list[Outcome]:
        count = processes or choose_processes(requests)
        devices = shared.devices or max(1, min(num_cores() // count, MOST_CPU_DEVICES))
        if len(requests) > 1:
            told = f"{count} programs at a time, each in a process with {devices} of {num_cores()} cores"
            print(f"launcher: vectorized, {told if count > 1 else 'in one process'}", flush=True)
        if count == 1:
            return execute_all(requests, shared)
        jobs = functools.partial(submit_to_processes, processes=count, devices=devices)
        return submit_all(requests, shared, jobs)

    return execute


def by_submitit(cluster: Mapping[str, Any], **sharing: Any) -> Execute:
    """Return what executes programs as jobs of submitit.

    Args:
        cluster: the settings of `seqlab.sweeps.cluster.submit`.
        sharing: the fields of `Sharing`.

    Raises:
        ConfigError: a value of `sharing` that is not legal, or jobs of several processes.
    """
    shared = sharing_of(sharing)
    require_one_process(cluster)

    def execute(requests: Sequence[Request], folder: Path) -> list[Outcome]:
        jobs = functools.partial(submit, folder=folder / ".submitit", settings=cluster)
        return submit_all(requests, shared, jobs)

    return execute


def by_ray(**settings: Any) -> Execute:
    """Connect to Ray, and return what executes programs as its tasks.

    Args:
        settings: the fields of `Sharing` and of `RayCluster`.

    Raises:
        ConfigError: a value that is not legal, or a cluster that cannot be had.
    """
    sharing = sharing_of({name: settings.pop(name) for name in SHARING if name in settings})
    with blame("hydra.launcher."):
        cluster = RayCluster(**settings)
    cluster.connect()
    jax.config.update("jax_platforms", "cpu")  # this process only makes the runs: GPUs are for the tasks

    def execute(requests: Sequence[Request], folder: Path) -> list[Outcome]:
        return submit_all(requests, sharing, functools.partial(cluster.submit, logs=folder / ".ray"))

    return execute


def sharing_of(fields: Mapping[str, Any]) -> Sharing:
    """Return how runs share a program, from keys of `hydra.launcher`."""
    with blame("hydra.launcher."):
        return Sharing(**fields)


class SweepLauncher:
    """Executes the jobs of a sweep."""

    def __init__(
        self, context: HydraContext, config: DictConfig, execute: Execute, sharing: Sharing | None
    ) -> None:
        """Prepare to launch.

        Args:
            context: Hydra's. Its config loader is replaced by one that copies similar configs, which the
                sweeper then uses too.
            config: the config of the sweep.
            execute: executes the runs.
            sharing: how the trials of a search share a program of this process; None where jobs are executed
                elsewhere.
        """
        context.config_loader = cast("ConfigLoader", CopyingLoader(context.config_loader))
        self._context, self._config = context, config
        self._execute, self._sharing = execute, sharing

    def search(self, trials: Trials, size: int) -> bool:
        """Execute the trials of a search, each as soon as there is room for it in a program of this process.

        Args:
            trials: the trials.
            size: how many run at a time.

        Returns:
            Whether it did so. Where jobs are executed elsewhere, the trials are to be launched in batches.
        """
        if self._sharing is None:
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
        with _uncollected():
            results = [
                self._open(initial_job_idx + index, list(overrides))
                for index, overrides in enumerate(job_overrides)
            ]
        requests = [result.return_value for result in results]
        gc.freeze()  # a full collection would look through the million objects of a hundred configs
        try:
            with _how_to_continue(sweep_folder):
                outcomes = self._execute(requests, sweep_folder)
        finally:
            gc.unfreeze()
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
def _uncollected() -> Generator[None]:
    """Keep Python's garbage collector from looking through objects of which all are still needed."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _how_to_continue(folder: Path) -> Generator[None]:
    """Print the command that continues a sweep where it is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"to continue: {command_line(resuming(folder))}", flush=True)
        raise
