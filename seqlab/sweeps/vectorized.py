"""How does Hydra hand a sweep's jobs over, to be trained as few programs?"""

from __future__ import annotations

import copy
import logging
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from seqlab.runs.execution import Job, concluded
from seqlab.runs.objects import VARYING
from seqlab.sweeps.programs import Together, submit_jobs, train_jobs

_log = logging.getLogger(__name__)

PLUGIN = "hydra_plugins.seqlab"
"""The name under which Hydra finds this module."""


class VectorizedLauncher(Launcher):
    """Hydra's launcher that trains jobs which differ in numbers alone as one program.

    Every job keeps its own run folder, and what it leaves there is what it leaves when run alone.
    """

    def __init__(self, cluster: Mapping[str, Any] | None = None, **together: Any) -> None:
        """Take what `submitted` asks about a cluster, None for this machine; and the fields of `Together`."""
        self._cluster, self._together = cluster, Together(**together)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        # The sweeper composes every job to see that it is legal, and so does this launcher: from the same
        # context, and so from one loader that knows jobs which are alike.
        hydra_context.config_loader = AlikeLoader(hydra_context.config_loader)
        self._context, self._config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        setup_globals()
        hydra = self._config.hydra
        configure_log(hydra.hydra_logging, hydra.verbose)
        Path(str(hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        returns = [
            self._opened(initial_job_idx + index, list(overrides))
            for index, overrides in enumerate(job_overrides)
        ]
        jobs = [done.return_value for done in returns]
        if self._cluster is None:
            outcomes = train_jobs(jobs, self._together)
        else:
            logs = Path(str(hydra.sweep.dir)) / ".submitit"
            outcomes = submit_jobs(jobs, self._together, logs, self._cluster)
        for done, outcome in zip(returns, outcomes, strict=True):
            try:
                done.return_value = concluded(outcome)
            except Exception as error:
                done.return_value, done.status = error, JobStatus.FAILED
        return returns

    def _opened(self, number: int, overrides: list[str]) -> JobReturn:
        """Make a job's folder with its `.hydra/`; what is returned is the job."""
        _log.info("\t#%d : %s", number, " ".join(filter_overrides(overrides)))
        config = self._context.config_loader.load_sweep_config(self._config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        return run_job(
            task_function=_job_of,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self._context,
        )


def register() -> None:
    """Let Hydra know the launcher, which `conf/hydra/launcher/vectorized.yaml` names.

    Hydra makes launchers of the package `hydra_plugins` alone, and imports all of it wherever any Hydra
    application starts. So this module joins it under another name, in our own commands alone.
    """
    try:
        import hydra_plugins
    except ImportError:
        hydra_plugins = types.ModuleType("hydra_plugins")
        hydra_plugins.__path__ = []
        sys.modules["hydra_plugins"] = hydra_plugins
    VectorizedLauncher.__module__ = PLUGIN
    hydra_plugins.seqlab = sys.modules[PLUGIN] = sys.modules[__name__]
    Plugins.instance().register(VectorizedLauncher)


class AlikeLoader:
    """A config loader that composes one of the jobs that differ in numbers alone, and copies it for the rest.

    All but `load_sweep_config` is the loader's that it stands before.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        """Start with nothing composed."""
        self._loader = loader
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._parsed: dict[str, Override] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Compose the config of one job; see Hydra's `ConfigLoader`."""
        keys = [override.partition("=")[0] for override in sweep_overrides]
        alike = tuple(
            key if key in VARYING else override for key, override in zip(keys, sweep_overrides, strict=True)
        )
        if alike not in self._composed:
            self._composed[alike] = self._loader.load_sweep_config(master_config, sweep_overrides)
        config = copy.deepcopy(self._composed[alike])
        parsed = [self._parse(override) for override in sweep_overrides]
        own = [override for override in parsed if not override.is_hydra_override()]
        for override in own:
            if override.key_or_group in VARYING:
                OmegaConf.update(config, override.key_or_group, override.value())
        config.hydra.overrides.task = [override.input_line for override in own]
        naming = config.hydra.job.config.override_dirname
        config.hydra.job.override_dirname = get_overrides_dirname(
            own, kv_sep=naming.kv_sep, item_sep=naming.item_sep, exclude_keys=naming.exclude_keys
        )
        return config

    def _parse(self, override: str) -> Override:
        if override not in self._parsed:
            parser = OverridesParser.create(config_loader=self._loader)
            self._parsed[override] = parser.parse_override(override)
        return self._parsed[override]


def _job_of(config: DictConfig) -> Job:
    """Return the job that Hydra would have run."""
    runtime = HydraConfig.get().runtime
    return Job(config, runtime.choices, Path(runtime.output_dir))
